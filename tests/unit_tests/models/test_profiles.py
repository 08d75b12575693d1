"""Profiles: what is known of a model, and what of it holds for the way it is called."""

from __future__ import annotations

import json
import os
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any, get_origin, get_type_hints

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import SummarizationMiddleware
from langchain_core.language_models import ModelProfile
from langchain_core.messages import AIMessage, HumanMessage
from pydantic import BaseModel

from langchain_onlysq import ChatOnlySq
from langchain_onlysq.models import profile_table
from langchain_onlysq.models.profiles import plain_name
from langchain_onlysq.testing import LocalOnlySq, Reply
from langchain_onlysq.testing.bodies import MODEL_IDS
from tests.support.paths import ROOT

SCRIPT = ROOT / "scripts" / "build_profiles.py"


def rows_in(table: str) -> dict[str, str]:
    """Return what a table says of each id."""
    return {row.partition(" ")[0]: row.partition(" ")[2] for row in table.strip("\n").split("\n")}


ROWS = rows_in(profile_table.TABLE)


def profile(model: str, **fields: Any) -> ModelProfile:
    found = ChatOnlySq(model=model, **fields).profile
    assert found is not None, model
    return found


def test_a_profile() -> None:
    can = "text_inputs image_inputs image_tool_message text_outputs tool_calling"
    cannot = "pdf_inputs pdf_tool_message audio_inputs video_inputs image_outputs audio_outputs"
    assert profile("gpt-4o-mini") == {
        **known(name="GPT-4o mini", temperature=True),
        "max_input_tokens": 128000,
        "max_output_tokens": 16384,
        **dict.fromkeys([*can.split(), "tool_call_streaming"], True),
        **dict.fromkeys([*cannot.split(), "video_outputs", "reasoning_output"], False),
        **known(tool_choice=True),
        "structured_output": False,
    }


def known(**facts: Any) -> dict[str, Any]:
    """Return the keys that this version of langchain-core knows."""
    return {key: facts[key] for key in facts if key in get_type_hints(ModelProfile)}


def test_efforts_are_those_that_are_named_for_the_model_and_that_clients_send() -> None:
    levels = known(reasoning_effort_levels=["low", "medium", "high"])
    assert profile("gpt-5-mini").items() >= levels.items()
    assert profile("claude-opus-5").items() >= levels.items()
    for model in ("deepseek-r1", "gpt-4o-mini"):
        assert "reasoning_effort_levels" not in profile(model)


def test_what_a_model_is_called_and_whether_it_takes_a_temperature() -> None:
    assert profile("claude-haiku-4-5-20251001").items() >= known(name="Claude Haiku 4.5").items()
    assert profile("gemini-3-flash").items() >= known(name="Gemini 3 Flash").items()
    assert profile("gpt-5-mini").items() >= known(temperature=False).items()
    assert profile("deepseek-r1").items() >= known(temperature=True).items()


def test_a_status_is_told_where_there_is_one() -> None:
    assert profile("gpt-3.5-turbo").items() >= known(status="deprecated").items()
    assert "status" not in profile("gpt-4o-mini")


def test_nobody_has_seen_remote_images_work() -> None:
    assert profile("gpt-4o-mini")["image_inputs"]
    assert "image_url_inputs" not in profile("gpt-4o-mini")


def test_a_copy_with_another_model_has_the_profile_of_that() -> None:
    llm = ChatOnlySq(model="gpt-4o-mini")
    assert llm.model_copy(update={"model": "deepseek-r1"}).profile == profile("deepseek-r1")
    assert llm.model_copy(update={"model": "unheard-of"}).profile is None
    assert llm.model_copy(update={"temperature": 0.0}).profile == profile("gpt-4o-mini")
    own: ModelProfile = {"max_input_tokens": 7}
    given = ChatOnlySq(model="gpt-4o-mini", profile=own)
    assert given.model_copy(update={"model": "deepseek-r1"}).profile == own
    assert llm.model_copy(update={"model": "deepseek-r1", "profile": own}).profile == own


@pytest.mark.parametrize("model", MODEL_IDS)
def test_models_that_the_service_is_known_for_have_one(model: str) -> None:
    assert profile(model)["max_input_tokens"] > profile(model)["max_output_tokens"] > 0


