"""Bytes of an answer -> deltas, and the end of the answer. Pure.

In: bytes, cut anywhere. Out: text, reasoning and parts of tool calls (`deltas`), then metadata and
usage, or an error. Imports `settings` and `errors`; nothing of LangChain but types.
"""
