"""For tests that make their own examples."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""How fast a machine is says nothing about the code."""


def json_with(keys: str, *values: Any) -> st.SearchStrategy[Any]:
    """JSON of a few keys and values that mean something where it is read."""
    return st.recursive(
        st.sampled_from(values),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(keys.split()), inner, max_size=5)
        ),
        max_leaves=15,
    )
