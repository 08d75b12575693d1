"""Hooks of a caller's own client: the usual one raises what the status says."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from typing import Any

import pytest

from langchain_onlysq import (
    ChatOnlySq,
    OnlySqAuthenticationError,
    OnlySqError,
    OnlySqRateLimitError,
    list_models,
)
from langchain_onlysq.testing import LocalOnlySq, Reply
from tests.support.four_ways import WAYS, Outcome, run

pytestmark = [pytest.mark.sockets, pytest.mark.usefixtures("short_waits")]


@pytest.fixture(params=["httpx", "httpx2"])
def library(request: pytest.FixtureRequest) -> Any:
    return pytest.importorskip(request.param, reason="it tests another library")


@pytest.fixture(params=[False, True], ids=["unread", "read"])
def reads(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


def ask(way: str, server: LocalOnlySq, library: Any, *, reads: bool, **fields: Any) -> Outcome:
    """Ask with clients that raise for a status, perhaps after reading the body."""

    def check(response: Any) -> None:
        if reads:
            response.read()
        response.raise_for_status()

    async def acheck(response: Any) -> None:
        if reads:
            await response.aread()
        response.raise_for_status()

    with ExitStack() as stack:
        client = stack.enter_context(library.Client(event_hooks={"response": [check]}))
        # Each way has an event loop of its own, which no connection may outlive.
        limits = library.Limits(max_keepalive_connections=0)
        other = library.AsyncClient(event_hooks={"response": [acheck]}, limits=limits)
        stack.callback(lambda: asyncio.run(other.aclose()))
        own = {"http_client": client, "http_async_client": other}
        return run(way, ChatOnlySq(model="m", base_url=server.base_url, **own, **fields))


@pytest.mark.parametrize("way", WAYS)
def test_a_refusal_is_what_its_status_says(
    way: str, server: LocalOnlySq, library: Any, *, reads: bool
) -> None:
    server.reply(Reply.error(401, "No such key."))
    error = ask(way, server, library, reads=reads).failure
    assert type(error) is OnlySqAuthenticationError
    assert error.status_code == 401
    assert ("No such key" in str(error)) == reads
    assert len(server.requests) == 1


@pytest.mark.parametrize("way", WAYS)
def test_it_is_retried_and_switched_as_ever(
    way: str, server: LocalOnlySq, library: Any, *, reads: bool
) -> None:
    server.reply(Reply.error(503, retry_after=0), "well")
    assert ask(way, server, library, reads=reads).answer.content == "well"
    server.reply(Reply.error(403), "well")
    answer = ask(way, server, library, reads=reads, fallback_models=["other"]).answer
    assert answer.response_metadata["attempted_models"] == ["m"]
    server.reply(Reply.error(429, retry_after=7))
    error = ask(way, server, library, reads=reads, max_retries=0).failure
    assert type(error) is OnlySqRateLimitError
    assert error.retry_after == 7


@pytest.mark.parametrize("way", WAYS)
def test_a_redirect_is_named(way: str, server: LocalOnlySq, library: Any, *, reads: bool) -> None:
    server.reply(Reply.redirect(302, "/elsewhere"))
    error = ask(way, server, library, reads=reads).failure
    assert type(error) is OnlySqError
    assert error.status_code == 302


def test_the_catalogue_too(server: LocalOnlySq, library: Any) -> None:
    server.reply_catalogue(Reply.error(401))
    hooks = {"response": [lambda response: response.raise_for_status()]}
    with library.Client(event_hooks=hooks) as client, pytest.raises(OnlySqAuthenticationError):
        list_models(base_url=server.base_url, http_client=client)
