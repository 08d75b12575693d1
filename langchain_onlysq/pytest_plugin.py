"""The fixture `local_onlysq`, which pytest finds by itself where this package is installed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from langchain_onlysq.testing import LocalOnlySq


@pytest.fixture
def local_onlysq() -> Iterator[LocalOnlySq]:
    """Run a local OnlySq server for one test."""
    # Imported here, since pytest loads this module in every run.
    from langchain_onlysq.testing import LocalOnlySq

    with LocalOnlySq() as server:
        yield server
