"""What a connection does between the bytes of a body: wait, end, break off."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias


@dataclass(frozen=True)
class Pause:
    """Send nothing for a while.

    Attributes:
        seconds: How long, in seconds.
    """

    seconds: float


@dataclass(frozen=True)
class Reset:
    """Break the connection off with a TCP reset."""


@dataclass(frozen=True)
class Close:
    """End the connection in order right here, also in the middle of a body."""


@dataclass(frozen=True)
class Hold:
    """Keep the connection open and send nothing, until the client leaves or the server closes."""


@dataclass(frozen=True)
class Heartbeats:
    r"""Send the same bytes again and again.

    Attributes:
        every: The time between two of them, in seconds.
        count: How many; None goes on until the client leaves or the server closes.
        data: What is sent, by default an SSE comment.
    """

    every: float
    count: int | None = None
    data: bytes = b": ping\n\n"


Step: TypeAlias = Pause | Reset | Close | Hold | Heartbeats
"""What may stand between the bytes of a body."""

Event: TypeAlias = Mapping[str, Any] | str | bytes | Step
"""What may stand in a stream of events."""
