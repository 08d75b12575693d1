"""What the tests of the outside world share."""

from __future__ import annotations

from typing import Any

import pytest

from langchain_onlysq.transport import clients


@pytest.fixture(params=["httpx", "httpx2"])
def library(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Make the package's own clients of either library."""
    chosen = pytest.importorskip(request.param)
    monkeypatch.setattr(clients, "http", lambda: chosen)
    return chosen
