"""Async calls need a loop of asyncio, and say so where another library runs them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from langchain_onlysq import ChatOnlySq, OnlySqConnectionError, acheck, alist_models
from langchain_onlysq.transport.clients import Clients, ClientSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

OWN = httpx.AsyncClient()
CALLS: dict[str, Callable[[], Coroutine[Any, Any, Any]]] = {
    "aclose": lambda: ChatOnlySq(model="m").aclose(),
    "a client": lambda: Clients().alease(ClientSettings()),
    "alist_models": alist_models,
    "alist_models with a client": lambda: alist_models(http_client=OWN),
    "acheck": lambda: acheck("m"),
    "acheck with a client": lambda: acheck("m", http_client=OWN),
}


@pytest.mark.parametrize("name", CALLS)
def test_without_one(name: str) -> None:
    with pytest.raises(OnlySqConnectionError, match=r"asyncio\.run") as caught:
        CALLS[name]().send(None)
    assert caught.value.code == "configuration"
