"""A short form of `make soak`, which has to fail where something is wrong."""

from __future__ import annotations

import io
import re
import subprocess
import sys

import pytest

from tests.soak.conversations import TURNS, Progress, soak
from tests.soak.faults import BROKEN, FAULTS
from tests.soak.rounds import hostile_rounds
from tests.support.paths import ROOT

pytestmark = pytest.mark.sockets


def test_nothing_is_lost_invented_or_repeated() -> None:
    said = io.StringIO()
    progress = Progress(60 * TURNS, said)
    tally = soak(conversations=60, at_once=30, rate=0.5, seed=7, progress=progress)
    assert tally.wrong == []
    assert tally.repeated == []
    assert tally.right + tally.errors.total() == 60 * TURNS
    assert tally.right > 60
    assert tally.cancelled > 0
    assert tally.left == []
    assert tally.model.faults.keys() == FAULTS.keys()
    assert said.getvalue().startswith(f"{3 * TURNS} of {60 * TURNS} answers\n")
    assert said.getvalue().endswith(f"\n{60 * TURNS} of {60 * TURNS} answers\n")
    assert said.getvalue().count("\n") == 20


def test_what_cannot_be_read_is_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.soak.faults.FAULTS", {BROKEN: FAULTS[BROKEN]})
    tally = soak(conversations=4, at_once=4, rate=1.0)
    assert tally.wrong == []
    assert tally.repaired == tally.right == 4 * TURNS


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_nothing_is_left_of_what_is_dropped_cancelled_and_forked() -> None:
    found = hostile_rounds(200, 7, Progress(200, io.StringIO()), 300.0)
    assert found.wrong == []
    assert found.left == []
    assert found.kinds.total() == 200


