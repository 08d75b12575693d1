"""Marks for what only newer versions of a dependency know."""

from __future__ import annotations

import pytest

from langchain_onlysq.response.refusals import REFUSAL_ERROR

knows_refusals = pytest.mark.skipif(
    REFUSAL_ERROR is None, reason="langchain-core knows refusals from 1.7.5 on"
)
