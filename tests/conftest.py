"""Tests reach nothing but loopback, unless the real service was asked for."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
import pytest_socket
from hypothesis import settings

from langchain_onlysq.testing import LocalOnlySq, local_onlysq

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["local_onlysq"]

LIVE = bool(os.environ.get("ONLYSQ_LIVE"))


settings.register_profile("patient", deadline=None)
settings.load_profile("patient")
"""How fast a machine is says nothing about the code."""


def pytest_runtest_setup(item: pytest.Item) -> None:
    if not LIVE and not item.config.getoption("--disable-socket"):
        pytest_socket.socket_allow_hosts(["127.0.0.1", "::1", "localhost"], allow_unix_socket=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what asks for a server; a test that starts one itself is marked where it stands."""
    for item in items:
        if {"server", "local_onlysq"} & set(getattr(item, "fixturenames", ())):
            item.add_marker("sockets")


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the developer's own key and settings out of the tests."""
    if LIVE:
        return
    for name in ("ONLYSQ_API_KEY", "ONLYSQ_API_BASE", "LC_OUTPUT_VERSION"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have no proxies around, whatever the developer's environment names."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hardly wait before an attempt is made again."""
    monkeypatch.setattr("langchain_onlysq.transport.retries._FIRST_WAIT", 0.01)


@pytest.fixture
def server() -> Iterator[LocalOnlySq]:
    with LocalOnlySq() as running:
        yield running