@pytest.mark.parametrize(
    ("model", "family"),
    [
        ("gpt-4o-mini-2024-07-18", "gpt-4o-mini"),
        ("openai/gpt-4o-mini", "gpt-4o-mini"),
        ("gpt-4o-mini:free", "gpt-4o-mini"),
        ("gpt-4o-mini-latest", "gpt-4o-mini"),
        ("gpt-4o-mini:latest", "gpt-4o-mini"),
        (" OpenAI/GPT-4o-mini-2024-07-18:free", "gpt-4o-mini"),
        ("gpt-5.2-chat-latest", "gpt-5.2-chat"),
        ("models/gemini-2.5-flash", "gemini-2.5-flash"),
        ("claude-haiku-4-5-20251001", "claude-haiku-4-5"),
        ("claude-haiku-4-5@20251001", "claude-haiku-4-5"),
        ("anthropic/claude-haiku-4.5", "claude-haiku-4-5"),
        ("accounts/fireworks/models/kimi-k3", "kimi-k3"),
        ("meta-llama/Llama-3.3-70B-Instruct", "llama-3.3-70b-instruct"),
    ],
)
def test_prefixes_dates_and_tags_are_not_part_of_a_name(model: str, family: str) -> None:
    assert profile(model) == profile(family)


@pytest.mark.parametrize(
    "model",
    [
        *("gpt", "gpt-4o-micro", "gpt-4o-mini-audio", "my-gpt-4o-mini", "gpt-4-1106"),
        *("gpt-4o-mini-2024-13-18", "gpt-4o-mini-2024-0718", "gpt-4o-mini-1999-07-18"),
        *("gemini-2.5-flash-lite-2", "gemini-2-5-flash", "claude-haiku-4-5-fast"),
        *("deepseek-v3.2-exp-2", "deepseek-r1-9999", "qwen3-235b-a22b-1234"),
        *("gpt-4o-mini:8b", "gpt-4o-mini/other", "-latest", "openai/"),
    ],
)
def test_another_model_is_not_taken_for_one_with_a_shorter_name(model: str) -> None:
    assert ChatOnlySq(model=model).profile is None


def test_neighbours_are_told_apart() -> None:
    assert profile("o3")["image_inputs"]
    assert not profile("o3-mini")["image_inputs"]
    assert profile("gpt-4o")["max_output_tokens"] == 16384
    assert profile("gpt-4o-2024-08-06")["max_output_tokens"] == 16384
    assert profile("gpt-4o-2024-05-13")["max_output_tokens"] == 4096
    assert profile("qwen3-235b-a22b")["reasoning_output"]
    assert not profile("qwen3-235b-a22b-2507")["reasoning_output"]


@pytest.mark.parametrize(
    ("fields", "native"),
    [
        ({}, None),
        ({"tool_calling": "prompted"}, None),
        ({"tool_calling": "prompted", "endpoint": "openai"}, None),
        ({"tool_calling": "native"}, False),
        ({"endpoint": "openai"}, True),
        ({"endpoint": "openai", "tool_calling": "native"}, True),
    ],
    ids=str,
)
def test_nothing_is_claimed_that_the_mode_does_not_hold(
    fields: dict[str, Any],
    native: bool | None,  # noqa: FBT001 - None: prompted; False: native where that is undocumented
) -> None:
    for model, tools, structured in [
        ("gpt-4o-mini", True, True),
        ("qwen3-235b-a22b", True, False),
        ("sonar", False, False),
        ("grok-4.20-multi-agent-0309", False, True),
    ]:
        found = profile(model, **fields)
        expected = native is None or (native and tools)
        assert found["tool_calling"] == found["tool_call_streaming"] == expected
        assert found["structured_output"] == bool(native and structured)


class Report(BaseModel):
    """A report."""

    city: str


def test_an_agent_asks_for_an_object_in_the_way_that_the_mode_holds(server: LocalOnlySq) -> None:
    model = "kimi-k2.5"  # LangChain knows some names by heart; this is none of them
    prompted = ChatOnlySq(model=model, base_url=server.base_url)
    native = ChatOnlySq(model=model, base_url=server.base_url, endpoint="openai")
    server.reply(Reply.tool_calls([("Report", {"city": "Rome"})]), '{"city": "Rome"}')
    for llm in (prompted, native):
        agent: Any = create_agent(llm, response_format=Report)
        result = agent.invoke({"messages": [HumanMessage("Report!")]})
        assert result["structured_response"] == Report(city="Rome")
    first, second = (request.json for request in server.requests)
    assert "<tools>" in str(first)
    assert second["response_format"]["type"] == "json_schema"


