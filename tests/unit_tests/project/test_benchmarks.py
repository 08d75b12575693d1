"""The benchmark measures what it says: right answers, right tables. How fast is not tested."""

from __future__ import annotations

import ast
import asyncio
import json
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from benchmarks import __main__ as command
from benchmarks import report, runner
from benchmarks.cases import CASES, PROMPT, WITHOUT, select
from benchmarks.machine import allow_descriptors
from benchmarks.server import ROOT, running
from benchmarks.subjects import IMPORTS, PEERS, TITLES, Subject, load
from benchmarks.wire import Shape, parse_path, texts
from benchmarks.workloads import WORKLOADS, WrongAnswerError, cpu, errors, is_right
from benchmarks.yardsticks import HTTP, raw

FOLDER = ROOT / "benchmarks"
CLIENTS = ("raw", "limit", "onlysq")
STREAMS = (Shape("c", 40), Shape("c", 40, events=7), Shape("c", 8, pause=1))


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with running() as url:
        yield url
    # A measuring process ends with it; this one goes on.
    raw.client().close()


@pytest.fixture
def subject(request: pytest.FixtureRequest) -> Iterator[Subject]:
    yield load(request.param)
    raw.async_client.cache_clear()


async def answers(
    subject: Subject, url: str, shape: Shape, *, tools: bool = False
) -> list[list[str]]:
    """Return what a client reads in a stream, and in an awaited one."""
    model = subject.make(f"{url}/{shape.path}", native_tools=tools)
    messages = subject.to_messages(PROMPT)
    text = subject.arguments if tools else subject.text
    asked = model.bind_tools([{"type": "function", "function": {"name": "f"}}]) if tools else model
    read = [text(chunk) for chunk in asked.stream(messages)]
    aread = [text(chunk) async for chunk in asked.astream(messages)]
    if hasattr(model, "aclose"):
        model.close()
        await model.aclose()
    await raw.async_client(f"{url}/{shape.path}/ai/v2").aclose()
    return [read, aread]


@pytest.mark.parametrize("shape", STREAMS, ids=lambda shape: shape.path)
@pytest.mark.parametrize("subject", [*CLIENTS, "core"], indirect=True)
async def test_clients_read_every_chunk(address: str, subject: Subject, shape: Shape) -> None:
    for read in await answers(subject, address, shape):
        assert is_right(read, texts(shape))


@pytest.mark.parametrize("subject", CLIENTS, indirect=True)
async def test_clients_read_calls(address: str, subject: Subject) -> None:
    shape = Shape("a", 12)
    assert json.loads("".join(texts(shape)))["path"] == "sky.txt"
    for read in await answers(subject, address, shape, tools=True):
        assert is_right(read, "".join(texts(shape)))


@pytest.mark.parametrize(
    "tail", ["/v2", "/ai/v2", "/ai/openai/v1/chat/completions", "/v1/chat/completions", "/7/ai/v2"]
)
def test_the_server_knows_every_endpoint(address: str, tail: str) -> None:
    assert parse_path(f"/c20e2t1{tail}") == Shape("c", 20, events=2, pause=1)
    request = urllib.request.Request(f"{address}/w3{tail}", b"{}" * 100_000)  # noqa: S310 - loopback
    with urllib.request.urlopen(request) as response:  # noqa: S310 - loopback
        answer = json.load(response)
    assert answer["choices"][0]["message"]["content"] == "The sky is"


@pytest.mark.parametrize("path", ["/ai/v2", "/c/v2", "/x7/v2", "/c20/models", "/c20e1t0"])
def test_the_server_says_what_it_does_not_know(address: str, path: str) -> None:
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(f"{address}{path}", b"{}")  # noqa: S310 - loopback
    assert caught.value.code == 404
    caught.value.close()


async def test_the_server_serves_500_at_once_and_keeps_connections(address: str) -> None:
    allow_descriptors()
    gate = asyncio.Barrier(500)

    async def ask() -> list[int]:
        reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(address).port)
        await gate.wait()
        counts = []
        for _ in range(2):
            writer.write(b"POST /c2t1/v2 HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}")
            counts.append((await reader.readuntil(b"\r\n0\r\n\r\n")).count(b"data: "))
        writer.close()
        await writer.wait_closed()
        return counts

    answers = await asyncio.gather(*[ask() for _ in range(500)])
    assert answers == [[4, 4]] * 500


def test_the_server_goes_with_its_user() -> None:
    with running() as url:
        pass
    with pytest.raises(urllib.error.URLError, match="refused"):
        urllib.request.urlopen(f"{url}/w1/v2", b"{}")  # noqa: S310 - loopback


def test_wrong_answers_are_errors() -> None:
    sent = texts(Shape("c", 3))
    assert is_right(["", "The", " sky", " is", ""], sent)
    assert is_right(["The sky", " is"], "The sky is")
    wrong = [["The sky is"], ["The", " sky"], ["The", " sky", " was"]]
    assert not any(is_right(read, sent) for read in wrong)
    assert errors([*wrong, TimeoutError(), sent], sent) == 4
    with pytest.raises(TimeoutError):
        errors([TimeoutError(), ValueError()], sent)
    with pytest.raises(WrongAnswerError):
        cpu(lambda: ["The sky was"], 1, "The sky is")
    assert cpu(lambda: ["The sky is"], 3, "The sky is") >= 0


@pytest.mark.parametrize("case", ["first", "construct", "crowd_threads"])
def test_a_process_measures(address: str, case: str) -> None:
    outcome = runner.measure(runner.Job(1, case, "limit"), address)
    assert "error" not in outcome
    assert all(isinstance(value, float | int) for value in outcome.values())


