"""The gates of this process: one for each base URL, key and model, whatever object asks there."""

from __future__ import annotations

import math
import os
from hashlib import sha256
from threading import Lock

from langchain_onlysq.transport.pacing import WINDOW, Gate


class Gates:
    """Gates by base URL, key and model; may be used from many threads."""

    def __init__(self, window: float = WINDOW) -> None:
        """Begin without any.

        Args:
            window: Seconds for which the gates count a request.
        """
        self._lock = Lock()
        self._gates: dict[tuple[str, bytes, str], Gate] = {}
        self._window = window
        self._swept_at = -math.inf

    def __len__(self) -> int:
        """Return how many are kept."""
        return len(self._gates)

    def find(self, base_url: str, key: str, model: str, now: float) -> Gate:
        """Return the gate of a model; the key itself is not kept.

        One that nothing is known of is forgotten after a while, so look it up for each request.

        Args:
            base_url: Base URL of the service.
            key: The API key.
            model: Model id.
            now: The time, in seconds of any clock that never goes back.
        """
        hashed = sha256(key.encode("utf-8", "surrogatepass")).digest()
        identity = (base_url, hashed, model)
        with self._lock:
            if now - self._swept_at >= self._window:
                self._sweep(now)
            gate = self._gates.get(identity)
            if gate is None:
                gate = self._gates[identity] = Gate(self._window)
            gate.used = True
            return gate

    def forget(self) -> None:
        """Be without gates, and without a lock that anybody holds: so it is after a fork."""
        gates, self._gates = self._gates, {}
        self._lock = Lock()
        for gate in gates.values():  # A call that goes on in the child may still have one.
            gate.lock = Lock()

    def _sweep(self, now: float) -> None:
        """Forget the idle gates that nobody has looked up since the last time."""
        self._swept_at = now
        kept = {}
        for identity, gate in self._gates.items():
            if gate.used or not gate.is_idle(now):
                kept[identity] = gate
            gate.used = False
        self._gates = kept


_gates = Gates()


def gate_for(base_url: str, key: str, model: str, now: float) -> Gate:
    """Return this process's gate of a model; see `Gates.find`."""
    return _gates.find(base_url, key, model, now)


def _after_fork_in_child() -> None:
    _gates.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
