"""Which tests need a process that can fork."""

from __future__ import annotations

import os

import pytest

needs_fork = pytest.mark.skipif(
    not hasattr(os, "fork"),
    reason="Windows has no os.fork, so what a fork could break cannot happen there",
)
