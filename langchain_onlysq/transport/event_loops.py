"""The event loop that async calls run on, which has to be one of asyncio's."""

from __future__ import annotations

import asyncio

from langchain_onlysq.errors import OnlySqConnectionError


def running_loop() -> asyncio.AbstractEventLoop:
    """Return the running event loop.

    Raises:
        OnlySqConnectionError: If there is none, or it is one of another library, such as trio.
    """
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        msg = (
            "No event loop of asyncio is running, which async calls need: run them with "
            "asyncio.run(…), or make sync calls in threads where trio or another library runs."
        )
        raise OnlySqConnectionError(msg, code="configuration") from None
