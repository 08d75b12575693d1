"""The fields of `ChatOnlySq`, and how a call overrides them. Pure.

In: keywords and the environment. Out: checked values. Imports `errors` alone.
"""
