"""Both faces of the check, and no proxies around it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from langchain_onlysq import Report, acheck, check
from tests.support.healthy import Checker


def _async_check(*args: Any, **kwargs: Any) -> Report:
    return asyncio.run(acheck(*args, **kwargs))


@pytest.fixture(params=[check, _async_check], ids=["sync", "async"])
def checker(request: pytest.FixtureRequest) -> Checker:
    run: Checker = request.param
    return run


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
