"""The command line on a terminal: a pseudo terminal, here and around a process of its own."""

from __future__ import annotations

import json
import re
import sys
import termios
import threading
from contextlib import ExitStack
from importlib import import_module
from importlib.util import find_spec
from types import SimpleNamespace
from typing import Any, cast

import pytest

from langchain_onlysq.cli import main, ui
from langchain_onlysq.testing import (
    Hold,
    LocalOnlySq,
    Pause,
    Reply,
    ReplyLike,
    Request,
    catalogue,
    chunk,
)
from tests.support.terminal import HIDE, SHOW, opened, press_ctrl_c, started

USAGE = "gpt-4o-mini: 1 tokens in, 3 out"


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ui, "_PATIENT_SECONDS", 60.0)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "80")
    for name in ("NO_COLOR", "FORCE_COLOR", "COLORTERM"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def _no_rich(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "rich"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "rich", None)


@pytest.fixture(params=[True, False], ids=["rich", "no rich"])
def has_rich(request: pytest.FixtureRequest) -> bool:
    has: bool = request.param
    if not has:
        request.getfixturevalue("_no_rich")
    return has


def run_here(
    arguments: list[str],
    typed: str = "",
    streams: tuple[str, ...] = ("stdin", "stdout", "stderr"),
    encoding: str = "utf-8",
) -> tuple[int, str]:
    """Run the command in this process on a terminal; return its status and what was shown."""
    with opened() as terminal, pytest.MonkeyPatch.context() as patch, ExitStack() as files:
        terminal.type(typed)
        for name in streams:
            mode = "r" if name == "stdin" else "w"
            stream = open(terminal.theirs, mode, encoding=encoding, closefd=False)  # noqa: SIM115
            patch.setattr(sys, name, files.enter_context(stream))
        status = main(arguments)
        before = sys.stdout
        terminal.wait_for_all()
        assert before is sys.stdout  # also after a spinner
        return status, terminal.shown


def without_styles(shown: str) -> str:
    return re.sub(r"\x1b\[[\d;?]*[a-zA-Z]", "", shown)


# One answer


def test_a_spinner_until_the_first_piece(server: LocalOnlySq) -> None:
    server.reply(Reply.text("One two", reasoning="Let [me] think."))
    status, shown = run_here(["Hi"])
    assert status == 0
    spinner, _, answer = shown.partition(SHOW)
    assert spinner.startswith(HIDE)
    assert "waiting for gpt-4o-mini" in spinner
    assert HIDE not in answer
    reasoning, _, rest = answer.partition("One two\n")
    assert "Let [me] think." in without_styles(reasoning)
    assert "\x1b[2m" in reasoning
    assert re.fullmatch(r"\x1b\[2mgpt-4o-mini: .*\x1b\[0m\n", rest)


@pytest.mark.usefixtures("_no_rich")
def test_styles_without_rich(server: LocalOnlySq) -> None:
    server.reply(Reply.text("One", reasoning="hm", usage=None))
    status, shown = run_here(["Hi"])
    assert status == 0
    dim = "\x1b[2m{}\x1b[0m".format
    assert shown == dim("hm") + dim("\n\n") + "One\n" + dim("gpt-4o-mini: usage unknown\n")


@pytest.mark.parametrize("setting", ["NO_COLOR=1", "TERM=dumb", "TERM=unknown"])
def test_terminals_without_styles(
    setting: str, server: LocalOnlySq, monkeypatch: pytest.MonkeyPatch, *, has_rich: bool
) -> None:
    monkeypatch.setenv(*setting.split("="))
    server.reply(Reply.text("One", reasoning="hm", usage=None))
    _, shown = run_here(["Hi"])
    assert shown.endswith("hm\n\nOne\ngpt-4o-mini: usage unknown\n")
    assert not re.search(r"\x1b\[[\d;]*m", shown)
    assert (HIDE in shown) == (has_rich and setting == "NO_COLOR=1")


def test_neither_an_answer_nor_a_model_id_controls_the_terminal(server: LocalOnlySq) -> None:
    text = "[b]a[/b] :smile: \x1b]0;title\x07 \x9b2J \x7f b\r\nc\td"
    server.reply(Reply.text(text, stream_pieces=[*text]))
    _, shown = run_here(["Hi", "--model", "[b]m\x1b[2J"])
    assert "waiting for [b]m\ufffd[2J" in shown
    assert "[b]a[/b] :smile: \ufffd]0;title\ufffd \ufffd2J \ufffd b\nc\td\n" in shown
    assert "[b]m\ufffd[2J: 1 tokens in" in shown


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> ReplyLike:
    """Say soon that it takes longer; return the reply of a server that waits for that."""
    said, say = threading.Event(), ui._PlainNotes._say

    def say_it(notes: ui._PlainNotes, text: str) -> None:
        say(notes, text)
        said.set()

    def answer(_: Request) -> ReplyLike:
        assert said.wait(60)
        return "One"

    monkeypatch.setattr(ui, "_PATIENT_SECONDS", 0.05)
    monkeypatch.setattr(ui._PlainNotes, "_say", say_it)
    return answer


@pytest.mark.usefixtures("_no_rich")
def test_a_wait_is_said_in_a_line_where_there_is_no_spinner(
    server: LocalOnlySq, impatient: ReplyLike, capfd: pytest.CaptureFixture[str]
) -> None:
    server.reply(impatient)
    _, shown = run_here(["Hi"], streams=("stderr",))
    assert capfd.readouterr().out == "One\n"
    assert shown.startswith("waiting for gpt-4o-mini …\ngpt-4o-mini: ")


@pytest.mark.usefixtures("_no_rich")
def test_a_wait_is_said_once_for_a_check(server: LocalOnlySq, impatient: ReplyLike) -> None:
    slow = Reply.stream([Pause(0.2), chunk("One", finish_reason="stop")])
    server.reply(impatient, *[slow] * 6)
    _, shown = run_here(["--check"])
    assert shown.count("checking gpt-4o-mini …") == 1


def test_nothing_is_said_of_a_wait_but_on_a_terminal(
    server: LocalOnlySq, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(ui, "_PATIENT_SECONDS", 0.0)
    server.reply(Reply.stream([Pause(0.1), chunk("One", finish_reason="stop")]))
    _, shown = run_here(["Hi"], streams=("stdout",))
    assert (shown, capfd.readouterr().err) == ("One\n", "gpt-4o-mini: usage unknown\n")


def test_a_spinner_in_ascii() -> None:
    _, shown = run_here(["Hi"], encoding="ascii")
    assert "?" not in shown.replace(HIDE, "").replace(SHOW, "")


def test_reasoning_after_text_begins_a_line(server: LocalOnlySq) -> None:
    pieces: list[Any] = [
        {"reasoning_content": "\x1bhm"},
        "One",
        {"reasoning_content": "hm"},
        "Two\n",
    ]
    server.reply(Reply.stream([chunk(piece) for piece in pieces]))
    _, shown = run_here(["Hi"])
    assert "\ufffdhm\n\nOne\nhm\n\nTwo\n" in without_styles(shown)


def test_an_error_after_reasoning_begins_a_line(server: LocalOnlySq) -> None:
    server.reply(Reply.text("", reasoning="hm"))
    _, shown = run_here(["Hi"])
    assert "hm\nlangchain-onlysq: The answer has no text" in without_styles(shown)


def test_retries_are_shown_beside_the_spinner(server: LocalOnlySq) -> None:
    server.reply(Reply.error(503, "Slow.", retry_after=0))
    status, shown = run_here(["Hi"])
    assert status == 0
    assert "Attempt 1 of 3 failed" in shown
    assert shown.endswith(f"You said: Hi\n\x1b[2m{USAGE}\x1b[0m\n")


def test_errors_stand_out_in_one_line(server: LocalOnlySq) -> None:
    server.reply(Reply.error(400, "No [bold]way[/]. " + "long " * 30))
    status, shown = run_here(["Hi", "--json"])
    assert status == 1
    error = shown.partition(SHOW)[2].partition("\x1b[31m")[2]
    assert error.startswith("langchain-onlysq: OnlySq answered 400")
    assert "No [bold]way[/]." in error
    assert error.count("\n") == 1


def test_json_on_a_terminal_is_json_and_does_not_control_it(server: LocalOnlySq) -> None:
    text = "\x1b[2J \x7f \x9b2J \u202eab\u2028 \\ ж 🌍\r\n\t"
    server.reply(text)
    status, shown = run_here(["Hi", "--json"], streams=("stdin", "stdout"))
    assert status == 0
    assert json.loads(shown)["content"] == text
    assert "ж 🌍" in shown
    assert not re.search(r"[^\n\x20-\x7eж🌍]", shown)


@pytest.mark.parametrize("terminal", ["stdout", "stderr"])
def test_no_spinner_where_one_of_the_two_is_not_a_terminal(
    terminal: str, server: LocalOnlySq, capfd: pytest.CaptureFixture[str]
) -> None:
    server.reply(Reply.text("One", reasoning="hm", usage=None))
    _, shown = run_here(["Hi"], streams=(terminal,))
    out, err = capfd.readouterr()
    both = (shown + out, err) if terminal == "stdout" else (out, shown + err)
    assert both == ("One\n", "gpt-4o-mini: usage unknown\n")


@pytest.mark.parametrize("arguments", [["--json"], ["--image", "cat.png"]])
def test_json_and_images_need_a_question(arguments: list[str]) -> None:
    status, shown = run_here(arguments)
    assert status == 2
    assert "--json and --image need a question" in shown


def test_ctrl_c_shows_the_cursor_again_and_ends_the_line(
    server: LocalOnlySq, ctrl_c: ReplyLike
) -> None:
    server.reply(ctrl_c)
    status, shown = run_here(["Hi"])
    assert status == 130
    assert shown.endswith("\n")
    assert shown.rindex(SHOW) > shown.rindex(HIDE)
    assert "Traceback" not in shown


# The catalogue


LONG_ID = "a-very-long-name:[b]-of-a-model"


@pytest.mark.parametrize("columns", [20, 40, 75, 80, 120])
def test_a_table_of_models_shows_every_id_whole(
    columns: int, server: LocalOnlySq, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    server.reply_catalogue(catalogue([LONG_ID, "m"]))
    status, shown = run_here(["--models"])
    assert status == 0
    spinner, _, table = shown.partition(SHOW)
    assert spinner.startswith(HIDE)
    assert ("\x1b[1m" in table) == (columns > 86)
    assert re.search(rf"\n *{re.escape(LONG_ID)} +text +yes", without_styles(table))
    assert re.search(r"\n *m +text +yes", without_styles(table))


@pytest.mark.parametrize("term", ["dumb", "xterm"])
def test_a_table_without_styles(
    term: str, server: LocalOnlySq, monkeypatch: pytest.MonkeyPatch, *, has_rich: bool
) -> None:
    monkeypatch.setenv("TERM", term)
    monkeypatch.setenv("NO_COLOR", "1")
    server.reply_catalogue(catalogue(["m"]))
    _, shown = run_here(["--models"], streams=("stdin", "stdout"))
    assert "\x1b" not in shown
    assert ("m   text      yes" in shown) == (term == "dumb" or not has_rich)


# A conversation


def contents(request: Request) -> list[Any]:
    return [message["content"] for message in request.messages]


def test_a_conversation(server: LocalOnlySq, ctrl_c: ReplyLike) -> None:
    server.reply("One.", Reply.error(400, "No."), ctrl_c, "Two.", "Three.")
    typed = (
        "first\n\n   \nfails\nstopped\nsecond\n/models\n/model\n/model m\n/clear\n /third\n/quit\n"
    )
    status, shown = run_here(["--system", "Be brief."], typed)
    assert status == 0
    chats = [request for request in server.requests if request.method == "POST"]
    assert [contents(request) for request in chats] == [
        ["Be brief.", "first"],
        ["Be brief.", "first", "One.", "fails"],
        ["Be brief.", "first", "One.", "stopped"],
        ["Be brief.", "first", "One.", "second"],
        ["Be brief.", " /third"],
    ]
    models = [request.json["model"] for request in chats]
    assert models == ["gpt-4o-mini"] * 4 + ["m"]
    for note in (
        "400",
        "stopped; nothing is kept",
        "conversation cleared",
    ):
        assert note in shown
    assert shown.count("> ") == 12
    assert "claude-haiku-4-5" in shown


def test_a_blank_before_a_slash_makes_a_question(server: LocalOnlySq) -> None:
    status, shown = run_here([], " /quit\n /exit \n/quit \nnever\n")
    assert status == 0
    assert [request.messages[-1]["content"] for request in server.requests] == [" /quit", " /exit "]
    assert shown.count("> ") == 3


def test_a_dumb_terminal_is_not_asked_to_mark_pastes(
    server: LocalOnlySq, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    readline = SimpleNamespace(parse_and_bind=asked.append)
    monkeypatch.setitem(sys.modules, "readline", cast("Any", readline))
    for term in ("xterm", "dumb"):
        monkeypatch.setenv("TERM", term)
        assert run_here([], "/quit\n")[0] == 0
    assert asked == ["set enable-bracketed-paste on"]
    assert not server.requests


def test_ctrl_c_stops_a_command_and_not_the_conversation(
    server: LocalOnlySq, ctrl_c: ReplyLike
) -> None:
    server.reply_catalogue(ctrl_c)
    status, shown = run_here([], "/models\nHi\n/quit\n")
    assert status == 0
    assert re.search(r"\nstopped\n", without_styles(shown))
    assert "You said: Hi" in shown


def test_what_came_before_a_connection_was_lost_is_kept(server: LocalOnlySq) -> None:
    server.reply(Reply.broken_stream("One two three", after=2), "Four.")
    status, shown = run_here([], "Count\nGo on\nHi\n/quit\n")
    assert status == 0
    lost = "The connection was lost in the middle of the answer"
    said = without_styles(shown)
    assert re.search(rf"One two \n{lost}[^\n]*\nwhat came of the answer is kept\n", said)
    kept = ["Count", "One two ", "Go on", "Four."]
    assert contents(server.requests[1]) == kept[:3]
    assert contents(server.requests[-1]) == [*kept, "Hi"]


@pytest.mark.usefixtures("_no_rich")
def test_commands_and_hints(
    server: LocalOnlySq, ctrl_c: ReplyLike, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setitem(sys.modules, "readline", None)
    server.reply(ctrl_c)
    _, shown = run_here([], "stop\n/help\n/bogus x\n/\n/quit now\n/model\n\x04")
    assert re.search(r"(> |\n)\nstopped; nothing is kept", shown)  # not beside the ^C
    assert "gpt-4o-mini; type /help for commands\n" in shown
    for command in ("/model [ID]: ", "/clear: ", "/quit: "):
        assert command in shown
    for line in ("/bogus x", "/", "/quit now"):
        assert f"unknown command: {line}; type /help for commands\n" in shown
    assert shown.endswith("> gpt-4o-mini\n> \n")
    assert len(server.requests) == 1


def test_a_conversation_whose_answers_go_into_a_file(
    server: LocalOnlySq, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "readline", raising=False)
    server.reply("One.")
    status, shown = run_here([], "Hi\n\x04", streams=("stdin", "stderr"))
    assert status == 0
    assert capfd.readouterr().out == "One.\n"
    assert "readline" not in sys.modules  # some versions write to stdout when they are loaded
    assert shown.count("> ") == 2


def test_an_answer_that_cannot_be_written_ends_the_conversation(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with open("/dev/full", "w", encoding="utf-8") as full:  # noqa: PTH123
        monkeypatch.setattr(sys, "stdout", full)
        status, shown = run_here([], "Hi\nagain\n", streams=("stdin", "stderr"))
        assert status == 1
        assert "No space left" in shown


# In a process of its own


def test_ctrl_c_stops_an_answer_and_ends_a_conversation(server: LocalOnlySq) -> None:
    server.reply(Reply.stream([chunk("Once upon"), Hold()], done=False))
    with started([]) as (terminal, process):
        before = termios.tcgetattr(terminal.theirs)
        terminal.until("> ")
        terminal.type("A story\n")
        terminal.until("Once upon")
        terminal.type("\x03")
        if not terminal.shows("stopped; ", seconds=10):
            # CPython loses an interrupt that comes while an object is finalized: press again.
            terminal.type("\x03")
        terminal.until("stopped; ")
        terminal.until("> ", times=2)
        terminal.type("Hi\n")
        terminal.until("5 tokens in, 3 out")
        terminal.until("> ", times=3)
        threading.Event().wait(0.3)
        assert press_ctrl_c(terminal, process) == 130
        assert termios.tcgetattr(terminal.theirs) == before
        assert "Traceback" not in terminal.shown
    assert contents(server.requests[-1]) == ["A story", "Once upon", "Hi"]


@pytest.mark.skipif(
    find_spec("readline") is None or "libedit" in str(import_module("readline").__doc__),
    reason="the line editor of this Python knows no pastes",
)
def test_a_paste_of_several_lines_is_one_message(server: LocalOnlySq) -> None:
    with started([]) as (terminal, process):
        terminal.until("\x1b[?2004h")
        terminal.until("> ")
        terminal.type("\x1b[200~def f():\n    return 1\x1b[201~\n")
        terminal.until("tokens in")
        terminal.type("/quit\n")
        assert process.wait(60) == 0
    assert [contents(request) for request in server.requests] == [["def f():\n    return 1"]]


def test_ctrl_c_stops_one_answer(server: LocalOnlySq) -> None:
    server.reply(Reply.stream([chunk("Once upon"), Hold()], done=False))
    with started(["A story"]) as (terminal, process):
        terminal.until("Once upon")
        terminal.type("\x03")
        assert process.wait(60) == 130
        terminal.wait_for_all()
        assert re.search(r"Once upon(\^C)?\n\Z", terminal.shown), terminal.shown
        assert terminal.shown.rindex(SHOW) > terminal.shown.rindex(HIDE)
