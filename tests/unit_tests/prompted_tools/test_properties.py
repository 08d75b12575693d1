"""What holds for any text: cut anywhere it reads the same, nothing is lost, time is linear."""

from __future__ import annotations

import gc
import itertools
import json
import re
import sys
from collections.abc import Iterable
from types import FrameType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_onlysq.prompted_tools.forms import FORMS, HEADERS, MARKS, RESPONSES
from langchain_onlysq.prompted_tools.reader import ToolCallReader
from langchain_onlysq.prompted_tools.text_source import Marks
from langchain_onlysq.response.deltas import TextFilter
from langchain_onlysq.response.text_filters import ThinkSplitter, close_all, pass_through
from tests.unit_tests.prompted_tools.reading import (
    ARGS,
    CALL,
    GOOD,
    SCHEMAS,
    TAGGED,
    Call,
    deltas_of,
    filtered,
    read,
    read_all_ways,
)

FRAGMENTS = [
    *("<tool_call>", "</tool_call>", "<", "{", "}", "[", "]", '"', ",", "`", "```", "~~~", "\n"),
    *(" ", "\r\n", "\\", "> ", "- ", "1. ", "x", "json", '"name":"w"', '"arguments":', ARGS),
    *(CALL, TAGGED, "\n```json\n", "\n\n", '{"name":"w","arguments":{"a":"', "\u2028", "</tool"),
    *("<TOOL_CALL>\n", '{"name":"w",', '"id":', "1", '"b":[', "}}", "</Tool_Call> "),
]
HOSTILE = st.lists(st.sampled_from(FRAGMENTS), max_size=14)


def timeline(pieces: Iterable[str], *, whole: bool = True) -> list[str | Call]:
    """Return texts and calls in their order."""
    found: list[str | Call] = [""]
    for delta in deltas_of(pieces, whole=whole):
        last = found[-1]
        if isinstance(delta, str):
            found[-1:] = [last + delta] if isinstance(last, str) else [last, delta]
        elif delta.name is not None:
            found.append((delta.name, delta.args, delta.error))
        else:
            assert not isinstance(last, str)
            found[-1] = (last[0], last[1] + delta.args, delta.error)
    return found


@given(HOSTILE.map("".join), st.data(), st.booleans())
def test_pieces_make_no_difference(text: str, data: st.DataObject, whole: bool) -> None:  # noqa: FBT001
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=5)))
    pieces = [text[a:b] for a, b in itertools.pairwise([0, *cuts, len(text)])]
    result = timeline([text], whole=whole)
    assert timeline(pieces, whole=whole) == result
    assert timeline(text, whole=whole) == result


DIALECTS = [
    *sorted(MARKS.all),
    *('{"name": "weather", "arguments": {"city": "Rome"}}', '{"city": "Rome"}', "weather", "other"),
    *(' name="weather">', "weather>", "<parameter=city>", '<parameter name="city">', "Rome"),
    *("</parameter>", "<arg_key>", "</arg_key>", "<arg_value>", "</arg_value>", "city", "[ARGS]"),
    *(
        "<|tool_call_argument_begin|>",
        "<｜tool▁sep｜>",
        "function",
        'weather(city="Rome")',
        "print(",
    ),
    *("call:weather{", "city:", '<|"|>', "<escape>", "<tool_name>", "</tool_name>", "<|message|>"),
    *("analysis", "commentary", " to=functions.weather", "final", "assistant", "<|sep|>"),
    *("<b>", "</b>", "<example>", "</example>", "<br/>", "<div ", "<think>", "</think>", "-->"),
    *("\n", " ", ",", ";", '"', "'", "{", "}", "[", "]", ")", "`", "\n```json\n", "\n```\n"),
    *("\n```tool_code\n", "text", "\\", "\u2028", "é", "İ", "all\n", "weather\n"),
]


@given(
    st.lists(st.sampled_from(DIALECTS), max_size=12).map("".join),
    st.data(),
    st.booleans(),
    st.booleans(),
)
def test_pieces_of_dialects_make_no_difference(
    text: str,
    data: st.DataObject,
    whole: bool,  # noqa: FBT001
    splits: bool,  # noqa: FBT001
) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=5)))
    pieces = [text[a:b] for a, b in itertools.pairwise([0, *cuts, len(text)])]
    result = filtered([text], SCHEMAS, whole=whole, splits=splits)
    assert filtered(pieces, SCHEMAS, whole=whole, splits=splits) == result
    assert filtered(text, SCHEMAS, whole=whole, splits=splits) == result


@given(st.lists(st.sampled_from(DIALECTS), max_size=12).map("".join))
def test_dialects_call_bound_tools_only(text: str) -> None:
    text = text.replace("<tool_call>", "")
    _, calls = filtered([text], SCHEMAS)
    assert all(name in SCHEMAS for name, _, _ in calls)
    assert filtered([text.replace("weather", "nothing")], SCHEMAS)[1] == []


