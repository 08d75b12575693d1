"""The public types, as mypy and pyright have to see them. It runs, too: both must say the same.

A `type: ignore` here is a mistake that has to be noticed: where it is not, both checkers complain
of the comment.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, assert_type, get_type_hints

import httpx
import pytest
from langchain_core.language_models.base import LanguageModelInput
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.rate_limiters import InMemoryRateLimiter
from langchain_core.runnables import Runnable
from langchain_core.runnables.fallbacks import RunnableWithFallbacks
from langchain_core.tools import tool
from pydantic import BaseModel, SecretStr, ValidationError

from langchain_onlysq import (
    ChatOnlySq,
    OnlySqError,
    OnlySqRateLimitError,
    Report,
    acheck,
    check,
)
from langchain_onlysq.settings.call_options import (
    ALIASES,
)
from langchain_onlysq.settings.keywords import ConstructorKeywords
from langchain_onlysq.testing import Headers, LocalOnlySq, Reply, Request


class City(BaseModel):
    """A city."""

    name: str


@tool
def weather(city: str) -> str:
    """Tell the weather of a city."""
    return f"sunny in {city}"


# The constructor


def test_every_form_of_a_value_is_taken() -> None:
    ChatOnlySq(model="m", api_key="k")
    ChatOnlySq(model="m", api_key=SecretStr("k"))
    ChatOnlySq(model="m", base_url="https://example.org/ai", endpoint="openai")
    ChatOnlySq(model="m", temperature=0, top_p=0.5, max_tokens=5, seed=None)
    ChatOnlySq(model="m", stop="x")
    ChatOnlySq(model="m", stop=["x", "y"])
    ChatOnlySq(model="m", timeout=3)
    ChatOnlySq(model="m", timeout=(1, 2))
    ChatOnlySq(model="m", timeout=(1, None, 3, 4.5))
    ChatOnlySq(model="m", timeout=httpx.Timeout(5))
    ChatOnlySq(model="m", timeout=None, stall_timeout=None, max_retries=0)
    ChatOnlySq(model="m", model_kwargs={"user": "me"}, default_headers={"X-Team": "blue"})
    ChatOnlySq(model="m", http_client=httpx.Client(), http_async_client=httpx.AsyncClient())
    ChatOnlySq(model="m", proxy="http://localhost:1", verify=False)
    ChatOnlySq(model="m", proxy=httpx.URL("http://localhost:1"), verify="ca.pem")
    ChatOnlySq(
        model="m", proxy=httpx.Proxy("http://localhost:1"), verify=ssl.create_default_context()
    )
    ChatOnlySq(model="m", name="mine", tags=["a"], metadata={"a": 1}, callbacks=[], cache=False)
    ChatOnlySq(model="m", rate_limiter=InMemoryRateLimiter(), disable_streaming="tool_calling")


def test_mistakes_in_the_constructor_are_noticed() -> None:
    mistakes: list[Callable[[], ChatOnlySq]] = [
        lambda: ChatOnlySq(temperature=0),  # type: ignore[call-arg]
        lambda: ChatOnlySq(model="m", temprature=1),  # type: ignore[call-arg]
        lambda: ChatOnlySq(model=None),  # type: ignore[arg-type]
        lambda: ChatOnlySq(model="m", api_key=7),  # type: ignore[arg-type]
        lambda: ChatOnlySq(model="m", endpoint="v3"),  # type: ignore[arg-type]
        lambda: ChatOnlySq(model="m", timeout="soon"),  # type: ignore[arg-type]
        lambda: ChatOnlySq(model="m", tool_calling="magic"),  # type: ignore[arg-type]
        lambda: ChatOnlySq(model="m", http_client=httpx.AsyncClient()),  # type: ignore[arg-type]
    ]
    for mistake in mistakes:
        with pytest.raises((TypeError, ValidationError)):
            mistake()


def test_fields_are_read_as_they_are_kept() -> None:
    llm = ChatOnlySq(model="m", api_key="k", stop="x", timeout=(1, 2))
    assert_type(llm.model, str)
    assert_type(llm.model_name, str)
    assert_type(llm.api_key, SecretStr)
    assert_type(llm.onlysq_api_key, SecretStr)
    assert_type(llm.base_url, str)
    assert_type(llm.temperature, float | None)
    assert_type(llm.stop, list[str] | None)
    assert (llm.api_key, llm.stop) == (SecretStr("k"), ["x"])


MANY_FORMS = {"api_key", "base_url", "stop", "timeout", "proxy", "http_client", "http_async_client"}
"""Keywords that are taken in more forms than the field keeps."""


def test_the_keywords_are_the_fields_under_their_short_names() -> None:
    short = {field: name for name, field in ALIASES.items() if field.startswith("onlysq_")}
    fields = {short.get(name, name): name for name in ChatOnlySq.model_fields}
    keywords = get_type_hints(ConstructorKeywords)
    assert keywords.keys() == fields.keys(), "constructor.py and the fields differ"
    required = {
        name for name, field in fields.items() if ChatOnlySq.model_fields[field].is_required()
    }
    assert required == ConstructorKeywords.__required_keys__
    kept = get_type_hints(ChatOnlySq)
    differing = {name for name, field in fields.items() if keywords[name] != kept[field]}
    assert differing == MANY_FORMS


# Calls


def test_answers(server: LocalOnlySq) -> None:
    with ChatOnlySq(model="m", base_url=server.base_url) as llm:
        assert_type(llm, ChatOnlySq)
        assert isinstance(assert_type(llm.invoke("Hi"), AIMessage), AIMessage)
        stream = assert_type(llm.stream("Hi", temperature=0), Iterator[AIMessageChunk])
        assert all(isinstance(chunk, AIMessageChunk) for chunk in stream)
        answers = assert_type(llm.batch(["Hi", [HumanMessage("Ho")]]), list[AIMessage])
        assert len(answers) == 2


async def test_answers_async(server: LocalOnlySq) -> None:
    async with ChatOnlySq(model="m", base_url=server.base_url) as llm:
        assert_type(llm, ChatOnlySq)
        assert isinstance(assert_type(await llm.ainvoke("Hi"), AIMessage), AIMessage)
        stream = assert_type(llm.astream("Hi"), AsyncIterator[AIMessageChunk])
        assert all([isinstance(chunk, AIMessageChunk) async for chunk in stream])
        assert_type(await llm.abatch(["Hi"]), list[AIMessage])


def test_runnables_that_come_of_it(server: LocalOnlySq) -> None:
    llm = ChatOnlySq(model="m", base_url=server.base_url)
    bound = llm.bind_tools([weather, City, {"name": "f", "parameters": {}}], tool_choice="auto")
    assert_type(bound, Runnable[LanguageModelInput, AIMessage])
    assert isinstance(assert_type(bound.invoke("Hi"), AIMessage), AIMessage)
    caught = assert_type(
        llm.with_fallbacks([llm]), RunnableWithFallbacks[LanguageModelInput, AIMessage]
    )
    assert isinstance(assert_type(caught.invoke("Hi"), AIMessage), AIMessage)
    structured = llm.with_structured_output(City, method="function_calling", include_raw=False)
    assert_type(structured, Runnable[LanguageModelInput, Any])
    assert isinstance(structured.invoke("Tell me about 'Lisbon'."), City)
    assert isinstance(assert_type((llm | StrOutputParser()).invoke("Hi"), str), str)


@pytest.mark.needs_langchain
def test_an_agent_takes_it(server: LocalOnlySq) -> None:
    from langchain.agents import create_agent

    agent = create_agent(ChatOnlySq(model="m", base_url=server.base_url), [weather])
    assert agent.invoke({"messages": [HumanMessage("Hi")]})["messages"]


# Errors, and the local server


def test_errors(local_onlysq: LocalOnlySq) -> None:
    local_onlysq.reply(Reply.error(429, "Slow down", retry_after=600))
    with pytest.raises(OnlySqError) as caught:
        ChatOnlySq(model="m", base_url=assert_type(local_onlysq.base_url, str)).invoke("Hi")
    error = assert_type(caught.value, OnlySqError)
    assert_type(error.status_code, int | None)
    assert_type(error.code, str | None)
    assert_type(error.body, str | None)
    assert_type(error.retry_after, float | None)
    assert_type(error.model, str | None)
    assert_type(error.is_retryable, bool)
    assert isinstance(error, OnlySqRateLimitError)
    assert error.retry_after == 600


def test_the_local_server() -> None:
    with LocalOnlySq("Hello!", Reply.text("Ho!"), strict=True) as server:
        assert_type(server, LocalOnlySq)
        ChatOnlySq(model="m", base_url=server.base_url).invoke("Hi")
        request = assert_type(server.requests, list[Request])[0]
        assert_type(request.method, str)
        assert_type(request.path, str)
        assert isinstance(assert_type(request.headers, Headers), Headers)
        assert request.json["model"] == "m"
        assert assert_type(server.replies_left, int) == 1


# The check of the service


async def test_a_report(local_onlysq: LocalOnlySq) -> None:
    report = assert_type(check("m", base_url=local_onlysq.base_url), Report)
    assert_type(await acheck("m", base_url=local_onlysq.base_url), Report)
    assert assert_type(report.works, bool)
    result = report.results[0]
    assert_type(result.detail + result.advice, str)
    assert assert_type(report.exchanges[0].status, int | None) == 200
