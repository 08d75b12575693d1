"""Bytes of an answer's body -> JSON values.

The body is meant to be server-sent events (`data: {json}` lines, ended by `data: [DONE]`), but
the service also answers with a whole JSON document, bare JSON lines, HTML or plain text, whatever
the content type says. So the framing is read off the bytes alone, and read the same way for a
stream and for a whole answer.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

from pydantic_core import from_json

_BOM = b"\xef\xbb\xbf"
_LINE_END = re.compile(rb"\r\n|\r|\n")
_OPENING_BYTES = 4096
_FEW_PIECES = 16
_BLANKS = _BOM + b" \t\r\n"
_DOCUMENT_STARTS = frozenset({b"{", b"[", b"<", b'"'})


class _Done:
    def __repr__(self) -> str:
        return "DONE"


DONE: Final = _Done()
"""Stands for `data: [DONE]` in the decoder's output."""


class Unreadable(bytes):
    """An event that is not JSON, as it came."""

    __slots__ = ()


class Halved(dict[str, Any]):
    """A JSON object with half a character in it, of which the other half may stand elsewhere."""

    __slots__ = ()


Event = Any
"""A JSON value, `Halved`, `DONE`, or `Unreadable`."""


class EventDecoder:
    """Incremental decoder of one body.

    Lines end in CR, LF or CRLF and in nothing else: `str.splitlines` would also cut at U+2028 and
    its like, which may stand inside JSON. A `data:` line that is JSON by itself is an event at
    once, with or without the blank line that should follow it. Time is linear in the bytes fed.

    Attributes:
        opening: The first bytes of the body, for an error message.
        cut_off: True once the body has ended in the middle of an event.
    """

    __slots__ = (
        "_after_cr",
        "_at_rest",
        "_data",
        "_document",
        "_first_line",
        "_tail",
        "cut_off",
        "opening",
    )

    def __init__(self) -> None:
        """Start at the beginning of a body."""
        self.opening = b""
        self.cut_off = False
        self._tail: list[bytes] = []
        self._data: list[bytes] = []
        self._document: list[bytes] | None = None
        self._first_line = True
        self._after_cr = False
        # Whether the next bytes begin a line, and no state depends on them.
        self._at_rest = False

    @property
    def in_event(self) -> bool:
        """Whether an event, or a line, has begun and not ended."""
        return bool(self._tail or self._data or self._document)

    @property
    def in_answer(self) -> bool:
        """Whether what has begun and not ended is part of an answer, and not of a heartbeat."""
        if self._data or self._document is not None:
            return True
        begun = b"".join(self._tail[:_FEW_PIECES]).lstrip(_BLANKS)
        is_data = begun.startswith(b"data:") and bool(begun[5:].strip())
        return is_data or begun[:1] in _DOCUMENT_STARTS

    def feed(self, piece: bytes) -> list[Event]:
        """Decode the next bytes.

        Args:
            piece: Any number of bytes, cut anywhere.

        Returns:
            The events that are complete with these bytes, in order.
        """
        if self._at_rest and (event := _only_event(piece)) is not _NOT_JSON:
            return [event]
        events = self._read_piece(piece)
        self._at_rest = len(self.opening) == _OPENING_BYTES and not (
            self._after_cr or self._first_line or self.in_event
        )
        return events

    def _read_piece(self, piece: bytes) -> list[Event]:
        if len(self.opening) < _OPENING_BYTES:
            self.opening += piece[: _OPENING_BYTES - len(self.opening)]
        if self._after_cr and piece:
            # The LF of a CRLF that was cut between the two.
            self._after_cr = False
            piece = piece.removeprefix(b"\n")
        if b"\r" in piece:
            self._after_cr = piece.endswith(b"\r")
            lines = _LINE_END.split(piece)
        else:
            lines = piece.split(b"\n")
        if len(lines) == 1:
            if piece:
                self._tail.append(piece)
            return []
        if self._tail:
            lines[0] = b"".join((*self._tail, lines[0]))
        last = lines.pop()
        self._tail = [last] if last else []
        return self._read_lines(lines)

    def close(self) -> list[Event]:
        """End the body.

        Returns:
            The events that were still open: an event needs no line end at the end of the body.
        """
        rest = b"".join(self._tail)
        self._tail = []
        events = self._read_lines([rest]) if rest else []
        if self._document is not None:
            document = b"\n".join(self._document)
            self._document = None
            if (value := _parse(document)) is not _NOT_JSON:
                events.append(value)
            else:
                self.cut_off = not document.lstrip(_BLANKS).startswith(b"<")
                events.append(Unreadable(document))
        return events + self._flush_data(at_end=True)

    def _read_lines(self, lines: list[bytes]) -> list[Event]:
        events: list[Event] = []
        if self._document is not None:
            self._document += lines
            return events
        for position, line in enumerate(lines):
            if line.startswith(b"data: {") and not self._data:
                # The short path for a line.
                try:
                    events.append(from_json(line[6:]))
                    continue
                except ValueError:
                    pass
            if self._first_line:
                self._first_line = False
                line = line.removeprefix(_BOM)  # noqa: PLW2901 - the line without its BOM
            if not line:
                events += self._flush_data() if self._data else ()
            elif line.startswith(b"data:"):
                self._read_data(line[5:], events)
            elif line.lstrip(b" \t")[:1] in {b"{", b"[", b"<"}:
                value = _parse(line)
                if value is _NOT_JSON:
                    # A document over several lines: HTML, or JSON that was printed prettily.
                    self._document = [line, *lines[position + 1 :]]
                    break
                events.append(value)
            # Comments, event:, id:, retry: and unknown fields mean nothing here.
        return events

    def _read_data(self, data: bytes, events: list[Event]) -> None:
        data = data.removeprefix(b" ")
        if data.strip() == b"[DONE]":
            events += self._flush_data()
            events.append(DONE)
        elif not data.strip():
            return
        elif self._data or (value := _parse(data)) is _NOT_JSON:
            # An event over several data lines, which ends at the next blank line.
            self._data.append(data)
        else:
            events.append(value)

    def _flush_data(self, *, at_end: bool = False) -> list[Event]:
        """End an event that took several data lines, or was broken."""
        lines, self._data = self._data, []
        if not lines:
            return []
        if (value := _parse(b"\n".join(lines))) is not _NOT_JSON:
            return [value]
        # No JSON together: separate events, with single line ends between them.
        events = [_parse_line(line) for line in lines]
        if at_end and isinstance(events[-1], Unreadable):
            self.cut_off = True
        return events