PLAIN = [part for part in DIALECTS if part not in {*HEADERS, *RESPONSES, "all\n"}]


@given(st.lists(st.sampled_from(PLAIN), max_size=12).map("".join), st.booleans())
def test_text_in_which_nothing_is_called_comes_through(text: str, whole: bool) -> None:  # noqa: FBT001
    found, calls = filtered([text], SCHEMAS, whole=whole, splits=False)
    assert calls or found == text


WORD = re.compile("§[0-9]+§")
CHANNELS = [
    *("<|channel|>final<|message|>", "<|channel|>analysis<|message|>", "<|channel>thought", "§"),
    *("<|start|>assistant", "<channel|>", ">>>all\n", "<|end|>", "<think>", "</think>", "§", "§"),
]


@given(st.lists(st.sampled_from([*DIALECTS, *CHANNELS * 5]), max_size=12), st.booleans())
def test_no_word_is_lost_where_nothing_is_called(fragments: list[str], whole: bool) -> None:  # noqa: FBT001
    """What says that something is text or reasoning may go; what it says comes as one of them."""
    words = (f"§{number}§" for number in itertools.count())
    text = "".join(next(words) if part == "§" else part for part in fragments)
    filters: list[TextFilter] = [ThinkSplitter(), ToolCallReader(SCHEMAS)]
    deltas = pass_through([text], filters) + close_all(filters, whole=whole)
    said = [delta for delta in deltas if isinstance(delta, str)]
    if len(said) == len(deltas):
        assert set(WORD.findall("".join(said))) == set(WORD.findall(text))


@given(HOSTILE, st.booleans())
def test_nothing_is_lost(fragments: list[str], whole: bool) -> None:  # noqa: FBT001
    words = [f" §{number}§ " for number in range(len(fragments))]
    text = "".join(itertools.chain(*zip(fragments, words, strict=True)))
    found = timeline([text], whole=whole)
    said = "".join(item if isinstance(item, str) else item[1] for item in found)
    kept = [int(word) for word in re.findall("§([0-9]+)§", said)]
    assert kept == sorted(set(kept))
    if all(isinstance(item, str) or item[2] is None for item in found):
        assert kept == list(range(len(fragments)))


@given(st.lists(st.sampled_from(FRAGMENTS), max_size=14).map("".join))
def test_text_that_calls_nothing_comes_through(text: str) -> None:
    """Without an opening tag and without the name of a tool there is no call."""
    text = text.replace('"w"', '"v"')
    for tag in ("<tool_call>", "<TOOL_CALL>"):
        text = text.replace(tag, "<tool>")
    assert "".join(map(str, timeline([text]))) == text
    assert "".join(map(str, timeline([text], whole=False))) == text


def test_long_answers() -> None:
    big = "x" * 2_000_000
    text = f'<tool_call>{{"name":"w","arguments":{{"a":"{big}"}}}}</tool_call>'
    pieces = [text[at : at + 1000] for at in range(0, len(text), 1000)]
    assert read(pieces) == ("", [("w", f'{{"a":"{big}"}}', None)])
    for hostile in ("<" * 100_000, "{" * 100_000, "[\n" * 20_000, "`" * 100_000):
        assert read([hostile]) == (hostile, [])
    nested = '{"name":"w","arguments":{"a":\n' * 2_000
    assert read([nested]) == (nested, [])
    runs = " ".join("`" * size + f" {TAGGED}" for size in range(1, 100))
    assert len(read([runs])[1]) == 99


PROSE = st.text().map(lambda text: text.translate(dict.fromkeys(map(ord, "<{[`~"), "x")))


@given(PROSE, PROSE)
def test_texts_come_through(before: str, after: str) -> None:
    assert read_all_ways(before) == (before, [])
    found, calls = read_all_ways(f"{before}\n{TAGGED}\n{after}")
    assert calls == [GOOD]
    assert found.split() == f"{before}\n{after}".split()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(), JSON, max_size=4), st.booleans(), st.integers(1, 9))
def test_arguments_come_through(args: dict[str, object], ascii_only: bool, size: int) -> None:  # noqa: FBT001
    text = json.dumps({"name": "w", "arguments": args}, ensure_ascii=ascii_only)
    for form in (f"<tool_call>{text}</tool_call>", f"```json\n{text}\n```", text):
        pieces = [form[at : at + size] for at in range(0, len(form), size)]
        rest, ((name, found, error),) = read(pieces)
        assert (rest, name, error, json.loads(found)) == ("", "w", None, args)


