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
def _no_proxies(no_proxies: None) -> None:
    """Have none around."""
