"""Text on its way out: `<think>` blocks and stop sequences, wherever the pieces are cut."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from langchain_onlysq.response.deltas import Delta, Reasoning
from langchain_onlysq.response.text_filters import StopCutter, ThinkSplitter, held_back
from tests.support.properties import patient
from tests.support.sliced_text import SlicedText

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


@pytest.mark.parametrize(
    ("text", "marks", "size"),
    [
        ("", ("END",), 0),
        ("abc", ("END",), 0),
        ("abcE", ("END",), 1),
        ("abcEN", ("END",), 2),
        ("E", ("END",), 1),
        ("EE", ("END",), 1),
        ("abcEND", ("END",), 0),
        ("aab", ("aabaa",), 3),
        ("xaa", ("aaa",), 2),
        ("x\n", ("\n\nHuman", "\n"), 1),
        ("ab", ("bcd", "abc"), 2),
        ("ab", ("abc", "bcd"), 2),
        ("abc", (), 0),
        ("x", ("x",), 0),
    ],
)
def test_what_may_be_the_start_of_a_mark_is_held_back(
    text: str, marks: Sequence[str], size: int
) -> None:
    assert held_back(text, marks) == size


def text_of(deltas: Iterable[Delta]) -> str:
    return "".join(delta for delta in deltas if isinstance(delta, str))


def joined(deltas: list[Delta]) -> tuple[str, str]:
    reasoning = "".join(delta for delta in deltas if isinstance(delta, Reasoning))
    return reasoning, text_of(delta for delta in deltas if not isinstance(delta, Reasoning))


def split(*pieces: str, whole: bool = True) -> tuple[str, str]:
    splitter = ThinkSplitter()
    deltas = [delta for piece in pieces for delta in splitter.feed(piece)]
    deltas += splitter.close(whole=whole)
    assert all(deltas), "no empty piece is delivered"
    return joined(deltas)


THINK_TABLE = [
    ("", ("", "")),
    ("Hello", ("", "Hello")),
    ("  Hello ", ("", "  Hello ")),
    (" \n ", ("", " \n ")),
    ("<think>hm</think>Yes", ("hm", "Yes")),
    ("<think>\n hm \n</think>\n\n Yes \n", ("hm", "Yes \n")),
    (" \n<think>hm</think>Yes", ("hm", "Yes")),
    ("<think></think>Yes", ("", "Yes")),
    ("<think>\n\n</think>\n\nYes", ("", "Yes")),
    ("<think>a\n\nb</think>Yes", ("a\n\nb", "Yes")),
    ("<think>a < b </thin k></think>Yes", ("a < b </thin k>", "Yes")),
    ("<think>a <think> b</think> c</think>", ("a <think> b", "c</think>")),
    ("<think>a</think> b <think>c</think>", ("a", "b <think>c</think>")),
    ("The tag <think> is", ("", "The tag <think> is")),
    ("<thinking>x</thinking>", ("", "<thinking>x</thinking>")),
    ("<thi", ("", "<thi")),
    ("<", ("", "<")),
    ("<b>bold</b>", ("", "<b>bold</b>")),
    ("</think>Yes", ("", "</think>Yes")),
    ("<think>думаю 🌍</think>да", ("думаю 🌍", "да")),
    ("<think>", ("", "")),
    ("<think> \n", ("", "")),
    ("<|channel|>analysis<|message|> hm <|end|>\n<|channel|>final<|message|>Yes", ("hm", "Yes")),
    (
        "<|start|>\n<|channel|>analysis\n<|message|>hm\n<|end|><|channel|>final\n<|message|>Yes\n",
        ("hm", "Yes\n"),
    ),
    ("<|channel|>analysis<|message|>a<|channel|>final<|message|>b", ("a", "b")),
    ("<|channel|>analysis<|message|>a <|start|>assistant x", ("a", "<|start|>assistant x")),
    (
        "<|channel|>analysis<|message|>a<|end|><|channel|>analysis<|message|>b<|end|>c",
        ("ab", "c"),
    ),
    ("<|channel|>commentary to=assistant<|channel|>final<|message|>Yes", ("", "Yes")),
    ("<|channel|>commentary<|message|>Well<|call|>\n Yes", ("", "Well\n Yes")),
    ("<|channel|>commentary<|message|>Well<|end|><|channel|>final<|message|>.", ("", "Well.")),
    ("<|channel|>final<|message|>", ("", "")),
    ("<|channel|>final<|mess", ("", "<|channel|>final<|mess")),
    (
        "<|channel|>commentary to=w<|message|>{}<|call|>",
        ("", "<|channel|>commentary to=w<|message|>{}<|call|>"),
    ),
    ("<|channel|>hm<|message|>Yes", ("", "<|channel|>hm<|message|>Yes")),
    (
        "<|channel|>" + "final " * 30 + "<|message|>",
        ("", "<|channel|>" + "final " * 30 + "<|message|>"),
    ),
]


@pytest.mark.parametrize(("text", "expected"), THINK_TABLE)
def test_a_leading_think_block_is_reasoning_wherever_it_is_cut(
    text: str, expected: tuple[str, str]
) -> None:
    assert split(text) == expected
    assert split(*text) == expected
    for offset in range(len(text) + 1):
        assert split(text[:offset], text[offset:]) == expected
        assert split(text[:offset], "", text[offset:], whole=False) == expected


@pytest.mark.parametrize("thought", ["half a thought", "a </thi", "a </", " 1 < 2", "a\n\nb"])
def test_a_block_that_a_whole_answer_never_closes_is_text_too(thought: str) -> None:
    for pieces in ((f"<think>{thought}",), (*f"<think>{thought}",)):
        assert split(*pieces) == (thought.strip(), thought.strip())


@pytest.mark.parametrize("thought", ["half a thought", "a </thi", "a\n\nb"])
def test_a_block_that_was_cut_off_is_reasoning_alone(thought: str) -> None:
    for pieces in ((f"<think>{thought}",), (*f"<think>{thought}",)):
        assert split(*pieces, whole=False) == (thought, "")


def test_reasoning_is_delivered_as_it_comes() -> None:
    splitter = ThinkSplitter()
    assert splitter.feed("<think>one") == ["one"]
    assert splitter.feed(" ") == []
    assert splitter.feed("two</th") == [" two"]
    assert splitter.feed("ink>") == []
    assert splitter.feed("\n") == []
    assert splitter.feed("three") == ["three"]
    assert splitter.feed(" four") == [" four"]
    assert splitter.feed("") == []
    assert splitter.close(whole=True) == []


def test_reasoning_is_marked_as_such_and_text_is_not() -> None:
    splitter = ThinkSplitter()
    deltas = splitter.feed("<think>one</think>two")
    assert [type(delta) for delta in deltas] == [Reasoning, str]


words = st.sampled_from(["<think>", "</think>", "<", "</", "think>", " ", "\n", "a", "Ж", "🌍"])


@patient
@given(st.lists(words, max_size=12))
def test_any_cut_splits_alike(pieces: list[str]) -> None:
    text = "".join(pieces)
    for whole in (True, False):
        assert split(*pieces, whole=whole) == split(text, whole=whole) == split(*text, whole=whole)


@patient
@given(st.lists(words, max_size=12))
def test_text_without_a_leading_block_is_untouched(pieces: list[str]) -> None:
    text = "x" + "".join(pieces)
    assert split("x", *pieces) == ("", text)


@pytest.mark.parametrize(
    "text",
    [
        " " * 5_000,
        "<think>" + " " * 5_000,
        "<think>" + "</thin" * 1_000,
        "<think>" + "<|tool_call_begin|> " * 300,
        "<|channel|>analysis<|message|>x<|end|>" * 200,
        "<|channel|>final<|message|>x<|end|>\n" * 200,
    ],
)
def test_no_text_is_looked_at_again_and_again(text: str) -> None:
    splitter = ThinkSplitter()
    before = SlicedText.copied
    splitter.feed(SlicedText(text))
    assert SlicedText.copied - before < 3 * len(text)
    splitter = ThinkSplitter()
    for at in range(0, len(text), 7):
        splitter.feed(text[at : at + 7])
        assert len(splitter._text) < 100


def cut(stops: Sequence[str], *pieces: str) -> tuple[str, bool]:
    cutter = StopCutter(stops)
    deltas = [delta for piece in pieces for delta in cutter.feed(piece)]
    deltas += cutter.close(whole=True)
    assert all(deltas), "no empty piece is delivered"
    return text_of(deltas), cutter.hit


@pytest.mark.parametrize(
    ("text", "stops", "expected", "hit"),
    [
        ("Hello", ["END"], "Hello", False),
        ("Hello END more", ["END"], "Hello ", True),
        ("END", ["END"], "", True),
        ("Hello EN", ["END"], "Hello EN", False),
        ("EENDx", ["END"], "E", True),
        ("EN END", ["END"], "EN ", True),
        ("a\nb\n\nc", ["\n\n"], "a\nb", True),
        ("one two", ["two", "one"], "", True),
        ("x STOP y END", ["END", "STOP"], "x ", True),
        ("xabcy", ["abc", "b"], "x", True),
        ("xabdy", ["abc", "b"], "xa", True),
        ("xab", ["abc", "b"], "xa", True),
        ("xabcd", ["b", "bcd"], "xa", True),
        ("aabaabaaa", ["aabaaa"], "aab", True),
        ("Привет, мир", ["мир"], "Привет, ", True),
        ("", ["END"], "", False),
        ("END END", ["END"], "", True),
    ],
)
def test_text_ends_before_the_first_stop_sequence_wherever_it_is_cut(
    *, text: str, stops: list[str], expected: str, hit: bool
) -> None:
    assert cut(stops, text) == (expected, hit)
    assert cut(stops, *text) == (expected, hit)
    for offset in range(len(text) + 1):
        assert cut(stops, text[:offset], "", text[offset:]) == (expected, hit)


def test_no_part_of_a_stop_sequence_is_delivered() -> None:
    cutter = StopCutter(["STOP"])
    assert cutter.feed("abST") == ["ab"]
    assert cutter.feed("O") == []
    assert cutter.feed("P more") == []
    assert cutter.hit
    assert cutter.feed("STO") == []
    assert cutter.close(whole=True) == []


def test_what_only_looked_like_a_stop_sequence_is_delivered() -> None:
    cutter = StopCutter(["STOP"])
    assert cutter.feed("abST") == ["ab"]
    assert cutter.feed("ART ST") == ["START "]
    assert cutter.close(whole=False) == ["ST"]
    assert cutter.close(whole=False) == []
    assert not cutter.hit


@patient
@given(
    st.lists(st.text("ab\n", min_size=1, max_size=4), min_size=1, max_size=3),
    st.lists(st.text("ab\n", max_size=4), max_size=6),
)
@example(["aab", "a"], ["a", "ab"])
@example(["abc", "b"], ["a", "bc"])
def test_any_cut_ends_alike(stops: list[str], pieces: list[str]) -> None:
    text = "".join(pieces)
    kept, hit = cut(stops, text)
    assert cut(stops, *pieces) == (kept, hit)
    assert cut(stops, *text) == (kept, hit)


@patient
@given(st.text("ab\n", min_size=1, max_size=4), st.text("ab\n", max_size=20))
def test_one_stop_sequence_cuts_as_partition_does(stop: str, text: str) -> None:
    for offset, _ in pairwise(range(len(text) + 2)):
        assert cut([stop], text[:offset], text[offset:])[0] == text.partition(stop)[0]