class TestSummarization:
    """LangChain's middleware reads the context window from the profile."""

    @staticmethod
    def agent(server: LocalOnlySq, **fields: Any) -> Any:
        llm = ChatOnlySq(**{"model": "gpt-4", "base_url": server.base_url, **fields})
        middleware: Any = SummarizationMiddleware(
            model=llm, trigger=("fraction", 0.8), keep=("fraction", 0.01)
        )
        return create_agent(llm, middleware=[middleware])

    @staticmethod
    def talk(turns: int) -> dict[str, Any]:
        turn = [HumanMessage("ship " * 100), AIMessage("Aha.")]
        said = [message.model_copy() for _ in range(turns) for message in turn]
        return {"messages": [*said, HumanMessage("And now?")]}

    async def test_a_conversation_near_the_window_is_summarized(self, server: LocalOnlySq) -> None:
        for answer in ("invoke", "ainvoke"):
            server.reply("They spoke of ships.", "Now they sail.")
            call = getattr(self.agent(server), answer)(self.talk(60))
            result = call if answer == "invoke" else await call
            assert result["messages"][-1].content == "Now they sail."
            summarizing, asking = (request.json for request in server.requests[-2:])
            assert "ship ship" in str(summarizing)
            assert "They spoke of ships." in str(asking)
            assert "ship ship" not in str(asking)
            assert "And now?" in str(asking)

    def test_a_shorter_one_is_not(self, server: LocalOnlySq) -> None:
        server.reply("Now they sail.")
        self.agent(server).invoke(self.talk(40))
        assert "ship ship" in str(server.requests[0].json)
        assert len(server.requests) == 1

    def test_the_window_is_that_of_the_model(self, server: LocalOnlySq) -> None:
        server.reply("Now they sail.")
        self.agent(server, model="gpt-4o").invoke(self.talk(60))
        assert len(server.requests) == 1

    def test_a_window_may_be_named_for_an_unknown_model(self, server: LocalOnlySq) -> None:
        with pytest.raises(ValueError, match="profile"):
            self.agent(server, model="unheard-of")
        server.reply("They spoke of ships.", "Now they sail.")
        agent = self.agent(server, model="unheard-of", profile={"max_input_tokens": 8192})
        agent.invoke(self.talk(60))
        assert len(server.requests) == 2


def test_a_profile_of_the_callers_own_is_the_whole_profile() -> None:
    assert profile("gpt-4o-mini", profile={"max_input_tokens": 1}) == {"max_input_tokens": 1}
    assert profile("gpt-4o-mini", profile={}) == {}


def test_each_model_has_a_copy_of_its_own() -> None:
    changed, other = profile("gpt-4o-mini"), profile("gpt-4o-mini")
    changed["max_input_tokens"] = 1
    assert other == profile("gpt-4o-mini") != changed


def test_every_model_of_the_table_gives_a_profile_of_langchains_form() -> None:
    types = get_type_hints(ModelProfile)
    for model in ROWS:
        for fields in ({}, {"endpoint": "openai"}):
            for key, value in profile(model, **fields).items():
                kind = get_origin(types[key]) or types[key]
                assert type(value) is kind, (model, key)


def test_the_table_is_in_order_and_names_its_source() -> None:
    assert list(ROWS) == sorted(ROWS)
    assert len(ROWS) >= 100
    able = ["image", "reasoning", "structured", "temperature", "tools"]
    order = [*able, "low", "medium", "high", "deprecated"]
    for model, row in ROWS.items():
        said, _, called = row.partition("; ")
        most_input, most_output, *words = said.split(" ")
        assert model == plain_name(model)
        assert int(most_input) >= 4096
        assert int(most_output) >= 1024
        assert words == [word for word in order if word in words]
        assert called == called.strip() != ""
    assert profile_table.__doc__ is not None
    for named in ("models.dev", "MIT License", "read on", SCRIPT.name):
        assert named in profile_table.__doc__


def entry(context: int, output: int, **more: Any) -> dict[str, Any]:
    limit = {"context": context, "output": output, **more.pop("limit", {})}
    modalities = {"input": ["text"], "output": ["text"], **more.pop("modalities", {})}
    return {"limit": limit, "modalities": modalities, **more}


API: dict[str, Any] = {
    "openai": {
        "models": {
            "gpt-9": entry(
                400000,
                128000,
                limit={"input": 272000},
                **dict.fromkeys(("reasoning", "tool_call", "structured_output"), True),
                modalities={"input": ["text", "image"]},
                name="GPT-9 (latest)",
                status="beta",
                temperature=False,
                reasoning_options=[
                    {"type": "budget_tokens", "min": 1024},
                    {"type": "effort", "values": ["none", "high", "low"]},
                ],
            ),
            "gpt-9-2031-01-01": entry(400000, 128000, limit={"input": 272000}, tool_call=False),
            "gpt-9-2031-02-02": entry(400000, 64000, tool_call=False),
            "gpt-8-chat-latest": entry(128000, 16384, structured_output=None),
            "gpt-9-live": entry(128000, 16384),
            "gpt-9-image": entry(128000, 16384, modalities={"output": ["text", "image"]}),
            "gpt-9-unknown": {"name": "says nothing"},
            "gpt-9-zero": entry(0, 0),
            "text-embedding-9": entry(8192, 1536),
        }
    },
    "google": {
        "models": {
            "gemini-9-preview": entry(1048576, 65536, name="Gemini 9 Preview", temperature=True)
        }
    },
    "mistral": {"models": {"magistral-9": entry(1000, 100)}},
    "openrouter": {
        "models": {
            "openai/gpt-8-chat": entry(999999, 99999),
            "openai/gpt-9": entry(999999, 99999),
            "deepseek/deepseek-chat": entry(163840, 16384, tool_call=True),
            "qwen/qwen9:free": entry(1000, 100),
            "qwen/qwen9": entry(2000, 100),
            "someone/else": entry(2000, 100),
        }
    },
    "nobody": {"models": {"gpt-7": entry(1, 1)}},
}