CONVERSATIONS = ["--conversations", "8", "--rounds", "0", "--at-once", "8"]
ROUNDS = ["--conversations", "0", "--rounds", "40", "--patience", "3"]
PLANTED = {
    "a wrong answer": (
        "faults.DIALECTS[:] = [lambda text: text.replace('whole', 'half')]",
        CONVERSATIONS,
        "answers wrong: [1-9]",
    ),
    "an answer that is lost": (
        "conversations.talk = lambda *args: 1 / 0",
        CONVERSATIONS,
        f"lost: {4 * TURNS}$",
    ),
    "an error of the wrong class": (
        (
            "faults.FAULTS = {'401': faults.FAULTS['401']}; "
            "classify._STATUSES[401] = OnlySqNotFoundError"
        ),
        CONVERSATIONS,
        "'' after '401', repairs: 0 OnlySqNotFoundError",
    ),
    "an answer that is not asked for again": (
        (
            "faults.FAULTS = {faults.BROKEN: faults.FAULTS[faults.BROKEN]}; "
            "AnswerGate.reminder = lambda self, end: setattr(self, 'closed', False)"
        ),
        CONVERSATIONS,
        "'' after 'a call or an object that cannot be read', repairs: 0 None",
    ),
    "connections that calls do not give back": (
        (
            "quiet.SETTLING = 10; kept = []; name = 'error in mid-stream'; "
            "conversations.FIELDS['max_retries'] = 0; "
            "faults.FAULTS = {name: faults.FAULTS[name]}; "
            "Lease.give_back = lambda self, *opened: kept.append((opened, self._count_down()))"
        ),
        ["--conversations", "24", "--rounds", "0", "--at-once", "4", "--rate", "0.7"],
        r"after 12 conversations in threads: \d+ connections, at most 12 are needed",
    ),
    "a stream that nobody ends": (
        (
            "quiet.SETTLING = 10; kept = []; talk = conversations.talk; "
            "conversations.FIELDS['stall_timeout'] = 0.2; "
            "name = 'heartbeats for ever'; faults.FAULTS = {name: faults.FAULTS[name]}; "
            "conversations.talk = lambda llm, *args: "
            "(kept.append(llm.stream('x')), next(kept[-1]), talk(llm, *args))"
        ),
        ["--conversations", "2", "--rounds", "0", "--rate", "1"],
        "in threads: 1 replies that still go out to nobody",
    ),
    "a wrong answer in a round": (
        "rounds._answer = lambda request: 'something else'",
        ROUNDS,
        "'something else' instead of",
    ),
    "a model that breaks off calls when it is closed": (
        (
            "rounds.RARE = {'fork': 0}; leases.Pool.aclose = lambda self: "
            "leases._aclose([each.client for each in self._leases])"
        ),
        ROUNDS,
        r"(async (chunks|events)|last one held): OnlySq(Stream|Connection)Error",
    ),
    "a connection that stays": (
        (
            "quiet.SETTLING = 10; ChatOnlySq.close = lambda self: None; "
            "ChatOnlySq.aclose = lambda self: rounds.asyncio.sleep(0)"
        ),
        ROUNDS,
        "when the model is closed: [1-9] connections",
    ),
    "a descriptor that stays": (
        "rounds.Rounds._leave = lambda *args: os.dup(2)",
        ROUNDS,
        r"descriptors: (\d+) at the start, (?!\1 )",
    ),
    "a warning of what stays open": (
        "rounds.Rounds._leave = lambda *args: open(os.devnull)",
        ROUNDS,
        "ResourceWarning: unclosed file",
    ),
    "an error in a destructor": (
        "rounds.Rounds._leave = lambda *args: type('Left', (), {'__del__': lambda self: 1 / 0})()",
        ROUNDS,
        "unraisable in .*ZeroDivisionError",
    ),
    "an error in a callback": (
        (
            "rounds.TaskRounds._drop = lambda *args: rounds.asyncio.sleep("
            "0, rounds.asyncio.get_running_loop().call_soon(lambda: 1 / 0))"
        ),
        ROUNDS,
        "asyncio: Exception in callback .*ZeroDivisionError",
    ),
    "an error in a thread": (
        "rounds.Rounds._leave = lambda *args: threading.Thread(target=lambda: 1 / 0).start()",
        ROUNDS,
        "uncaught in a thread: ZeroDivisionError",
    ),
    "a fork that fails": (
        (
            "rounds.RARE = {}; command = [sys.executable, '-c', 'raise SystemExit(3)']; "
            "os.fork = lambda: os.posix_spawn(sys.executable, command, os.environ)"
        ),
        ROUNDS,
        "a forked process ended with 3",
    ),
    "a call that hangs": (
        "rounds.ThreadRounds._drop = lambda *args: time.sleep(600)",
        ROUNDS,
        r"thread \d hangs in: round \d+, drop",
    ),
}
"""Name -> what is broken for the process, its arguments, and what it has to say of it."""


def run(plant: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    code = f"""
import os, sys, threading, time
from langchain_onlysq import ChatOnlySq, OnlySqNotFoundError
from langchain_onlysq.errors import classify
from langchain_onlysq.request.answer_gate import AnswerGate
from langchain_onlysq.transport import leases
from langchain_onlysq.transport.leases import Lease
from tests.soak import conversations, faults, quiet, rounds
from tests.soak.__main__ import main
{plant}
sys.exit(main())
"""
    command = [sys.executable, "-W", "ignore", "-c", code, *arguments]
    return subprocess.run(  # noqa: S603 - our own interpreter
        command, capture_output=True, text=True, check=False, cwd=ROOT, timeout=120
    )


@pytest.mark.processes
@pytest.mark.parametrize("arguments", [[], ["--httpx"]], ids=["", "over httpx"])
def test_the_process_says_what_it_did(arguments: list[str]) -> None:
    result = run("", "--conversations", "8", "--rounds", "40", *arguments)
    assert result.returncode == 0, result.stderr
    assert "answers wrong: 0, repeated: 0" in result.stdout
    assert "wrong: 0, left behind: nothing" in result.stdout
    assert "complaints of Python: 0" in result.stdout
    assert "40 of 40 rounds" in result.stderr


@pytest.mark.processes
@pytest.mark.parametrize("fault", PLANTED)
def test_the_process_fails_where_something_is_wrong(fault: str) -> None:
    plant, arguments, says = PLANTED[fault]
    result = run(plant, *arguments)
    said = result.stdout + result.stderr
    assert result.returncode == 1, said
    assert re.search(says, said, re.MULTILINE), said