def test_a_process_says_what_went_wrong(address: str) -> None:
    outcome = runner.measure(runner.Job(0, "requests", "raw"), f"{address}/nowhere?")
    assert outcome == {"error": "KeyError: 'choices'"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(["--only", "stream,nope"], "unknown case 'nope'"), (["--rounds", "0"], "nothing to measure")],
)
def test_a_wrong_option_is_refused(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        command.main(arguments)
    assert caught.value.code == 2
    assert said in capsys.readouterr().err


def test_a_run_ends_with_a_table_and_json(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(command, "TITLES", {"raw": "raw httpx"})
    file = tmp_path / "figures.json"
    assert command.main(["--rounds", "2", "--only", "first", "--json", str(file)]) == 0
    shown = capsys.readouterr()
    assert "\nfirst token in a fresh process, ms  " in shown.out
    assert "2 processes, about 2 s.\nround 1, first, raw httpx: 1 of 2, 2 s left\n" in shown.err
    measured = json.loads(file.read_text(encoding="utf-8"))
    assert [list(each) for each in measured["outcomes"]["first"]["raw"]] == [
        ["first token in a fresh process, ms"],
        ["first token in a fresh process, ms"],
    ]


def test_an_interrupt_ends_a_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(subprocess, "run", interrupt)
    assert command.main([]) == 130
    assert capsys.readouterr().err.endswith("Interrupted.\n")


def test_rounds_are_interleaved() -> None:
    jobs = runner.plan(["import", "framing"], ["raw", "core", "limit"], 2)
    assert [(job.turn, job.case, job.subject) for job in jobs] == [
        *[(0, "import", "raw"), (0, "import", "core"), (0, "import", "limit")],
        *[(0, "framing", "raw"), (0, "framing", "limit")],
        *[(1, "import", "core"), (1, "import", "limit"), (1, "import", "raw")],
        *[(1, "framing", "limit"), (1, "framing", "raw")],
    ]


def test_settings_of_the_user_stay_out(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("https_proxy", "LANGSMITH_TRACING", "PYTHONWARNINGS", "ONLYSQ_API_KEY"):
        monkeypatch.setenv(name, "x")
    for name in ("PYTHONPATH", "BENCHMARK_HTTP"):
        monkeypatch.setenv(name, "kept")
    variables = runner.environment()
    assert "x" not in variables.values()
    assert variables["PYTHONPATH"] == variables["BENCHMARK_HTTP"] == "kept"
    assert variables["NO_PROXY"] == "*"


def test_the_http_library_is_a_choice(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENCHMARK_HTTP", "nope")
    outcome = runner.measure(runner.Job(0, "first", "limit"), address)
    assert outcome == {"error": "ModuleNotFoundError: No module named 'nope'"}


def test_the_table_shows_medians_and_ratios_of_each_round() -> None:
    stream, zero, growth = "stream, µs", "errors", "growth, MB"
    outcomes: report.Outcomes = {
        "stream": {
            "raw": [{zero: 0}, {zero: 0}, {zero: 0}],
            "limit": [{stream: 10, zero: 0}, {stream: 20, zero: 0}, {stream: 40, zero: 0}],
            "onlysq": [{stream: 12, zero: 0}, {stream: 24, zero: 0}, {stream: 80, zero: 1}],
        },
        "growth": {"raw": [{growth: 12.34}], "limit": [{growth: 0.5}], "onlysq": [{growth: 0.123}]},
        "invoke": {
            "raw": [{"invoke, µs": 1234.5}],
            "limit": [{"invoke, µs": 500}, {"invoke, µs": 700}],
            "onlysq": [{"invoke, µs": 600}, {"error": "WrongAnswerError: not it"}],
        },
    }
    table = report.table(outcomes, ["raw", "limit", "onlysq"])
    assert [" ".join(line.split()) for line in table.split("\n") if "─" not in line] == [
        f"CPU time, medians (to the limit) raw {HTTP} the limit ChatOnlySq",
        "errors 0 0 0",
        "stream, µs - 20 (1.00) 24 (1.20)",
        "growth, MB 12.3 0.50 0.12",
        "invoke, µs 1,234 (2.47) 600 (1.00) error",
        "",
        "Errors:",
        "ChatOnlySq, invoke: WrongAnswerError: not it",
    ]


def test_every_case_and_subject_is_there_and_explained() -> None:
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert set(CASES) == {"import", "first", *WORKLOADS}
    assert select("crowd, first") == ["crowd_100", "crowd_300", "crowd_threads", "first"]
    for case in CASES:
        assert any(f"`{name}`" in readme for name in (case, case.rpartition("_")[0]))
    assert TITLES.keys() == IMPORTS.keys()
    assert {*PEERS, *WITHOUT} < TITLES.keys()
    assert all(title.replace(HTTP, "httpx") in readme for title in TITLES.values())


def test_no_two_modules_import_each_other() -> None:
    """Imports within functions count, too; a circle would raise a CycleError."""
    files = {
        ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): file
        for file in FOLDER.rglob("*.py")
    }
    arrows: dict[str, set[str]] = {}
    for module, file in files.items():
        nodes = ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        imports = [node for node in nodes if isinstance(node, ast.ImportFrom) and node.module]
        names = {node.module for node in imports}
        names |= {f"{node.module}.{alias.name}" for node in imports for alias in node.names}
        arrows[module] = {name for name in names if name in files} - {"benchmarks"}
    assert len(list(TopologicalSorter(arrows).static_order())) >= len(files)