def _only_event(piece: bytes) -> Event:
    """Parse a single `data:` line with its blank line; `_NOT_JSON` for anything else.

    The short path: a stream usually comes one event at a time.
    """
    if (
        piece.startswith(b"data: {")
        and piece.find(b"\n") == len(piece) - 2
        and piece.endswith(b"\n\n")
        and b"\r" not in piece
    ):
        try:
            return from_json(piece[6:])
        except ValueError:
            pass
    return _NOT_JSON


def _parse_line(line: bytes) -> Event:
    value = _parse(line)
    return Unreadable(line) if value is _NOT_JSON else value


_NOT_JSON: Final = object()


def _parse(data: bytes) -> Any:
    """Parse one JSON value; `_NOT_JSON` where it is none."""
    try:
        return from_json(data)
    except ValueError:
        pass
    if data.lstrip()[:1] not in b'{["':
        return _NOT_JSON
    try:
        # Slower, but takes what from_json refuses: lone surrogates, deep nesting, bad UTF-8.
        value = json.loads(data.decode("utf-8", "replace"))
        whole = without_surrogates(value)
        is_halved = whole != value and isinstance(value, dict)
        return Halved(value) if is_halved else whole
    except (ValueError, RecursionError):
        return _NOT_JSON


def without_surrogates(value: Any) -> Any:
    """Return a JSON value with U+FFFD in the place of lone surrogates."""
    text = json.dumps(value, ensure_ascii=False)
    return value if text.isascii() else json.loads(replace_surrogates(text))


def replace_surrogates(text: str) -> str:
    """Put U+FFFD in the place of lone surrogates, which UTF-8 cannot encode.

    Through UTF-16 the two halves of a split emoji find together again.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text
