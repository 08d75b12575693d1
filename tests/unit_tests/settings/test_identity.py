"""How a model is known: in dumps, caches, traces and pickles."""

from __future__ import annotations

import copy
import pickle
from inspect import signature
from typing import Any

import pytest
from langchain_core.caches import InMemoryCache
from langchain_core.load import dumps, loads
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.tracers import BaseTracer

from langchain_onlysq import ChatOnlySq
from langchain_onlysq.testing import LocalOnlySq

CANARY = "sq-canary-0123456789"


def make(**fields: Any) -> ChatOnlySq:
    return ChatOnlySq(**{"model": "gpt-4o-mini", **fields})


CHANGES: dict[str, Any] = {
    "model": "other",
    "endpoint": "openai",
    "base_url": "https://example.org/ai",
    "temperature": 0.0,
    "top_p": 0.5,
    "max_tokens": 7,
    "seed": 1,
    "stop": ["x"],
    "model_kwargs": {"a": 1},
    "stream_usage": True,
    "streaming": True,
    "tool_calling": "native",
    "merge_consecutive_messages": False,
    "parse_reasoning": False,
    "allow_empty": True,
    "allow_truncated_stream": True,
    "output_version": "v1",
}


@pytest.mark.parametrize("name", CHANGES)
def test_two_configurations_never_share_a_cache_entry(name: str) -> None:
    plain, changed = make(), make(**{name: CHANGES[name]})
    assert plain._get_llm_string() != changed._get_llm_string()
    if name != "output_version":
        assert plain._identifying_params != changed._identifying_params


def test_equal_configurations_share_cache_entries(server: LocalOnlySq) -> None:
    cache = InMemoryCache()
    for _ in range(2):
        make(base_url=server.base_url, cache=cache, api_key="a" * 9).invoke("Hi")
    make(base_url=server.base_url, cache=cache, default_headers={"x": "y"}).invoke("Hi")
    assert len(server.requests) == 1
    make(base_url=server.base_url, cache=cache, temperature=0).invoke("Hi")
    assert len(server.requests) == 2


def test_dumps_masks_the_key_and_loads_restores(monkeypatch: pytest.MonkeyPatch) -> None:
    llm = make(
        api_key=CANARY,
        default_headers={"x-secret": CANARY},
        proxy=f"http://user:{CANARY}@localhost:1",
        base_url="https://example.org/ai",
        timeout=(1, 2, 3, 4),
        stop=["x"],
    )
    dumped = dumps(llm)
    assert CANARY not in dumped
    assert "ONLYSQ_API_KEY" in dumped
    monkeypatch.setenv("ONLYSQ_API_KEY", CANARY)
    loaded = loads(
        dumped,
        valid_namespaces=["langchain_onlysq"],
        allowed_objects=[ChatOnlySq],
        secrets_from_env=True,
    )
    for name in ("onlysq_api_key", "onlysq_api_base", "timeout", "stop", "model"):
        assert getattr(loaded, name) == getattr(llm, name)


def test_a_dump_loads_where_no_key_is_set() -> None:
    loaded = loads(
        dumps(make(api_key=CANARY)),
        valid_namespaces=["langchain_onlysq"],
        allowed_objects=[ChatOnlySq],
        secrets_from_env=True,
    )
    assert loaded.api_key.get_secret_value() == "openai"


def test_nothing_secret_is_shown() -> None:
    llm = make(
        api_key=CANARY,
        default_headers={"x-secret": CANARY},
        proxy=f"http://user:{CANARY}@localhost:1",
    )
    shown = [
        repr(llm),
        str(llm),
        llm._get_llm_string(),
        repr(llm._identifying_params),
        repr(llm._get_ls_params()),
        repr(llm._get_invocation_params()),
        llm.model_dump_json(),
        repr(llm.model_dump()),
        repr(llm._get_request_payload("Hi")),
    ]
    assert [text for text in shown if CANARY in text] == []


class Recorder(BaseTracer):
    """Keeps the runs of a call."""

    def __init__(self) -> None:
        super().__init__()
        self.runs: list[Any] = []

    def _persist_run(self, run: Any) -> None:
        self.runs.append(run)


