"""Values as text: safe to show, and the rows of the table of models."""

from __future__ import annotations

import ast
import json
import re
from types import SimpleNamespace
from typing import Any

import pytest

from langchain_onlysq.cli.formatting import (
    as_json,
    clean,
    in_flags,
    model_rows,
    one_line,
    plain_table,
)
from tests.support.paths import PACKAGE

FIELDS = ("modality", "can_tools", "can_stream", "can_think", "status", "cost")


def model(name: str, **known: Any) -> Any:
    return SimpleNamespace(id=name, **{**dict.fromkeys(FIELDS), **known})


def test_texts_that_are_safe_to_show() -> None:
    every = "".join(map(chr, range(0x100)))
    assert clean(every).count("\ufffd") == 32 + 33 - 3
    assert clean("a\r\nb\tc é") == "a\nb\tc é"
    assert one_line(" a\r\n\n b\x85c\x1bd ") == "a b c\ufffdd"


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("\x1b]52;c;YQ==\x07", "\ufffd]52;c;YQ==\ufffd"),
        ("\x9d0;title\x9c\x90q\x9c", "\ufffd0;title\ufffd\ufffdq\ufffd"),
        ("safe\rhidden", "safehidden"),
        ("a\u202eb\u2066c\u2069", "a\ufffdb\ufffdc\ufffd"),
        ("a\u2028b\u2029c", "a\nb\nc"),
        ("a\u061cb\u200ec\u200f", "abc"),
        ("\u05d0\u200f\u0061\u0301 \u200d", "\u05d0\u0061\u0301 \u200d"),
        ("\b\x0b\x0c\x7f", "\ufffd" * 4),
    ],
)
def test_what_a_terminal_would_obey(hostile: str, shown: str) -> None:
    assert clean(hostile) == shown


@pytest.mark.parametrize("ascii_only", [True, False])
def test_a_json_document_says_the_same_and_is_safe_to_show(*, ascii_only: bool) -> None:
    every = {"a": "".join(map(chr, range(0x3000))) + "\udfff\ud800 \U0001f30d"}
    document = as_json(every, ascii_only=ascii_only)
    assert json.loads(document) == every
    assert clean(document) == document
    assert document.encode()
    assert ("Ж" in document) is not ascii_only


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("Check base_url (now 'x').", "Check ONLYSQ_API_BASE (now 'x')."),
        ("Set A or pass api_key=…; the key", "Set A; the key"),
        ("(ONLYSQ_API_KEY or api_key) holds", "(ONLYSQ_API_KEY) holds"),
        ("Silent; raise stall_timeout to", "Silent; raise it with -o stall_timeout=… to"),
        ("allow_truncated_stream=True accepts", "-o allow_truncated_stream=true accepts"),
        (
            "fallback_models with fallback_when='busy'; max_wait limits",
            ("-o fallback_models=… with -o fallback_when=busy; -o max_wait=… limits"),
        ),
        ("list_models() has those on offer", "--models has those on offer"),
        ("check proxy=… and the variables", "check the variables"),
    ],
)
def test_messages_speak_of_flags(message: str, said: str) -> None:
    assert in_flags(message) == said


def messages(room: str) -> list[str]:
    """Return the texts in the code of a room, but for its docstrings."""
    found = []
    for path in (PACKAGE / room).glob("*.py"):
        nodes = [*ast.walk(ast.parse(path.read_text(encoding="utf-8")))]
        docstrings = {node.value for node in nodes if isinstance(node, ast.Expr)}
        constants = [n.value for n in nodes if isinstance(n, ast.Constant) and n not in docstrings]
        found += [text for text in constants if isinstance(text, str) and " " in text]
    return found


ARGUMENTS = re.compile(
    r"(?<!-o )\b(max_wait|fallback_\w+|api_key|base_url|onlysq_api_\w+|proxy=|rate_limiter"
    r"|trim_messages|list_models|\w+_\w+=True|tool_calling|method=|usage_metadata)"
    r"|'(native|prompted|function_calling)'|httpx\.Timeout"
)


@pytest.mark.parametrize("room", ["errors", "response", "transport", "health", "settings"])
def test_no_message_speaks_of_arguments_of_python(room: str) -> None:
    texts = [in_flags(text) for text in messages(room)]
    assert len(texts) > 10
    assert [text for text in texts if ARGUMENTS.search(text)] == []


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
