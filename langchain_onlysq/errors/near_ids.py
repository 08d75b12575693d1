"""The ids of the catalogues that this process has loaded, to help with a wrong one."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_ids: dict[str, tuple[str, ...]] = {}


def remember(base_url: str, ids: Iterable[str]) -> None:
    """Keep the ids of the models that are on offer at an address."""
    _ids[base_url] = tuple(ids)


def near_ids(base_url: str, model: str) -> list[str]:
    """Return other ids on offer that look like one; none where no catalogue was loaded."""
    by_lowercase = {known.lower(): known for known in _ids.get(base_url, ()) if known != model}
    near = get_close_matches(model.lower(), by_lowercase, n=3, cutoff=0.6)
    return [by_lowercase[name] for name in near]


def did_you_mean(base_url: str, model: str) -> str:
    """Return the question after the near ids, behind a blank; nothing where there are none."""
    near = near_ids(base_url, model)
    return f" Did you mean {' or '.join(map(repr, near))}?" if near else ""
