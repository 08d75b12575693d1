"""Words that several messages share. Pure."""

from __future__ import annotations

import re
from traceback import format_exception_only

_IN_SECONDS_UNTIL = 120
_IN_MINUTES_UNTIL = 2 * 3600


def duration(seconds: float) -> str:
    """Write a time as people say it: `100 s`, `5 minutes`, `24 hours`."""
    for limit, unit, name in ((_IN_SECONDS_UNTIL, 1, "s"), (_IN_MINUTES_UNTIL, 60, "minutes")):
        if seconds < limit:
            return f"{_short(seconds / unit)} {name}"
    return f"{_short(seconds / 3600)} hours"


def _short(number: float) -> str:
    return f"{number:.3g}" if number < 100 else f"{number:.0f}"  # noqa: PLR2004 - no exponent


def reason_of(error: Exception) -> str:
    """Say what went wrong in code that is not ours."""
    if isinstance(error, RecursionError):
        return "something in it contains itself, or is nested too deeply"
    return format_exception_only(error)[0].strip()


_ADVICE = (
    r"[;:] (raise \w+( to wait longer|, or leave it out)|\w+=True accepts \w+( answers)?"
    r"|trim_messages can do it)"
)


def without_settings(message: str) -> str:
    """Return a message without its advice to change settings, for where there are none."""
    return re.sub(_ADVICE, "", message)
