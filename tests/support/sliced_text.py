"""A text that counts what is copied of it."""

from __future__ import annotations

from typing import SupportsIndex


class SlicedText(str):
    """A text that counts the characters of its slices, and of the slices of these."""

    __slots__ = ()
    copied = 0

    def __getitem__(self, key: SupportsIndex | slice) -> str:
        part = super().__getitem__(key)
        SlicedText.copied += len(part)
        return SlicedText(part)