def test_traces(server: LocalOnlySq) -> None:
    recorder = Recorder()
    llm = make(base_url=server.base_url, temperature=0.5, max_tokens=9, api_key=CANARY)
    llm.invoke("Hi", {"callbacks": [recorder]}, model_name="other", stop=["x"])
    (run,) = recorder.runs
    assert run.metadata["ls_provider"] == "onlysq"
    assert run.metadata["ls_model_name"] == "other"
    assert run.metadata["ls_model_type"] == "chat"
    assert run.metadata["ls_temperature"] == 0.5
    assert run.metadata["ls_max_tokens"] == 9
    assert run.metadata["ls_stop"] == ["x"]
    assert "langchain-onlysq" in run.metadata["lc_versions"]
    assert CANARY not in repr(run.model_dump())


@pytest.mark.parametrize(
    "clone",
    [
        lambda llm: pickle.loads(pickle.dumps(llm)),  # noqa: S301 - our own bytes
        copy.deepcopy,
        copy.copy,
        lambda llm: llm.model_copy(),
        lambda llm: llm.model_copy(deep=True),
    ],
    ids=["pickle", "deepcopy", "copy", "model_copy", "model_copy_deep"],
)
def test_clones_work_and_have_connections_of_their_own(clone: Any, server: LocalOnlySq) -> None:
    with make(base_url=server.base_url, api_key=CANARY) as llm:
        llm.invoke("Hi")
        with clone(llm) as twin:
            assert twin == llm
            assert twin.invoke("Hi").content == "You said: Hi"
            assert server.connections_open == 2
        assert server.requests[1].headers["authorization"] == f"Bearer {CANARY}"
        llm.invoke("Hi")
    assert server.connections_seen == 2


def test_token_counts_are_offline_estimates() -> None:
    llm = make()
    assert llm.get_num_tokens("x" * 400) == 100
    messages = [HumanMessage("x" * 400), AIMessage("y" * 40)]
    assert 110 <= llm.get_num_tokens_from_messages(messages) <= 125

    def tool(argument: str) -> str:
        """Do something that takes some words to describe."""
        return argument

    with_tools = llm.get_num_tokens_from_messages(messages, tools=[tool])
    assert with_tools > llm.get_num_tokens_from_messages(messages)
    assert make(custom_get_token_ids=lambda text: [1] * len(text)).get_num_tokens("abc") == 3


@pytest.mark.parametrize("fields", [{"timeout": 7}, {"stall_timeout": 7}, {"max_retries": 7}])
def test_what_cannot_change_an_answer_shares_cache_entries(fields: dict[str, Any]) -> None:
    llm = make()
    assert make(**fields)._get_llm_string() == llm._get_llm_string()
    assert llm._get_llm_string(**fields) == llm._get_llm_string()
    assert llm._get_llm_string(request_timeout=7) == llm._get_llm_string()
    assert llm._get_llm_string(seed=7) != llm._get_llm_string()
    assert llm._get_llm_string(stop=["x"]) != llm._get_llm_string()


def test_models_of_other_classes_do_not_share_cache_entries() -> None:
    class Mine(ChatOnlySq):
        pass

    assert Mine(model="gpt-4o-mini")._get_llm_string() != make()._get_llm_string()


@pytest.mark.parametrize("name", ["_generate", "_agenerate"])
def test_the_signature_that_langchain_asks_for_is_the_methods_own(name: str) -> None:
    method = getattr(make(), name)
    code = method.__func__.__code__
    assert ["self", *signature(method).parameters] == [
        *code.co_varnames[: code.co_argcount],
        "kwargs",
    ]


def test_a_class_below_may_have_methods_with_other_signatures() -> None:
    class Mine(ChatOnlySq):
        def _generate(self, messages: Any, stop: Any = None, **_: Any) -> ChatResult:  # type: ignore[override]
            return ChatResult(generations=[ChatGeneration(message=AIMessage("mine"))])

    assert "run_manager" not in signature(Mine(model="m")._generate).parameters
    assert Mine(model="m").invoke("Hi").content == "mine"
