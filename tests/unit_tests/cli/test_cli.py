"""The command line in pipes: what is asked, and what comes out where."""

from __future__ import annotations

import errno
import io
import json
import logging
import os
import runpy
import shlex
import signal
import subprocess
import sys
import threading
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest

import langchain_onlysq
from langchain_onlysq.cli import main
from langchain_onlysq.testing import LocalOnlySq, Reply, ReplyLike, Request, chunk

COMMAND = [sys.executable, "-W", "error", "-m", "langchain_onlysq"]
USAGE = "gpt-4o-mini: 1 tokens in, 3 out\n"


def shell(script: str) -> subprocess.CompletedProcess[str]:
    """Run a script in which CMD is the command."""
    return subprocess.run(  # noqa: S603 - our own interpreter
        ["bash", "-c", script.replace("CMD", shlex.join(COMMAND))],  # noqa: S607
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        stdin=subprocess.DEVNULL,
        timeout=120,
    )


def pipe_in(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data), encoding="utf-8"))


def sent(server: LocalOnlySq) -> Any:
    return server.requests[-1].messages


# The answer


def test_an_answer_is_on_stdout_and_its_usage_on_stderr(server: LocalOnlySq) -> None:
    result = shell("CMD Hi")
    assert (result.returncode, result.stdout, result.stderr) == (0, "You said: Hi\n", USAGE)
    assert server.requests[-1].streams
    assert server.requests[-1].json["model"] == "gpt-4o-mini"


def test_main_returns_the_status(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["Hi"]) == 0
    assert capsys.readouterr() == ("You said: Hi\n", USAGE)


def test_model_and_system(server: LocalOnlySq, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["Hi", "--model", "m", "--system", "Be brief."]) == 0
    assert server.requests[-1].json["model"] == "m"
    assert sent(server)[0] == {"role": "system", "content": "Be brief."}
    assert capsys.readouterr().err.startswith("m: ")


def test_the_text_stays_as_it_is_in_a_pipe(
    server: LocalOnlySq, capsys: pytest.CaptureFixture[str]
) -> None:
    text = "[bold]x[/] :smile: \x1b[31mred\r\n\tend \N{SNOWMAN}\n"
    server.reply(text)
    assert main(["Hi"]) == 0
    assert capsys.readouterr().out == text


def test_reasoning_is_no_part_of_the_answer(
    server: LocalOnlySq, capsys: pytest.CaptureFixture[str]
) -> None:
    server.reply(Reply.text("Yes.", reasoning="Let me think."))
    assert main(["Hi"]) == 0
    out, err = capsys.readouterr()
    assert out == "Yes.\n"
    assert "think" not in err


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (Reply.text("Hi", usage=None), "gpt-4o-mini: usage unknown\n"),
        (Reply.text("Hi", finish_reason="length", usage=None), "unknown (ended by: length)\n"),
        (Reply.text("Hi", model="other", usage=None), "other: usage unknown\n"),
    ],
)
def test_the_line_below_an_answer(
    reply: ReplyLike, said: str, server: LocalOnlySq, capsys: pytest.CaptureFixture[str]
) -> None:
    server.reply(reply)
    assert main(["Hi"]) == 0
    assert capsys.readouterr().err.endswith(said)


def test_characters_that_the_encoding_has_not(
    server: LocalOnlySq, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(out, encoding="ascii"))
    server.reply("a \N{SNOWMAN} \ud83d", "a \N{SNOWMAN}")
    assert main(["Hi"]) == 0
    assert out.getvalue().startswith(b"a ? ?")
    out.truncate(0)
    out.seek(0)
    assert main(["Hi", "--json"]) == 0
    assert json.loads(out.getvalue())["content"] == "a \N{SNOWMAN}"


