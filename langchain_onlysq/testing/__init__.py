"""A local OnlySq for tests: no network, no key.

In: scripted replies. Out: a server on loopback, and the requests that it received. Imports nothing
of the rest of the package.

Example:
    >>> with LocalOnlySq("Hello!") as server:
    ...     ChatOnlySq(model="gpt-4o-mini", base_url=server.base_url).invoke("Hi").content
    'Hello!'
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from langchain_onlysq.testing.bodies import catalogue, chunk, completion, tool_call
    from langchain_onlysq.testing.fixture import local_onlysq
    from langchain_onlysq.testing.replies import Reply, ReplyLike
    from langchain_onlysq.testing.requests import Headers, Request
    from langchain_onlysq.testing.server import LocalOnlySq
    from langchain_onlysq.testing.steps import Close, Heartbeats, Hold, Pause, Reset, Step

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
    "local_onlysq",
    "tool_call",
]

_MODULES = {
    "Headers": "requests",
    "LocalOnlySq": "server",
    "Reply": "replies",
    "ReplyLike": "replies",
    "Request": "requests",
    "catalogue": "bodies",
    "chunk": "bodies",
    "completion": "bodies",
    "local_onlysq": "fixture",
    "tool_call": "bodies",
}
"""Public name -> its module; all other names are of steps."""


def __getattr__(name: str) -> Any:
    """Load a public name when it is first asked for.

    pytest loads the fixture in every run, also where h11, which the server needs, is missing.
    """
    if name not in __all__:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    module = import_module(f"{__name__}.{_MODULES.get(name, 'steps')}")
    value = getattr(module, name)
    globals()[name] = value
    return value
