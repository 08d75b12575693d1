"""The documentation is true: its snippets run, its tables say what the code does."""

from __future__ import annotations

import ast
import io
import json
import re
import shlex
import subprocess
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path
from typing import Any, get_args

import pytest
from langchain_core import exceptions
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from pydantic import SecretStr

import langchain_onlysq
from langchain_onlysq import (
    ChatOnlySq,
    OnlySqError,
    OnlySqInvalidRequestError,
    OnlySqTimeoutError,
    testing,
)
from langchain_onlysq.cli import main
from langchain_onlysq.prompted_tools.reader import ToolCallReader
from langchain_onlysq.prompted_tools.wording import describe_schema, describe_tools
from langchain_onlysq.settings.call_options import (
    ALIASES,
    CallOptions,
)
from langchain_onlysq.settings.service import (
    BASE_URL_VARIABLE,
    KEY_VARIABLE,
)
from langchain_onlysq.testing import LocalOnlySq, Reply, ReplyLike, Request
from langchain_onlysq.testing.steps import Step
from langchain_onlysq.transport.retries import may_fall_back, seconds_until_retry
from tests.support import beside_chat_openai as beside
from tests.support.documentation import (
    DOCS,
    PAGES,
    README,
    ROOT,
    anchors,
    blocks,
    commands,
    prose,
    snippets,
    spans,
    table,
    text_of,
)
from tests.support.healthy import healthy
from tests.support.paths import PACKAGE, TOWER

CONTRIBUTING = ROOT / "CONTRIBUTING.md"
TARGETS = set(re.findall(r"(?m)^(\w+):", text_of(ROOT / "Makefile")))
PYPROJECT = tomllib.loads(text_of(ROOT / "pyproject.toml"))
HAS_LANGCHAIN = find_spec("langchain") is not None
MOST_LINES_OF_README = 190
MANY_REQUESTS = 50

UNKNOWN_MODEL = "gpt-4o-minni"
CALL = Reply.tool_calls([("weather", {"city": "Lisbon"})])
ANSWERS: dict[str, ReplyLike] = {
    "Hi": "Hello!",
    "Why is the sky blue?": "Air scatters blue light more than red light, so the sky looks blue.",
    "Count to five.": "1, 2, 3, 4, 5",
    "One plus one?": "Two.",
    "Two plus two?": "Four.",
    "Good morning": "Bonjour",
    "What is in this picture?": "A cat.",
    "Tell me about Lisbon.": '{"name": "Lisbon", "country": "Portugal"}',
    "Is it warm in Lisbon?": CALL,
    "17 degrees and sunny in Lisbon": "It is 17 degrees and sunny in Lisbon.",
}
"""What stands in the last message -> what the service of the snippets answers."""


def answer(request: Request) -> ReplyLike:
    if request.model == UNKNOWN_MODEL:
        return Reply.error(404, "No such model")
    asked = str(request.messages[-1]["content"])
    return next((said for words, said in ANSWERS.items() if words in asked), healthy)


