"""The check of the service: what it reports, and the way to the service."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from langchain_core.caches import InMemoryCache
from langchain_core.globals import set_llm_cache

from langchain_onlysq import Report, acheck, check
from langchain_onlysq.health.plan import MOST_REQUESTS
from langchain_onlysq.health.recording import Recording
from langchain_onlysq.health.report import CheckResult, shortened
from langchain_onlysq.testing import (
    Hold,
    LocalOnlySq,
    Pause,
    Reply,
    Reset,
    catalogue,
    chunk,
)
from langchain_onlysq.transport import certificates
from tests.support.healthy import ASKED, NAMES, SECRET, Checker, asked, at, found, healthy, statuses
from tests.support.raw_server import raw_server
from tests.support.tls import tls_server
from tests.support.waiting import eventually

# All is well


def test_all_is_well(server: LocalOnlySq, checker: Checker) -> None:
    server.reply(*[healthy] * MOST_REQUESTS)
    seen: list[CheckResult] = []
    report = checker("gpt-4o-mini", base_url=server.base_url, on_result=seen.append)
    assert seen == report.results
    assert statuses(report) == dict.fromkeys(statuses(report), "ok")
    assert sorted(statuses(report)) == sorted(NAMES)
    assert report.works
    assert [exchange.status for exchange in report.exchanges] == [200] * 8
    assert asked(server) == 8
    eventually(lambda: server.connections_open == 0)


def test_what_is_told(server: LocalOnlySq) -> None:
    report = at("gpt-4o-mini", server, healthy)
    whole, streamed = found(report, "whole answer"), found(report, "streamed answer")
    assert whole.data["usage"]["output_tokens"] == 2
    assert whole.data["model"] == "gpt-4o-mini"
    assert "'hello' in " in whole.detail
    assert streamed.data["pieces"] == 10
    assert streamed.data["end"] == ["finish_reason 'stop'", "[DONE]"]
    assert "10 pieces" in streamed.detail
    assert found(report, "model").data["limits"] == {"lvl0": 3, "lvl1": 10, "lvl2": 80}
    assert found(report, "address").data["peer"] == server.base_url[7:-3]
    assert {"langchain-onlysq", "langchain-core", "python"} < report.versions.keys()


def test_the_raw_answers_without_the_key(server: LocalOnlySq, checker: Checker) -> None:
    server.reply(
        Reply.gzip(f"{'x' * 30} the key is {SECRET}"),
        Reply.json({"error": {"message": f"{SECRET} is wrong"}}, 400, {"Set-Cookie": "id=7"}),
        *[healthy] * MOST_REQUESTS,
    )
    report = checker("gpt-4o-mini", base_url=server.base_url, api_key=SECRET)
    text = report.model_dump_json()
    assert SECRET not in text
    assert "the key is ***" in report.exchanges[1].body
    assert report.exchanges[1].body_bytes > 100
    assert ("set-cookie", "***") in [(n.lower(), v) for n, v in report.exchanges[2].headers]
    assert Report.model_validate_json(text) == report
    assert json.loads(report.exchanges[2].request_body)["request"]["stream"] is True
    assert report.exchanges[3].pieces == 1
    assert "the key is ***" in found(report, "whole answer").detail
    assert found(report, "key").detail == "a key of your own (20 characters), accepted"


@pytest.mark.parametrize("word", ["ok", "name", "status", "detail", "key", "data", "a"])
def test_a_key_that_is_a_word_of_the_report_changes_no_name(
    word: str, server: LocalOnlySq, checker: Checker
) -> None:
    server.reply(Reply.text(f"say {word}"), *[healthy] * MOST_REQUESTS)
    report = checker("gpt-4o-mini", base_url=server.base_url, api_key=word)
    assert list(statuses(report)) == NAMES
    assert report.works
    assert " ***' in " in found(report, "whole answer").detail
    assert found(report, "key").detail == f"a key of your own ({len(word)} characters), accepted"
    assert "model" in found(report, "whole answer").data
    assert Report.model_validate_json(report.model_dump_json()) == report
    assert word not in report.exchanges[1].body


def test_what_a_report_of_a_fact_needs(server: LocalOnlySq, checker: Checker) -> None:
    entry = {**catalogue(["m"])["models"]["m"], "limits": "many", "since": 2024}
    server.reply_catalogue({"models": {"m": entry}})
    pieces: list[Any] = [
        ": beat\n\n",
        chunk(""),
        Pause(0.05),
        chunk("one"),
        Pause(0.05),
        chunk("two", finish_reason="stop"),
    ]
    server.reply(healthy, Reply.stream(pieces), *[healthy] * MOST_REQUESTS)
    before = datetime.now(UTC).replace(microsecond=0)
    report = checker("m", base_url=server.base_url)
    assert before <= report.checked_at <= datetime.now(UTC)
    assert [e.check for e in report.exchanges] == ["catalogue", *ASKED]
    assert found(report, "model").data["as_sent"] == {"modality": None} | entry
    streamed = report.exchanges[2]
    assert len(streamed.piece_seconds) == streamed.pieces > 3
    assert streamed.piece_seconds == sorted(streamed.piece_seconds)
    assert streamed.seconds_to_body == streamed.piece_seconds[0]
    assert streamed.seconds == streamed.piece_seconds[-1]
    # The heartbeat and the empty chunk before it are no pieces of the answer.
    assert (streamed.seconds_to_text or 0.0) >= streamed.piece_seconds[2]
    assert found(report, "streamed answer").data["seconds_to_text"] == streamed.seconds_to_text
    assert report.exchanges[1].seconds_to_text is None


def test_a_report_is_printed_as_the_command_line_shows_it(server: LocalOnlySq) -> None:
    lines = str(at("gpt-4o-mini", server, healthy)).split("\n")
    assert [line[11:].partition("  ")[0].strip() for line in lines[:-1]] == NAMES
    assert lines[0] == "ok         proxy                none"
    assert lines[-1] == "8 requests; a plain answer works"
    result = CheckResult(name="image", status="unclear", detail="a\nb.", advice="C.")
    assert str(result) == "unclear    image                a b. C."


def test_many_pieces_are_not_all_timed() -> None:
    recording = Recording("image", None)
    for _ in range(600):
        recording.add(b"x")
    assert (recording.pieces, len(recording.times)) == (600, 500)


def test_long_bodies_are_shortened() -> None:
    assert shortened("x" * 2000) == "x" * 2000
    text = shortened("a" * 5000 + "b" * 5000)
    assert len(text) < 2100
    assert text.startswith("aaa")
    assert text.endswith("bbb")
    assert "8000 characters left out" in text


def test_no_cache_answers(server: LocalOnlySq) -> None:
    set_llm_cache(InMemoryCache())
    try:
        assert at("gpt-4o-mini", server, healthy).works
        assert check("gpt-4o-mini", base_url=server.base_url).works
    finally:
        set_llm_cache(None)
    assert asked(server) == 16


# A client of the caller's own


def test_a_client_of_the_callers_own_is_left_as_it_was(server: LocalOnlySq) -> None:
    heard: list[int] = []

    def hook(response: httpx.Response) -> None:
        heard.append(response.status_code)

    with httpx.Client(trust_env=False, event_hooks={"response": [hook]}) as client:
        report = check("gpt-4o-mini", base_url=server.base_url, http_client=client)
        assert client.event_hooks == {"request": [], "response": [hook]}
        assert not client.is_closed
    assert report.works
    assert heard == [200] * 8


async def test_an_async_client_of_the_callers_own(server: LocalOnlySq) -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        report = await acheck("gpt-4o-mini", base_url=server.base_url, http_client=client)
        assert not client.is_closed
    assert report.works


def test_a_client_without_a_network() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=catalogue(["m"]))

    with httpx.Client(transport=httpx.MockTransport(answer)) as client:
        report = check("m", base_url="http://somewhere.test/ai", http_client=client)
    assert found(report, "address").detail == "http://somewhere.test/ai answers, not encrypted"
    assert found(report, "address").status == "unclear"
    assert not report.works


# What cannot be used


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"model": " "}, "blank"),
        ({"api_key": "two words"}, "blank"),
        ({"base_url": "x"}, "base_url"),
        ({"timeout": "fast"}, "^timeout: give seconds"),
        ({"timeout": 0}, "^timeout: give seconds"),
        ({"http_client": 7}, "^http_client takes an .* not int$"),
    ],
)
def test_what_cannot_be_used_is_an_error(
    wrong: dict[str, Any], said: str, checker: Checker
) -> None:
    with pytest.raises(ValueError, match=said):
        checker(**{"model": "m", **wrong})


async def test_a_client_for_the_other_kind_of_calls_is_refused() -> None:
    other: Any = httpx.AsyncClient()
    with pytest.raises(ValueError, match=r"this is a AsyncClient: pass it to acheck\(\)$"):
        check("m", http_client=other)
    other = httpx.Client()
    with pytest.raises(ValueError, match=r"this is a Client: pass it to check\(\)$"):
        await acheck("m", http_client=other)


def test_a_timeout_may_be_of_several_parts(server: LocalOnlySq) -> None:
    parts: Any = httpx.Timeout(60, connect=5)
    assert check("gpt-4o-mini", base_url=server.base_url, timeout=parts).works


# No connection


def test_a_closed_port(checker: Checker) -> None:
    report = checker("m", base_url="http://127.0.0.1:9")
    assert found(report, "address").status == "failed"
    assert "No connection" in found(report, "address").detail
    assert set(statuses(report).values()) == {"ok", "failed", "unchecked"}
    assert "there is no connection" in found(report, "whole answer").detail
    assert not report.works
    assert len(report.exchanges) == 1
    assert report.exchanges[0].status is None


def test_a_proxy_that_refuses(monkeypatch: pytest.MonkeyPatch, server: LocalOnlySq) -> None:
    address = server.base_url[7:-3]
    monkeypatch.setenv("HTTPS_PROXY", f"http://me:hidden@{address}")
    report = check("m", base_url="https://onlysq.invalid/ai")
    assert found(report, "proxy").detail == f"http://{address}, from HTTPS_PROXY"
    assert found(report, "address").status == "failed"
    assert "404" in found(report, "address").detail
    assert "hidden" not in report.model_dump_json()
    assert [request.method for request in server.requests] == ["CONNECT"]


def test_a_proxy_that_wants_a_password(
    monkeypatch: pytest.MonkeyPatch, server: LocalOnlySq
) -> None:
    denied = Reply.error(407, "Proxy Authentication Required")
    server.reply_catalogue(denied)
    report = at("m", server, denied)
    assert "http://user:password@host" in found(report, "catalogue").detail
    assert "http://user:password@host" in found(report, "whole answer").detail
    with raw_server(b"HTTP/1.1 407 Login\r\nContent-Length: 0\r\n\r\n") as address:
        monkeypatch.setenv("HTTPS_PROXY", f"http://me:hidden@{address}")
        report = check("m", base_url="https://onlysq.invalid/ai")
    assert "wants a user and a password" in found(report, "address").detail
    assert "hidden" not in report.model_dump_json()


@pytest.mark.parametrize(
    ("variable", "value", "shown"),
    [
        ("HTTPS_PROXY", "http://proxy.test:3128", "http://proxy.test:3128"),
        ("ALL_PROXY", "proxy.test:1", "http://proxy.test:1"),
        ("HTTP_PROXY", "http://proxy.test:3128", None),
        ("HTTPS_PROXY", "nonsense://proxy.test", "nonsense://proxy.test"),
    ],
)
def test_which_proxy_is_in_use(
    variable: str, value: str, shown: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    from langchain_onlysq.health.connection import proxy_result

    monkeypatch.setenv(variable, value)
    result = proxy_result("https://api.onlysq.ru/ai", trusts_environment=True)
    assert result.data.get("url") == shown
    monkeypatch.setenv("NO_PROXY", "api.onlysq.ru")
    assert proxy_result("https://api.onlysq.ru/ai", trusts_environment=True).detail == "none"
    monkeypatch.delenv("NO_PROXY")
    assert proxy_result("https://api.onlysq.ru/ai", trusts_environment=False).detail == "none"


def test_a_proxy_setting_that_cannot_be_used(
    monkeypatch: pytest.MonkeyPatch, checker: Checker
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "nonsense://proxy.test")
    report = checker("m", base_url="https://onlysq.invalid/ai")
    assert "proxy settings cannot be used" in found(report, "address").detail
    assert found(report, "whole answer").status == "unchecked"
    assert report.exchanges == []
    assert not report.works


def test_certificates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(certificates, "_contexts", {})
    with tls_server() as secure:
        refused = found(check("m", base_url=secure.base_url), "address")
        assert refused.status == "failed"
        assert "SSL_CERT_FILE" in refused.advice
        monkeypatch.setenv("SSL_CERT_FILE", str(secure.write_authority(tmp_path)))
        trusted = found(check("m", base_url=secure.base_url), "address")
        assert trusted.status == "ok"
        assert "TLSv1.3, certificate of trustme" in trusted.detail
        unverified = certificates.ssl_context(verify=False)
        with httpx.Client(verify=unverified) as client:
            report = check("m", base_url=secure.base_url, http_client=client)
            assert "certificate not checked" in found(report, "address").detail


def test_a_connection_that_is_lost(server: LocalOnlySq) -> None:
    lost = Reply(body=[Reset()])
    server.reply_catalogue(lost)
    report = at("m", server, lost)
    assert found(report, "address").status == "failed"
    assert found(report, "whole answer").status == "failed"
    assert asked(server) == 2
    assert not report.works


def test_a_server_that_is_silent(server: LocalOnlySq, checker: Checker) -> None:
    silent = Reply(body=[Hold()])
    server.reply_catalogue(silent)
    server.reply(*[silent] * MOST_REQUESTS)
    report = checker("m", base_url=server.base_url, timeout=0.1)
    assert found(report, "address").detail.endswith("No data came for 0.1 s.")
    assert found(report, "whole answer").detail == "No data came for 0.1 s."
    assert found(report, "whole answer").advice == "Check again later, or another model."
    assert [statuses(report)[name] for name in ASKED] == ["failed"] + ["unchecked"] * 6
    assert "the plain answer took too long" in found(report, "image").detail
    assert found(report, "key").status == "unchecked"
    assert asked(server) == 2