def test_local_needs_no_network_and_no_key(
    server: LocalOnlySq, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONLYSQ_API_BASE", "http://onlysq.invalid")
    monkeypatch.setenv("ONLYSQ_API_KEY", "not a key")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    assert main(["--local", "Hi"]) == 0
    assert capsys.readouterr() == ("You said: Hi\n", USAGE)
    assert not server.requests


def test_local_without_the_extra_it_needs(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.startswith("langchain_onlysq.testing")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "h11", None)
    assert main(["--local", "Hi"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("langchain-onlysq: The local server needs h11: pip install")
    assert err.count("\n") == 1


# JSON


def test_json_is_the_whole_message(
    server: LocalOnlySq, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_OUTPUT_VERSION", "v1")
    server.reply(Reply.text("Да \x1b", reasoning="hm"))
    assert main(["Hi", "--json"]) == 0
    out, err = capsys.readouterr()
    message = json.loads(out)
    assert "Да" in out
    assert err == ""
    assert message["type"] == "ai"
    assert message["content"] == "Да \x1b"
    assert message["additional_kwargs"] == {"reasoning_content": "hm"}
    assert message["usage_metadata"]["output_tokens"] > 0
    assert message["response_metadata"]["model_name"] == "gpt-4o-mini"


def test_a_failed_answer_is_no_json(
    server: LocalOnlySq, capsys: pytest.CaptureFixture[str]
) -> None:
    server.reply(Reply.error(400, "No."))
    assert main(["Hi", "--json"]) == 1
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)


# The question


def test_a_pipe_is_one_question(
    server: LocalOnlySq, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pipe_in(monkeypatch, "  one\n\ntwo é\n".encode())
    assert main([]) == 0
    assert [request.messages[-1]["content"] for request in server.requests] == ["  one\n\ntwo é"]
    assert capsys.readouterr().err.count("\n") == 1


def test_a_pipe_is_put_below_the_question(
    server: LocalOnlySq, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe_in(monkeypatch, b"text\xff\n")
    assert main(["Summarise"]) == 0
    assert sent(server)[-1]["content"] == "Summarise\n\ntext\N{REPLACEMENT CHARACTER}"


@pytest.mark.parametrize("data", [b"", b" \n"])
def test_an_empty_pipe_adds_nothing(
    data: bytes, server: LocalOnlySq, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe_in(monkeypatch, data)
    assert main(["Hi"]) == 0
    assert sent(server)[-1]["content"] == "Hi"


def test_a_stdin_that_cannot_be_read_adds_nothing() -> None:
    assert shell("CMD Hi 0>/dev/null").stdout == "You said: Hi\n"


def test_images(server: LocalOnlySq, tmp_path: Path) -> None:
    pictures = {
        "image/png": b"\x89PNG\r\n\x1a\n...",
        "image/jpeg": b"\xff\xd8\xff\xe0",
        "image/gif": b"GIF89a",
        "image/webp": b"RIFF\n\0\0\0WEBPVP8 ",
    }
    arguments = ["What is it?", "--image", "HTTPS://example.com/a.png"]
    urls = ["HTTPS://example.com/a.png"]
    for position, (media_type, data) in enumerate(pictures.items()):
        (tmp_path / f"{position}.dat").write_bytes(data)
        arguments += ["--image", str(tmp_path / f"{position}.dat")]
        urls.append(f"data:{media_type};base64,{b64encode(data).decode()}")
    assert main(arguments) == 0
    text, *images = sent(server)[-1]["content"]
    assert text == {"type": "text", "text": "What is it?"}
    assert [image["image_url"]["url"] for image in images] == urls


# Wrong usage


def wrong(arguments: list[str], capsys: pytest.CaptureFixture[str], server: LocalOnlySq) -> str:
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("langchain-onlysq: ")
    assert err.endswith("\n")
    assert err.count("\n") == 1
    assert not server.requests
    return err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--bogus"], "unrecognized arguments: --bogus; see --help"),
        (["--mod", "m", "Hi"], "unrecognized arguments"),
        (["two", "questions"], "unrecognized arguments: questions"),
        (["x", "a\nb\x1b"], "unrecognized arguments: a b\N{REPLACEMENT CHARACTER}; see"),
        (["--model"], "expected one argument"),
        ([" "], "the question is empty"),
        (["--models", "Hi"], "--models takes no question"),
        (["--models", "--system", "Hi"], "--models takes no question"),
        (["--models", "--image", "x"], "--models takes no question"),
        (["--model", " ", "Hi"], "the model id is blank"),
        ([], "there is nothing to ask"),
        (["Hi", "--image", "absent.png"], "--image absent.png: No such file"),
        (["Hi", "--image", "."], "--image .: Is a directory"),
        (["Hi", "--image", "nul\0"], "embedded null"),
    ],
)
def test_wrong_usage_is_one_line(
    arguments: list[str],
    said: str,
    server: LocalOnlySq,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pipe_in(monkeypatch, b"")
    assert said in wrong(arguments, capsys, server)


def test_a_file_that_is_no_picture(
    server: LocalOnlySq, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "cat.png").write_text("meow")
    err = wrong(["Hi", "--image", str(tmp_path / "cat.png")], capsys, server)
    assert "not a PNG, JPEG, GIF or WebP picture" in err


def test_a_pipe_of_binary_data(
    server: LocalOnlySq, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe_in(monkeypatch, b"\x89PNG\0\0\xff")
    assert "binary data" in wrong(["Hi"], capsys, server)


def test_settings_of_the_environment_that_make_no_sense(
    server: LocalOnlySq, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONLYSQ_API_KEY", "sq canary")
    err = wrong(["Hi"], capsys, server)
    assert "ONLYSQ_API_KEY" in err
    assert "canary" not in err


# Failures


@pytest.mark.parametrize(
    ("replies", "said"),
    [
        ([Reply.error(401, "Bad\n\x1bkey.")], "401"),
        ([Reply.error(429, "Slow.", retry_after=0)] * 3, "429"),
        ([Reply.html(404, "Not Found")], "check base_url"),
        ([Reply.text("", reasoning="hm")], "without any text"),
    ],
)
def test_a_failed_answer_is_one_line(
    replies: list[Any], said: str, server: LocalOnlySq, capsys: pytest.CaptureFixture[str]
) -> None:
    server.reply(*replies)
    assert main(["Hi"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("langchain-onlysq: ")
    assert said in err
    assert err.count("\n") == 1
    assert "\x1b" not in err
    assert server.replies_left == 0


def test_a_failed_answer_in_a_process_of_its_own_is_one_line(server: LocalOnlySq) -> None:
    server.reply(*[Reply.error(429, "Slow.", retry_after=0)] * 3)
    result = shell("CMD Hi")
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.count("\n") == 1


def test_logging_is_left_as_it_was(server: LocalOnlySq) -> None:
    logger = logging.getLogger("langchain_onlysq")
    before = [*logger.handlers]
    server.reply(Reply.error(400, "No."))
    assert main(["Hi"]) == 1
    assert logger.handlers == before


def test_a_stream_that_breaks_leaves_what_came(
    server: LocalOnlySq, capsys: pytest.CaptureFixture[str]
) -> None:
    server.reply(Reply.broken_stream("one two three", after=2))
    assert main(["Hi"]) == 1
    out, err = capsys.readouterr()
    assert out == "one two \n"
    assert err.startswith("langchain-onlysq: The connection was lost")
    assert err.count("\n") == 1


def failing(error: Exception) -> Any:
    def fail(*_: Any, **__: Any) -> None:
        raise error

    return fail


def test_notes_stand_in_the_same_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    error = LookupError("Many\nlines.")
    error.add_note("first: 429")
    error.add_note("second:\n502")
    monkeypatch.setattr("langchain_onlysq.cli.session.answer", failing(error))
    assert main(["Hi"]) == 1
    said = "langchain-onlysq: LookupError: Many lines. (first: 429; second: 502)\n"
    assert capsys.readouterr() == ("", said)


# Streams that end, or are not there


def test_a_reader_that_leaves_is_no_failure_to_speak_of(server: LocalOnlySq) -> None:
    answer = Reply.text("", stream_pieces=["line\n" * 100] * 1_000)
    server.reply(answer)
    result = shell("CMD Hi | head -1; echo ${PIPESTATUS[0]}; CMD --help | head -1")
    assert result.stdout == 'line\n1\nusage: langchain-onlysq [options] ["question"]\n'
    assert result.stderr == ""


def test_an_answer_that_cannot_be_written() -> None:
    result = shell("CMD Hi >/dev/full; echo $?")
    assert result.stdout == "1\n"
    assert result.stderr == "langchain-onlysq: OSError: [Errno 28] No space left on device\n"


class SmallDisk(io.StringIO):
    def write(self, text: str) -> int:
        if self.tell():
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(text)


def test_a_disk_that_is_full_in_the_middle(
    server: LocalOnlySq, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdout", SmallDisk())
    server.reply(Reply.text("", stream_pieces=["one ", "two "]))
    assert main(["Hi"]) == 1
    assert "No space left on device" in capsys.readouterr().err


def test_an_answer_counts_also_where_nobody_reads_what_is_said_of_it() -> None:
    assert shell("CMD Hi 2>/dev/full; echo $?").stdout == "You said: Hi\n0\n"


def test_the_same_in_this_process(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(sys, "stdout", None)
        assert main(["Hi"]) == 2
    reading, writing = os.pipe()
    os.close(reading)
    with open(writing, "w", encoding="utf-8") as broken, monkeypatch.context() as patched:  # noqa: PTH123
        patched.setattr(sys, "stdout", broken)
        assert main(["Hi"]) == 1
        broken.write("this goes nowhere, quietly")
    assert capsys.readouterr().err == (
        "langchain-onlysq: stdout is closed: there is no place for an answer\n"
    )
    monkeypatch.setattr(sys, "stdin", None)
    monkeypatch.setattr(sys, "stderr", None)
    assert main(["Hi"]) == 0
    assert capsys.readouterr().out == "You said: Hi\n"


def interrupt(_: Request) -> Reply:
    """Press Ctrl-C for whoever waits for this reply."""
    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
    return Reply.stream([chunk("never seen")])


def test_ctrl_c_ends_it(server: LocalOnlySq, capsys: pytest.CaptureFixture[str]) -> None:
    server.reply(interrupt)
    assert main(["Hi"]) == 130
    assert capsys.readouterr() == ("", "")


def test_ctrl_c_while_something_else_is_done(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def pressed(_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("langchain_onlysq.cli.command.parse", pressed)
    assert main(["Hi"]) == 130
    assert capsys.readouterr() == ("", "")


# The command itself


def test_help_and_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr() == (f"langchain-onlysq {langchain_onlysq.__version__}\n", "")
    assert main(["--help"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    for word in ("gpt-4o-mini", "--model ID", "--system", "--image", "--json", "--models"):
        assert word in out
    for word in ("--local", "ONLYSQ_API_KEY", "ONLYSQ_API_BASE", "130"):
        assert word in out


def loaded_after(arguments: str) -> set[str]:
    code = f"""
import sys
from langchain_onlysq.cli import main
assert main({arguments}) == 0
print(*sys.modules, sep="\\n", file=sys.stderr)
"""
    result = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        stdin=subprocess.DEVNULL,
    )
    return {name.partition(".")[0] for name in result.stderr.split()}


def test_help_and_version_load_nothing_heavy() -> None:
    heavy = {"langchain_core", "httpx", "pydantic", "rich", "h11"}
    assert not heavy & loaded_after("['--help']")
    assert not heavy & loaded_after("['--version']")


def test_a_pipe_needs_no_terminal_library() -> None:
    loaded = loaded_after("['Hi']")
    assert "langchain_core" in loaded
    assert "rich" not in loaded


def test_the_package_can_be_run(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["langchain_onlysq", "Hi"])
    path = str(Path(langchain_onlysq.__file__).with_name("__main__.py"))
    runpy.run_path(path, run_name="imported")
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(path, run_name="__main__")
    assert ended.value.code == 0
    assert capsys.readouterr().out == "You said: Hi\n"
