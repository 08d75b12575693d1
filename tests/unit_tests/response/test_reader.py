"""Bytes of an answer become its pieces and its end, or one error."""

from __future__ import annotations

from typing import Any

import pytest

from langchain_onlysq.errors import (
    OnlySqEmptyResponseError,
    OnlySqResponseError,
    OnlySqStreamError,
)
from langchain_onlysq.response import reader as reader_module
from langchain_onlysq.response.deltas import Reasoning
from langchain_onlysq.response.reader import AnswerReader
from langchain_onlysq.settings.call_options import CallOptions
from tests.support.answer_bodies import (
    BODIES,
    DOCUMENTS,
    FRAMINGS,
    LINE_BREAKERS,
    ODD_FRAMINGS,
    TEXTS,
    WHOLE,
    chunk,
)
from tests.support.reading import (
    CONTEXT,
    READ_USAGE,
    USAGE,
    answer,
    completion,
    delta,
    dump,
    event,
    events,
    failure,
    reasoning,
    text,
)


class TestText:
    @pytest.mark.parametrize("name", [*FRAMINGS, *DOCUMENTS])
    def test_every_token_arrives_in_every_framing(self, name: str) -> None:
        deltas, end = answer(BODIES[name])
        assert text(deltas) == "".join(TEXTS)
        assert end.metadata["finish_reason"] == "stop"
        assert end.metadata["model_name"] == "gpt-4o-mini-2024"

    @pytest.mark.parametrize("name", [*ODD_FRAMINGS, "array", "events after done"])
    def test_every_token_arrives_in_odd_framing(self, name: str) -> None:
        deltas, end = answer(BODIES[name])
        assert deltas == ["Привет 🌍", " —"]
        assert end.metadata["finish_reason"] == "stop"

    def test_pieces_are_delivered_as_they_come(self) -> None:
        reader = AnswerReader(CallOptions(model="asked"), CONTEXT)
        assert reader.feed(events(chunk("a"), done=False)) == ["a"]
        assert reader.feed(b": ping\n\n") == []
        assert reader.feed(events(chunk("b"), done=False)) == ["b"]
        assert not reader.complete
        assert not reader.finished
        assert reader.feed(events(chunk(None, "stop"), done=False)) == []
        assert reader.complete
        assert not reader.finished
        assert reader.feed(b"data: [DONE]\n\n") == []
        assert reader.finished
        assert reader.progress == 3
        assert reader.close() == []
        assert reader.end().metadata["finish_reason"] == "stop"

    def test_the_end_of_the_body_is_told_with_none(self) -> None:
        reader = AnswerReader(CallOptions(model="asked"), CONTEXT)
        assert reader.feed(events(chunk("a", "stop"), done=False)[:-2]) == []
        assert not reader.finished
        assert reader.feed(None) == []
        assert reader.finished
        assert reader.close() == ["a"]
        assert reader.end().metadata["finish_reason"] == "stop"

    def test_what_python_calls_line_ends_stays_in_the_text(self) -> None:
        assert text(answer(BODIES["line breakers"])[0]) == LINE_BREAKERS * 2

    def test_bad_utf_8_becomes_replacement_characters(self) -> None:
        assert answer(BODIES["invalid utf-8"])[0] == ["a\ufffd\ufffd(b"]

    @pytest.mark.parametrize("fields", ["content", "reasoning_content"])
    @pytest.mark.parametrize("escape", ["\\ud83d", "\\ude00", "\\ude00\\ud83d"])
    def test_lone_surrogates_are_replaced(self, escape: str, fields: str) -> None:
        body = '{"choices":[{"delta":{"%s":"a%sb"}}]}' % (fields, escape)  # noqa: UP031 - braces
        deltas, _ = answer(f"data: {body}\n\ndata: [DONE]\n\n".encode())
        assert "".join(map(str, deltas)) == "a" + "\ufffd" * (len(escape) // 6) + "b"

    @pytest.mark.parametrize(
        ("content", "expected"),
        [
            (None, ""),
            ("", ""),
            ("x", "x"),
            (7, "7"),
            (1.5, "1.5"),
            (True, "true"),
            ([], ""),
            (["x", "y"], "xy"),
            ([{"type": "text", "text": "x"}, {"type": "text", "text": "y"}], "xy"),
            ([{"type": "text", "text": None}, {"type": "text", "text": "y"}], "y"),
            ([{"type": "text"}, {"type": "output_text", "text": "y"}], "y"),
            ([{"text": "x"}], "x"),
            ([None, "x", 7], "x7"),
            ({"type": "text", "text": "x"}, "x"),
            ({"text": ["x", {"text": "y"}]}, "xy"),
        ],
    )
    def test_content_of_every_kind_is_text(self, content: Any, expected: str) -> None:
        for kind in ("delta", "message"):
            choice = {kind: {"content": content}, "finish_reason": "stop"}
            deltas, end = answer(events({"choices": [choice]}), allow_empty=True)
            assert text(deltas) == expected
            assert reasoning(deltas) == ""
            assert end.additional == {}

    def test_parts_that_are_not_text_are_kept_aside(self) -> None:
        image = {"type": "image_url", "image_url": {"url": "data:,"}}
        body = events(delta(content=[{"type": "text", "text": "x"}, image]), delta(content=[image]))
        deltas, end = answer(body)
        assert deltas == ["x"]
        assert end.additional == {"content_parts": [image, image]}

    @pytest.mark.parametrize("role", ["assistant", "model", "", None, 7])
    def test_the_role_means_nothing(self, role: Any) -> None:
        assert answer(events(delta(role=role, content="x"), delta("stop")))[0] == ["x"]

    def test_unknown_keys_mean_nothing(self) -> None:
        more = {f"key_{n}": [{"a": None}] for n in range(20)}
        body = events({**chunk("x", "stop"), **more, "answer": "old", "error": None})
        deltas, end = answer(body)
        assert deltas == ["x"]
        assert not end.metadata.keys() & more.keys()

    @pytest.mark.parametrize(
        "choice",
        [
            {"delta": None},
            {},
            {"delta": {}},
            {"delta": "x"},
            {"delta": None, "message": None},
            {"delta": [], "message": "x"},
            {"index": "0", "delta": {"content": ""}},
        ],
    )
    def test_a_choice_with_nothing_in_it_is_passed_over(self, choice: dict[str, Any]) -> None:
        deltas, _ = answer(events(delta(content="a"), event(choice), delta("stop", content="b")))
        assert deltas == ["a", "b"]

    @pytest.mark.parametrize(
        "value",
        [
            event(),
            {"object": "chat.completion.chunk"},
            {"object": "chat.completion.chunk", "choices": None},
            {"choices": [None, 7, "x"]},
            {"choices": {}},
            None,
            [],
            {},
        ],
    )
    def test_an_event_without_choices_is_passed_over(self, value: Any) -> None:
        body = events(delta(content="a"), value, delta("stop", content="b"))
        assert answer(body)[0] == ["a", "b"]

    def test_the_first_of_several_choices_is_the_answer(self) -> None:
        choices = [
            {"index": 1, "message": {"content": "second"}, "finish_reason": "length"},
            {"index": 0, "message": {"content": "first"}, "finish_reason": "stop"},
        ]
        deltas, end = answer(dump({"choices": choices}))
        assert deltas == ["first"]
        assert end.metadata["finish_reason"] == "stop"

    def test_without_an_index_the_first_one_in_the_list_is(self) -> None:
        choices = [{"message": {"content": "first"}}, {"message": {"content": "second"}}]
        assert answer(dump({"choices": choices}))[0] == ["first"]

    def test_a_large_answer_in_small_pieces(self) -> None:
        body = dump(completion({"content": "я" * (1 << 20)}))
        pieces = [body[start : start + 1024] for start in range(0, len(body), 1024)]
        assert text(answer(*pieces)[0]) == "я" * (1 << 20)


class TestWholeMessages:
    def test_a_message_in_a_stream_is_read(self) -> None:
        body = events(event({"message": {"content": "a"}}), event({"message": {"content": "b"}}))
        assert text(answer(body)[0]) == "ab"

    def test_a_whole_answer_in_a_stream_is_read(self) -> None:
        assert text(answer(events(WHOLE))[0]) == "".join(TEXTS)

    def test_a_whole_message_after_its_pieces_is_not_repeated(self) -> None:
        body = events(delta(content="a"), delta(content="b"), completion({"content": "ab"}))
        deltas, end = answer(body)
        assert deltas == ["a", "b"]
        assert end.metadata["finish_reason"] == "stop"

    @pytest.mark.parametrize("first", ["<", "hel", "  "])
    def test_nor_when_its_pieces_were_held_back(self, first: str) -> None:
        whole = f"{first}lo"
        body = events(delta(content=first), completion({"content": whole}))
        assert text(answer(body, stop=["hello world"])[0]) == first

    def test_nor_when_it_comes_beside_the_last_piece(self) -> None:
        last = event({"delta": {"content": "b"}, "message": {"content": "ab"}})
        assert text(answer(events(delta(content="a"), last))[0]) == "ab"

    def test_an_empty_delta_does_not_hide_a_message(self) -> None:
        body = events(event({"delta": {}, "message": {"content": "a"}, "finish_reason": "stop"}))
        assert answer(body)[0] == ["a"]

    def test_a_whole_message_needs_no_other_end_mark(self) -> None:
        deltas, end = answer(dump(completion({"content": "a"}, None)))
        assert deltas == ["a"]
        assert "finish_reason" not in end.metadata


class TestReasoning:
    @pytest.mark.parametrize("name", ["reasoning_content", "reasoning"])
    @pytest.mark.parametrize("kind", ["delta", "message"])
    def test_both_fields_are_reasoning(self, kind: str, name: str) -> None:
        choice = {kind: {name: "hm", "content": "Yes"}, "finish_reason": "stop"}
        deltas, _ = answer(events({"choices": [choice]}))
        assert deltas == ["hm", "Yes"]
        assert [type(piece) for piece in deltas] == [Reasoning, str]

    def test_the_same_reasoning_in_both_fields_comes_once(self) -> None:
        body = events(delta(reasoning_content="hm", reasoning="hm"), delta("stop", content="Yes"))
        deltas, _ = answer(body)
        assert (reasoning(deltas), text(deltas)) == ("hm", "Yes")

    def test_reasoning_alone_is_an_answer(self) -> None:
        deltas, _ = answer(events(delta(reasoning_content="hm"), delta("stop")))
        assert reasoning(deltas) == "hm"

    def test_reasoning_is_as_it_came_with_parsing_turned_off(self) -> None:
        body = events(delta(reasoning="hm"), delta("stop", content="<think>x</think>Yes"))
        deltas, _ = answer(body, parse_reasoning=False)
        assert (reasoning(deltas), text(deltas)) == ("hm", "<think>x</think>Yes")

    @pytest.mark.parametrize("kind", ["reasoning", "thinking"])
    def test_parts_of_reasoning_are_reasoning(self, kind: str) -> None:
        parts = [{"type": kind, kind: "hm"}, {"type": "text", "text": "Yes"}]
        deltas, _ = answer(events(delta("stop", content=parts)))
        assert (reasoning(deltas), text(deltas)) == ("hm", "Yes")

    def test_a_leading_think_block_is_reasoning(self) -> None:
        deltas, _ = answer(BODIES["think"])
        assert (reasoning(deltas), text(deltas)) == ("hmm", "Yes")
        deltas, _ = answer(dump(completion({"content": "<think>\nhmm\n</think>\n\nYes"})))
        assert (reasoning(deltas), text(deltas)) == ("hmm", "Yes")

    @pytest.mark.parametrize("finish_reason", ["stop", None])
    def test_a_block_that_is_never_closed_does_not_eat_the_answer(
        self, finish_reason: str | None
    ) -> None:
        body = events(delta(content="<think>It is"), delta(finish_reason, content=" 4."))
        deltas, _ = answer(body)
        assert (reasoning(deltas), text(deltas)) == ("It is 4.", "It is 4.")

    def test_a_block_that_was_cut_off_is_reasoning_alone(self) -> None:
        body = events(delta(content="<think>It is"), delta("length", content=" may"))
        deltas, _ = answer(body)
        assert (reasoning(deltas), text(deltas)) == ("It is may", "")

    def test_a_block_in_a_stream_that_broke_off_is_reasoning_alone(self) -> None:
        deltas, error = failure(events(delta(content="<think>It is"), done=False))
        assert type(error) is OnlySqStreamError
        assert (reasoning(deltas), text(deltas)) == ("It is", "")

    @pytest.mark.parametrize("content", ["<think></think>", " <think>\n\n</think>\n\n"])
    def test_an_empty_block_is_not_an_answer(self, content: str) -> None:
        deltas, error = failure(events(delta("stop", content=content)))
        assert type(error) is OnlySqEmptyResponseError
        assert deltas == []


class TestStops:
    @pytest.mark.parametrize("cut", range(10))
    def test_the_answer_ends_before_a_stop_sequence_also_over_pieces(self, cut: int) -> None:
        whole = "one STOP two"
        body = events(delta(content=whole[:cut]), delta(content=whole[cut:]), delta("length"))
        deltas, end = answer(body, stop=["STOP"])
        assert text(deltas) == "one "
        assert end.metadata["finish_reason"] == "stop"

    def test_nothing_is_read_after_a_stop_sequence(self) -> None:
        reader = AnswerReader(CallOptions(model="asked", stop=["STOP"]), CONTEXT)
        assert reader.feed(events(chunk("one ST"), done=False)) == ["one "]
        assert not reader.finished
        assert reader.feed(events(chunk("OP"), chunk("more"), {"error": "x"})) == []
        assert reader.finished
        assert reader.complete
        assert reader.close() == []
        assert reader.end().metadata["finish_reason"] == "stop"

    def test_what_only_looked_like_one_is_delivered_at_the_end(self) -> None:
        assert text(answer(events(delta("stop", content="one ST")), stop=["STOP"])[0]) == "one ST"
        deltas, error = failure(events(delta(content="one ST"), done=False), stop=["STOP"])
        assert text(deltas) == "one ST"
        assert type(error) is OnlySqStreamError

    def test_what_is_held_back_by_both_filters_is_delivered(self) -> None:
        assert text(answer(events(delta("stop", content=" <th")), stop=["<those>"])[0]) == " <th"

    def test_one_that_shows_only_at_the_end_ends_the_answer_too(self) -> None:
        body = events(delta("length", content="xab"))
        deltas, end = answer(body, stop=["abc", "b"])
        assert text(deltas) == "xa"
        assert end.metadata["finish_reason"] == "stop"

    def test_reasoning_is_not_searched(self) -> None:
        body = events(delta(content="<think>STOP</think>a"), delta("stop", content="b STOP c"))
        deltas, _ = answer(body, stop=["STOP"])
        assert (reasoning(deltas), text(deltas)) == ("STOP", "ab ")
        body = events(delta(reasoning_content="a STOP"), delta("stop", content="b"))
        deltas, _ = answer(body, stop=["STOP"])
        assert (reasoning(deltas), text(deltas)) == ("a STOP", "b")

    def test_a_block_that_is_never_closed_is_searched_as_text(self) -> None:
        deltas, _ = answer(events(delta("stop", content="<think>a STOP b")), stop=["STOP"])
        assert text(deltas) == "a "

    def test_a_whole_answer_ends_there_too(self) -> None:
        body = dump({**completion({"content": "one STOP two"}, "length"), "usage": USAGE})
        deltas, end = answer(body, stop=["STOP"])
        assert deltas == ["one "]
        assert end.metadata["finish_reason"] == "stop"
        assert end.usage == READ_USAGE


class TestMetadata:
    def test_it_is_what_was_sent(self) -> None:
        body = dump({**WHOLE, "system_fingerprint": "fp_1", "cost": 0.1, "latency": 7})
        _, end = answer(body)
        assert end.metadata == {
            "id": "chat_1",
            "created": 1745146202,
            "model_name": "gpt-4o-mini-2024",
            "user": 0,
            "system_fingerprint": "fp_1",
            "finish_reason": "stop",
        }

    def test_it_is_there_once_however_often_it_was_sent(self) -> None:
        again = {"system_fingerprint": "fp_1", "user": 3}
        body = events(*(chunk("x", "stop", **again) for _ in range(5)))
        _, end = answer(body)
        assert end.metadata == {
            "id": "chatcmpl_1",
            "created": 1750612428,
            "model_name": "gpt-4o-mini-2024",
            "user": 3,
            "system_fingerprint": "fp_1",
            "finish_reason": "stop",
        }

    @pytest.mark.parametrize(
        "value", [{}, dict.fromkeys(("id", "model", "created", "user", "system_fingerprint"))]
    )
    def test_without_a_model_in_it_the_one_that_was_asked_is_named(
        self, value: dict[str, Any]
    ) -> None:
        _, end = answer(events({**delta("stop", content="x"), **value}))
        assert end.metadata == {"model_name": "asked", "finish_reason": "stop"}

    @pytest.mark.parametrize("value", ["", [], {}, ["x"], {"id": 1}])
    def test_what_makes_no_sense_is_left_out(self, value: Any) -> None:
        keys = ("id", "model", "created", "user", "system_fingerprint")
        _, end = answer(events({**delta("stop", content="x"), **dict.fromkeys(keys, value)}))
        assert end.metadata == {"model_name": "asked", "finish_reason": "stop"}

    def test_refusals_and_annotations_are_kept(self) -> None:
        notes = [{"type": "url_citation", "url": "https://example.org"}]
        body = events(
            delta(refusal="I "), delta(refusal="won't."), delta("stop", annotations=notes)
        )
        deltas, end = answer(body)
        assert deltas == []
        assert end.additional == {"refusal": "I won't.", "annotations": notes}

    @pytest.mark.parametrize("finish_reason", ["stop", "length", "tool_calls", "content_filter"])
    def test_the_finish_reason_is_kept(self, finish_reason: str) -> None:
        _, end = answer(events(delta(content="x"), delta(finish_reason), delta()))
        assert end.metadata["finish_reason"] == finish_reason


class TestUsage:
    @pytest.mark.parametrize(
        "values",
        [
            [chunk("x", "stop", usage=USAGE)],
            [chunk("x"), chunk(None, "stop", usage=USAGE)],
            [chunk("x", "stop"), event(usage=USAGE)],
            [chunk("x", "stop"), {"usage": USAGE}],
            [event(usage=USAGE), chunk("x", "stop")],
            [chunk("x", usage=USAGE), chunk("y", "stop", usage=USAGE), event(usage=USAGE)],
            [chunk("x", usage={**USAGE, "prompt_tokens": 99}), chunk("y", "stop", usage=USAGE)],
            [
                chunk("x", usage={"prompt_tokens": 11, "completion_tokens": 1}),
                event(usage={"prompt_tokens": 11, "completion_tokens": 7}),
                chunk("y", "stop", usage=USAGE),
            ],
            [chunk("x", "stop", usage=USAGE), chunk("", None, usage=None)],
            [chunk("x", "stop", usage=USAGE), event(usage={})],
            [completion({"content": "x"}, usage=USAGE)],
        ],
    )
    def test_the_last_totals_count_wherever_they_stand(self, values: list[Any]) -> None:
        deltas, end = answer(events(*values))
        assert text(deltas) in {"x", "xy"}
        assert end.usage == READ_USAGE

    @pytest.mark.parametrize("usage", [None, "x", {"total_tokens": 3}])
    def test_bad_accounting_never_fails_an_answer(self, usage: Any) -> None:
        for value in (chunk("x", "stop", usage=usage), completion({"content": "x"}, usage=usage)):
            deltas, end = answer(events(value))
            assert deltas == ["x"]
            assert end.usage is None


class TestOtherChoices:
    def other(self, text: str, index: Any = 1) -> dict[str, Any]:
        choice = {"index": index, "delta": {"content": text}, "finish_reason": None}
        return {"object": "chat.completion.chunk", "choices": [choice]}

    def test_an_event_of_another_choice_is_not_text_of_this_answer(self) -> None:
        first = self.other("a", 0)
        body = events(
            first, self.other("no"), first, self.other("no", 2), first, chunk(None, "stop")
        )
        assert text(answer(body)[0]) == "aaa"

    def test_its_end_is_not_the_end_of_this_answer(self) -> None:
        other = self.other("no")
        other["choices"][0]["finish_reason"] = "stop"
        body = events(chunk("Hal"), other, done=False)
        assert isinstance(failure(body)[1], OnlySqStreamError)

    def test_the_first_of_two_choices_counts(self) -> None:
        both = self.other("no")
        both["choices"].append({"index": 0, "delta": {"content": "yes"}})
        assert text(answer(events(both, chunk(None, "stop")))[0]) == "yes"


@pytest.mark.parametrize("body", [b"[]", b" [] ", b"7", b'"Hi"', b"null"])
def test_a_body_that_holds_no_object_is_not_understood(body: bytes) -> None:
    _, error = failure(body)
    assert type(error) is OnlySqResponseError
    assert "not an answer" in str(error)


@pytest.mark.parametrize("kind", [[], {}, 7, None, [["text"]]])
def test_a_part_of_an_odd_type_is_kept(kind: Any) -> None:
    part = {"type": kind, "x": 1}
    deltas, end = answer(events(delta("stop", content=[part, "text"])))
    assert text(deltas) == "text"
    assert end.additional == ({} if kind is None else {"content_parts": [part]})


@pytest.mark.parametrize("start", [b": ", b"data: {", b'{"choices": "'])
def test_what_goes_on_without_end_is_not_kept(
    start: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader_module, "_MOST_BYTES", 1_000)
    reader = AnswerReader(CallOptions(model="asked"), CONTEXT)
    reader.feed(start)
    assert not reader.finished
    for _ in range(1_000):
        assert reader.feed(b"x") == []
    assert reader.finished
    reader.close()
    with pytest.raises(OnlySqResponseError, match="on and on"):
        reader.end()
