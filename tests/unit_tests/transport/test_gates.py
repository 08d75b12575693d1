"""The table of gates that a process has."""

from __future__ import annotations

import os
import runpy
from collections import deque

import pytest

from langchain_onlysq.transport import gates as gates_module
from langchain_onlysq.transport.gates import Gates, gate_for
from langchain_onlysq.transport.pacing import Gate
from langchain_onlysq.transport.waiting_line import Place
from tests.support.forks import needs_fork
from tests.support.threads import in_threads

URL, KEY = "https://api.test", "canary-key"


def sent(gate: Gate, now: float) -> Place:
    """Let a new call pass."""
    place = Place()
    assert gate.ask(place, now) == 0
    return place


class TestGates:
    def test_one_gate_for_each_address_key_and_model(self) -> None:
        gates = Gates()
        names = [(url, key, model) for url in "ab" for key in "cd" for model in "ef"]
        found = [gates.find(*name, now=0.0) for name in names]
        assert len(set(found)) == len(gates) == 8
        assert [gates.find(*name, now=1.0) for name in names] == found

    def test_the_process_has_one_table(self) -> None:
        one = gate_for(URL, KEY, "m", 0.0)
        assert one is gate_for(URL, KEY, "m", 0.0)
        assert one is not gate_for("https://a.test", "other", "m", 0.0)

    def test_the_key_is_not_kept(self) -> None:
        gates = Gates()
        gates.find("https://a.test", "canary-\udcff", "m", 0.0)
        assert "canary" not in repr(vars(gates))

    def test_ten_thousand_gates_that_were_used_once_are_forgotten(self) -> None:
        gates = Gates()
        for number in range(10_000):
            gate = gates.find(URL, KEY, f"m{number}", number / 1000)
            gate.answered(sent(gate, number / 1000), number / 1000)
        assert len(gates) == 10_000
        for now in (70.0, 140.0, 210.0):
            gates.find(URL, KEY, "m", now)
        assert len(gates) == 1

    def test_one_that_knows_something_is_not_forgotten(self) -> None:
        gates = Gates()
        gate = gates.find(URL, KEY, "m", 0.0)
        gate.refused(sent(gate, 0.0), 70.0)
        for now in (62.0, 124.0, 186.0):
            gates.find(URL, KEY, "other", now)
            assert len(gates) == 2
        gates.find(URL, KEY, "other", 250.0)
        assert len(gates) == 1

    def test_the_window_is_an_argument(self) -> None:
        gate = Gates(window=1.0).find(URL, KEY, "m", 0.0)
        sent(gate, 0.0)
        assert not gate.is_idle(0.9)
        assert gate.is_idle(1.0)

    def test_a_gate_is_shared_by_threads(self) -> None:
        gates, found = Gates(), deque[Gate]()

        def look() -> None:
            for number in range(500):
                found.append(gates.find(URL, KEY, f"m{number % 5}", number))

        in_threads(look)
        assert len(set(found)) == len(gates) == 5


class TestFork:
    def test_a_child_has_no_gates_and_no_lock_that_anybody_holds(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        gates = Gates()
        monkeypatch.setattr(gates_module, "_gates", gates)
        gate = gate_for(URL, KEY, "m", 0.0)
        with gates._lock, gate.lock:
            gates_module._after_fork_in_child()
            assert len(gates) == 0
            in_threads(lambda: sent(gate, 0.0), threads=1)
            in_threads(lambda: sent(gate_for(URL, KEY, "m", 0.0), 0.0), threads=1)

    @needs_fork
    def test_it_is_told_of_the_fork(self) -> None:
        gate = gate_for(URL, KEY, "m", 0.0)
        with gates_module._gates._lock, gate.lock:
            child = os.fork()
            if child == 0:
                try:
                    sent(gate, 0.0)
                    other = gate_for(URL, KEY, "m", 0.0)
                    os._exit(0 if other is not gate else 1)
                finally:
                    os._exit(2)
        assert os.waitpid(child, 0)[1] == 0

    def test_a_system_without_forks_needs_nothing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delattr(os, "register_at_fork", raising=False)
        module = runpy.run_path(str(gates_module.__file__))
        assert module["gate_for"](URL, KEY, "m", 0.0).ask(Place(), 0.0) == 0
