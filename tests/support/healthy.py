"""What the tests of the check of the service share: a model that passes it, and what it found."""

from __future__ import annotations

from collections.abc import Callable

from langchain_onlysq import Report, check
from langchain_onlysq.health.plan import MOST_REQUESTS
from langchain_onlysq.health.report import CheckResult
from langchain_onlysq.testing import LocalOnlySq, ReplyLike, Request
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


NAMES = [
    "proxy",
    "address",
    "catalogue",
    "model",
    "key",
    "whole answer",
    "streamed answer",
    "system message",
    "tool call, prompted",
    "tool call, native",
    "JSON",
    "image",
]
ASKED = NAMES[5:]
SECRET = "sq-canary-0123456789"

Checker = Callable[..., Report]


def statuses(report: Report) -> dict[str, str]:
    return {result.name: result.status for result in report.results}


def found(report: Report, name: str) -> CheckResult:
    return next(result for result in report.results if result.name == name)


def asked(server: LocalOnlySq) -> int:
    return len(server.requests)


def at(model: str, server: LocalOnlySq, reply: ReplyLike, run: Checker = check) -> Report:
    """Check a server that answers every question with this."""
    server.reply(*[reply] * MOST_REQUESTS)
    return run(model, base_url=server.base_url)
