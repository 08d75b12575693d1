"""The documentation is true: its snippets run, its tables say what the code does."""

from __future__ import annotations

import ast
import io
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
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from pydantic import SecretStr

import langchain_onlysq
from langchain_onlysq import ChatOnlySq, OnlySqError, OnlySqInvalidRequestError, testing
from langchain_onlysq.prompted_tools.reader import ToolCallParser
from langchain_onlysq.prompted_tools.wording import describe_schema, describe_tools
from langchain_onlysq.settings.call_options import (
    ALIASES,
    BASE_URL_VARIABLE,
    KEY_VARIABLE,
    CallOptions,
)
from langchain_onlysq.testing import LocalOnlySq, Reply
from langchain_onlysq.testing.steps import Step
from langchain_onlysq.transport.retries import may_fall_back, seconds_until_retry
from tests import beside_chat_openai as beside
from tests.support.documentation import (
    DOCS,
    PAGES,
    README,
    ROOT,
    Snippet,
    blocks,
    commands,
    prose,
    snippets,
    spans,
    table,
    text_of,
)
from tests.support.paths import PACKAGE

SNIPPETS = snippets()
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")


@pytest.fixture
def _surroundings(server: LocalOnlySq, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What the snippets find: a service, and two files."""
    monkeypatch.setenv(BASE_URL_VARIABLE, server.base_url)
    monkeypatch.chdir(tmp_path)
    Path("cat.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    Path("notes.txt").write_text("Some notes.", encoding="utf-8")


@pytest.mark.usefixtures("_surroundings")
class TestSnippets:
    """Those that import langchain are in `test_documentation_agents.py`."""

    @pytest.mark.parametrize(
        "snippet", [s for s in SNIPPETS if not s.needs_langchain], ids=lambda s: s.name
    )
    def test_python(self, snippet: Snippet, tmp_path: Path) -> None:
        snippet.run(tmp_path)

    def test_every_page_has_some(self) -> None:
        assert {snippet.name.partition("-")[0] for snippet in SNIPPETS} == {p.name for p in PAGES}

    @pytest.mark.parametrize("command", commands())
    def test_console(
        self, command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        match shlex.split(command):
            case ["make", target]:
                assert re.search(rf"(?m)^{target}:", MAKEFILE)
            case ["pip", "install", package]:
                name, *extras = re.findall(r"[\w-]+", package)
                project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
                assert name == project["name"]
                assert set(extras) <= set(project["optional-dependencies"])
            case ["export", setting]:
                assert setting.partition("=")[0] in {KEY_VARIABLE, BASE_URL_VARIABLE}
            case [*_, "python", "-m", "langchain_onlysq"] | [*_, "langchain-onlysq"]:
                pytest.fail("a conversation cannot be checked")
            case words:
                self.run_command_line(words, monkeypatch)
                assert capsys.readouterr().out.strip()

    @staticmethod
    def run_command_line(words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
        from langchain_onlysq.cli import main

        if words[0] == "cat":
            text = Path(words[1]).read_text(encoding="utf-8")
            words = words[words.index("|") + 1 :]
        else:
            # Where there is a question, a pipe adds to it; where there is none, it is one.
            text = "Hi"
        arguments = words[3:] if words[:3] == ["python", "-m", "langchain_onlysq"] else words[1:]
        assert words[0] in {"python", "langchain-onlysq"}
        monkeypatch.setattr(sys, "stdin", io.StringIO(text))
        assert main(arguments) == 0


class TestNames:
    """What the pages name is there."""

    @pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
    def test_files(self, page: Path) -> None:
        for name in spans(prose(page)):
            if re.fullmatch(r"[\w./-]+\.(md|py)", name):
                assert (ROOT / name).is_file() or (PACKAGE / name).is_file(), name

    @pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
    def test_links(self, page: Path) -> None:
        for target in re.findall(r"\]\(([^)]+)\)", prose(page)):
            if not target.startswith("https://"):
                # A package index, which shows the README, has no other files.
                assert page != README
                assert (page.parent / target).is_file(), target

    @pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
    def test_commands(self, page: Path) -> None:
        for command in spans(prose(page)):
            match command.split():
                case ["make", target, *_]:
                    assert re.search(rf"(?m)^{target}:", MAKEFILE), command
                case ["python", "-m", module]:
                    assert find_spec(module), command

    def test_every_page_is_named_in_the_readme(self) -> None:
        for page in DOCS.glob("*.md"):
            assert f"docs/{page.name}" in spans(text_of(README))

    def test_public_names(self) -> None:
        named = {n for row in table(DOCS / "langchain.md", "API reference") for n in spans(row[0])}
        assert named == set(langchain_onlysq.__all__)

    def test_everything_for_tests_is_named(self) -> None:
        for name in testing.__all__:
            assert re.search(rf"\b{name}\b", text_of(DOCS / "testing.md")) or name in {
                "Headers",
                "ReplyLike",
                "Step",
            }

    def test_builders_of_replies(self) -> None:
        rows = [spans(row[0])[0] for row in table(DOCS / "testing.md", "Replies")]
        named = {match[1] for row in rows if (match := re.match(r"Reply\.(\w+)\(", row))}
        methods = {name for name, value in vars(Reply).items() if isinstance(value, classmethod)}
        assert named == methods

    def test_steps_of_replies(self) -> None:
        text = text_of(DOCS / "testing.md").partition("| step |")[2].partition("\n\n")[0]
        named = [span.partition("(")[0] for span in spans(text)]
        assert sorted(named) == sorted(kind.__name__ for kind in get_args(Step))


class TestFields:
    """The table of the constructor's fields."""

    ROWS = table(README, "Fields")

    def test_names(self) -> None:
        named = [spans(row[0]) + spans(row[1]) for row in self.ROWS]
        fields = [ALIASES.get(name, name) for names in named for name in names]
        assert set(fields) == set(ChatOnlySq.model_fields)
        assert set(ALIASES) | set(ALIASES.values()) <= {n for names in named for n in names}
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
    """The table of the errors."""

    ROWS = table(DOCS / "errors.md", "Errors, retries, timeouts")

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

    def test_timeouts(self) -> None:
        text = prose(DOCS / "errors.md").replace("\n", " ")
        paragraph = re.search(r"`NO` are (.*?)`SAME` are (.*?):", text)
        assert paragraph
        kinds = ("connect", "pool", "read", "stall", "write")
        errors = [langchain_onlysq.OnlySqTimeoutError("x", code=f"{k}_timeout") for k in kinds]
        assert sorted(spans(paragraph[1])) == [
            e.code for e in errors if seconds_until_retry(e, 1, 2) is None
        ]
        assert sorted(spans(paragraph[2])) == [e.code for e in errors if not may_fall_back(e)]

    def test_what_troubleshooting_quotes_is_said(self) -> None:
        said = {
            node.value
            for path in PACKAGE.rglob("*.py")
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
        }
        quoted = re.findall("“(.*?)”", str(table(README, "Troubleshooting")))
        assert len(quoted) > 10
        for text in quoted:
            assert any(text in other for other in said), text


class TestBesideChatOpenAI:
    """The table that holds ChatOnlySq beside ChatOpenAI."""

    def test_its_points(self) -> None:
        points = [row[0] for row in table(README, "Beside ChatOpenAI")]
        assert points == [case.point for case in beside.CASES]

    @pytest.mark.parametrize("case", beside.CASES, ids=lambda case: case.point)
    def test_ours(self, case: beside.Case, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("langchain_onlysq.transport.retries._FIRST_WAIT", 0.0)
        assert beside.outcome(case, beside.make_ours) == case.ours


CALL = '{"name": "weather", "arguments": {"city": "Rome"}}'


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
        parser = ToolCallParser(["weather"])
        deltas = parser.feed(shown.replace("{…}", CALL).replace("⏎", "\n"))
        deltas += parser.close(whole=True)
        started = [d for d in deltas if not isinstance(d, str) and d.id]
        broken = [d for d in deltas if not isinstance(d, str) and d.error]
        text = "".join(d for d in deltas if isinstance(d, str))
        kind = row[1].partition(":")[0]
        assert (bool(text), len(started), len(broken)) == {
            "text": (True, 0, 0),
            "a call": (False, 1, 0),
            "two calls": (False, 2, 0),
            "text and two calls": (True, 2, 0),
            "a broken call": (False, 1, 1),
        }[kind]

    def test_what_tools_cost(self) -> None:
        result = subprocess.run(  # noqa: S603 - our own interpreter
            [sys.executable, str(ROOT / "examples" / "prompt_cost.py")],
            capture_output=True,
            text=True,
            check=True,
        )
        measured = dict(line.split() for line in result.stdout.split("\n")[1:] if line)
        rows = dict(table(self.PAGE, "What it costs"))
        assert rows == {count: measured[count] for count in ("1", "10", "30")}
        named = re.search(r"(\d+) tokens[^.]*?(\d+) for ten, (\d+) for thirty", _line(README))
        assert named
        assert list(named.groups()) == list(rows.values())


def _line(page: Path) -> str:
    return text_of(page).replace("\n", " ")


def test_the_features_of_the_model() -> None:
    text = text_of(DOCS / "langchain.md").partition("### Model features\n\n")[2]
    head, _, row = (line.strip("| ").split(" | ") for line in text.split("\n")[:3])
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
    overridden = {
        "Tool calling": "bind_tools",
        "Structured output": "with_structured_output",
        "Token-level streaming": "_stream",
        "Native async": "_astream",
    }
    for feature, name in overridden.items():
        same = getattr(ChatOnlySq, name) is getattr(BaseChatModel, name)
        assert features.pop(feature) == ("no" if same else "yes")
    assert features == {"Token usage": "yes", "Logprobs": "no"}
    assert ChatOnlySq.is_lc_serializable()


def test_demo_runs_and_says_what_happened() -> None:
    result = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-W", "error", str(ROOT / "examples" / "demo.py")],
        capture_output=True,
        text=True,
        check=True,
        encoding="utf-8",
    )
    assert result.stderr == ""
    for said in ("piece by piece", "'total_tokens'", "Two plus two?", "62.6", "got 9 requests"):
        assert said in result.stdout
