"""The command line without a terminal: what is asked, and what comes out where."""

from __future__ import annotations

import errno
import io
import json
import logging
import os
import re
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import langchain_onlysq
from langchain_onlysq import ChatOnlySq, list_models
from langchain_onlysq.cli import main
from langchain_onlysq.testing import Hold, LocalOnlySq, Reply, ReplyLike, catalogue, chunk
from langchain_onlysq.transport import gates
from tests.support.command_line import Run, error_line, shell
from tests.support.versions import knows_refusals

USAGE = "gpt-4o-mini: 1 tokens in, 3 out\n"


# The answer


def test_an_answer_is_on_stdout_and_its_usage_on_stderr(server: LocalOnlySq) -> None:
    assert shell("CMD Hi") == (0, "You said: Hi\n", USAGE)
    assert server.requests[-1].streams
    assert server.requests[-1].json["model"] == "gpt-4o-mini"


def test_model_and_system(server: LocalOnlySq, run: Run) -> None:
    status, _, err = run("Hi", "--model", "m", "--system", "Be brief.")
    assert (status, err) == (0, "m: 3 tokens in, 3 out\n")
    assert server.requests[-1].json["model"] == "m"
    assert server.requests[-1].messages[0] == {"role": "system", "content": "Be brief."}


UNCHANGED = "[bold]x[/] :smile: \x1b[31mred\r\n\tend \N{SNOWMAN}\n"


@pytest.mark.parametrize(
    ("reply", "out", "model", "note"),
    [
        (Reply.text(UNCHANGED, usage=None), UNCHANGED, "gpt-4o-mini", ""),
        (Reply.text("Yes.", reasoning="Hm", usage=None), "Yes.\n", "gpt-4o-mini", ""),
        (Reply.text("Yes.", model="other", usage=None), "Yes.\n", "other", ""),
        (
            Reply.text("Yes", finish_reason="length", usage=None),
            "Yes\n",
            "gpt-4o-mini",
            " (finish reason: length)",
        ),
    ],
    ids=["unchanged text", "reasoning", "another model", "finish reason"],
)
def test_an_answer_and_the_line_below_it(
    reply: ReplyLike, out: str, model: str, note: str, server: LocalOnlySq, run: Run
) -> None:
    server.reply(reply)
    assert run("Hi") == (0, out, f"{model}: usage unknown{note}\n")