BEGINNINGS = [
    *("", "<tool_call>", "<tool_call>[", "<tool_call>```", "<tool_call>{x", "x `<tool_call>{"),
    *(
        "```json\n",
        "```py\n",
        f"<tool_call>{CALL}",
        '<tool_call>{"',
        '{"name":"w","arguments":{"a":',
    ),
    *('<tool_call>{"name":"w","arguments":{"a":', '<tool_call>{"name":"w","arguments":{"a":"'),
    '<tool_call>{"name":"w","arguments":{"a":"</tool_call>',
]
REPEATED = [
    *("<", "{", "[", "`", "~", '"', "\\", "\n", " ", ",", "[\n", "{\n", "```\n", "` ", "{}\n"),
    *("<tool_call>", "<tool_call> ", "</tool_call>", "<tool_cal", "` <tool_call>{ ", "</tool_cal"),
    *("` <tool_call>{\n\n", '"</tool_call>', "\\</tool_call>", '{"name":', '{"a":\n', "> ", "1. "),
    *('<tool_call>{"name":"w","arguments":{"a":"</tool_call>\n', f"{CALL}\n", f"```\n{CALL}\n"),
    *(
        '{"name":"w","arguments":{"a":\n',
        '\n{"name":"w","arguments":{"a":"',
        TAGGED,
        f"{TAGGED} a ",
    ),
]


def steps(pieces: Iterable[str]) -> int:
    """Count the functions that are called, and the characters that they return.

    What the collector of garbage calls, at any time, is not counted.
    """
    count = 0
    gc.disable()

    def tally(_: FrameType, event: str, returned: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")
        count += len(returned) if event == "return" and isinstance(returned, str) else 0

    sys.setprofile(tally)
    try:
        deltas_of(pieces)
    finally:
        sys.setprofile(None)
        gc.enable()
    return count


def grows_in_proportion(beginning: str, repeated: str, size: int, *, in_pieces: bool) -> bool:
    """Tell whether a text three times as long takes three times the steps, or less."""
    short, long = (beginning + repeated * (size // len(repeated) * times) for times in (1, 3))
    # What is made once, such as patterns, is made before.
    deltas_of([short])
    whole = steps([long]) < 3.3 * steps([short]) + 400
    return whole and (not in_pieces or steps(long) < 3.3 * steps(short) + 400)


@pytest.mark.parametrize("beginning", BEGINNINGS)
def test_reading_takes_steps_in_proportion_to_the_text(beginning: str) -> None:
    for repeated in REPEATED:
        assert grows_in_proportion(beginning, repeated, 240, in_pieces=True), repeated


@pytest.mark.parametrize("mark", sorted(MARKS.all))
def test_marks_that_are_repeated_take_steps_in_proportion_to_the_text(mark: str) -> None:
    """A mark may look for what must follow it, but not farther than some hundred characters."""
    for repeated in (mark, f"{mark} ", f"{mark}w", f'{mark}{{"a":', f"<b>{mark}[", mark[:-1]):
        for beginning in ("", "<b>", "x `") if mark in FORMS else ("",):
            assert grows_in_proportion(beginning, repeated, 500, in_pieces=False), repeated


@pytest.mark.parametrize(
    "repeated",
    [
        *sorted(MARKS.all),
        '<invoke name="w"><parameter name="a">1</parameter></invoke>',
        "<function=w><parameter=a>1</parameter></function>",
        "<tool_call>w<arg_key>a</arg_key><arg_value>1</arg_value></tool_call>",
        '<|tool_call>call:w{a:<|"|>1<|"|>}<tool_call|>',
        ">>>w\n{}\n",
    ],
)
def test_no_marks_are_made_for_each_call(repeated: str, monkeypatch: pytest.MonkeyPatch) -> None:
    make, made = Marks.__init__, list[Marks]()

    def count(marks: Marks, *args: Iterable[str]) -> None:
        made.append(marks)
        make(marks, *args)

    deltas_of([repeated * 9])
    monkeypatch.setattr(Marks, "__init__", count)
    deltas_of([repeated * 9])
    # Those of the lines that the names of the tools make.
    assert len(made) == 1


def test_no_text_is_searched_for_backticks_again_and_again() -> None:
    """What opens inline code is never closed here, and every opening has another size."""
    texts = ["".join("`" * size + f" {TAGGED} " for size in range(1, end)) for end in (20, 40)]
    assert steps(texts[1]) / steps(texts[0]) < 1.2 * len(texts[1]) / len(texts[0])


@pytest.mark.parametrize(
    ("between", "end"), [("", ""), ("<b></b>", ""), ("<b></b>", "</b>"), ("<b>x", "</c>")]
)
def test_what_is_open_is_not_looked_at_for_each_call(between: str, end: str) -> None:
    def text(size: int) -> str:
        return "".join(f"<t{number}>" for number in range(size)) + f"{between}{TAGGED}\n" * size

    short, long = (steps([text(size) + end]) for size in (80, 240))
    assert long < 3.3 * short + 400
