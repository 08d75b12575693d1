"""A local OnlySq for tests: no network, no key.

Example:
    >>> with LocalOnlySq("Hello!") as server:
    ...     ChatOnlySq(model="gpt-4o-mini", base_url=server.base_url).invoke("Hi").content
    'Hello!'
"""

from typing import Any

from langchain_onlysq.testing.bodies import catalogue, chunk, completion, tool_call
from langchain_onlysq.testing.replies import (
    Close,
    Heartbeats,
    Hold,
    Pause,
    Reply,
    ReplyLike,
    Reset,
    Step,
)
from langchain_onlysq.testing.requests import Headers, Request
from langchain_onlysq.testing.server import LocalOnlySq

__all__ = [
    "Close",
    "Headers",
    "Heartbeats",
    "Hold",
    "LocalOnlySq",
    "Pause",
    "Reply",
    "ReplyLike",
    "Request",
    "Reset",
    "Step",
    "catalogue",
    "chunk",
    "completion",
    "tool_call",
]


def __getattr__(name: str) -> Any:
    """Load the fixture only when it is asked for: it needs pytest."""
    if name == "local_onlysq":
        from langchain_onlysq.pytest_plugin import local_onlysq

        return local_onlysq
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)
