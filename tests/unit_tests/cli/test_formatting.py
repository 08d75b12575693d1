"""Values as text: safe to show, and the rows of the table of models."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from langchain_onlysq.cli.formatting import clean, model_rows, one_line, plain_table

FIELDS = ("modality", "can_tools", "can_stream", "can_think", "status", "cost")


def model(name: str, **known: Any) -> Any:
    return SimpleNamespace(id=name, **{**dict.fromkeys(FIELDS), **known})


def test_texts_that_are_safe_to_show() -> None:
    every = "".join(map(chr, range(0x100)))
    assert clean(every).count("\ufffd") == 32 + 33 - 3
    assert clean("a\r\nb\tc é") == "a\nb\tc é"
    assert one_line(" a\r\n\n b\x85c\x1bd ") == "a b c\ufffdd"


def test_rows_are_sorted_and_complete() -> None:
    b = model("b", modality="text", can_tools=True, can_stream=False, status="work", cost=0.5)
    assert model_rows([b, model("a", modality="")]) == [
        ("id", "modality", "tools", "streaming", "thinking", "status", "cost"),
        ("a", "-", "-", "-", "-", "-", "-"),
        ("b", "text", "yes", "no", "-", "work", "0.5"),
    ]


@pytest.mark.parametrize(
    ("cost", "cell"), [(2.0, "2"), (3, "3"), (0.25, "0.25"), ("1 \n\x1b2", "1 \ufffd2")]
)
def test_cells(cost: Any, cell: str) -> None:
    assert model_rows([model("m", cost=cost)])[1][-1] == cell


def test_a_plain_table_is_aligned_without_spaces_at_the_end() -> None:
    assert plain_table([("id", "tools", "x"), ("longer", "y", "")]) == (
        "id      tools  x\nlonger  y\n"
    )
