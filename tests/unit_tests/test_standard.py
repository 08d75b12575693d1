"""LangChain's standard unit tests, for both endpoints."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.load import dumpd, load
from langchain_tests.unit_tests import ChatModelUnitTests

from langchain_onlysq import ChatOnlySq


class TestV2(ChatModelUnitTests):
    chat_model_class = ChatOnlySq
    endpoint = "v2"
    tool_calling = "auto"

    @property
    def chat_model_params(self) -> dict[str, Any]:
        modes = {"endpoint": self.endpoint, "tool_calling": self.tool_calling}
        return {"model": "gpt-4o-mini", **modes}

    @property
    def init_from_env_params(self) -> tuple[dict[str, str], dict[str, Any], dict[str, Any]]:
        return (
            {"ONLYSQ_API_KEY": "sq-test", "ONLYSQ_API_BASE": "https://example.org/ai"},
            {"model": "gpt-4o-mini"},
            {"onlysq_api_key": "sq-test", "onlysq_api_base": "https://example.org/ai"},
        )

    @pytest.mark.xfail(
        reason="langchain-core 1.7 loads third-party classes only when told to, and the test "
        "does not tell it; test_round_trip stands in",
        strict=True,
    )
    def test_serdes(self, model: Any, snapshot: Any) -> None:
        super().test_serdes(model, snapshot)

    def test_round_trip(self, model: ChatOnlySq, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("ONLYSQ_API_KEY", "test")
        loaded = load(
            dumpd(model),
            valid_namespaces=["langchain_onlysq"],
            allowed_objects=[ChatOnlySq],
            secrets_from_env=True,
        )
        assert loaded == model
        assert loaded.asdict() == model.asdict()


class TestOpenAI(TestV2):
    endpoint = "openai"


class TestOpenAIPrompted(TestOpenAI):
    tool_calling = "prompted"
