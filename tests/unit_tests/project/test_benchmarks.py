"""The benchmark measures what it says: right answers, right tables. How fast is not tested."""

from __future__ import annotations

import asyncio
import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from benchmarks import __main__ as command
from benchmarks import goals, measure, report, runner
from benchmarks.cases import CASES
from benchmarks.measures.clock import WrongAnswerError, cpu, expect_chunks, expect_text, median
from benchmarks.measures.fresh import PROMPT
from benchmarks.results import Results
from benchmarks.server import allow_descriptors, running
from benchmarks.subjects import IMPORTS, PEERS, TITLES, load
from benchmarks.wire import Shape, parse_path, parse_shape, pieces

CLIENTS = ("raw", "limit", "onlysq")
STREAMS = (Shape("c", 40), Shape("c", 40, events=7), Shape("c", 8, pause=1))


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with running() as url:
        yield url


@pytest.mark.parametrize("shape", STREAMS, ids=lambda shape: shape.path)
@pytest.mark.parametrize("name", CLIENTS)
async def test_clients_read_every_chunk(address: str, name: str, shape: Shape) -> None:
    subject = load(name)
    model, messages = subject.make(f"{address}/{shape.path}"), subject.to_messages(PROMPT)
    expect_chunks(shape)(subject.stream(model, messages))
    expect_chunks(shape)(await subject.astream(model, messages))
    assert subject.first(model, messages) == "The"
    subject.close(model)
    await subject.aclose(model)


@pytest.mark.parametrize("name", CLIENTS)
async def test_clients_read_whole_answers_and_calls(address: str, name: str) -> None:
    subject, messages = load(name), load(name).to_messages(PROMPT)
    whole, call = Shape("w", 30), Shape("a", 12)
    tools = [{"type": "function", "function": {"name": "write_file", "parameters": {}}}]
    model = subject.make(f"{address}/{whole.path}")
    expect_text(whole)(subject.invoke(model, messages))
    expect_text(whole)(await subject.ainvoke(model, messages))
    caller = subject.make(f"{address}/{call.path}", native_tools=True)
    with_tools = subject.bind_tools(caller, tools)
    expect_text(call)(subject.arguments(with_tools, messages))
    expect_text(call)(await subject.aarguments(with_tools, messages))
    for used in (model, caller):
        subject.close(used)
        await subject.aclose(used)


async def test_langchain_core_alone_says_the_same() -> None:
    subject, shape = load("core"), Shape("c", 40)
    model, messages = subject.make(f"nowhere/{shape.path}"), subject.to_messages(PROMPT)
    expect_chunks(shape)(subject.stream(model, messages))
    expect_chunks(shape)(await subject.astream(model, messages))
    expect_text(shape)(await subject.ainvoke(model, messages))


@pytest.mark.parametrize(
    "tail", ["/v2", "/ai/v2", "/ai/openai/v1/chat/completions", "/v1/chat/completions", "/7/ai/v2"]
)
def test_the_server_knows_every_endpoint(address: str, tail: str) -> None:
    assert parse_path(f"/c20e2t1{tail}") == Shape("c", 20, events=2, pause=1)
    request = urllib.request.Request(f"{address}/w3{tail}", b"{}" * 100_000)  # noqa: S310 - loopback
    with urllib.request.urlopen(request) as response:  # noqa: S310 - loopback
        answer = json.load(response)
    assert answer["choices"][0]["message"]["content"] == "The sky is"


@pytest.mark.parametrize("path", ["/ai/v2", "/c/v2", "/c20/models", "/c20e1t0"])
def test_the_server_says_what_it_does_not_know(address: str, path: str) -> None:
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(f"{address}{path}", b"{}")  # noqa: S310 - loopback
    assert caught.value.code == 404
    caught.value.close()


async def test_the_server_serves_500_at_once(address: str) -> None:
    allow_descriptors()
    gate = asyncio.Barrier(500)

    async def ask() -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(address).port)
        await gate.wait()
        writer.write(b"POST /c2t1/v2 HTTP/1.1\r\ncontent-length: 2\r\n\r\n{}")
        answer = await reader.readuntil(b"[DONE]")
        writer.close()
        await writer.wait_closed()
        return answer

    answers = await asyncio.gather(*[ask() for _ in range(500)])
    assert {answer.count(b"data: ") for answer in answers} == {4}


def test_the_server_goes_with_its_user() -> None:
    with running() as url:
        pass
    with pytest.raises(urllib.error.URLError, match="refused"):
        urllib.request.urlopen(f"{url}/w1/v2", b"{}")  # noqa: S310 - loopback


def test_arguments_are_json() -> None:
    assert json.loads("".join(pieces(Shape("a", 20))))["path"] == "sky.txt"
    assert len(pieces(Shape("a", 20))) == 20


def test_a_wrong_shape_is_named() -> None:
    assert parse_shape("c7") == Shape("c", 7)
    with pytest.raises(ValueError, match="'x7' is no shape"):
        parse_shape("x7")


def test_wrong_answers_are_errors() -> None:
    shape = Shape("c", 3)
    expect_chunks(shape)(["", "The", " sky", " is", ""])
    for read in (["The sky is"], ["The", " sky"], ["The", " sky", " was"]):
        with pytest.raises(WrongAnswerError):
            expect_chunks(shape)(read)
    with pytest.raises(WrongAnswerError):
        cpu(lambda: "The sky was", 1, expect_text(shape))
    assert cpu(lambda: "The sky is", 1, expect_text(shape)) >= 0


