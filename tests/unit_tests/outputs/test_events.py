"""The events of LangChain's streaming protocol, which we make without its bridge."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.language_models._compat_bridge import chunks_to_events
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_tests.utils.stream_lifecycle import assert_valid_event_stream

from langchain_onlysq import ChatOnlySq, OnlySqRateLimitError, OnlySqStreamError
from langchain_onlysq.outputs.chunks import CORE_KNOWS_OUR_EVENTS
from langchain_onlysq.outputs.events import EventMaker
from langchain_onlysq.response.deltas import AnswerEnd, Delta, Reasoning, ToolCallDelta
from langchain_onlysq.testing import LocalOnlySq, Reply, chunk
from tests.support.tools import make

QUESTION: list[BaseMessage] = [HumanMessage("Hi")]
USAGE = {
    "prompt_tokens": 11,
    "completion_tokens": 19,
    "total_tokens": 30,
    "completion_tokens_details": {"reasoning_tokens": 7},
}
TOOL = {
    "type": "function",
    "function": {"name": "add", "description": "Add.", "parameters": {"type": "object"}},
}


def fragment(index: int, args: str, name: str | None = None) -> dict[str, Any]:
    named = {"id": f"call_{index}", "type": "function"} if name else {}
    return {"index": index, **named, "function": {"name": name, "arguments": args}}


def calls(*fragments: dict[str, Any]) -> dict[str, Any]:
    return chunk({"tool_calls": list(fragments)})


def thought(text: str) -> dict[str, Any]:
    return chunk({"reasoning_content": text})


END = chunk({}, finish_reason="stop", usage=USAGE)
BODIES: dict[str, list[dict[str, Any]]] = {
    "text": [chunk(""), chunk("One "), chunk("two."), END],
    "a single piece": [chunk("One", finish_reason="stop")],
    "reasoning, then text": [thought("Hm. "), thought("So."), chunk("One."), END],
    "a think block": [chunk("<think>Hm"), chunk(".</think>\n\nOne"), chunk("."), END],
    "reasoning alone": [thought("Hm."), END],
    "a call": [calls(fragment(0, "", "add")), calls(fragment(0, '{"a": 1}')), END],
    "a call without arguments": [calls(fragment(0, "", "add")), END],
    "text and two calls": [
        chunk("Let me see."),
        calls(fragment(0, '{"a"', "add")),
        calls(fragment(0, ": 1}")),
        calls(fragment(1, '{"a": 2}', "add")),
        END,
    ],
    "interleaved calls": [
        calls(fragment(0, '{"a"', "add"), fragment(1, '{"a": ', "add")),
        calls(fragment(0, ": 1}"), fragment(1, "2}")),
        END,
    ],
    "a call that is cut off": [calls(fragment(0, '{"path": "/etc/pas', "add")), END],
    "a call without a name": [calls({"id": "call_0", "function": {"arguments": "{}"}}), END],
    "reasoning and a call": [thought("Hm."), calls(fragment(0, "{}", "add")), END],
    "a prompted call": [
        chunk('Let me see.\n<tool_call>{"name": "add", "arguments": {"a"'),
        chunk(": 1}}</tool_call>"),
        END,
    ],
    "two prompted calls": [
        chunk('<tool_call>{"name": "add", "arguments": {"a": 1}}</tool_call>\n'),
        chunk('<tool_call>{"name": "add", "arguments": {"a": 2}}</tool_call>'),
        END,
    ],
    "a prompted call that is cut off": [
        chunk('<tool_call>{"name": "add", "arguments": {"a": "b'),
        chunk({}, finish_reason="length"),
    ],
    "a prompted call, reasoned about": [
        chunk('I look. <tool_call>{"name": "add", "arguments": {"a"'),
        thought("Hm."),
        chunk(": 1}}</tool_call>"),
        END,
    ],
    "a prompted call with a native one in it": [
        chunk('<tool_call>{"name": "add", "arguments": {"a"'),
        calls(fragment(0, '{"b"', "add")),
        chunk(": 1}}</tool_call>"),
        calls(fragment(0, ": 2}")),
        END,
    ],
    "a prompted call that ends with a native one": [
        chunk('<tool_call>{"name": "add", "arguments": {"a"'),
        calls(fragment(0, '{"b": 2}', "add")),
        chunk({}, finish_reason="length"),
    ],
    "a refusal": [chunk("No."), chunk({"refusal": "I won't."}), END],
    "a part that is no text": [
        chunk("See: "),
        chunk({"content": [{"type": "video", "url": "https://x.de/v"}]}),
        END,
    ],
    "no usage": [chunk("One."), chunk({}, finish_reason="length")],
}
INTERRUPTED = {
    "prompted calls, reasoned about": [
        chunk('I look. <tool_call>{"name": "add", "arguments": {"a"'),
        thought("Hm."),
        chunk(': 1}}</tool_call><tool_call>{"name": "add", "arg'),
        thought("So."),
        chunk('uments": {"a": 2}}</tool_call> Yes.'),
        END,
    ],
}
"""What comes again is a block of its own, which the bridge does not know."""
PROMPTED = tuple(name for name in BODIES if "prompted" in name)


def ask(llm: ChatOnlySq, *, tools: bool) -> list[dict[str, Any]]:
    kwargs: Any = {"tools": [TOOL]} if tools else {}
    return list(llm._stream_chat_model_events(QUESTION, **kwargs))


def bridged(llm: ChatOnlySq, *, tools: bool) -> list[dict[str, Any]]:
    kwargs: Any = {"tools": [TOOL]} if tools else {}
    return [{**event} for event in chunks_to_events(llm._stream(QUESTION, **kwargs), message_id="")]


def by_block(events: list[dict[str, Any]]) -> dict[Any, list[dict[str, Any]]]:
    """Sort events by their block: the bridge ends all blocks with the message."""
    blocks: dict[Any, list[dict[str, Any]]] = {}
    for event in events:
        blocks.setdefault(event.get("index", event["event"]), []).append(_without_ids(event))
    return blocks


def _without_ids(event: Any) -> Any:
    if isinstance(event, dict):
        return {key: _without_ids(value) for key, value in event.items() if key != "id"}
    return event


@pytest.mark.parametrize("name", BODIES)
def test_the_events_are_those_of_the_bridge(name: str, server: LocalOnlySq) -> None:
    llm = make(server)
    tools = name in PROMPTED
    server.reply(Reply.stream(BODIES[name]), Reply.stream(BODIES[name]))
    ours, theirs = by_block(ask(llm, tools=tools)), by_block(bridged(llm, tools=tools))
    for events in ours.values():
        # What the bridge does not know: why a call is broken.
        if events[-1].get("content", {}).get("type") == "invalid_tool_call":
            reason = events[-1]["content"].pop("error")
            assert reason in events[-1]["content"]["args"]
    for events in theirs.values():
        events[-1].get("content", {}).pop("error", None)
    assert ours == theirs


@pytest.mark.parametrize("name", BODIES)
async def test_sync_and_async_events_are_the_same(name: str, server: LocalOnlySq) -> None:
    llm = make(server)
    tools: Any = {"tools": [TOOL]} if name in PROMPTED else {}
    server.reply(Reply.stream(BODIES[name]), Reply.stream(BODIES[name]))
    ours = ask(llm, tools=bool(tools))
    others = [event async for event in llm._astream_chat_model_events(QUESTION, **tools)]
    assert [_without_ids(event) for event in others] == [_without_ids(event) for event in ours]
    assert_valid_event_stream(ours)


@pytest.mark.parametrize("name", BODIES | INTERRUPTED)
def test_the_message_is_the_one_of_invoke(name: str, server: LocalOnlySq) -> None:
    llm: Any = make(server)
    if "prompted" in name:
        llm = llm.bind_tools([TOOL])
    body = (BODIES | INTERRUPTED)[name]
    server.reply(Reply.stream(body), Reply.stream(body))
    invoked: AIMessage = llm.invoke("Hi")
    message: AIMessage = llm.stream_events("Hi", version="v3").output
    assert message.text == invoked.text
    assert message.usage_metadata == invoked.usage_metadata
    assert message.additional_kwargs == invoked.additional_kwargs
    assert message.response_metadata == {**invoked.response_metadata, "output_version": "v1"}
    for mine, other in (
        (message.tool_calls, invoked.tool_calls),
        (message.invalid_tool_calls, invoked.invalid_tool_calls),
    ):
        assert [_without_ids(call) for call in mine] == [_without_ids(call) for call in other]
    kinds = {block["type"] for block in message.content_blocks}
    expected = {block["type"] for block in invoked.content_blocks}
    if invoked.invalid_tool_calls:
        expected.add("invalid_tool_call")
    if message.text:
        # langchain-core 1.8 puts no refusal beside other blocks when it makes v3 messages.
        expected.discard("refusal")
    assert kinds == expected


def of(events: list[dict[str, Any]]) -> list[tuple[str, Any]]:
    return [(event["event"].removeprefix("content-block-"), event.get("index")) for event in events]


def test_a_block_ends_where_something_else_begins(server: LocalOnlySq) -> None:
    call = '<tool_call>{"name": "add", "arguments": {"a": 1}}</tool_call>'
    server.reply(Reply.stream([thought("Hm."), chunk("So: "), chunk(call + " Yes."), END]))
    assert of(ask(make(server), tools=True)) == [
        ("message-start", None),
        ("start", 0),
        ("delta", 0),
        ("finish", 0),
        ("start", 1),
        ("delta", 1),
        ("finish", 1),
        ("start", 2),
        ("delta", 2),
        ("finish", 2),
        ("start", 3),
        ("delta", 3),
        ("finish", 3),
        ("message-finish", None),
    ]


def test_what_comes_again_is_a_block_of_its_own() -> None:
    deltas: list[Delta] = [Reasoning("a"), "b", Reasoning("c"), "d", "e"]
    events = [*(maker := EventMaker()).feed(deltas), *maker.finish(AnswerEnd({"model_name": "m"}))]
    blocks = [event["content"] for event in events if event["event"] == "content-block-finish"]
    assert blocks == [
        {"type": "reasoning", "reasoning": "a", "index": "lc_reasoning"},
        {"type": "text", "text": "b", "index": "lc_text"},
        {"type": "reasoning", "reasoning": "c", "index": "lc_reasoning_2"},
        {"type": "text", "text": "de", "index": "lc_text_2"},
    ]
    assert events[-1]["additional_kwargs"] == {"reasoning_content": "ac"}


def test_a_native_call_may_go_on_after_another() -> None:
    deltas: list[Delta] = [
        ToolCallDelta(0, "x", "f", '{"a": '),
        ToolCallDelta(1, "y", "g"),
        "Meanwhile.",
        ToolCallDelta(0, args="1}"),
    ]
    events = [*(maker := EventMaker()).feed(deltas), *maker.finish(AnswerEnd({"model_name": "m"}))]
    assert_valid_event_stream(events)
    assert of(events)[-5:] == [
        ("finish", 2),
        ("delta", 0),
        ("finish", 0),
        ("finish", 1),
        ("message-finish", None),
    ]


PIECES = st.one_of(
    st.text(min_size=1),
    st.text(min_size=1).map(Reasoning),
    st.tuples(st.integers(0, 2), st.text(alphabet='{}":1a')),
)


@given(st.lists(PIECES), st.sampled_from([False, True]))
def test_any_pieces_make_a_valid_stream(
    pieces: list[Any],
    sequential: bool,  # noqa: FBT001 - drawn
) -> None:
    deltas: list[Delta] = []
    begun = -1
    for piece in pieces:
        if isinstance(piece, str):
            deltas.append(piece)
            continue
        number, args = piece
        if sequential or number > begun:
            begun += 1
            deltas.append(ToolCallDelta(begun, str(begun), "f", sequential=sequential))
            number = begun
        deltas.append(ToolCallDelta(number, args=args, error="broken"))
    maker = EventMaker("id")
    events = [
        *(event for delta in deltas for event in maker.feed([delta])),
        *maker.finish(AnswerEnd({"model_name": "m"})),
    ]
    assert_valid_event_stream(events)
    texts = [event["delta"] for event in events if event["event"] == "content-block-delta"]
    assert "".join(text.get("text", "") for text in texts) == "".join(
        delta for delta in deltas if type(delta) is str
    )


@pytest.mark.parametrize("endpoint", ["v2", "openai"])
async def test_through_langchain(endpoint: str, server: LocalOnlySq) -> None:
    llm = make(server, endpoint=endpoint)
    server.reply(*[Reply.stream(BODIES["reasoning, then text"])] * 2)
    stream: Any = llm.stream_events("Hi", version="v3")
    assert list(stream.text) == ["One."]
    assert str(stream.reasoning) == "Hm. So."
    assert stream.output.id.startswith("lc_run--")
    other = await (await llm.astream_events("Hi", version="v3")).output
    assert other.content == stream.output.content


def test_an_empty_answer_is_a_message_without_blocks(server: LocalOnlySq) -> None:
    server.reply(Reply.stream([END]))
    events = ask(make(server, allow_empty=True), tools=False)
    assert of(events) == [("message-start", None), ("message-finish", None)]
    assert events[0]["metadata"] == {"provider": "onlysq", "model": "gpt-4o-mini"}


def test_what_came_before_a_failure_is_delivered(server: LocalOnlySq) -> None:
    server.reply(Reply.stream([chunk("One "), chunk("two")], done=False))
    got: list[dict[str, Any]] = []
    with pytest.raises(OnlySqStreamError):
        got.extend(make(server)._stream_chat_model_events(QUESTION))
    assert [event["delta"]["text"] for event in got if "delta" in event] == ["One ", "two"]
    assert got[-1]["event"] == "content-block-delta"


def test_a_failure_before_the_first_event_is_retried(server: LocalOnlySq) -> None:
    server.reply(Reply.error(429, headers={"retry-after": "0"}), Reply.stream(BODIES["text"]))
    stream: Any = make(server, max_retries=1).stream_events("Hi", version="v3")
    assert stream.output.text == "One two."
    server.reply(Reply.error(429))
    with pytest.raises(OnlySqRateLimitError):
        _ = make(server).stream_events("Hi", version="v3").output


class Seen(BaseCallbackHandler):
    def __init__(self) -> None:
        self.events: list[Any] = []

    def on_stream_event(self, event: Any, **kwargs: Any) -> None:
        self.events.append(event)


def test_listeners_get_the_id_of_the_message(server: LocalOnlySq) -> None:
    seen = Seen()
    server.reply(Reply.stream(BODIES["text"]))
    stream: Any = make(server).stream_events("Hi", {"callbacks": [seen]}, version="v3")
    assert stream.output.id == seen.events[0]["id"]
    assert len(seen.events) == 6


def test_the_hooks_are_there_for_a_langchain_that_knows_the_events() -> None:
    assert hasattr(ChatOnlySq, "_stream_chat_model_events") is CORE_KNOWS_OUR_EVENTS
    assert hasattr(ChatOnlySq, "_astream_chat_model_events") is CORE_KNOWS_OUR_EVENTS


class Bridged(ChatOnlySq):
    """A model as an older langchain-core sees it."""

    _stream_chat_model_events: Any = None
    _astream_chat_model_events: Any = None


@pytest.mark.parametrize("name", BODIES)
async def test_without_the_hooks_langchain_makes_the_events(name: str, server: LocalOnlySq) -> None:
    llm: Any = Bridged(model="gpt-4o-mini", base_url=server.base_url, max_retries=0)
    ours: Any = make(server)
    if name in PROMPTED:
        llm, ours = llm.bind_tools([TOOL]), ours.bind_tools([TOOL])
    server.reply(*[Reply.stream(BODIES[name])] * 3)
    message = ours.stream_events("Hi", version="v3").output
    for other in (
        llm.stream_events("Hi", version="v3").output,
        await (await llm.astream_events("Hi", version="v3")).output,
    ):
        assert other.text == message.text
        assert [(c["name"], c["args"]) for c in other.tool_calls] == [
            (c["name"], c["args"]) for c in message.tool_calls
        ]
        assert [c["args"] for c in other.invalid_tool_calls] == [
            c["args"] for c in message.invalid_tool_calls
        ]
        assert other.response_metadata == message.response_metadata
        assert other.usage_metadata == message.usage_metadata
