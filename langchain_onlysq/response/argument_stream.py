"""The arguments of a call, while they arrive: passed on, and mended where they need it. Pure."""

from __future__ import annotations

from langchain_onlysq.response.json_text import mend_escapes, parse_json
from langchain_onlysq.response.loose_json import mend
from langchain_onlysq.response.syntax_mender import SyntaxMender


class ArgumentStream:
    """Passes the JSON object of one call on as it comes, as long as it is JSON.

    From the first character on that cannot stand there, the rest is held back to its end, which
    shows whether it is an object whose syntax alone is wrong. What is no object is held back.
    """

    def __init__(self) -> None:
        """Start before the opening bracket."""
        self._mender = SyntaxMender()
        self._passed: list[str] = []
        # What was not passed on: as it came, and as the mender has it, where that differs.
        self._held: list[str] = []
        self._mended: list[str] | None = None
        # The first two characters that are not blank.
        self._beginning = ""

    @property
    def has_begun(self) -> bool:
        """Whether there was anything but blanks."""
        return bool(self._beginning)

    @property
    def is_object(self) -> bool:
        """Whether this is an object; one in doubled brackets can only be mended as a whole."""
        return len(self._beginning) > 1 and self._beginning != "{{" and self._beginning[0] == "{"

    @property
    def is_closed(self) -> bool:
        """Whether the object has ended, and only blanks followed."""
        return self._mender.finished and not self._mender.rest.strip()

    def feed(self, text: str) -> str:
        """Take the next text; return what can be delivered."""
        self._held.append(text)
        if not self.is_object:
            self._beginning = (self._beginning + "".join(text.split()))[:2]
            if not self.is_object:
                return ""
            text = "".join(self._held)
        mended = self._mender.feed(text)
        if self._mended is not None:
            self._mended.append(mended)
        elif mended:
            held = "".join(self._held)
            same = mended if held.startswith(mended) else _common_beginning(held, mended)
            if same != mended:
                self._mended = [mended[len(same) :]]
            self._held = [held[len(same) :]]
            self._passed.append(same)
            return same
        return ""

    def finish(self) -> tuple[str, str]:
        """End the arguments.

        Returns:
            What was held back, mended if that makes them an object; and all that was delivered.
        """
        before, held = "".join(self._passed), "".join(self._held)
        held = mend_escapes(before + held)[len(before) :]
        rest = self._rest(before, held)
        return rest, before + rest

    def _rest(self, before: str, held: str) -> str:
        if before and self._mended is None:
            return held
        inner = None if before else parse_json(held)
        meant = mend(inner if isinstance(inner, str) else before + held)
        value = parse_json(meant or "")
        if meant is None or not isinstance(value, dict):
            return held
        if not before:
            return meant
        mended = "".join(self._mended or ()) + self._mender.close() + self._mender.rest
        # Both readers have to find the same in it.
        return mended if parse_json(before + mended) == value else held


def _common_beginning(first: str, second: str) -> str:
    pairs = enumerate(zip(first, second, strict=False))
    end = next((at for at, (one, other) in pairs if one != other), len(second))
    return second[:end]
