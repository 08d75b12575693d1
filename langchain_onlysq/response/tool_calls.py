"""Native tool calls of an answer -> pieces of calls that LangChain can put together. Pure.

The fragments of parallel calls come in every state: without an index, all under the same one,
interleaved; without an id, with a new one each time, with the name repeated. A table keeps what is
known of each call, so that two calls stay two calls.
"""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

from langchain_onlysq.response.argument_stream import ArgumentStream
from langchain_onlysq.response.deltas import ToolCallDelta
from langchain_onlysq.response.halves import HalfJoiner
from langchain_onlysq.response.json_text import is_cut_off, load_json
from langchain_onlysq.response.sse import replace_surrogates

_NO_ID = frozenset({"", "null", "none", "undefined"})


def new_call_id() -> str:
    """Return an id for a call that came without a usable one."""
    return f"call_{uuid4().hex[:24]}"


class ToolCallTable:
    """The calls of one answer."""

    def __init__(self, first: int = 0) -> None:
        """Start without a call; the index of the first one is given."""
        self._first = first
        self._calls: list[_Call] = []
        self._ids: set[str] = set()
        # The latest call at each place, with each id, and with each id at each place.
        self._latest: dict[Any, _Call] = {}

    def feed(self, fragments: Any) -> list[ToolCallDelta]:
        """Take the `tool_calls` of a message or a delta; return the pieces in them."""
        deltas: list[ToolCallDelta] = []
        for fragment in fragments if isinstance(fragments, list) else [fragments]:
            if isinstance(fragment, dict):
                part = _Fragment(fragment)
                call = self._find(part) or self._open(part)
                deltas += call.add(part)
        return deltas

    def close(self, *, whole: bool) -> list[ToolCallDelta]:
        """End the answer, which is `whole` or was cut off.

        Returns:
            What was held back, and what is wrong with broken calls.
        """
        return [delta for call in self._calls for delta in call.close(whole=whole)]

    def _find(self, part: _Fragment) -> _Call | None:
        """Return the call that a fragment continues; None where it begins a new one."""
        if not self._calls:
            return None
        here = self._latest.get(part.place)
        known = self._latest.get((part.place, part.id) if here else ("", part.id))
        call = known or here or self._calls[-1]
        is_new = self._is_new(part, call, elsewhere=not here, known=known is not None)
        return None if is_new else call

    def _is_new(self, part: _Fragment, call: _Call, *, elsewhere: bool, known: bool) -> bool:
        """Tell whether a fragment begins a call of its own, rather than continue this one."""
        if call.is_done_before(part):
            return True
        if known or (part.id is None and part.name is None):
            # Arguments alone belong to the open call, whatever index they bear.
            return False
        if elsewhere and part.place is not None:
            return True
        if part.name and call.name and part.name != call.name:
            return True
        # An id that changes in the middle of the arguments names no other call.
        return bool(part.id and call.sent_id) and not call.is_open()

    def _open(self, part: _Fragment) -> _Call:
        call_id = part.id if part.id and part.id not in self._ids else new_call_id()
        call = _Call(self._first + len(self._calls), part.id, call_id)
        self._calls.append(call)
        self._ids.add(call_id)
        self._latest[part.place] = call
        if part.id:
            self._latest["", part.id] = self._latest[part.place, part.id] = call
        return call


class _Fragment:
    """One entry of `tool_calls`, read tolerantly."""

    def __init__(self, fields: dict[str, Any]) -> None:
        function = fields.get("function")
        function = function if isinstance(function, dict) else fields
        call_id, name, place = fields.get("id"), function.get("name"), fields.get("index")
        self.id: str | None = None
        if isinstance(call_id, str) and call_id.strip().lower() not in _NO_ID:
            self.id = replace_surrogates(call_id)
        self.name: str | None = None
        if isinstance(name, str) and name:
            self.name = replace_surrogates(name)
        self.place: int | None = place if type(place) is int else None
        arguments = function.get("arguments")
        if arguments is None:
            arguments = ""
        self.arguments = arguments if isinstance(arguments, str) else json.dumps(arguments)


class _Call:
    """What is known of one call."""

    def __init__(self, index: int, sent_id: str | None, call_id: str) -> None:
        self.index = index
        self.sent_id = sent_id
        self.id = call_id
        self.name: str | None = None
        self._halves = HalfJoiner()
        self._arguments = ArgumentStream()
        # What cannot be delivered yet, for want of a name.
        self._held: list[str] = []
        self._text: list[str] = []

    def is_open(self) -> bool:
        """Whether arguments have begun and are not complete."""
        return self._arguments.has_begun and not self._is_complete()

    def is_done_before(self, part: _Fragment) -> bool:
        """Whether the arguments are complete, and the fragment begins others."""
        begins_others = part.arguments.lstrip().startswith("{")
        return begins_others and self._arguments.has_begun and self._is_complete()

    def _is_complete(self) -> bool:
        if self._arguments.is_object:
            return self._arguments.is_closed
        return parse_arguments("".join(self._text)) is not None

    def add(self, part: _Fragment) -> list[ToolCallDelta]:
        """Take a fragment; return what can be delivered."""
        is_first = self.name is None
        self.name = self.name or part.name
        args = self._feed(self._halves.join(part.arguments))
        if self.name is None:
            self._held.append(args)
            return []
        if is_first:
            args = "".join((*self._held, args))
            return [ToolCallDelta(self.index, self.id, self.name), *self._more(args)]
        return self._more(args)

    def close(self, *, whole: bool) -> list[ToolCallDelta]:
        """End the call; return the rest of it, with the reason if it is broken."""
        args = self._feed(self._halves.rest())
        rest, text = self._arguments.finish()
        rest = args + rest
        arguments = parse_arguments(text)
        if arguments is not None and not self._arguments.is_object:
            # Not an object as it stands: null, nothing, or JSON inside a string.
            rest = json.dumps(arguments, ensure_ascii=False)
        if self.name is None:
            error: str | None = "the call has no name"
        elif not whole and not self._arguments.has_begun:
            # No arguments, or the first of them did not arrive: nobody can tell.
            error, rest = "the answer was cut off before the arguments", ""
        else:
            error = why_broken(text) if arguments is None else None
        if self.name is None:
            first = ToolCallDelta(self.index, self.id, "")
            return [first, *self._more("".join((*self._held, rest)), error)]
        return self._more(rest, error)

    def _feed(self, text: str) -> str:
        """Take the next text of the arguments; return what can be delivered."""
        if not text:
            return ""
        self._text.append(text)
        return self._arguments.feed(text)

    def _more(self, args: str, error: str | None = None) -> list[ToolCallDelta]:
        return [ToolCallDelta(self.index, args=args, error=error)] if args or error else []


def parse_arguments(text: str) -> dict[str, Any] | None:
    """Read complete arguments.

    Args:
        text: A JSON object, a JSON string that holds one, `null`, or nothing.

    Returns:
        The arguments; None where the text is anything else, or cut off. Nothing is repaired.
    """
    if not text.strip():
        return {}
    try:
        value = load_json(text)
        if isinstance(value, str):
            value = load_json(value) if value.strip() else None
    except (ValueError, RecursionError):
        return None
    if value is None:
        return {}
    return value if isinstance(value, dict) else None


def why_broken(text: str) -> str:
    """Say why a text cannot be the arguments."""
    try:
        load_json(text)
    except json.JSONDecodeError as error:
        if is_cut_off(error):
            return "the arguments were cut off before their end"
        return f"the arguments are not JSON: {error}"
    except (ValueError, RecursionError) as error:
        return f"the arguments are not JSON: {error}"
    return "the arguments are not a JSON object"
