"""What is asked: by arguments, by a pipe, with images; and what is not a question."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path

import pytest

from langchain_onlysq.testing import LocalOnlySq
from tests.support.command_line import Run, error_line, shell


@pytest.mark.parametrize(
    ("arguments", "piped", "question"),
    [
        ([], "  one\n\ntwo é\n".encode(), "  one\n\ntwo é"),
        (["Summarise"], b"text\xff\n", "Summarise\n\ntext\N{REPLACEMENT CHARACTER}"),
        (["Hi"], b"", "Hi"),
        (["Hi"], b" \n", "Hi"),
    ],
)
def test_a_pipe_is_the_question_or_added_below_it(
    arguments: list[str], piped: bytes, question: str, server: LocalOnlySq, run: Run
) -> None:
    status, _, err = run(*arguments, stdin=piped)
    assert (status, err.count("\n")) == (0, 1)
    assert [request.messages[-1]["content"] for request in server.requests] == [question]


def test_a_stdin_that_cannot_be_read_adds_nothing() -> None:
    assert shell("CMD Hi 0>/dev/null").out == "You said: Hi\n"


def test_images(server: LocalOnlySq, run: Run, tmp_path: Path) -> None:
    images = {
        "image/png": b"\x89PNG\r\n\x1a\n...",
        "image/jpeg": b"\xff\xd8\xff\xe0",
        "image/gif": b"GIF89a",
        "image/webp": b"RIFF\n\0\0\0WEBPVP8 ",
    }
    arguments = ["What is it?", "--image", "HTTPS://example.com/a.png"]
    urls = ["HTTPS://example.com/a.png"]
    for position, (media_type, data) in enumerate(images.items()):
        (tmp_path / f"{position}.dat").write_bytes(data)
        arguments += ["--image", str(tmp_path / f"{position}.dat")]
        urls.append(f"data:{media_type};base64,{b64encode(data).decode()}")
    assert run(*arguments).status == 0
    text, *parts = server.requests[-1].messages[-1]["content"]
    assert text == {"type": "text", "text": "What is it?"}
    assert [part["image_url"]["url"] for part in parts] == urls


# Wrong usage


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--bogus"], "unrecognized arguments: --bogus; see --help"),
        (["--mod", "m", "Hi"], "unrecognized arguments"),
        (["two", "questions"], "unrecognized arguments: questions"),
        (["x", "a\nb\x1b"], "unrecognized arguments: a b\N{REPLACEMENT CHARACTER}; see"),
        (["--model"], "expected one argument"),
        ([" "], "the question is empty"),
        (["--models", "Hi"], "--models cannot be combined with"),
        (["--models", "--system", "Hi"], "--models cannot be combined with"),
        (["--models", "--image", "x"], "--models cannot be combined with"),
        (["--model", " ", "Hi"], "the model id is blank"),
        ([], "no question was given, and stdin is empty"),
        (["Hi", "--image", "absent.png"], "--image absent.png: No such file"),
        (["Hi", "--image", "."], "--image .: Is a directory"),
        (["Hi", "--image", "nul\0"], "embedded null"),
        (["Hi", "--image", __file__], "not a PNG, JPEG, GIF or WebP image"),
    ],
)
def test_wrong_usage(arguments: list[str], reason: str, server: LocalOnlySq, run: Run) -> None:
    assert reason in error_line(run(*arguments, stdin=b""), 2)
    assert not server.requests


def test_a_pipe_of_binary_data(server: LocalOnlySq, run: Run) -> None:
    line = error_line(run("Hi", stdin=b"\x89PNG\0\0\xff"), 2)
    assert "stdin is binary data, not text" in line
    assert not server.requests


def test_settings_of_the_environment_that_are_not_valid(
    server: LocalOnlySq, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONLYSQ_API_KEY", "sq canary")
    line = error_line(run("Hi"), 2)
    assert "ONLYSQ_API_KEY" in line
    assert "canary" not in line
    monkeypatch.delenv("ONLYSQ_API_KEY")
    monkeypatch.setenv("ONLYSQ_API_BASE", "nonsense")
    assert "base_url" in error_line(run("--models"), 2)
    assert not server.requests
