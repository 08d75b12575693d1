"""The fixture `local_onlysq`; pytest loads this module in every run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from langchain_onlysq.testing.server import LocalOnlySq


@pytest.fixture
def local_onlysq() -> Iterator[LocalOnlySq]:
    """Run a local OnlySq server for one test."""
    from langchain_onlysq.testing.server import LocalOnlySq

    with LocalOnlySq() as server:
        yield server
