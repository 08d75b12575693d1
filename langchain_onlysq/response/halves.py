r"""Characters of which two pieces of a text bring a half each, `"\ud83d"` and `"\ude00"`. Pure.

Gateways written in JavaScript or Java cut texts so. No half can be passed on: the first one waits
for the second.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from langchain_onlysq.response.sse import replace_surrogates

if TYPE_CHECKING:
    from langchain_onlysq.response.deltas import Delta

_LOST = "\N{REPLACEMENT CHARACTER}"


class HalfJoiner:
    """Puts the halves of characters together, in one text that comes in pieces.

    Attributes:
        done: False: there is always something to watch for.
    """

    __slots__ = ("_half",)

    done = False

    def __init__(self) -> None:
        """Start without a half."""
        self._half = ""

    def join(self, text: str) -> str:
        """Return whole characters alone; a half at the end is kept for the next piece."""
        if not text:
            return ""
        text = self._half + text
        self._half = text[-1] if "\ud800" <= text[-1] <= "\udbff" else ""
        return replace_surrogates(text.removesuffix(self._half))

    def rest(self) -> str:
        """Return what stands for a half whose other one has not come."""
        half, self._half = self._half, ""
        return _LOST if half else ""

    def feed(self, text: str) -> list[Delta]:
        """Take the next text; return what can be delivered."""
        joined = self.join(text)
        return [joined] if joined else []

    def close(self, *, whole: bool) -> list[Delta]:  # noqa: ARG002 - the other half is missing
        """End the text; return what was held back."""
        rest = self.rest()
        return [rest] if rest else []
