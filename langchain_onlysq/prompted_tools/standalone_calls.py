"""Tool calls without tags: JSON in a code fence, or alone on its lines. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from langchain_onlysq.prompted_tools.json_scanner import ObjectScanner, Token, read_members
from langchain_onlysq.prompted_tools.markdown_code import FENCE
from langchain_onlysq.prompted_tools.written_call import ARGUMENT_KEYS, read_call
from langchain_onlysq.response.json_text import parse_json

if TYPE_CHECKING:
    from collections.abc import Collection

    from langchain_onlysq.prompted_tools.written_call import WrittenCall

_CALL_KEYS = frozenset(("name", "arguments", "parameters", "function", "type", "id"))
_CALL_FENCES = ("", "json", "tool_call")
_LONGEST_INFO = 20


class Standalone:
    """Reads what may be calls without tags: JSON, perhaps in a fence, on lines of its own.

    Attributes:
        verdict: Whether it is; None while that is not known.
        held: The text that was read.
        calls: The calls.
    """

    def __init__(self, tool_names: Collection[str]) -> None:
        self.verdict: bool | None = None
        self.held: list[str] = []
        self.calls: list[WrittenCall] = []
        self._tool_names = tool_names
        self._take = self._take_first
        self._fence = self._closing = 0
        self._info = ""
        self._listed = self._after = False
        self._scanner: ObjectScanner | None = None
        self._raw: list[str] = []
        self._name: list[str] | None = None

    def read(self, text: str) -> int:
        """Read on up to where the verdict is known; return how far that is."""
        at = 0
        while at < len(text) and self.verdict is None:
            if self._scanner is not None:
                at = self._read_object(self._scanner, text, at)
                continue
            self._take(text[at])
            if self.verdict is None and self._scanner is None:
                at += 1
        self.held.append(text[:at])
        return at

    def finish(self) -> None:
        """End the text, which is whole."""
        self.verdict = self._after and not self._listed and self._scanner is None

    def _take_first(self, char: str) -> None:
        if char == "`":
            self._fence += 1
        elif not self._fence:
            self._take = self._take_json
            self._take(char)
        elif self._fence < FENCE:
            self.verdict = False
        else:
            self._take = self._take_info
            self._take(char)

    def _take_info(self, char: str) -> None:
        self._info += char
        word = self._info.strip().lower()
        if char == "\n" and word in _CALL_FENCES:
            self._take = self._take_json
        elif (
            char == "\n"
            or len(self._info) > _LONGEST_INFO
            or not any(known.startswith(word) for known in _CALL_FENCES)
        ):
            self.verdict = False

    def _take_json(self, char: str) -> None:
        """Take a character outside of the objects."""
        done = self._after and not self._listed
        if done and not self._fence and char == "\n":
            self.verdict = True
        elif char.isspace():
            pass
        elif char == "{" and (not self._after or (done and self._fence)):
            self._scanner, self._raw, self._after = ObjectScanner(), [], False
        elif char == "[" and not self._listed and (not self._after or self._fence):
            self._listed, self._after = True, False
        elif self._listed and self._after and char == "]":
            self._listed = False
        elif self._listed and self._after and char == ",":
            self._after = False
        elif done and self._fence and char == "`":
            self._take = self._take_closing
            self._take(char)
        else:
            self.verdict = False

    def _take_closing(self, char: str) -> None:
        if char == "`" and self._closing >= 0:
            self._closing += 1
        elif self._closing >= 0 and self._closing < self._fence:
            self.verdict = False
        elif char == "\n":
            self.verdict = True
        elif char.isspace():
            self._closing = -1
        else:
            self.verdict = False

    def _read_object(self, scanner: ObjectScanner, text: str, at: int) -> int:
        token, end = scanner.step(text, at)
        self._raw.append(text[at:end])
        if self._name is not None:
            self._name.append(text[at:end])
        if token is Token.OPEN:
            self._check_key(scanner.key, text[end])
        elif token is Token.CLOSE:
            self._check_name()
        elif token is Token.END:
            self._scanner, self._after = None, True
            self._judge("".join(self._raw))
        elif token is Token.BAD:
            self.verdict = False
        return end

    def _check_key(self, key: str, char: str) -> None:
        """Give up at a member that no call has."""
        self._name = [] if key == "name" else None
        known = key in _CALL_KEYS
        if not known or (key in ARGUMENT_KEYS and char not in '{"'):
            self.verdict = False

    def _check_name(self) -> None:
        """Give up at a name that no tool has."""
        if self._name is not None:
            name = parse_json("".join(self._name))
            if not isinstance(name, str) or name not in self._tool_names:
                self.verdict = False
        self._name = None

    def _judge(self, raw: str) -> None:
        """Decide whether an object is a call, and not the description of a tool, say."""
        call = read_call(raw, self._tool_names)
        values = read_members(raw).values
        if "name" not in values:
            values = read_members(values.get("function", "")).values
        parameters = parse_json(values.get("parameters", ""))
        is_schema = isinstance(parameters, dict) and isinstance(parameters.get("properties"), dict)
        has_arguments = "arguments" in values or "parameters" in values
        if call.error or is_schema or not has_arguments or not _CALL_KEYS.issuperset(values):
            self.verdict = False
        self.calls.append(call)
