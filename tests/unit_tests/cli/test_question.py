"""What is asked: by arguments, by a pipe, with images; and what is not a question."""

from __future__ import annotations

import os
import sys
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path

import pytest

from langchain_onlysq.testing import LocalOnlySq, Reply
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


# Options


def test_words_are_one_question_wherever_they_stand(server: LocalOnlySq, run: Run) -> None:
    assert run("Is", "97", "-m", "m", "a", "prime?", "-s", "Be brief.").status == 0
    assert run("--", "-1", "plus", "--two").status == 0
    first, second = server.requests
    assert [m["content"] for m in first.messages] == ["Be brief.", "Is 97 a prime?"]
    assert first.model == "m"
    assert second.messages[-1]["content"] == "-1 plus --two"


def test_settings_of_the_request(server: LocalOnlySq, run: Run) -> None:
    options = ["-o", "temperature=0.2", "-o", "stop=END", "-o", 'model_kwargs={"top_k": 5}']
    assert run("Hi", *options, "--endpoint", "openai").status == 0
    (request,) = server.requests
    assert request.path == "/ai/openai/chat/completions"
    sent = {name: request.chat[name] for name in ("temperature", "stop", "top_k")}
    assert sent == {"temperature": 0.2, "stop": ["END"], "top_k": 5}


def test_what_flags_have_may_be_an_option_too(server: LocalOnlySq, run: Run) -> None:
    assert run("Hi", "-o", "model=m", "-o", "endpoint=openai", "-m", "m").status == 0
    assert (server.requests[-1].model, server.requests[-1].path[-12:]) == ("m", "/completions")


def test_several_fallback_models(server: LocalOnlySq, run: Run) -> None:
    missing = Reply.error(404, "No such model")
    for value in ("b, c", '["b", "c"]'):
        server.reply(missing, missing)
        assert run("Hi", "-m", "a", "-o", f"fallback_models={value}").status == 0
        asked = [request.model for request in server.requests if request.method == "POST"]
        assert asked[-3:] == ["a", "b", "c"]


def test_a_pipe_that_stays_open_is_not_waited_for_in_silence(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("langchain_onlysq.cli.question._SILENT_SECONDS", 0.05)
    reading, writing = os.pipe()
    opened = open(reading, encoding="utf-8")  # noqa: PTH123, SIM115 - closed below
    monkeypatch.setattr(sys, "stdin", opened)
    monkeypatch.setattr(sys.stderr, "write", _closing(writing, sys.stderr.write))
    with opened:
        status, out, err = run("Hi")
    assert (status, out) == (0, "You said: Hi\n")
    assert err.startswith("reading stdin until it ends; if nothing is to come from there, add <")


def _closing(descriptor: int, write: Callable[[str], int]) -> Callable[[str], int]:
    """Close a pipe as soon as something is written."""
    left = [descriptor]

    def closing(text: str) -> int:
        while left:
            os.close(left.pop())
        return write(text)

    return closing


# Wrong usage


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--bogus"], "unrecognized arguments: --bogus; see --help"),
        (["--mod", "m", "Hi"], "unrecognized arguments"),
        (["x", "--a\nb\x1b"], "unrecognized arguments: --a b\N{REPLACEMENT CHARACTER}; see"),
        (["--model"], "expected one argument"),
        ([" "], "the question is empty"),
        (["--models", "Hi"], "--models can be combined with --model, --json and --local alone"),
        (["--models", "--system", "Hi"], "--models can be combined with"),
        (["--models", "--image", "x"], "--models can be combined with"),
        (["--models", "--check"], "--models can be combined with"),
        (["--check", "--endpoint", "v2"], "--check can be combined with --model, --json and"),
        (["--check", "-o", "seed=1"], "--check can be combined with"),
        (["--check", "--model", " "], "--model: the model id is blank"),
        (["--model", " ", "Hi"], "--model: the model id is blank"),
        (["--endpoint", "v3", "Hi"], "invalid choice: 'v3'"),
        (["-o", "seed", "Hi"], "-o takes NAME=VALUE, such as -o temperature=0.2, not 'seed'"),
        (["-o", "temprature=0", "Hi"], "-o temprature: there is no such option; did you mean temp"),
        (["-o", "api_key=x", "Hi"], "-o api_key: there is no such option"),
        (["-o", "temperature=hot", "Hi"], "-o temperature: Input should be a valid number"),
        (["-o", "timeout=fast", "Hi"], "-o timeout: give seconds: a number above 0\n"),
        (["-o", "timeout=0", "Hi"], "-o timeout: give seconds: a number above 0\n"),
        (["-o", "stop=5", "Hi"], "-o stop: give a text, or a JSON list of texts; a number stands"),
        (["-o", "model_kwargs=5", "Hi"], "-o model_kwargs: give a JSON object\n"),
        (
            ["-o", 'model_kwargs={"seed": 5}', "Hi"],
            "-o model_kwargs: 'seed' has -o seed=… to itself",
        ),
        (["-m", "", "Hi"], "--model: the model id is blank\n"),
        (["-m", "m", "-o", "model=n", "Hi"], "--model m and -o model=n contradict each other; see"),
        (
            ["--endpoint", "v2", "-o", "endpoint=openai", "Hi"],
            "--endpoint v2 and -o endpoint=opena",
        ),
        (["-o", "endpoint=v3", "Hi"], "--endpoint: Input should be 'v2' or 'openai'\n"),
        ([], "no question was given, and stdin is empty"),
        (["Hi", "--image", "absent.png"], "--image absent.png: No such file"),
        (["Hi", "--image", "."], "--image .: Is a directory"),
        (["Hi", "--image", "nul\0"], "embedded null"),
        (
            ["Hi", "--image", "data:image/png;base64,AA=="],
            "data:…: takes a file, or an http(s) URL",
        ),
        (
            ["Hi", "--image", "data:" + "A" * 9999],
            "--image data:…: takes a file, or an http(s) URL",
        ),
        (["Hi", "--image", __file__], "not a PNG, JPEG, GIF or WebP image"),
    ],
)
def test_wrong_usage(arguments: list[str], reason: str, server: LocalOnlySq, run: Run) -> None:
    assert reason in error_line(run(*arguments, stdin=b""), 2)
    assert not server.requests


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="Windows has no such device")
def test_an_image_without_end(server: LocalOnlySq, run: Run) -> None:
    line = error_line(run("Hi", "--image", "/dev/zero", stdin=b""), 2)
    assert "--image /dev/zero: more than 50 MB" in line
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
    for arguments in ("--models", "--check"):
        assert "ONLYSQ_API_BASE must look like" in error_line(run(arguments), 2)
    assert not server.requests
