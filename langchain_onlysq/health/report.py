"""What a check of the service found."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Status = Literal["ok", "unclear", "failed", "unchecked"]

SHOWN_CHARS = 2_000
"""How much of a body a report shows: its beginning and its end."""

_END_CHARS = 600


class CheckResult(BaseModel):
    """What was found of one thing."""

    model_config = ConfigDict(frozen=True)

    name: str
    """What was checked, such as `"streamed answer"`."""

    status: Status
    """`"ok"`; `"unclear"`: it works, but not as expected; `"failed"`; `"unchecked"`."""

    detail: str
    """What was found, in a sentence."""

    advice: str = ""
    """What to do about it, if anything."""

    data: dict[str, Any] = Field(default_factory=dict)
    """The same for programs, as far as there is more than the sentence says."""


class Exchange(BaseModel):
    """A request, and its answer as it came over the wire, without the key."""

    model_config = ConfigDict(frozen=True)

    method: str
    """HTTP method of the request."""

    url: str
    """Where it went."""

    request_body: str
    """Body of the request, shortened."""

    status: int | None = None
    """HTTP status of the answer; None where no answer came."""

    http_version: str | None = None
    """Such as `"HTTP/1.1"`."""

    headers: list[tuple[str, str]] = Field(default_factory=list)
    """Headers of the answer, in their order; the values of cookies are left out."""

    body: str = ""
    """Body of the answer, decompressed and shortened."""

    body_bytes: int = 0
    """How many bytes of it came, compressed as they were."""

    pieces: int = 0
    """How many pieces it came in."""

    seconds_to_head: float | None = None
    """From the request to the head of the answer."""

    seconds_to_body: float | None = None
    """From the request to the first piece of the body."""

    seconds: float | None = None
    """From the request to the last piece of the body."""


class Report(BaseModel):
    """What the service can do with one model, as it was found just now.

    `report.model_dump_json()` has all of it; that is what a report of a fact of the wire needs.
    """

    model_config = ConfigDict(frozen=True)

    model: str
    """Model id that was asked."""

    base_url: str
    """Where."""

    versions: dict[str, str]
    """Of this package, of Python, of langchain-core, and of the HTTP library."""

    results: list[CheckResult]
    """What was found, in the order in which it was checked."""

    exchanges: list[Exchange]
    """The requests that were sent, with their answers."""

    @property
    def works(self) -> bool:
        """Whether a plain answer came."""
        return any(r.name == "whole answer" and r.status in {"ok", "unclear"} for r in self.results)


def shortened(text: str) -> str:
    """Return the beginning and the end of a long text."""
    if len(text) <= SHOWN_CHARS:
        return text
    beginning, end = text[: SHOWN_CHARS - _END_CHARS], text[-_END_CHARS:]
    return f"{beginning} … ({len(text) - SHOWN_CHARS} characters left out) … {end}"
