"""LangChain messages, tools and settings -> the bytes of a request. Pure.

In: what a caller passes to a model. Out: a `PreparedRequest`. Imports `prompted_tools` and the
rooms below it; never `transport`.
"""