@pytest.fixture
def _surroundings(server: LocalOnlySq, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What the snippets find: a service, two files, and LangChain's own providers alone."""
    monkeypatch.setenv(BASE_URL_VARIABLE, server.base_url)
    monkeypatch.chdir(tmp_path)
    Path("cat.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    Path("notes.txt").write_text("Some notes.", encoding="utf-8")
    if HAS_LANGCHAIN:
        from langchain.chat_models import base

        monkeypatch.delitem(base._BUILTIN_PROVIDERS, "onlysq", raising=False)


@pytest.mark.usefixtures("_surroundings")
class TestSnippets:
    @pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
    def test_python(self, page: Path, server: LocalOnlySq) -> None:
        server.reply(*[answer] * MANY_REQUESTS)
        namespace: dict[str, Any] = {"__name__": "__main__"}
        for snippet in snippets(page):
            if HAS_LANGCHAIN or not snippet.needs_langchain:
                assert snippet.run(namespace) == snippet.shown, snippet.place

    @pytest.mark.parametrize(("command", "output"), commands())
    def test_console(
        self,
        command: str,
        output: str,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        match shlex.split(command):
            case ["make", target]:
                assert target in TARGETS
            case ["pip", "install", package]:
                name, *extras = re.findall(r"[\w-]+", package)
                assert name == PYPROJECT["project"]["name"]
                assert set(extras) <= set(PYPROJECT["project"]["optional-dependencies"])
            case ["export", setting]:
                assert setting.partition("=")[0] in {KEY_VARIABLE, BASE_URL_VARIABLE}
            case ["cat" | "langchain-onlysq", *_]:
                before, _, arguments = command.partition("langchain-onlysq ")
                piped = text_of(Path("notes.txt")) if before else ""
                monkeypatch.setattr(sys, "stdin", io.StringIO(piped))
                assert main(shlex.split(arguments)) == 0
                assert output in {capsys.readouterr().out.strip(), ""}
            case _:
                pytest.fail(f"nothing runs this: {command}")


class TestReadme:
    def test_it_is_short(self) -> None:
        assert len(text_of(README).split("\n")) - 1 <= MOST_LINES_OF_README

    def test_it_links_every_page(self) -> None:
        linked = {target.partition("#")[0] for target in links(text_of(README))}
        assert {f"docs/{page.name}" for page in DOCS.glob("*.md")} <= linked

    def test_an_index_which_has_no_other_files_gets_no_links_to_them(self) -> None:
        hook = PYPROJECT["tool"]["hatch"]["metadata"]["hooks"]["custom"]
        text = re.sub(hook["link"], hook["name"], text_of(README))
        assert links(text)
        assert all(target.startswith("https://") for target in links(text))
        assert "Command line (`docs/command_line.md`)" in text


def links(text: str) -> list[str]:
    return re.findall(r"\]\(([^)]+)\)", text)


@pytest.mark.parametrize("page", [*PAGES, CONTRIBUTING], ids=lambda page: page.name)
class TestNames:
    """What the pages name is there."""

    def test_files(self, page: Path) -> None:
        for name in spans(prose(page)):
            if re.fullmatch(r"[\w.-]+(/[\w./-]*|\.(md|py))", name):
                folders = (ROOT, PACKAGE, PACKAGE.parent)
                assert any((folder / name).exists() for folder in folders), name

    def test_links(self, page: Path) -> None:
        for target in links(prose(page)):
            if not target.startswith("https://"):
                name, _, anchor = target.partition("#")
                linked = page.parent / name if name else page
                assert linked.is_file(), target
                assert not anchor or anchor in anchors(linked), target

    def test_commands(self, page: Path) -> None:
        for command in spans(prose(page)):
            match command.split():
                case ["make", target, *_]:
                    assert target in TARGETS, command
                case ["python", "-m", module, *_]:
                    assert find_spec(module), command


class TestTables:
    """What is listed is all there is."""

    def test_rooms(self) -> None:
        named = [spans(row[0])[0] for row in table(DOCS / "architecture.md", "The tower")]
        assert [name.removesuffix("/").removesuffix(".py") for name in named] == list(TOWER)

    def test_public_names(self) -> None:
        named = {n for row in table(DOCS / "langchain.md", "API reference") for n in spans(row[0])}
        assert named == set(langchain_onlysq.__all__)

    def test_everything_for_tests_is_named(self) -> None:
        named = set(re.findall(r"\w+", text_of(DOCS / "testing.md")))
        assert set(testing.__all__) - named == {"Headers", "ReplyLike", "Step"}

    def test_builders_of_replies(self) -> None:
        rows = [spans(row[0])[0] for row in table(DOCS / "testing.md", "Replies")]
        named = {match[1] for row in rows if (match := re.match(r"Reply\.(\w+)\(", row))}
        methods = {name for name, value in vars(Reply).items() if isinstance(value, classmethod)}
        assert named == methods

    def test_steps_of_replies(self) -> None:
        text = text_of(DOCS / "testing.md").partition("| step |")[2].partition("\n\n")[0]
        named = [span.partition("(")[0] for span in spans(text)]
        assert sorted(named) == sorted(kind.__name__ for kind in get_args(Step))

    def test_options_of_the_command_line(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["--help"]) == 0
        options = set(re.findall(r"(?m)^ +(?:-\w(?: [\w=]+)?, )?(--\w+)", capsys.readouterr().out))
        rows = table(DOCS / "command_line.md", "Options")
        named = {span.split()[0] for row in rows for span in spans(row[0])}
        assert {name for name in named if name.startswith("--")} == options


class TestFields:
    """The table of the constructor's fields."""

    ROWS = table(DOCS / "configuration.md", "Fields")

    def test_names(self) -> None:
        named = [name for row in self.ROWS for name in spans(row[0]) + spans(row[1])]
        assert sorted(named) == sorted({*ChatOnlySq.model_fields, *ALIASES})

    def test_other_names(self) -> None:
        for names in (spans(row[0]) + spans(row[1]) for row in self.ROWS if row[1]):
            assert len({ALIASES.get(name, name) for name in names}) == 1

    def test_those_of_a_call_come_first(self) -> None:
        named = [name for row in self.ROWS for name in spans(row[0])]
        of_calls = named[: named.index("allow_truncated_stream") + 1]
        assert set(of_calls) == set(CallOptions.model_fields)

    @pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
    def test_defaults(self, row: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
        *variables, default = spans(row[2]) or [""]
        for name in spans(row[0]):
            field = ChatOnlySq.model_fields[ALIASES.get(name, name)]
            if row[2] == "required":
                assert field.is_required()
                continue
            assert _default_of(field) == ast.literal_eval(default)
            for variable in variables:
                monkeypatch.setenv(variable, "v1")
                assert _default_of(field) == "v1"


def _default_of(field: Any) -> Any:
    value = field.get_default(call_default_factory=True)
    return value.get_secret_value() if isinstance(value, SecretStr) else value


class TestErrors:
    """The tables of the errors."""

    PAGE = DOCS / "errors.md"
    ROWS = table(PAGE, "Classes")

    def test_every_class_is_there(self) -> None:
        named = {spans(row[0])[0] for row in self.ROWS}
        names = {name for name in langchain_onlysq.__all__ if name.endswith("Error")}
        assert named == names - {"OnlySqError"}

    @pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
    def test_what_follows(self, row: list[str]) -> None:
        error_class: type[OnlySqError] = getattr(langchain_onlysq, spans(row[0])[0])
        assert issubclass(error_class, getattr(exceptions, spans(row[1])[0]))
        error = error_class("x")
        assert (seconds_until_retry(error, 1, 2) is not None) == row[3].startswith("yes")
        assert may_fall_back(error) == row[4].startswith("yes")

    @pytest.mark.parametrize("row", table(PAGE, "Timeouts"), ids=lambda row: row[0])
    def test_timeouts(self, row: list[str]) -> None:
        error = OnlySqTimeoutError("x", code=spans(row[0])[0])
        assert (seconds_until_retry(error, 1, 2) is not None) == (row[1] == "yes")
        assert may_fall_back(error) == (row[2] == "yes")

    def test_what_is_quoted_is_said(self) -> None:
        nodes = [n for path in PACKAGE.rglob("*.py") for n in ast.walk(ast.parse(text_of(path)))]
        said = "\n".join(str(node.value) for node in nodes if isinstance(node, ast.Constant))
        quoted = re.findall("“(.*?)”", str(table(self.PAGE, "What you see")))
        assert len(quoted) > 10
        assert [text for text in quoted if text not in said] == []


class TestBesideChatOpenAI:
    """The table that holds ChatOnlySq beside ChatOpenAI."""

    def test_its_points(self) -> None:
        points = [row[0] for row in table(DOCS / "beside_chat_openai.md", "Beside ChatOpenAI")]
        assert points == [case.point for case in beside.CASES]

    @pytest.mark.parametrize("case", beside.CASES, ids=lambda case: case.point)
    def test_ours(self, case: beside.Case, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("langchain_onlysq.transport.retries._FIRST_WAIT", 0.0)
        assert beside.outcome(case, beside.make_ours) == case.ours


WRITTEN_CALL = '{"name": "weather", "arguments": {"city": "Rome"}}'


def weather(city: str) -> str:
    """Tell the weather of a city."""
    return f"17 degrees and sunny in {city}"


class TestTools:
    """The text form of tools."""

    PAGE = DOCS / "tools.md"

    def test_what_is_shown_is_what_is_sent(self) -> None:
        told, called, answered, asked = blocks(self.PAGE, "text")
        llm: Any = ChatOnlySq(model="m").bind_tools([weather])
        call = {"name": "weather", "args": {"city": "Lisbon"}, "id": "call_1"}
        result = ToolMessage(weather("Lisbon"), tool_call_id="call_1", name="weather")
        conversation = [
            SystemMessage("Be brief."),
            HumanMessage("Is it warm in Lisbon?"),
            AIMessage("Let me look.", tool_calls=[call]),
            result,
        ]
        body = llm.bound._get_request_payload(conversation, **llm.kwargs)
        system, _, assistant, user = (m["content"] for m in body["request"]["messages"])
        assert system == f"Be brief.\n\n{told}".rstrip("\n")
        assert (assistant, user) == (called.rstrip("\n"), answered.rstrip("\n"))
        schema = re.search(r"(?m)^\{.*\}$", asked)
        assert schema
        assert asked == describe_schema(ast.literal_eval(schema[0])) + "\n"

    @pytest.mark.parametrize("choice", ["required", "weather", "none"])
    def test_the_last_line(self, choice: str) -> None:
        tool = {"type": "function", "function": {"name": "weather"}}
        last = describe_tools([tool], choice=choice).split("\n")[-1]
        assert last in spans(prose(self.PAGE))

    @pytest.mark.parametrize("row", table(PAGE, "How calls are read"), ids=lambda row: row[0])
    def test_how_calls_are_read(self, row: list[str]) -> None:
        (shown,) = spans(row[0])
        parser = ToolCallReader({"weather": {"properties": {"city": {"type": "string"}}}})
        deltas = parser.feed(shown.replace("{…}", WRITTEN_CALL).replace("⏎", "\n"))
        deltas += parser.close(whole=True)
        started = [d for d in deltas if not isinstance(d, str) and d.id]
        broken = [d for d in deltas if not isinstance(d, str) and d.error]
        text = "".join(d for d in deltas if isinstance(d, str))
        kind = row[1].partition(":")[0]
        assert (bool(text), len(started), len(broken)) == {
            "text": (True, 0, 0),
            "a call": (False, 1, 0),
            "two calls": (False, 2, 0),
            "text and a call": (True, 1, 0),
            "text and two calls": (True, 2, 0),
            "a broken call": (False, 1, 1),
        }[kind]

    @pytest.mark.parametrize("row", table(PAGE, "Other forms"), ids=lambda row: row[-1])
    def test_other_forms(self, row: list[str]) -> None:
        for shown in spans(row[0]):
            parser = ToolCallReader({"weather": {"properties": {"city": {"type": "string"}}}})
            text = shown.replace("{…}", WRITTEN_CALL).replace("{a}", '{"city": "Rome"}')
            deltas = parser.feed(text.replace("⏎", "\n")) + parser.close(whole=True)
            calls = [delta for delta in deltas if not isinstance(delta, str)]
            assert deltas == calls
            assert [call.name for call in calls if call.name] == ["weather"]
            assert json.loads("".join(call.args for call in calls)) == {"city": "Rome"}
            assert not any(call.error for call in calls)

    def test_what_tools_cost(self) -> None:
        result = subprocess.run(  # noqa: S603 - our own interpreter
            [sys.executable, str(ROOT / "examples" / "prompt_cost.py")],
            capture_output=True,
            text=True,
            check=True,
        )
        measured = dict(line.split() for line in result.stdout.split("\n")[1:] if line)
        rows = dict(table(self.PAGE, "What tools cost"))
        assert rows == {count: measured[count] for count in ("1", "10", "30")}
        said = re.search(r"(\d+) tokens[^.]*?(\d+) for\sten, (\d+)\sfor\sthirty", text_of(README))
        assert said
        assert list(said.groups()) == list(rows.values())


def test_the_features_of_the_model() -> None:
    lines = [line for line in text_of(DOCS / "langchain.md").split("\n") if line.startswith("|")]
    head, _, row = (line.strip("| ").split(" | ") for line in lines[:3])
    features = dict(zip(head, row, strict=True))
    llm = ChatOnlySq(model="gpt-4o-mini")
    for kind in ("image", "audio", "video"):
        block = {"type": kind, "base64": "iVBORw0KGgo=", "mime_type": f"{kind}/x"}
        try:
            llm._get_request_payload([HumanMessage([block])])
            sent = "yes"
        except OnlySqInvalidRequestError:
            sent = "no"
        assert features.pop(f"{kind.title()} input") == sent
    assert features.pop("Logprobs") == "no"
    assert set(features.values()) == {"yes"}


def test_demo_runs_and_says_what_happened() -> None:
    result = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-W", "error", str(ROOT / "examples" / "demo.py")],
        capture_output=True,
        text=True,
        check=True,
        encoding="utf-8",
    )
    assert result.stderr == ""
    for said in (
        "piece by piece",
        "'total_tokens'",
        "Two plus two?",
        "62.6",
        "10 answers",
        "got 9 requests",
    ):
        assert said in result.stdout
