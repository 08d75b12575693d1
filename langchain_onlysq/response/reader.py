"""Bytes of one answer -> its deltas and its end: the one state machine for every kind of call.

A streamed and a whole answer are read alike: which of them a body is shows only in its bytes, and
the service does not always answer the way it was asked. Pure: no IO, no LangChain object.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from langchain_onlysq.errors import OnlySqError
from langchain_onlysq.errors.bodies import names_an_error
from langchain_onlysq.errors.classify import error_from_payload
from langchain_onlysq.response import failures
from langchain_onlysq.response.content import ContentReader
from langchain_onlysq.response.deltas import AnswerEnd, Delta, Reasoning
from langchain_onlysq.response.end_rule import BLANKS, EndRule
from langchain_onlysq.response.finish_reasons import was_cut
from langchain_onlysq.response.message_parts import first_choice, text_of
from langchain_onlysq.response.refusals import CONTENT_FILTER, REFUSAL_ERROR
from langchain_onlysq.response.sse import (
    DONE,
    EventDecoder,
    Halved,
    Unreadable,
    replace_surrogates,
    without_surrogates,
)
from langchain_onlysq.response.usage import read_usage

if TYPE_CHECKING:
    from langchain_onlysq.errors.context import ErrorContext
    from langchain_onlysq.response.deltas import TextFilter
    from langchain_onlysq.settings.call_options import (
        CallOptions,
    )

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

_MOST_BYTES = 1 << 27
"""Of what is not an event yet; an answer with images in it has some ten million."""

_SHOWS_LIFE = 1024
"""Bytes by which a whole answer has to grow, now and then, to be waited for."""

_PLAIN = frozenset({"role", "content"})
"""Keys of a delta that holds nothing but text."""


class AnswerReader:
    """Reads one answer.

    Feed it the body; take what `feed` and `close` return, in order; then ask for the `end`, which
    raises what went wrong, if anything did.

    Attributes:
        progress: How many events have brought the answer on; neither heartbeats nor what follows
            the end mark do.
        finished: Whether nothing more is to be read: `[DONE]`, a stop sequence, a failure, the end.
        at_end_mark: Whether `[DONE]` was read, behind which nothing of the answer follows.
    """

    def __init__(
        self,
        options: CallOptions,
        context: ErrorContext,
        call_reader: TextFilter | None = None,
        object_filter: TextFilter | None = None,
    ) -> None:
        """Start before the first byte.

        Args:
            options: The settings of this call.
            context: What an error message may say and must not show.
            call_reader: Finds calls of tools in the text; None where there are none in it.
            object_filter: Drops what stands around an object; None where all text is wanted.
        """
        self.progress = 0
        self.finished = False
        self.at_end_mark = False
        self._options = options
        self._context = context
        self._decoder = EventDecoder()
        self._is_first = True
        # Bytes since the last event, and since they have shown life.
        self._unread = self._grown = 0
        self._content = ContentReader(options, call_reader, object_filter)
        self._has_stops = bool(options.stop)
        self._last: dict[str, Any] = {}
        self._has_deltas = False
        self._has_answer = False
        self._stopped = False
        self._end_rule = EndRule()
        self._failure: OnlySqError | None = None
        self._end = AnswerEnd(
            metadata={"model_name": context.model or options.model},
            additional=self._content.additional,
        )

    def has_grown(self) -> bool:
        """Tell whether a whole answer is still arriving, since this was asked last."""
        if self._grown < _SHOWS_LIFE:
            return False
        self._grown = 0
        return True

    @property
    def complete(self) -> bool:
        """Whether an end mark was seen: the answer is whole, whatever else may still come."""
        return self._end_rule.marked

    def feed(self, piece: bytes | None) -> list[Delta]:
        """Read the next bytes, None at their end; return the deltas of the answer in them."""
        if piece is None:
            self.finished = True
            return []
        events = self._decoder.feed(piece)
        if events:
            self._unread = 0
            return self._read(events)
        self._unread += len(piece)
        if self._decoder.in_answer:
            self._grown += len(piece.strip())
        if self._unread > _MOST_BYTES:
            self._fail(failures.too_long(self._context))
        return []

    def close(self) -> list[Delta]:
        """End the body; return what was still open or held back."""
        deltas = [] if self._stopped else self._read(self._decoder.close())
        is_whole = self.complete and not was_cut(self._end.metadata.get("finish_reason"))
        held_back = self._content.close(whole=is_whole)
        self._obey_stop()
        self._take_note(held_back)
        self._refuse_filtered()
        return deltas + held_back

    def end(self) -> AnswerEnd:
        """Return what is known of the whole answer, after `close`.

        Raises:
            OnlySqError: If the answer was an error, broke off, is empty, or cannot be understood.
        """
        has_objects = self._last or self._end_rule.keys is not None
        opening = None if has_objects or self._decoder.cut_off else self._decoder.opening
        error = self._failure or self._end_rule.broken(
            self._options, self._context, opening=opening
        )
        if error:
            raise error
        return self._end

    # Events

    def _read(self, events: list[Any]) -> list[Delta]:
        deltas: list[Delta] = []
        for event in events:
            try:
                if type(event) is Halved:
                    self._content.expect_halves()
                if text := self._next_text(event):
                    self.progress += 1
                    self._content.read_text(text, deltas)
                    if self._has_stops:
                        self._obey_stop()
                else:
                    self._read_event(event, deltas)
            except RecursionError:
                self._fail(failures.nested_too_deeply(self._context))
            except OnlySqError as failure:
                self._fail(failure)
            self._is_first = False
            if self._stopped:
                break
        self._take_note(deltas)
        return deltas

    def _take_note(self, deltas: list[Delta]) -> None:
        """Note that there is something in the answer, and whether it is more than reasoning."""
        if deltas:
            self._end_rule.has_content = True
            self._has_answer = self._has_answer or any(map(_is_answer, deltas))

    def _refuse_filtered(self) -> None:
        """Take an answer of which the service withheld all for a refusal."""
        is_filtered = self._end.metadata.get("finish_reason") == CONTENT_FILTER
        has_answer = self._has_answer or self._content.has_parts
        if is_filtered and not has_answer and REFUSAL_ERROR is not None:
            self._content.additional["refusal"] = ""
            self._end_rule.has_content = True

    def _fail(self, failure: OnlySqError) -> None:
        """Stop at a failure; what stands before it is delivered first."""
        self._failure = failure
        self._stopped = self.finished = True

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
        if event != self._last or type(text) is not str:
            return None
        if choice.get("finish_reason") or choice.get("index"):
            return None
        for name, value in delta.items():
            if value and name not in _PLAIN:
                return None
        self._end_rule.has_choices = self._has_deltas = True
        return text

    def _read_event(self, event: Any, deltas: list[Delta]) -> None:
        if isinstance(event, dict):
            self._read_object(event, deltas)
        elif event is DONE:
            self.at_end_mark = True
            self._stop()
        elif isinstance(event, list):
            for item in event:
                self._read_event(item, deltas)
        elif event is not None and not self.complete:
            self._refuse(event)

    def _refuse(self, event: Any) -> None:
        """Raise for an event that is not a JSON object, unless it shows that the body was cut."""
        opening = self._decoder.opening.lstrip(BLANKS)
        whole_document = self._is_first and opening[:1] in {b"{", b"["}
        if self._decoder.cut_off and not whole_document:
            return
        raw = bytes(event) if isinstance(event, Unreadable) else json.dumps(event).encode()
        raise failures.not_understood(raw, self._context)

    def _read_object(self, answer: dict[str, Any], deltas: list[Delta]) -> None:
        choices = answer.get("choices")
        self._last = answer
        if type(answer) is Halved:
            # The texts of the choices are made whole where they are read.
            answer = without_surrogates(answer)
        if answer.get("error") or (choices is None and names_an_error(answer)):
            raise error_from_payload(answer, self._context)
        metadata = self._end.metadata
        for key, (name, types) in _METADATA.items():
            value = answer.get(key)
            if isinstance(value, types) and value != "":
                metadata[name] = value
        if usage := read_usage(answer.get("usage")):
            self._end.usage = usage
        choice = first_choice(choices if isinstance(choices, list) else None)
        if choice is not None:
            self.progress += not self.complete
            self._end_rule.has_choices = True
            self._read_choice(choice, deltas, is_chunk=_is_chunk(answer))
        elif usage:
            self._end_rule.marked = True
        elif not _is_chunk(answer):
            self._end_rule.keys = list(answer)

    def _read_choice(self, choice: dict[str, Any], deltas: list[Delta], *, is_chunk: bool) -> None:
        delta, message = choice.get("delta"), choice.get("message")
        finish_reason = choice.get("finish_reason")
        source: dict[str, Any] = {}
        if isinstance(delta, dict) and (delta or not isinstance(message, dict)):
            source = delta
        elif isinstance(message, dict):
            if not is_chunk:
                self._end_rule.marked = True
            if not self._has_deltas:
                source = message
        if finish_reason == "error":
            said = replace_surrogates(text_of(source.get("content")))
            raise failures.generation_failed(said, self._context)
        self._content.read(source, deltas)
        if self._content.has_parts:
            self._end_rule.has_content = True
        if source is delta and any(source.get(name) for name in _CONTENT):
            # A whole message after its own pieces would repeat them.
            self._has_deltas = True
        if finish_reason:
            self._end_rule.marked = True
            finish_reason = replace_surrogates(str(finish_reason))
            self._end_rule.finish_reason = finish_reason
            self._end.metadata["finish_reason"] = finish_reason
        self._obey_stop()

    def _obey_stop(self) -> None:
        """End the answer where a stop sequence was found, whatever the service says of its end."""
        if self._content.found_stop:
            self._end_rule.has_content = True
            self._end.metadata["finish_reason"] = "stop"
            self._stop()

    def _stop(self) -> None:
        """End the answer, which is whole."""
        self._end_rule.marked = self._stopped = self.finished = True


def _is_answer(delta: Delta) -> bool:
    return not isinstance(delta, Reasoning) and (not isinstance(delta, str) or bool(delta.strip()))


def _is_chunk(answer: dict[str, Any]) -> bool:
    return str(answer.get("object")).endswith(".chunk")
