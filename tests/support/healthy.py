"""A model that passes the check of the service: it obeys, and it sees."""

from __future__ import annotations

from langchain_onlysq.testing import ReplyLike, Request
from langchain_onlysq.testing.replies import shape
from langchain_onlysq.testing.responder import respond


def healthy(request: Request) -> ReplyLike:
    """Answer one of the questions of the check."""
    asked = str(request.messages)
    if "pineapple" in asked:
        return "Pineapple!"
    if "image_url" in asked:
        return "It is red."
    if "capital of France" in asked:
        return '{"name": "Paris", "country": "France"}'
    if "one word: hello" in asked:
        return "hello"
    if "Count from one" in asked:
        return "one two three four five six seven eight nine ten"
    return shape(respond(request), request)