def test_characters_that_the_encoding_lacks(
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


def test_json_is_the_whole_message(
    server: LocalOnlySq, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_OUTPUT_VERSION", "v1")
    server.reply(Reply.text("Да \x1b", reasoning="hm"))
    status, out, err = run("Hi", "--json")
    assert (status, err) == (0, "")
    message = json.loads(out)
    assert "Да" in out
    assert message["type"] == "ai"
    assert message["content"] == "Да \x1b"
    assert message["additional_kwargs"] == {"reasoning_content": "hm"}
    assert message["usage_metadata"]["output_tokens"] > 0
    assert message["response_metadata"]["model_name"] == "gpt-4o-mini"


# The local server


def test_local_needs_no_network_and_no_key(
    server: LocalOnlySq, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONLYSQ_API_BASE", "http://onlysq.invalid")
    monkeypatch.setenv("ONLYSQ_API_KEY", "not a key")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    assert run("--local", "Hi") == (0, "You said: Hi\n", USAGE)
    status, out, _ = run("--models", "-m", "gpt-4o-mini", "--local")
    assert status == 0
    assert "gpt-4o-mini" in out
    assert not server.requests


def test_local_without_the_extra_it_needs(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("langchain_onlysq.testing")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "h11", None)
    line = error_line(run("--local", "Hi"), 2)
    assert "The local server needs h11: pip install" in line


# The catalogue


def test_models_are_a_table(server: LocalOnlySq, run: Run) -> None:
    server.reply_catalogue(catalogue(["sonar", "gpt-4o-mini"]))
    status, out, err = run("--models")
    assert (status, err) == (0, "")
    assert [line.split() for line in out.rstrip("\n").split("\n")] == [
        ["id", "modality", "tools", "streaming", "thinking", "status", "cost"],
        ["gpt-4o-mini", "text", "yes", "yes", "no", "work", "0.5"],
        ["sonar", "text", "no", "yes", "no", "work", "2"],
    ]


def test_models_as_json(server: LocalOnlySq, run: Run) -> None:
    server.reply_catalogue(catalogue(["sonar", "gpt-4o-mini"]))
    status, out, err = run("--models", "--json")
    assert (status, err) == (0, "")
    models = json.loads(out)
    assert [model["id"] for model in models] == ["gpt-4o-mini", "sonar"]
    assert models[0]["can_tools"] is True
    assert models[0]["description"] == "The text model gpt-4o-mini."


# Failures

REFUSAL = Reply.stream([chunk({"refusal": "I will "}), chunk({"refusal": "not."})])
FILTERED = Reply.stream([chunk("", finish_reason="content_filter")])


@pytest.mark.parametrize(
    ("arguments", "replies", "reason"),
    [
        (["Hi"], [Reply.error(401, "Bad\n\x1bkey.")], "401"),
        (["Hi"], [Reply.error(503, "Slow.", retry_after=0)] * 3, "503"),
        (["Hi"], [Reply.html(404, "Not Found")], "check ONLYSQ_API_BASE"),
        (
            ["Hi"],
            [Reply.text("", reasoning="hm")],
            "The answer has no text, only reasoning: hm. Ask",
        ),
        (["Hi"], [REFUSAL], "The model refused: I will not. Ask again, or try another model."),
        pytest.param(
            ["Hi"],
            [FILTERED],
            "A content filter left nothing of the answer. Ask again, or",
            marks=knows_refusals,
        ),
        (["Hi", "--json"], [Reply.error(400, "No.")], "400"),
    ],
)
def test_a_failed_answer(
    arguments: list[str], replies: list[Any], reason: str, server: LocalOnlySq, run: Run
) -> None:
    server.reply(*replies)
    assert reason in error_line(run(*arguments), 1)
    assert server.replies_left == 0


def test_a_catalogue_that_is_silent_has_no_option(
    server: LocalOnlySq, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(list_models.__kwdefaults__ or {}, "timeout", 0.1)
    server.reply_catalogue(Reply(body=[Hold()]))
    line = error_line(run("--models"), 1)
    assert line == "langchain-onlysq: No data came for 0.1 s.\n"


def test_an_answer_may_be_empty_where_that_is_allowed(server: LocalOnlySq, run: Run) -> None:
    server.reply(Reply.text("", usage=None), "")
    assert run("Hi", "-o", "allow_empty=true") == (0, "", "gpt-4o-mini: usage unknown\n")
    assert "The answer is empty." in error_line(run("Hi", "-o", "max_retries=0"), 1)


@pytest.mark.parametrize("arguments", [["Hi"], ["Hi", "--json"]])
@pytest.mark.parametrize("status", [400, 404])
def test_an_unknown_model_has_near_ids(
    arguments: list[str],
    status: int,
    server: LocalOnlySq,
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # An earlier test may have loaded a catalogue from the port that this server has now.
    monkeypatch.setattr("langchain_onlysq.errors.near_ids._ids", {})
    server.reply(Reply.error(status, "Unknown model"))
    server.reply_catalogue(catalogue(["gpt-4o-mini", "sonar"]))
    line = error_line(run(*arguments, "-m", "gpt-4o-minni"), 1)
    assert line.endswith(
        "Check the model id: --models has those on offer. (Did you mean 'gpt-4o-mini'?)\n"
    )
    assert [request.method for request in server.requests] == ["POST", "GET"]


def test_a_catalogue_that_fails_names_none(server: LocalOnlySq, run: Run) -> None:
    server.reply(Reply.error(404, "Unknown model"), Reply.error(403, "No"))
    server.reply_catalogue(Reply.error(401, "No"))
    assert error_line(run("Hi", "-m", "zzz"), 1).endswith("has those on offer.\n")
    assert "refused" in error_line(run("Hi"), 1)
    assert [request.method for request in server.requests] == ["POST", "GET", "POST"]


def test_a_wait_for_the_quota_is_a_line(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("langchain_onlysq.transport.turns._WORTH_A_WARNING", 0.0)
    monkeypatch.setattr(gates, "_gates", gates.Gates(window=0.35))
    with LocalOnlySq(requests_per_minute=1, minute=0.3) as busy:
        monkeypatch.setenv("ONLYSQ_API_BASE", busy.base_url)
        assert run("Hi").status == 0
        status, out, err = run("Hi")
    assert (status, out) == (0, "You said: Hi\n")
    assert re.match(
        r"Model 'gpt-4o-mini' is at its limit of requests per minute: calls wait \(1 now\), for "
        r"about \d+ s at most\. Another model, -o fallback_models=… with -o fallback_when=busy, or "
        r"a key of a higher level helps; -o max_wait=… limits the wait\n",
        err,
    )
    assert err.endswith(USAGE)


def test_a_failed_catalogue(server: LocalOnlySq, run: Run) -> None:
    server.reply_catalogue(Reply.error(401, "Bad key."))
    assert "401" in error_line(run("--models"), 1)


def test_each_retry_is_a_line_and_logging_is_left_as_it_was(server: LocalOnlySq, run: Run) -> None:
    replies = [Reply.error(503, "Slow.", retry_after=0)] * 3
    server.reply(*replies, *replies)
    result = shell("CMD Hi")
    assert "503" in error_line(result, 1)
    assert result.err.count("\nAttempt 2 of 3 failed (OnlySqAPIError: ") == 1
    assert result.err.count("\n") == 3
    assert "rate_limiter" not in result.err
    logger = logging.getLogger("langchain_onlysq")
    before = [*logger.handlers]
    assert run("Hi").status == 1
    assert logger.handlers == before


def test_a_stream_that_breaks_leaves_what_came(server: LocalOnlySq, run: Run) -> None:
    server.reply(Reply.broken_stream("one two three", after=2))
    assert "The connection was lost" in error_line(run("Hi"), 1, out="one two \n")


def raising(error: BaseException) -> Any:
    def fail(*_: Any, **__: Any) -> None:
        raise error

    return fail


def test_the_notes_of_an_error_are_in_the_same_line(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = LookupError("Many\nlines.")
    error.add_note("first: 429")
    error.add_note("second:\n502")
    monkeypatch.setattr(ChatOnlySq, "stream", raising(error))
    line = "langchain-onlysq: LookupError: Many lines. (first: 429; second: 502)\n"
    assert run("Hi") == (1, "", line)


# Streams that end, or are closed


def test_a_reader_that_leaves_is_not_reported(server: LocalOnlySq) -> None:
    server.reply(Reply.text("", stream_pieces=["line\n" * 100] * 1_000))
    result = shell("CMD Hi | head -1; echo ${PIPESTATUS[0]}; CMD --help | head -1")
    assert result.out == "line\n1\nusage: langchain-onlysq [options] [question]\n"
    assert result.err == ""


def test_an_answer_that_cannot_be_written() -> None:
    result = shell("CMD Hi >/dev/full; echo $?")
    assert result.out == "1\n"
    assert result.err == "langchain-onlysq: OSError: [Errno 28] No space left on device\n"


class SmallDisk(io.StringIO):
    def write(self, text: str) -> int:
        if self.tell():
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(text)


def test_a_disk_that_is_full_in_the_middle(
    server: LocalOnlySq, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.reply(Reply.text("", stream_pieces=["one ", "two "]))
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", SmallDisk())
        assert "No space left on device" in error_line(run("Hi"), 1)


def test_an_answer_counts_even_if_stderr_cannot_be_written() -> None:
    assert shell("CMD Hi 2>/dev/full; echo $?").out == "You said: Hi\n0\n"


def test_a_reader_that_leaves_this_process(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with open(writing, "w", encoding="utf-8") as broken, monkeypatch.context() as patch:  # noqa: PTH123
        patch.setattr(sys, "stdout", broken)
        assert run("Hi") == (1, "", "")
        broken.write("this is discarded without an error")


def test_streams_that_are_closed(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", None)
        line = "langchain-onlysq: stdout is closed; the answer cannot be printed\n"
        assert run("Hi") == (2, "", line)
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdin", None)
        patch.setattr(sys, "stderr", None)
        assert run("Hi") == (0, "You said: Hi\n", "")


def test_ctrl_c_ends_it(server: LocalOnlySq, run: Run, ctrl_c: ReplyLike) -> None:
    server.reply(ctrl_c)
    assert run("Hi") == (130, "", "")


def test_ctrl_c_before_anything_is_sent(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "argparse.ArgumentParser.parse_intermixed_args", raising(KeyboardInterrupt())
    )
    assert run("Hi") == (130, "", "")


# The command itself


def test_help_and_version(run: Run) -> None:
    assert run("--version") == (0, f"langchain-onlysq {langchain_onlysq.__version__}\n", "")
    status, out, err = run("--help")
    assert (status, err) == (0, "")
    options = (
        "--model ID",
        "--system TEXT",
        "--image FILE",
        "--json",
        "--models",
        "--check",
        "--local",
    )
    for word in (*options, "gpt-4o-mini", "ONLYSQ_API_KEY", "ONLYSQ_API_BASE", "130"):
        assert word in out


def loaded_after(argument: str) -> set[str]:
    code = f"""
import sys
from langchain_onlysq.cli import main
assert main(["{argument}"]) == 0
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


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_help_and_version_load_nothing_heavy(option: str) -> None:
    assert not {"langchain_core", "httpx", "pydantic", "rich", "h11"} & loaded_after(option)


def test_a_pipe_needs_no_terminal_library() -> None:
    loaded = loaded_after("Hi")
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
