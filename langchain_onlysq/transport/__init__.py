"""The only room that waits: requests are sent, and answers read, here and nowhere else.

In: requests, and generators that yield effects (`flow`). Out: bytes, and what the generators give.
Imports `request` (for the request itself), `settings` and `errors`.
"""
