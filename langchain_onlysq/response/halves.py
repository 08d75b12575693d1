r"""Characters of which two chunks bring a half each, `"\ud83d"` and `"\ude00"`. Pure.

Gateways written in JavaScript or Java cut texts so. No half can be passed on: the first one waits
for the second.
"""

from __future__ import annotations

from typing import Any

from langchain_onlysq.response.message_parts import first_choice
from langchain_onlysq.response.sse import without_surrogates

_TEXTS = ("content", "reasoning_content", "reasoning", "refusal")
_LOST = "\N{REPLACEMENT CHARACTER}"


class HalfJoiner:
    """Puts the halves of characters together, in the texts of one answer."""

    def __init__(self) -> None:
        """Start without a half."""
        # Name of a text, or index of a call -> the half at its end.
        self._halves: dict[Any, str] = {}

    def join(self, event: dict[str, Any]) -> Any:
        """Return an event with whole characters alone; halves at its ends are kept for the next."""
        choices = event.get("choices")
        choice = first_choice(choices if isinstance(choices, list) else None) or {}
        for name in ("delta", "message"):
            if isinstance(message := choice.get(name), dict):
                self._join_texts(message)
        return without_surrogates(event)

    def rest(self) -> dict[str, Any]:
        """Return, as a message, what stands for the halves whose others have not come."""
        halves, self._halves = self._halves, {}
        message: dict[str, Any] = {name: _LOST for name in halves if name in _TEXTS}
        calls = [index for index in halves if index not in _TEXTS]
        if calls:
            message["tool_calls"] = [
                {"index": index, "function": {"arguments": _LOST}} for index in calls
            ]
        return message

    def _join_texts(self, message: dict[str, Any]) -> None:
        for name in _TEXTS:
            self._join_text(name, message, name)
        calls = message.get("tool_calls")
        for position, call in enumerate(calls if isinstance(calls, list) else ()):
            function = call.get("function") if isinstance(call, dict) else None
            if isinstance(function, dict):
                index = call.get("index")
                self._join_text(index if type(index) is int else position, function, "arguments")

    def _join_text(self, key: Any, fields: dict[str, Any], name: str) -> None:
        text = fields.get(name)
        if not isinstance(text, str) or not text:
            return
        text = self._halves.pop(key, "") + text
        if "\ud800" <= text[-1] <= "\udbff":
            self._halves[key] = text[-1]
            text = text[:-1]
        fields[name] = text
