"""`--check`: a line each, while it goes, or all of it as JSON."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from langchain_onlysq import check
from langchain_onlysq.health.report import CheckResult
from langchain_onlysq.testing import (
    Hold,
    LocalOnlySq,
    Reply,
    ReplyLike,
    Request,
    catalogue,
    chunk,
)
from tests.support.command_line import Run, error_line
from tests.support.documentation import DOCS, blocks
from tests.support.healthy import NAMES, healthy
from tests.support.terminal import Terminal, started

MOST_REQUESTS = 12


def test_all_is_well_as_the_page_shows(server: LocalOnlySq, run: Run) -> None:
    server.reply(*[healthy] * MOST_REQUESTS)
    status, out, err = run("--check")
    assert (status, err) == (0, "8 requests; a plain answer works\n")
    (shown,) = (text for text in blocks(DOCS / "command_line.md", "text") if "--check" in text)
    assert _timeless(f"$ langchain-onlysq --check\n{out}{err}") == _timeless(shown)


def _timeless(text: str) -> str:
    text = re.sub(r"https?://[\w.]+(:\d+)?/ai answers, from .*", "ADDRESS", text)
    return re.sub(r"\d+(\.\d+)? s\b", "0.0 s", text)


def test_what_to_do_about_the_rest(server: LocalOnlySq, run: Run) -> None:
    server.reply(Reply.text("One", usage=None), Reply.text("Two", usage=None))
    status, out, _ = run("--check", "-m", "gpt-4o-minni")
    assert status == 0
    lines = {line[11:32].strip(): line for line in out.rstrip("\n").split("\n")}
    assert lines["model"].startswith("unclear")
    assert "Choose one that is. Did you mean 'gpt-4o-mini'" in lines["model"]
    assert lines["streamed answer"].endswith(
        "not sent: ask for it with -o stream_usage=true.\n"[:-1]
    )
    assert lines["image"].endswith("The model may not see images: ask another one.")


@pytest.mark.parametrize("word", ["ok", "name", "status", "detail", "key"])
def test_a_key_that_is_a_word_of_the_report(
    word: str, server: LocalOnlySq, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONLYSQ_API_KEY", word)
    server.reply(*[healthy] * MOST_REQUESTS)
    status, out, err = run("--check")
    assert (status, err) == (0, "8 requests; a plain answer works\n")
    assert [line[11:32].strip() for line in out.rstrip("\n").split("\n")] == NAMES
    server.reply(*[healthy] * MOST_REQUESTS)
    status, out, err = run("--check", "--json")
    assert (status, err) == (0, "")
    assert [result["name"] for result in json.loads(out)["results"]] == NAMES


FAILURES: list[tuple[ReplyLike, ReplyLike]] = [
    (Reply(body=[Hold()]), Reply(body=[Hold()])),
    (catalogue(), Reply.stream([Hold()], done=False)),
    (catalogue(), {"choices": [{"message": {"content": None}, "finish_reason": "stop"}]}),
    (catalogue(), {"choices": [{"message": {"content": None}, "finish_reason": "length"}]}),
    (catalogue(), Reply.stream([chunk("one")], done=False)),
    (catalogue(), Reply.error(400, "prompt is too long")),
    (catalogue(), "No."),
]


@pytest.mark.parametrize(
    ("models", "reply"),
    FAILURES,
    ids=["silent", "stall", "empty", "length", "no end", "too long", "disobedient"],
)
def test_no_advice_speaks_of_what_a_check_does_not_take(
    models: ReplyLike,
    reply: ReplyLike,
    server: LocalOnlySq,
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(check.__kwdefaults__ or {}, "timeout", 0.1)
    server.reply_catalogue(models)
    server.reply(*[reply] * MOST_REQUESTS)
    out = run("--check").out.replace("ask for it with -o stream_usage=true", "")
    assert out.count("\n") == len(NAMES)
    assert not re.search(r" -o |\w+_\w+=|/clear|'(native|prompted)'|method=|usage_metadata", out)


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (
            Reply.error(401, "No\n\x1b]0;x\x07 key"),
            "failed     key                  the public key",
        ),
        (Reply.html(404, "Gone"), "check ONLYSQ_API_BASE"),
        (Reply.error(429, "Slow"), "unchecked  whole answer         busy"),
    ],
)
def test_no_plain_answer(reply: Any, said: str, server: LocalOnlySq, run: Run) -> None:
    server.reply(*[reply] * MOST_REQUESTS)
    status, out, err = run("--check")
    assert status == 1
    assert said in out
    assert re.fullmatch(r"\d+ requests; no plain answer came\n", err)
    assert out.count("\n") == 12
    assert "\x1b" not in out
    assert "api_key" not in out


def test_a_closed_port(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONLYSQ_API_BASE", "http://127.0.0.1:9")
    status, out, err = run("--check")
    assert (status, err) == (1, "1 request; no plain answer came\n")
    assert "failed     address              http://127.0.0.1:9: No connection" in out


def test_json_has_the_raw_answers(
    server: LocalOnlySq, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONLYSQ_API_KEY", "sq-canary-0123456789")
    server.reply(*[healthy] * MOST_REQUESTS)
    status, out, err = run("--check", "--json")
    assert (status, err) == (0, "")
    assert "canary" not in out
    document = json.loads(out)
    assert document["works"] is True
    assert [exchange["status"] for exchange in document["exchanges"]] == [200] * 8
    assert "data: [DONE]" in document["exchanges"][2]["body"]


def test_json_where_nothing_works(server: LocalOnlySq, run: Run) -> None:
    server.reply(*[Reply.error(500, "No")] * MOST_REQUESTS)
    status, out, _ = run("--check", "--json")
    assert status == 1
    assert json.loads(out)["works"] is False


def test_the_local_server(run: Run, server: LocalOnlySq, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    status, out, _ = run("--check", "--local")
    assert status == 0
    assert "ok         image" not in out
    assert not server.requests


def test_a_key_that_cannot_be_sent(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONLYSQ_API_KEY", "two words")
    line = error_line(run("--check"), 2)
    assert "(ONLYSQ_API_KEY) holds a blank" in line


def test_lines_come_while_it_goes(server: LocalOnlySq) -> None:
    seen: list[bool] = []

    def look(request: Request) -> Any:
        seen.append(terminal.shows("catalogue            13 models", 30))
        return healthy(request)

    terminal: Terminal
    server.reply(look)
    with started(["--check"]) as (terminal, process):
        terminal.until("a plain answer works")
        assert process.wait(60) == 0
        assert "checking gpt-4o-mini" in terminal.shown
    assert seen == [True]


def test_statuses_have_room() -> None:
    from langchain_onlysq.cli.formatting import check_line

    result = CheckResult(
        name="tool call, prompted", status="unchecked", detail="a\nb.", advice="C."
    )
    assert check_line(result) == "unchecked  tool call, prompted  a b. C.\n"
