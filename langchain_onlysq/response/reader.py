"""Bytes of one answer -> its pieces and its end: the one state machine for every kind of call.

A streamed and a whole answer are read alike: which of them a body is shows only in its bytes, and
the service does not always answer the way it was asked. Pure: no IO, no LangChain object.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from langchain_onlysq.errors import (
    OnlySqAPIError,
    OnlySqEmptyResponseError,
    OnlySqError,
    OnlySqResponseError,
    OnlySqStreamError,
)
from langchain_onlysq.errors.bodies import excerpt, looks_like_html, names_an_error
from langchain_onlysq.errors.classify import error_from_payload
from langchain_onlysq.response.deltas import AnswerEnd, Delta, Reasoning
from langchain_onlysq.response.sse import DONE, EventDecoder, Unreadable
from langchain_onlysq.response.text_filters import StopCutter, ThinkSplitter
from langchain_onlysq.response.usage import read_usage

if TYPE_CHECKING:
    from langchain_onlysq.errors.classify import ErrorContext
    from langchain_onlysq.response.deltas import TextFilter
    from langchain_onlysq.response.tool_calls import ToolCallTable
    from langchain_onlysq.settings.call_options import CallOptions

_METADATA: dict[str, tuple[str, type | tuple[type, ...]]] = {
    "id": ("id", str),
    "created": ("created", (int, float, str)),
    "model": ("model_name", str),
    "user": ("user", (int, str)),
    "system_fingerprint": ("system_fingerprint", str),
}
"""Key of an answer -> its name in `response_metadata`, and what it may hold."""

_CONTENT = (
    "content",
    "reasoning_content",
    "reasoning",
    "refusal",
    "tool_calls",
    "function_call",
)
"""Keys of a message that hold a part of the answer."""

_BEHIND_CALLS_IN_TEXT = 1_000
"""Index of the first native call where calls may stand in the text, too: two calls stay two."""

_BLANKS = b"\xef\xbb\xbf \t\r\n"

_SSE_OPENINGS = (b":", b"data:", b"event:", b"id:", b"retry:")


class AnswerReader:
    """Reads one answer.

    Feed it the body; take what `feed` and `close` return, in order; then ask for the `end`, which
    raises what went wrong, if anything did.

    Attributes:
        events: Number of events read so far; heartbeats are none.
        finished: Whether nothing more is to be read: `[DONE]`, a stop sequence, a failure, the end.
    """

    def __init__(
        self,
        options: CallOptions,
        context: ErrorContext,
        call_reader: TextFilter | None = None,
    ) -> None:
        """Start before the first byte.

        Args:
            options: The settings of this call.
            context: What an error message may say and must not show.
            call_reader: Finds calls of tools in the text; None where there are none in it.
        """
        self.events = 0
        self.finished = False
        self._options = options
        self._context = context
        self._decoder = EventDecoder()
        self._stop_cutter = StopCutter(options.stop) if options.stop else None
        self._filters: list[TextFilter] = []
        if options.parse_reasoning:
            self._filters.append(ThinkSplitter())
        if self._stop_cutter:
            self._filters.append(self._stop_cutter)
        if call_reader:
            self._filters.append(call_reader)
        self._reads_calls = call_reader is not None
        self._calls: ToolCallTable | None = None
        self._last: dict[str, Any] = {}
        self._end = AnswerEnd(metadata={"model_name": context.model or options.model})
        self._failure: OnlySqError | None = None
        self._stopped = False
        self._complete = False
        self._has_deltas = False
        self._has_content = False
        self._has_choices = False
        self._keys_without_choices: list[str] | None = None

    @property
    def in_event(self) -> bool:
        """Whether an event has begun to arrive."""
        return self._decoder.in_event

    @property
    def complete(self) -> bool:
        """Whether an end mark was seen: the answer is whole, whatever else may still come."""
        return self._complete

    def feed(self, piece: bytes | None) -> list[Delta]:
        """Read the next bytes, None at their end; return the pieces of the answer in them."""
        if piece is None:
            self.finished = True
            return []
        return self._read(self._decoder.feed(piece))

    def close(self) -> list[Delta]:
        """End the body; return what was still open or held back."""
        deltas = [] if self._stopped else self._read(self._decoder.close())
        return deltas + self.flush()

    def flush(self) -> list[Delta]:
        """Return the text that was held back, since no more will come."""
        deltas: list[Delta] = []
        filters, self._filters = self._filters, []
        whole = self._complete and self._end.metadata.get("finish_reason") != "length"
        for position, text_filter in enumerate(filters):
            deltas += _pass_through(text_filter.close(whole=whole), filters[position + 1 :])
        calls, self._calls = self._calls, None
        if calls:
            deltas += calls.close()
        self._obey_stop()
        self._has_content = self._has_content or bool(deltas)
        return deltas

    def end(self) -> AnswerEnd:
        """Return what is known of the whole answer, after `close`.

        Raises:
            OnlySqError: If the answer was an error, broke off, is empty, or cannot be understood.
        """
        if self._failure:
            raise self._failure
        if not self._complete:
            incomplete = self._incomplete()
            if not (
                self._options.allow_truncated_stream and isinstance(incomplete, OnlySqStreamError)
            ):
                raise incomplete
        if not (self._has_content or self._options.allow_empty):
            raise self._error(OnlySqEmptyResponseError, "The answer is empty.")
        return self._end

    # Events

    def _read(self, events: list[Any]) -> list[Delta]:
        deltas: list[Delta] = []
        for event in events:
            self.events += 1
            try:
                if text := self._next_text(event):
                    self._read_text(text, deltas)
                else:
                    self._read_event(event, deltas)
            except RecursionError:
                self._failure = self._error(OnlySqResponseError, "The answer is nested too deeply.")
                self._stopped = True
            except OnlySqError as failure:
                # What stands before the failure is handed over first. The frames it was found in
                # hold the answer, which may quote the key.
                self._failure = failure.with_traceback(None)
                self._stopped = True
            if self._stopped:
                self.finished = True
                break
        if deltas:
            self._has_content = True
        return deltas

    def _next_text(self, event: Any) -> str | None:
        """Return the text of an event in which all but the text is as in the last one.

        This is the short path, for nearly every event of a stream.
        """
        try:
            (choice,) = choices = event["choices"]
            delta = choice["delta"]
            text = delta["content"]
        except (LookupError, TypeError, ValueError):
            return None
        self._last["choices"] = choices
        if event != self._last or type(text) is not str or choice.get("finish_reason"):
            return None
        for name, value in delta.items():
            if value and name not in _PLAIN:
                return None
        self._has_choices = self._has_deltas = True
        return text

    def _read_event(self, event: Any, deltas: list[Delta]) -> None:
        if isinstance(event, dict):
            self._read_object(event, deltas)
        elif event is DONE:
            self._complete = self._stopped = True
        elif isinstance(event, list):
            for item in event:
                self._read_event(item, deltas)
        elif event is not None and not self._complete:
            self._refuse(event)

    def _refuse(self, event: Any) -> None:
        """Raise for an event that is no JSON object, unless it shows that the body was cut off."""
        opening = self._decoder.opening.lstrip(_BLANKS)
        whole_document = self.events == 1 and opening[:1] in {b"{", b"["}
        if self._decoder.cut_off and not whole_document:
            self.events -= 1
            return
        raw = bytes(event) if isinstance(event, Unreadable) else json.dumps(event).encode()
        raise self._not_understood(raw)

    def _read_object(self, answer: dict[str, Any], deltas: list[Delta]) -> None:
        choices = answer.get("choices")
        if answer.get("error") or (choices is None and names_an_error(answer)):
            raise error_from_payload(answer, self._context)
        self._last = answer
        metadata = self._end.metadata
        for key, (name, types) in _METADATA.items():
            value = answer.get(key)
            if isinstance(value, types) and value != "":
                metadata[name] = value
        if usage := read_usage(answer.get("usage")):
            self._end.usage = usage
        choice = _first_choice(choices)
        if choice is not None:
            self._has_choices = True
            self._read_choice(choice, answer, deltas)
        elif usage:
            self._complete = True
        elif not str(answer.get("object")).endswith(".chunk"):
            self._keys_without_choices = list(answer)

    def _read_choice(
        self, choice: dict[str, Any], answer: dict[str, Any], deltas: list[Delta]
    ) -> None:
        delta, message = choice.get("delta"), choice.get("message")
        finish_reason = choice.get("finish_reason")
        source: dict[str, Any] = {}
        if isinstance(delta, dict) and (delta or not isinstance(message, dict)):
            source = delta
        elif isinstance(message, dict):
            if not str(answer.get("object")).endswith(".chunk"):
                self._complete = True
            if not self._has_deltas:
                source = message
        if finish_reason == "error":
            raise self._generation_failed(source)
        self._read_message(source, deltas)
        if source is delta and any(source.get(name) for name in _CONTENT):
            # A whole message after its own pieces would repeat them.
            self._has_deltas = True
        if finish_reason:
            self._complete = True
            self._end.metadata["finish_reason"] = str(finish_reason)
        self._obey_stop()

    def _obey_stop(self) -> None:
        """End the answer where a stop sequence was found, whatever the service says of its end."""
        if self._stop_cutter and self._stop_cutter.hit:
            self._complete = self._stopped = self._has_content = True
            self._end.metadata["finish_reason"] = "stop"

    def _read_message(self, source: dict[str, Any], deltas: list[Delta]) -> None:
        additional = self._end.additional
        reasoning = _text_of(source.get("reasoning_content") or source.get("reasoning"))
        if reasoning:
            deltas.append(Reasoning(reasoning))
        content = source.get("content")
        if content:
            pieces, others = ([content], []) if isinstance(content, str) else _pieces_of(content)
            self._read_pieces(pieces, deltas)
            if others:
                self._has_content = True
                additional.setdefault("content_parts", []).extend(others)
        if calls := source.get("tool_calls") or source.get("function_call"):
            if self._calls is None:
                from langchain_onlysq.response.tool_calls import ToolCallTable

                self._calls = ToolCallTable(_BEHIND_CALLS_IN_TEXT if self._reads_calls else 0)
            deltas += self._calls.feed(calls)
        if refusal := source.get("refusal"):
            self._has_content = True
            additional["refusal"] = additional.get("refusal", "") + _text_of(refusal)
        if annotations := source.get("annotations"):
            additional["annotations"] = annotations

    def _read_text(self, text: str, deltas: list[Delta]) -> None:
        if self._filters:
            self._read_pieces([text], deltas)
            self._obey_stop()
        else:
            deltas.append(text)

    def _read_pieces(self, pieces: list[Delta], deltas: list[Delta]) -> None:
        """Pass pieces of text and reasoning through what is looked for in them."""
        if not self._filters:
            deltas += pieces
            return
        deltas += _pass_through(pieces, self._filters)
        if self._filters[0].done:
            del self._filters[0]

    # Failures

    def _incomplete(self) -> OnlySqError:
        opening = self._decoder.opening.lstrip(_BLANKS)
        if self.events == 0 and not self._decoder.cut_off:
            if not opening or opening.startswith(_SSE_OPENINGS):
                return self._error(OnlySqEmptyResponseError, "The answer is empty.")
            return self._not_understood(opening)
        if self._keys_without_choices is not None and not self._has_choices:
            keys = excerpt(", ".join(map(str, self._keys_without_choices)), 120) or "none"
            return self._error(
                OnlySqResponseError, f"The answer has no choices in it; its keys: {keys}."
            )
        return self._error(
            OnlySqStreamError,
            "The stream ended without an end mark, so the answer may be incomplete. "
            "What came was delivered; allow_truncated_stream=True accepts such answers.",
        )

    def _not_understood(self, raw: bytes) -> OnlySqError:
        text = self._context.redact(raw.decode("utf-8", "replace"))
        what = "an HTML page" if looks_like_html(raw) else "something that is no JSON"
        hint = f" Check base_url (now {self._context.base_url!r})." if looks_like_html(raw) else ""
        said = excerpt(text, 120).rstrip(". ")
        return self._error(
            OnlySqResponseError,
            f"OnlySq answered 200 with {what}: {said}.{hint}",
            body=excerpt(text),
        )

    def _generation_failed(self, source: dict[str, Any]) -> OnlySqError:
        said = excerpt(self._context.redact(_text_of(source.get("content"))), 120).rstrip(". ")
        return self._error(
            OnlySqAPIError,
            'The generation failed inside the service (finish_reason "error")'
            + (f": {said}." if said else ".")
            + " Try again, or try another model.",
        )

    def _error(
        self, error_class: type[OnlySqError], message: str, body: str | None = None
    ) -> OnlySqError:
        context = self._context
        return error_class(
            context.redact(message),
            status_code=200,
            body=body,
            model=context.model,
        )


def _first_choice(choices: Any) -> dict[str, Any] | None:
    """Return the choice with index 0, else the first: only one was asked for."""
    if not isinstance(choices, list):
        return None
    objects = [choice for choice in choices if isinstance(choice, dict)]
    if len(objects) > 1:
        objects.sort(key=lambda choice: choice.get("index") != 0)
    return objects[0] if objects else None


_PLAIN = frozenset({"role", "content"})


def _pass_through(pieces: list[Delta], filters: list[TextFilter]) -> list[Delta]:
    for text_filter in filters:
        passed: list[Delta] = []
        for piece in pieces:
            if type(piece) is str:
                passed += text_filter.feed(piece)
            else:
                passed.append(piece)
        pieces = passed
    return pieces


def _pieces_of(content: Any) -> tuple[list[Delta], list[Any]]:
    """Read a content that is no string: a list of parts, a single part, a number.

    Returns:
        The pieces of text and reasoning, and the parts that are something else.
    """
    pieces: list[Delta] = []
    others: list[Any] = []
    for part in content if isinstance(content, list) else [content]:
        kind = part.get("type") if isinstance(part, dict) else None
        text = _text_of(part)
        if text and kind in {"reasoning", "thinking"}:
            pieces.append(Reasoning(text))
        elif text:
            pieces.append(text)
        elif kind is not None and kind not in _TEXT_PARTS:
            others.append(part)
    return pieces, others


_TEXT_PARTS = frozenset({"text", "output_text", "reasoning", "thinking", "refusal"})


def _text_of(value: Any) -> str:
    """Return the text of a string, a part, a list of parts, a number."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, list):
        return "".join(map(_text_of, value))
    if isinstance(value, dict):
        names = ("text", "content", "thinking", "reasoning", "refusal")
        return next((_text_of(value[name]) for name in names if name in value), "")
    return json.dumps(value)
