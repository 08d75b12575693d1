"""What the tests of the command line share: the command, a local server, and Ctrl-C."""

from __future__ import annotations

import io
import signal
import sys
import threading
from collections.abc import Iterator

import pytest

from langchain_onlysq.cli import main
from langchain_onlysq.testing import LocalOnlySq, Reply, ReplyLike, Request, chunk
from tests.support.command_line import Result, Run


@pytest.fixture(autouse=True)
def _ctrl_c_works() -> Iterator[None]:
    """Handle SIGINT as Python does by default; where the tests are a background job, it is ignored.

    This holds for the processes that a test starts, too: across exec, an ignored signal stays
    ignored, but a handled one becomes the default again.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(autouse=True)
def _asks_the_local_server(server: LocalOnlySq, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONLYSQ_API_BASE", server.base_url)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the command in this process, without a terminal."""

    def run(*arguments: str, stdin: bytes | None = None) -> Result:
        if stdin is not None:
            piped = io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8")
            monkeypatch.setattr(sys, "stdin", piped)
        status = main(arguments)
        return Result(status, *capsys.readouterr())

    return run


@pytest.fixture
def ctrl_c() -> ReplyLike:
    """Press Ctrl-C for whoever waits for this reply."""

    def interrupt(_: Request) -> Reply:
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        return Reply.stream([chunk("never seen")])

    return interrupt
