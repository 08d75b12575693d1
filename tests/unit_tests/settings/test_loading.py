"""What only some calls need is loaded so that neither a fork nor a full table of files harms."""

from __future__ import annotations

import os
import threading

import pytest

from langchain_onlysq import OnlySqConnectionError
from langchain_onlysq.settings.loading import _Loading, loading
from tests.support.forks import needs_fork


@pytest.mark.parametrize(
    "error", [OSError(24, "Too many open files"), ImportError("no such module")], ids=str
)
def test_what_cannot_be_loaded_is_an_error_of_the_call(error: Exception) -> None:
    said = r"cannot be loaded: .*(Too many|no such)"
    with pytest.raises(OnlySqConnectionError, match=said), loading:
        raise error


def test_other_errors_pass() -> None:
    with pytest.raises(KeyError), loading:
        raise KeyError


@needs_fork
def test_a_fork_waits_for_what_another_thread_loads() -> None:
    inside, forking = threading.Event(), threading.Event()

    def load() -> None:
        with loading:
            inside.set()
            forking.wait(0.2)  # nobody sets it: the fork is waiting meanwhile

    thread = threading.Thread(target=load)
    thread.start()
    assert inside.wait(60)
    child = os.fork()
    if child == 0:
        is_free = loading._lock.acquire(timeout=5)
        os._exit(0 if is_free else 1)
    thread.join()
    assert os.waitpid(child, 0)[1] == 0


def test_a_system_without_forks_needs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "register_at_fork", raising=False)
    with _Loading():
        pass
