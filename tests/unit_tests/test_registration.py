"""`register()`: LangChain makes our models by name, or says why it cannot and is left as it was."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain.chat_models import base, init_chat_model
from langchain_core.language_models import FakeListChatModel
from langchain_core.tools import tool

import langchain_onlysq
from langchain_onlysq import ChatOnlySq, OnlySqError, register
from langchain_onlysq.testing import LocalOnlySq, Reply
from tests.support.providers import table

__all__ = ["table"]


class TestRegistered:
    @pytest.fixture(autouse=True)
    def _register(self) -> None:
        register()

    @pytest.mark.parametrize(
        ("model", "provider", "id_"),
        [
            ("onlysq:gpt-4o-mini", None, "gpt-4o-mini"),
            ("onlysq:deepseek/deepseek-r1:free", None, "deepseek/deepseek-r1:free"),
            ("gpt-4o-mini", "onlysq", "gpt-4o-mini"),
        ],
    )
    def test_models_are_made_by_name(
        self, model: str, provider: str | None, id_: str, server: LocalOnlySq
    ) -> None:
        llm = init_chat_model(
            model, model_provider=provider, base_url=server.base_url, temperature=0
        )
        assert type(llm) is ChatOnlySq
        llm.invoke("Hi")
        assert server.requests[0].json["model"] == id_
        assert server.requests[0].json["request"]["temperature"] == 0

    async def test_the_model_may_be_chosen_at_the_call(self, server: LocalOnlySq) -> None:
        llm = init_chat_model(base_url=server.base_url)
        llm.invoke("Hi", config={"configurable": {"model": "onlysq:gpt-5-mini"}})
        config: Any = {"configurable": {"model": "sonar", "model_provider": "onlysq"}}
        await llm.ainvoke("Hi", config=config)
        assert [request.json["model"] for request in server.requests] == ["gpt-5-mini", "sonar"]

    def test_fields_may_be_chosen_at_the_call(self, server: LocalOnlySq) -> None:
        llm = init_chat_model(
            "onlysq:gpt-4o-mini",
            configurable_fields=("model", "temperature"),
            config_prefix="my",
            base_url=server.base_url,
        )
        config: Any = {"configurable": {"my_temperature": 1, "my_model": "onlysq:sonar"}}
        "".join(chunk.text for chunk in llm.stream("Hi", config=config))
        llm.invoke("Hi")
        chosen, default = (request.json for request in server.requests)
        assert (chosen["model"], chosen["request"]["temperature"]) == ("sonar", 1)
        assert (default["model"], "temperature" in default["request"]) == ("gpt-4o-mini", False)

    def test_agents_are_made_by_name(
        self, server: LocalOnlySq, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        @tool
        def weather(city: str) -> str:
            """Tell the weather of a city."""
            return f"sunny in {city}"

        monkeypatch.setenv("ONLYSQ_API_BASE", server.base_url)
        server.reply(Reply.tool_calls([("weather", {"city": "Rome"})]), "It is sunny.")
        agent: Any = create_agent("onlysq:gpt-4o-mini", [weather])
        result = agent.invoke({"messages": [("user", "Weather?")]})
        assert result["messages"][-1].content == "It is sunny."

    def test_twice_is_once(self, table: dict[str, Any]) -> None:
        row = table["onlysq"]
        register()
        assert table["onlysq"] is row


def test_nothing_is_registered_unasked(server: LocalOnlySq) -> None:
    with pytest.raises(ValueError, match="onlysq"):
        init_chat_model("onlysq:gpt-4o-mini", base_url=server.base_url)


def test_a_call_that_failed_before_does_no_harm() -> None:
    with pytest.raises(ValueError, match="onlysq"):
        init_chat_model("m", model_provider="onlysq")
    register()
    assert isinstance(init_chat_model("m", model_provider="onlysq"), ChatOnlySq)


def test_from_many_threads() -> None:
    with ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(register) for _ in range(40)]:
            done.result()
    assert isinstance(init_chat_model("onlysq:m"), ChatOnlySq)


def test_a_bad_environment_is_not_its_business(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONLYSQ_API_KEY", "not a key")
    monkeypatch.setenv("ONLYSQ_API_BASE", "not an address")
    register()
    monkeypatch.undo()
    assert isinstance(init_chat_model("onlysq:m"), ChatOnlySq)


def test_a_row_that_leads_to_us_is_left_alone(table: dict[str, Any]) -> None:
    row = ("langchain_onlysq.chat_models", "ChatOnlySq", lambda cls, **kwargs: cls(**kwargs))
    table["onlysq"] = row
    register()
    assert table["onlysq"] is row


def test_a_row_that_leads_elsewhere_is_left_alone_and_told(table: dict[str, Any]) -> None:
    row = (
        "langchain_core.language_models",
        "FakeListChatModel",
        lambda cls, **_: cls(responses=["Hi"]),
    )
    table["onlysq"] = row
    with pytest.raises(RuntimeError, match="gave FakeListChatModel"):
        register()
    assert table["onlysq"] is row


class TestChangedLangChain:
    """Another LangChain than the known ones: an error, and no trace of the attempt."""

    @pytest.fixture(autouse=True)
    def _untouched(self, table: dict[str, Any]) -> Iterator[None]:
        before = dict(table)
        yield
        assert table == before

    @staticmethod
    def refused() -> RuntimeError:
        with pytest.raises(RuntimeError, match=r"Nothing was changed\. Pass ChatOnlySq") as info:
            register()
        assert not isinstance(info.value, OnlySqError)
        return info.value

    def test_no_table(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delattr(base, "_BUILTIN_PROVIDERS")
        self.refused()

    def test_a_table_of_another_kind(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(base, "_BUILTIN_PROVIDERS", frozenset({"openai"}))
        self.refused()

    def test_names_that_are_read_otherwise(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(base, "_parse_model", lambda model, provider: (model, provider or ""))
        assert isinstance(self.refused().__cause__, ValueError)

    def test_rows_that_are_read_otherwise(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(base, "_get_chat_model_creator", base._BUILTIN_PROVIDERS.__getitem__)
        assert isinstance(self.refused().__cause__, TypeError)

    def test_a_model_that_is_not_ours(self, monkeypatch: pytest.MonkeyPatch) -> None:
        class Other(FakeListChatModel):
            responses: list[str] = ["Hi"]  # noqa: RUF012 - a field of pydantic

        monkeypatch.setattr(langchain_onlysq, "ChatOnlySq", Other)
        assert "gave Other" in str(self.refused())
        with pytest.raises(ValueError, match="Unsupported provider"):
            init_chat_model("m", model_provider="onlysq")

    def test_another_model_of_ours(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(base, "_parse_model", lambda *_: ("another", "onlysq"))
        self.refused()

    def test_no_such_module(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "langchain.chat_models.base", None)
        assert isinstance(self.refused().__cause__, ModuleNotFoundError)


class _Absent:
    """Finds one package no more."""

    def __init__(self, package: str) -> None:
        self._package = package

    def find_spec(self, name: str, *_: object) -> None:
        if name == self._package:
            msg = f"No module named {name!r}"
            raise ModuleNotFoundError(msg, name=name)


@pytest.fixture
def _fresh_import(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget for the test that langchain was imported."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "langchain"]:
        monkeypatch.delitem(sys.modules, name)


@pytest.mark.usefixtures("_fresh_import")
def test_without_langchain_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "meta_path", [_Absent("langchain"), *sys.meta_path])
    with pytest.raises(ImportError, match="pip install langchain") as info:
        register()
    assert info.value.name == "langchain"


@pytest.mark.usefixtures("_fresh_import")
def test_a_broken_installation_speaks_for_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "langchain_core.utils._gateway")
    monkeypatch.setattr(
        sys, "meta_path", [_Absent("langchain_core.utils._gateway"), *sys.meta_path]
    )
    with pytest.raises(ModuleNotFoundError, match="_gateway"):
        register()
