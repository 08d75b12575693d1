"""Tools as plain text, for a wire that has no place for them. Pure.

Two doors: `wording` says what the model is told, `reader` finds calls in the text that it answers
with. Imports `outputs` and `response`; never `request`.
"""