EXPECTED = {
    "deepseek-v3": "163840 16384 tools; ",
    "gemini-9": "1048576 65536 temperature; Gemini 9",
    "gemini-9-preview": "1048576 65536 temperature; Gemini 9 Preview",
    "gpt-8-chat": "128000 16384; ",
    "gpt-9": "272000 128000 image reasoning structured tools low high beta; GPT-9",
    "gpt-9-2031-02-02": "400000 64000; ",
    "magistral-9": "1000 100; ",
    "qwen9": "2000 100; ",
}


@pytest.mark.processes
class TestScript:
    """The script that rebuilds the table."""

    @staticmethod
    def run(
        table: Path, *arguments: str, path: str = "", **variables: str
    ) -> subprocess.CompletedProcess[str]:
        table.write_text('TABLE = ""\n', encoding="utf-8")
        paths = [path, os.environ.get("PYTHONPATH", "")]
        return subprocess.run(  # noqa: S603 - our own interpreter
            [sys.executable, str(SCRIPT), *arguments, "--output", str(table)],
            capture_output=True,
            text=True,
            check=False,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths)), **variables},
        )

    def test_well_known_chat_models_are_chosen(self, tmp_path: Path) -> None:
        api, table = tmp_path / "api.json", tmp_path / "models.py"
        api.write_text(json.dumps(API), encoding="utf-8")
        result = self.run(table, str(api))
        assert (result.returncode, result.stderr) == (0, "")
        written = runpy.run_path(str(table))
        assert rows_in(written["TABLE"]) == EXPECTED
        assert "a copy of its api.json" in written["__doc__"]

    def test_the_copies_in_langchains_packages_say_the_same(self, tmp_path: Path) -> None:
        profiles = {
            "gpt-9": {
                "max_input_tokens": 272000,
                "max_output_tokens": 128000,
                **dict.fromkeys(("text_inputs", "image_inputs", "text_outputs"), True),
                **dict.fromkeys(("reasoning_output", "tool_calling", "structured_output"), True),
                "image_outputs": False,
                "name": "GPT-9",
                "status": "beta",
                "temperature": False,
                "reasoning_effort_levels": ["none", "low", "high", "xhigh"],
            },
            "gpt-9-silent": {"max_input_tokens": 272000, "max_output_tokens": 1},
        }
        data = tmp_path / "langchain_openai" / "data"
        data.mkdir(parents=True)
        data.with_name("__init__.py").write_text("raise AssertionError\n", encoding="utf-8")
        (data / "_profiles.py").write_text(f"_PROFILES = {profiles}\n", encoding="utf-8")
        metadata = tmp_path / "langchain_openai-9.9.dist-info" / "METADATA"
        metadata.parent.mkdir()
        metadata.write_text("Metadata-Version: 2.1\nName: langchain-openai\nVersion: 9.9\n")
        result = self.run(tmp_path / "models.py", "--langchain", path=str(tmp_path))
        assert (result.returncode, result.stderr) == (0, "")
        written = runpy.run_path(str(tmp_path / "models.py"))
        assert rows_in(written["TABLE"]) == {"gpt-9": EXPECTED["gpt-9"]}
        assert "langchain-openai 9.9" in written["__doc__"]

    def test_a_table_is_not_replaced_by_none(self, tmp_path: Path) -> None:
        api, table = tmp_path / "api.json", tmp_path / "models.py"
        api.write_text(json.dumps({"openai": {}}), encoding="utf-8")
        result = self.run(table, str(api))
        assert result.returncode == 1
        assert "stays as it is" in result.stderr
        assert table.read_text(encoding="utf-8") == 'TABLE = ""\n'

    def test_a_failed_download_names_the_other_ways(self, tmp_path: Path) -> None:
        result = self.run(tmp_path / "models.py", HTTPS_PROXY="http://127.0.0.1:1")
        assert result.returncode == 1
        assert "--langchain" in result.stderr
        assert "Traceback" not in result.stderr