def test_a_process_measures_or_says_what_went_wrong(address: str) -> None:
    outcome = runner.measure(runner.Job(0, "first", "raw"), address)
    assert isinstance(outcome, dict)
    assert outcome.keys() == CASES["first"].lines.keys()
    assert (
        runner.measure(runner.Job(1, "requests", "raw"), f"{address}/nowhere")
        == "KeyError: 'choices'"
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nope", "raw"], "unknown case 'nope'; there are: import, first"),
        (["stream", "nope"], "unknown subject 'nope'; there are: raw, core"),
        ([], "usage: "),
    ],
)
def test_a_wrong_command_line_is_refused(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert measure.main(arguments) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--only", "stream,nope"], "unknown case 'nope'"),
        (["--rounds", "0"], "no number of rounds"),
    ],
)
def test_a_wrong_option_is_refused(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        command.main(arguments)
    assert caught.value.code == 2
    assert said in capsys.readouterr().err


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
    variables = runner.environment(2)
    assert "x" not in variables.values()
    assert variables["BENCHMARK_DEPTH"] == "46"
    assert variables["NO_PROXY"] == "*"


def filled(**figures: dict[str, list[Any]]) -> Results:
    results = Results()
    for figure, subjects in figures.items():
        case, _, name = figure.partition("__")
        for subject, rounds in subjects.items():
            for turn, value in enumerate(rounds):
                outcome = value if isinstance(value, str) else {name: value}
                results.add(case, subject, turn, outcome)
    return results


def test_ratios_are_those_of_each_round() -> None:
    assert median([3.0, 1.0, 2.0]) == 2
    assert median([4.0, 1.0, 2.0, 3.0]) == 2.5
    results = filled(stream__stream_2000={"limit": [10, 20, 40], "onlysq": [12, 24, 80]})
    assert results.value("stream.stream_2000", "onlysq") == 24
    assert results.ratio("stream.stream_2000", "onlysq", "limit") == 1.2
    assert results.ratio("stream.stream_2000", "onlysq", "raw") is None


def test_the_tables_show_ratios_and_goals() -> None:
    results = filled(
        stream__stream_2000={"raw": [10.0], "limit": [20.0], "onlysq": [24.0]},
        stream__stream_20000={"limit": [20.0], "onlysq": [30.0]},
        at_once__errors_500={"raw": [0], "onlysq": [0]},
        construct__warm={"onlysq": [45.6]},
        growth__calls_again={"limit": [0.5], "onlysq": [0.25]},
        import__memory={"limit": [60.0], "onlysq": [61.5]},
    )
    figures, judged = report.render(results, ["raw", "limit", "onlysq"]).split("\n\n")

    def row(title: str, table: str = judged) -> str:
        return " ".join(next(line for line in table.split("\n") if title in line).split())

    assert row("stream, 2,000", figures).endswith("µs a chunk 10 (0.50) 20 (1.00) 24 (1.20)")
    assert row("stream, 20,000", figures).endswith("µs a chunk - 20 (1.00) 30 (1.50)")
    assert row("growth, 2,000 calls more", figures).endswith("- 0.50 0.25")
    assert row("stream, 2,000 chunks, to the limit").endswith("1.20 1.25 met")
    assert row("stream, 20,000 chunks, to the limit").endswith("1.50 1.25 not met")
    assert row("stream, a chunk of 20,000").endswith("25% 15% not met")
    assert row("500 streams at once, errors").endswith("0 0 met")
    assert row("construction, a further model").endswith("45.6 µs 60 µs met")
    assert row("memory after import, beyond").endswith("1.50 MB 2 MB met")
    assert "ChatOpenAI" not in judged


def test_errors_stand_in_the_tables_and_below() -> None:
    results = filled(invoke__invoke={"limit": [500.0], "onlysq": [600.0, "WrongAnswerError: no"]})
    text = report.render(results, ["limit", "onlysq"])
    assert "error" in next(line for line in text.split("\n") if line.startswith("invoke, µs"))
    assert "  ChatOnlySq, invoke: WrongAnswerError: no" in text
    assert {verdict.met for verdict in goals.judge(results)} == {None}


def test_the_json_holds_every_round() -> None:
    results = filled(invoke__invoke={"limit": [500.0, 700.0], "onlysq": [600.0, 700.0]})
    document = report.to_json(results, ["limit", "onlysq"])
    assert document["figures"]["invoke.invoke"]["limit"] == {"median": 600, "rounds": [500, 700]}
    assert [goal["met"] for goal in document["goals"]] == [True, None]
    assert document["errors"] == []
    json.dumps(document)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (0.123, "0.12"), (1.5, "1.50"), (12.34, "12.3"), (1234.5, "1,234")],
)
def test_numbers_have_three_digits(value: float, text: str) -> None:
    assert report.number(value) == text


def test_goals_name_figures_and_subjects_that_exist() -> None:
    figures = {f"{case}.{name}" for case, entry in CASES.items() for name in entry.lines}
    for goal in goals.GOALS:
        assert goal.figure in figures
        assert goal.against in (figures if goal.kind == "spread" else {*TITLES, ""})


def test_every_case_and_subject_is_there_and_explained() -> None:
    readme = (runner.ROOT / "benchmarks" / "README.md").read_text(encoding="utf-8")
    for case, entry in CASES.items():
        module = import_module(f"benchmarks.measures.{entry.module}")
        assert callable(getattr(module, f"measure_{case}"))
        assert f"`{case}`" in readme
        assert set(entry.without) <= TITLES.keys()
    assert TITLES.keys() == IMPORTS.keys()
    for subject, title in TITLES.items():
        assert Path(runner.ROOT, "benchmarks", "subjects", f"{subject}.py").is_file()
        assert title in readme
    assert set(PEERS) < TITLES.keys()
