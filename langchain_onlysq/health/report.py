"""What a check of the service found."""

from __future__ import annotations

from datetime import datetime
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

    def __str__(self) -> str:
        """Return it in a line, with what to do about it."""
        found = self.detail if not self.advice else f"{self.detail.rstrip('. ')}. {self.advice}"
        return f"{self.status:9}  {self.name:19}  {' '.join(found.split())}"


class Exchange(BaseModel):
    """A request, and its answer as it came over the wire, without the key."""

    model_config = ConfigDict(frozen=True)

    check: str
    """What was being checked: the name of a result."""

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

    seconds_to_text: float | None = None
    """From the request to the first piece of text; None where the answer was not streamed."""

    seconds: float | None = None
    """From the request to the last piece of the body."""

    piece_seconds: list[float] = Field(default_factory=list)
    """From the request to each piece of the body, of very many pieces to the first ones."""


class Report(BaseModel):
    """What the service can do with one model, as it was found just now.

    `report.model_dump_json()` has all of it; that is what a report of a fact of the wire needs.
    `print(report)` shows what the command line does.
    """

    model_config = ConfigDict(frozen=True)

    model: str
    """Model id that was asked."""

    base_url: str
    """Where."""

    checked_at: datetime
    """When the check began."""

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

    @property
    def summary(self) -> str:
        """How many requests it took, and whether a plain answer came, in a line."""
        came = "a plain answer works" if self.works else "no plain answer came"
        return f"{counted(len(self.exchanges), 'request')}; {came}"

    def __str__(self) -> str:
        """Return the results, a line each, and the summary."""
        return "\n".join([*map(str, self.results), self.summary])


def counted(number: int, word: str) -> str:
    """Return a number with what is counted."""
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def shortened(text: str) -> str:
    """Return the beginning and the end of a long text."""
    if len(text) <= SHOWN_CHARS:
        return text
    beginning, end = text[: SHOWN_CHARS - _END_CHARS], text[-_END_CHARS:]
    return f"{beginning} … ({len(text) - SHOWN_CHARS} characters left out) … {end}"
