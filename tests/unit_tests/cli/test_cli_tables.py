"""The catalogue as a table, on a terminal and in a pipe."""

from __future__ import annotations

import io
import re
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from langchain_onlysq.cli.screen import Screen
from langchain_onlysq.cli.tables import model_rows, plain_table
from langchain_onlysq.cli.texts import clean, one_line

FIELDS = ("modality", "can_tools", "can_stream", "can_think", "status", "cost")


def model(name: str, **known: Any) -> Any:
    return SimpleNamespace(id=name, **{**dict.fromkeys(FIELDS), **known})


B = model("b", modality="text", can_tools=True, can_stream=False, status="work", cost=0.5)
ROWS = model_rows([B, model("a", modality="")])


def test_rows_are_sorted_and_whole() -> None:
    assert ROWS == [
        ("id", "modality", "tools", "streaming", "thinking", "status", "cost"),
        ("a", "-", "-", "-", "-", "-", "-"),
        ("b", "text", "yes", "no", "-", "work", "0.5"),
    ]


@pytest.mark.parametrize(
    ("cost", "cell"), [(2.0, "2"), (3, "3"), (0.25, "0.25"), ("1 \n\x1b2", "1 \ufffd2")]
)
def test_cells(cost: Any, cell: str) -> None:
    assert model_rows([model("m", cost=cost)])[1][-1] == cell


def test_a_plain_table_is_aligned_without_blanks_at_the_end() -> None:
    assert plain_table([("id", "tools", "x"), ("longer", "y", "")]) == (
        "id      tools  x\nlonger  y\n"
    )


class Tty(io.StringIO):
    def isatty(self) -> bool:
        return True


def shown(rows: list[tuple[str, ...]], out: io.StringIO) -> str:
    Screen(out, io.StringIO()).table(rows)
    return out.getvalue()


def test_a_pipe_gets_plain_text() -> None:
    assert shown(ROWS, io.StringIO()) == plain_table(ROWS)


def test_a_terminal_gets_a_table_that_cuts_nothing_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("COLUMNS", "40")
    table = shown(model_rows([model("a-very-long-name:[b]-of-a-model")]), Tty())
    assert "\x1b[1m" in table
    cells = [re.split(r"\s+", line.strip())[0] for line in table.split("\n")]
    assert "a-very-long-name:[b]-of-a-model" in "".join(cells)
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in shown(ROWS, Tty())


@pytest.mark.parametrize("term", ["dumb", "xterm"])
def test_a_terminal_without_more_gets_plain_text(
    term: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", term)
    monkeypatch.setitem(sys.modules, "rich.console", None)
    assert shown(ROWS, Tty()) == plain_table(ROWS)


def test_texts_that_are_safe_to_show() -> None:
    every = "".join(map(chr, range(0x100)))
    assert clean(every).count("\ufffd") == 32 + 33 - 3
    assert clean("a\r\nb\tc é") == "a\nb\tc é"
    assert one_line(" a\r\n\n b\x85c\x1bd ") == "a b c\ufffdd"
