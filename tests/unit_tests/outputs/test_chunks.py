"""The chunks of pieces of calls: what LangChain makes of them, without its parsing each anew."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from langchain_core.load import dumpd
from langchain_core.messages import AIMessageChunk
from langchain_core.messages.tool import tool_call_chunk

from langchain_onlysq.outputs.chunks import ChunkMaker
from langchain_onlysq.response.deltas import AnswerEnd, ToolCallDelta
from tests.support.properties import patient

fragments = st.text(alphabet='{}[]":,\\ \n\t\x0b\u00a0a1tn', max_size=12) | st.sampled_from(
    ["", "{}", '{"a": 1', '"a"', "null", "[{}]", " {", "\u2003{}", '{"a": 1} {', "1e5"]
)
deltas = st.builds(
    ToolCallDelta,
    index=st.integers(0, 2),
    id=st.none() | st.just("call_1"),
    name=st.none() | st.just("weather"),
    args=fragments,
)


def the_way_of_langchain(delta: ToolCallDelta) -> AIMessageChunk:
    fragment = tool_call_chunk(name=delta.name, args=delta.args, id=delta.id, index=delta.index)
    return AIMessageChunk(
        content="",
        tool_call_chunks=[fragment],
        response_metadata={"model_provider": "onlysq"},
    )


@patient
@given(delta=deltas)
def test_a_chunk_is_the_one_that_langchain_makes(delta: ToolCallDelta) -> None:
    (made,) = ChunkMaker().feed([delta])
    expected = the_way_of_langchain(delta)
    assert made.message == expected
    assert made.message.model_fields_set == expected.model_fields_set
    assert dumpd(made.message) == dumpd(expected)


@patient
@given(pieces=st.lists(fragments, min_size=1, max_size=6))
def test_merged_chunks_are_those_that_langchain_merges(pieces: list[str]) -> None:
    first, *others = [ToolCallDelta(0, args=piece) for piece in pieces]
    first.id, first.name = "call_1", "weather"
    maker = ChunkMaker()
    made = [chunk.message for chunk in maker.feed([first, *others])]
    made += [chunk.message for chunk in maker.finish(AnswerEnd())]
    last = made[-1]
    expected = [the_way_of_langchain(delta) for delta in (first, *others)]
    assert made[0].__add__(made[1:]) == expected[0].__add__([*expected[1:], last])
