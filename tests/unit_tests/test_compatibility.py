"""What earlier versions wrote still loads."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest
from langchain_core.load import loads

from langchain_onlysq import ChatOnlySq, OnlySqModel, OnlySqRateLimitError
from langchain_onlysq.testing import LocalOnlySq

MADE_BY_0_1_0 = Path(__file__).with_name("made_by_0_1_0")


def unpickled(name: str) -> Any:
    return pickle.loads((MADE_BY_0_1_0 / f"{name}.pickle").read_bytes())  # noqa: S301 - ours


def test_a_pickled_model_answers(server: LocalOnlySq) -> None:
    llm = unpickled("model")
    assert isinstance(llm, ChatOnlySq)
    assert (llm.model, llm.temperature, llm.timeout) == ("gpt-4o-mini", 0.5, (1, 2, None, None))
    assert llm.fallback_models == ["deepseek-v3"]
    llm.onlysq_api_base = server.base_url
    assert llm.invoke("Hi").content == "You said: Hi"
    assert llm.temperature == 0.5


@pytest.mark.parametrize("name", ["structured_output", "structured_output_with_raw"])
def test_a_pickled_chain_answers(name: str, server: LocalOnlySq) -> None:
    chain = unpickled(name)
    server.reply('{"name": "Lisbon"}')
    bound = chain.first if name == "structured_output" else chain.first.steps__["raw"]
    bound.bound.onlysq_api_base = server.base_url
    answer = chain.invoke("Which city?")
    if name == "structured_output_with_raw":
        assert answer["raw"].content == '{"name": "Lisbon"}'
        answer = answer["parsed"]
    assert answer == {"name": "Lisbon"}


def test_a_pickled_entry_of_the_catalogue_loads() -> None:
    assert unpickled("catalogue_entry") == OnlySqModel(id="m", cost=1.5, extra={"x": 1})


def test_a_pickled_error_loads() -> None:
    error = unpickled("error")
    assert isinstance(error, OnlySqRateLimitError)
    assert (str(error), error.status_code, error.retry_after, error.model) == (
        "slow down",
        429,
        3.0,
        "m",
    )


def test_a_dump_loads() -> None:
    text = (MADE_BY_0_1_0 / "model.json").read_text(encoding="utf-8")
    llm = loads(
        text,
        valid_namespaces=["langchain_onlysq"],
        allowed_objects=[ChatOnlySq],
        secrets_map={"ONLYSQ_API_KEY": "a-key"},
    )
    assert isinstance(llm, ChatOnlySq)
    assert llm.api_key.get_secret_value() == "a-key"
    assert (llm.model, llm.timeout) == ("gpt-4o-mini", (1, 2, None, None))
