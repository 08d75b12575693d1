"""`--models`: the catalogue, from the server to the terminal."""

from __future__ import annotations

import json
import os

import pytest

from langchain_onlysq.cli import main
from langchain_onlysq.testing import LocalOnlySq, Reply, catalogue
from tests.unit_tests.cli.test_cli_terminal import HIDE, SHOW, run_here


def test_models_are_a_table(server: LocalOnlySq, capsys: pytest.CaptureFixture[str]) -> None:
    server.reply_catalogue(catalogue(["sonar", "gpt-4o-mini"]))
    assert main(["--models"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert [line.split() for line in out.rstrip("\n").split("\n")] == [
        ["id", "modality", "tools", "streaming", "thinking", "status", "cost"],
        ["gpt-4o-mini", "text", "yes", "yes", "no", "work", "0.5"],
        ["sonar", "text", "no", "yes", "no", "work", "2"],
    ]


def test_models_as_json(server: LocalOnlySq, capsys: pytest.CaptureFixture[str]) -> None:
    server.reply_catalogue(catalogue(["sonar", "gpt-4o-mini"]))
    assert main(["--models", "--json"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    models = json.loads(out)
    assert [model["id"] for model in models] == ["gpt-4o-mini", "sonar"]
    assert models[0]["can_tools"] is True
    assert models[0]["description"] == "The text model gpt-4o-mini."


def test_models_of_the_local_server(
    server: LocalOnlySq, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    assert main(["--models", "--local"]) == 0
    assert "gpt-4o-mini" in capsys.readouterr().out
    assert not server.requests


def test_models_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.delenv("NO_COLOR", raising=False)
    status, shown = run_here(["--models"])
    assert status == 0
    spinner, _, table = shown.partition(SHOW)
    assert spinner.startswith(HIDE)
    assert "waiting for the catalogue" in spinner
    assert "\x1b[1m" in table
    assert "claude-haiku-4-5" in table


def test_models_that_cannot_be_had(
    server: LocalOnlySq, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    server.reply_catalogue(Reply.error(401, "Bad key."))
    assert main(["--models"]) == 1
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert "401" in err
    monkeypatch.setitem(os.environ, "ONLYSQ_API_BASE", "nonsense")
    assert main(["--models"]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert "base_url" in err
