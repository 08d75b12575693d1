"""Deltas -> what the caller gets: messages, chunks, events, objects. Pure.

In: the deltas of an answer, and its end. Out: LangChain's objects. Imports `response` alone.
"""
