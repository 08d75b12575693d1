"""The service asked what works: one short request for each thing that a model can do.

In: a model id, an address, a key. Out: a report, with the answers as they came over the wire.
Imports `chat_models`, `models` and the rooms below them.
"""
