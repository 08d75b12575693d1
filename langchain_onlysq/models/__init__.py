"""The models that are on offer, and what is known of well-known ones.

In: an address and a key, or a model id. Out: the entries of the catalogue, or a profile.
Imports `transport` and the rooms below it.
"""
