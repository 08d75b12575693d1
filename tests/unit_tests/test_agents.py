"""Agents of LangChain and LangGraph, over both endpoints, sync and async."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain.agents.structured_output import ProviderStrategy, ToolStrategy
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage, ToolMessage
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode, tools_condition
from pydantic import BaseModel

from langchain_onlysq import ChatOnlySq
from langchain_onlysq.testing import LocalOnlySq, Reply
from tests.support.tools import SETUPS, add, make, weather


@tool
def fail(reason: str) -> str:
    """Fail for a reason."""
    raise ValueError(reason)


class Report(BaseModel):
    """A report."""

    city: str
    degrees: int


TOOLS = [weather, add, fail]
CALLS: list[tuple[str, dict[str, Any]]] = [
    ("weather", {"city": "Rome"}),
    ("add", {"a": 20, "b": 2}),
]


def ask(agent: Any, text: str, *, asynchronous: bool, **config: Any) -> list[Any]:
    state: Any = {"messages": [HumanMessage(text)]}
    if asynchronous:
        result = asyncio.run(agent.ainvoke(state, config))
    else:
        result = agent.invoke(state, config)
    return list(result["messages"])


@pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize("setup", SETUPS)
class TestAgent:
    def test_parallel_calls(self, setup: str, server: LocalOnlySq, *, asynchronous: bool) -> None:
        server.reply(Reply.tool_calls(CALLS), "Sunny, 22 degrees.")
        agent = create_agent(make(server, setup), TOOLS, system_prompt="Be brief.")
        messages = ask(agent, "Weather?", asynchronous=asynchronous)
        assert [m.content for m in messages if isinstance(m, ToolMessage)] == [
            "sunny in Rome",
            "22",
        ]
        assert messages[-1].content == "Sunny, 22 degrees."
        assert len({m.id for m in messages}) == len(messages)

    def test_a_failing_tool(self, setup: str, server: LocalOnlySq, *, asynchronous: bool) -> None:
        server.reply(Reply.tool_calls([("fail", {"reason": "no luck"})]), "It failed.")
        graph = graph_of(make(server, setup))
        messages = ask(graph, "Fail!", asynchronous=asynchronous)
        (result,) = [m for m in messages if isinstance(m, ToolMessage)]
        assert result.status == "error"
        assert "no luck" in str(server.requests[-1].body)
        assert messages[-1].content == "It failed."

    def test_two_threads_with_a_checkpointer(
        self, setup: str, server: LocalOnlySq, *, asynchronous: bool
    ) -> None:
        agent = create_agent(make(server, setup), TOOLS, checkpointer=InMemorySaver())
        for name in ("first", "second"):
            server.reply(Reply.tool_calls([("weather", {"city": name})]), f"done {name}")
            config = {"configurable": {"thread_id": name}}
            assert (
                ask(agent, "Go", asynchronous=asynchronous, **config)[-1].content == f"done {name}"
            )
        server.reply("again")
        config = {"configurable": {"thread_id": "first"}}
        messages = ask(agent, "And?", asynchronous=asynchronous, **config)
        assert [m.content for m in messages if isinstance(m, HumanMessage)] == ["Go", "And?"]
        assert "second" not in str(server.requests[-1].body)

    def test_a_structured_response(
        self, setup: str, server: LocalOnlySq, *, asynchronous: bool
    ) -> None:
        for strategy, reply in (
            (ToolStrategy(Report), Reply.tool_calls([("Report", {"city": "Rome", "degrees": 22})])),
            (ProviderStrategy(Report), '{"city": "Rome", "degrees": 22}'),
        ):
            server.reply(Reply.tool_calls(CALLS[:1]), reply)
            agent: Any = create_agent(make(server, setup), TOOLS, response_format=strategy)
            state = {"messages": [HumanMessage("Report")]}
            result = asyncio.run(agent.ainvoke(state)) if asynchronous else agent.invoke(state)
            assert result["structured_response"] == Report(city="Rome", degrees=22)

    def test_stream_modes(self, setup: str, server: LocalOnlySq, *, asynchronous: bool) -> None:
        server.reply(Reply.tool_calls(CALLS), "One two three.")
        agent: Any = create_agent(make(server, setup), TOOLS)
        state = {"messages": [HumanMessage("Go")]}
        modes = ["messages", "updates"]

        async def collect() -> list[Any]:
            return [item async for item in agent.astream(state, stream_mode=modes)]

        items = (
            asyncio.run(collect()) if asynchronous else list(agent.stream(state, stream_mode=modes))
        )
        tokens = [item[0] for mode, item in items if mode == "messages"]
        chunks = [t for t in tokens if isinstance(t, AIMessageChunk)]
        final = [c for c in chunks if c.text]
        assert "".join(c.text for c in final) == "One two three."
        assert len(final) >= 3
        assert len({c.id for c in final}) == 1
        names = [c["name"] for t in chunks for c in t.tool_call_chunks if c["name"]]
        assert names == ["weather", "add"]
        updates = [item for mode, item in items if mode == "updates"]
        assert [next(iter(update)) for update in updates][:1] == ["model"]

    def test_twenty_steps_with_thirty_tools(
        self, setup: str, server: LocalOnlySq, *, asynchronous: bool
    ) -> None:
        many = [_numbered(number) for number in range(30)]
        server.reply(*[Reply.tool_calls([(f"tool_{n}", {"x": n})]) for n in range(20)], "All done.")
        agent = create_agent(make(server, setup), many)
        messages = ask(agent, "Go", asynchronous=asynchronous, recursion_limit=100)
        results = [m.content for m in messages if isinstance(m, ToolMessage)]
        assert results == [f"{n} gave {n}" for n in range(20)]
        assert messages[-1].content == "All done."


def _numbered(number: int) -> Any:
    @tool(f"tool_{number}")
    def numbered(x: int) -> str:
        """Do one of many things."""
        return f"{number} gave {x}"

    return numbered


def graph_of(llm: ChatOnlySq) -> Any:
    bound = llm.bind_tools(TOOLS)

    def model(state: MessagesState) -> dict[str, Any]:
        return {"messages": [bound.invoke(state["messages"])]}

    builder = StateGraph(MessagesState)
    builder.add_node("model", model)
    builder.add_node("tools", ToolNode(TOOLS, handle_tool_errors=True))
    builder.add_edge(START, "model")
    builder.add_conditional_edges("model", tools_condition)
    builder.add_edge("tools", "model")
    return builder.compile()


@pytest.mark.parametrize("setup", SETUPS)
def test_the_built_in_responder_plays_a_whole_agent(setup: str, server: LocalOnlySq) -> None:
    agent: Any = create_agent(make(server, setup), [weather, add])
    result = agent.invoke({"messages": [HumanMessage("What is the weather in Rome?")]})
    calls = [m for m in result["messages"] if isinstance(m, AIMessage) and m.tool_calls]
    assert calls
    assert "sunny in Rome" in str(result["messages"][-1].content)


@pytest.mark.parametrize("setup", SETUPS)
async def test_v3_events(setup: str, server: LocalOnlySq) -> None:
    server.reply(Reply.tool_calls(CALLS, text="Let me see."), Reply.tool_calls(CALLS, text="Hm."))
    llm: Any = make(server, setup).bind_tools(TOOLS)
    message = llm.stream_events("Go", version="v3").output
    assert [block["type"] for block in message.content] == ["text", "tool_call", "tool_call"]
    assert [(c["name"], c["args"]) for c in message.tool_calls] == CALLS
    stream = await llm.astream_events("Go", version="v3")
    message = await stream.output
    assert [(c["name"], c["args"]) for c in message.tool_calls] == CALLS


ASKED = '{"name": "weather", "arguments": {"city": "Rome"}}'
CALL = f"<tool_call>{ASKED}</tool_call>"
SLIPS: dict[str, list[str]] = {
    "broken JSON": ['<tool_call>{"name": "weather", "arguments": ["Rome"]}</tool_call>', CALL],
    "an unknown tool": ['<tool_call>{"name": "forecast", "arguments": {}}</tool_call>', CALL],
    "a foreign dialect": ["<|python_tag|>" + ASKED.replace("arguments", "parameters")],
    "a trailing comma": [f"<tool_call>{ASKED.replace('}}', ',}}')}</tool_call>", CALL],
    "leaked markup": [f"<tool_calls>[{ASKED}]</tool_calls><|im_end|>"],
    "a made-up result": [f'{CALL}\n<tool_response>{{"content": "snow"}}</tool_response>'],
}
"""What a model says where it should call a tool, and what it says when it is asked again."""


@pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize("said", SLIPS.values(), ids=SLIPS.keys())
def test_no_agent_ends_on_a_slip(
    said: list[str], server: LocalOnlySq, *, asynchronous: bool
) -> None:
    server.reply(*said, "Sunny in Rome.")
    messages = ask(create_agent(make(server), TOOLS), "Weather?", asynchronous=asynchronous)
    results = [m.content for m in messages if isinstance(m, ToolMessage)]
    assert results[-1] == "sunny in Rome"
    assert messages[-1].content == "Sunny in Rome."
    assert len(server.requests) == len(said) + 1
