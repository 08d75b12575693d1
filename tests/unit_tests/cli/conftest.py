"""What every test of the command line needs."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from langchain_onlysq.testing import LocalOnlySq


@pytest.fixture(autouse=True)
def _ctrl_c_works() -> Iterator[None]:
    """Handle SIGINT as Python does by default: a job in the background ignores it.

    A process that is started meanwhile has the default, too: handlers do not survive exec, whereas
    an ignored signal stays ignored.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(autouse=True)
def _asks_the_local_server(server: LocalOnlySq, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONLYSQ_API_BASE", server.base_url)
