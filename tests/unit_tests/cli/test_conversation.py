"""A conversation in a real terminal, as docs/command_line.md records it."""

from __future__ import annotations

import io
import re
import sys
from types import SimpleNamespace
from typing import Any, cast

import pytest

from langchain_onlysq import ChatOnlySq
from langchain_onlysq.cli.session import Conversation
from langchain_onlysq.cli.ui import Screen
from langchain_onlysq.testing import Hold, LocalOnlySq, Reply, catalogue, chunk
from tests.support.documentation import DOCS, blocks
from tests.support.terminal import MOST_PRESSES, Terminal, press_ctrl_c, started


@pytest.fixture(autouse=True)
def _plain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")


def shown_by(terminal: Terminal) -> str:
    """Return what was shown, without what tells a terminal how to behave, or of a slow machine."""
    shown = re.sub(r"\x1b\[[\d;?]*[a-zA-Z]|\r", "", terminal.shown)
    return shown.replace("waiting for gpt-4o-mini …\n", "")


def interrupt(terminal: Terminal, until: str) -> None:
    """Press Ctrl-C; once more if Python missed it."""
    for _ in range(MOST_PRESSES):
        terminal.type("\x03")
        if terminal.shows(until, seconds=10):
            return
    raise AssertionError(terminal.shown)


def test_the_recorded_session(server: LocalOnlySq) -> None:
    server.reply(
        "Paris.",
        Reply.error(503, "Busy.", retry_after=0),
        "The Seine.",
        Reply.stream([chunk("Once upon a time"), Hold()], done=False),
        "Lisbon.",
    )
    server.reply_catalogue(catalogue(["gpt-4o-mini", "deepseek-v3"]))
    with started(["-s", "Be brief."]) as (terminal, process):
        for number, typed in enumerate(
            [
                "What is the capital of France?\n",
                "And its rivr",
                "And its river?\n",
                "Tell me a story.\n",
                "/models\n",
                "/model deepseek-v3\n",
                "And the capital of Portugal?\n",
                "exit\n",
            ],
            start=1,
        ):
            terminal.until("> ", times=number)
            terminal.type(typed)
            if not typed.endswith("\n"):
                terminal.until(typed)
                interrupt(terminal, f"{typed}\n> ")
            if "story" in typed:
                terminal.until("Once upon a time")
                interrupt(terminal, "stopped; ")
        assert process.wait(60) == 0
        terminal.wait_for_all()
        shown = re.sub(r"(\^C)+", "^C", shown_by(terminal))
    (recorded,) = (text for text in blocks(DOCS / "command_line.md", "text") if "/models" in text)
    assert f'$ langchain-onlysq -s "Be brief."\n{shown}' == recorded
    contents = [message["content"] for message in server.requests[-1].messages]
    assert contents == [
        "Be brief.",
        *("What is the capital of France?", "Paris.", "And its river?", "The Seine."),
        *("Tell me a story.", "Once upon a time", "And the capital of Portugal?"),
    ]


def test_ctrl_c_clears_a_line_and_ends_on_an_empty_one(server: LocalOnlySq) -> None:
    with started([]) as (terminal, process):
        terminal.until("> ")
        terminal.type("half a ques")
        terminal.until("half a ques")
        interrupt(terminal, "half a ques\n> ")
        assert process.poll() is None
        assert press_ctrl_c(terminal, process) == 130
    assert not server.requests


def test_the_same_in_this_process(server: LocalOnlySq, monkeypatch: pytest.MonkeyPatch) -> None:
    lines: list[Any] = [("half", KeyboardInterrupt()), ("", "Hi"), ("", KeyboardInterrupt())]
    buffer = [""]

    def ask(_: Screen, prompt: str) -> str:
        buffer[0], line = lines.pop(0)
        if isinstance(line, BaseException):
            raise line
        return str(line)

    monkeypatch.setattr(Screen, "ask", ask)
    readline = SimpleNamespace(get_line_buffer=lambda: buffer[0])
    monkeypatch.setitem(sys.modules, "readline", cast("Any", readline))
    with ChatOnlySq(model="m", base_url=server.base_url) as llm:
        conversation = Conversation(llm, Screen(io.StringIO(), io.StringIO()), None)
        with pytest.raises(KeyboardInterrupt):
            conversation.run()
    assert lines == []
    assert len(server.requests) == 1


@pytest.mark.parametrize("word", ["exit", " quit ", "/exit", "Quit"])
def test_words_that_end_it(word: str, server: LocalOnlySq) -> None:
    with started([]) as (terminal, process):
        terminal.until("> ")
        terminal.type(f"{word}\n")
        assert process.wait(60) == 0
    assert not server.requests


def test_a_catalogue_that_fails_does_not_end_it(server: LocalOnlySq) -> None:
    server.reply_catalogue(Reply.error(401, "No"))
    with started([]) as (terminal, process):
        terminal.until("> ")
        terminal.type("/models\n")
        terminal.until("OnlySq answered 401: No. Check the key: set ONLYSQ_API_KEY; the public key")
        terminal.until("> ", times=2)
        terminal.type("/quit\n")
        assert process.wait(60) == 0
