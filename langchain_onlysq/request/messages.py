"""LangChain messages -> wire messages. Pure; the caller's objects are never changed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    ChatMessage,
    FunctionMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)

from langchain_onlysq.errors import OnlySqError, OnlySqInvalidRequestError
from langchain_onlysq.errors.wording import reason_of
from langchain_onlysq.request.content_blocks import (
    TOOL_CALL_BLOCKS,
    images_of,
    text_of,
    to_content,
    to_parts,
)
from langchain_onlysq.settings.loading import loading

if TYPE_CHECKING:
    from collections.abc import Sequence

WireMessage = dict[str, Any]

_ROLES = {
    "user": "user",
    "human": "user",
    "assistant": "assistant",
    "ai": "assistant",
    "system": "system",
    "developer": "system",
}
"""Role of a `ChatMessage` -> role on the wire."""

_ROLES_OF_TEXT: dict[type[BaseMessage], str] = {
    HumanMessage: "user",
    AIMessage: "assistant",
    SystemMessage: "system",
}


def to_wire_messages(
    messages: Sequence[BaseMessage], *, native_tools: bool, names: bool, merge: bool
) -> list[WireMessage]:
    """Translate a conversation.

    Args:
        messages: The conversation, in order.
        native_tools: Whether calls and results have fields and a role of their own; otherwise
            they are written as text.
        names: Whether the wire has a `name` for who speaks.
        merge: Whether neighbours of one role become one message.

    Returns:
        The messages of the request.

    Raises:
        OnlySqInvalidRequestError: If there is no message, or one cannot be sent.
    """
    if not messages:
        msg = "There are no messages to send: pass a text or at least one message."
        raise OnlySqInvalidRequestError(msg)
    translator = _Translator(native_tools=native_tools, names=names)
    for position, message in enumerate(messages):
        try:
            if not translator.add_text(message):
                is_last = position + 1 == len(messages)
                translator.add(message, _place(position, message), is_last=is_last)
        except OnlySqError:
            raise
        except Exception as error:
            # A message may hold objects of any kind, with methods that fail.
            msg = f"{_place(position, message)} cannot be sent: {reason_of(error)}."
            raise OnlySqInvalidRequestError(msg) from error
    translator.flush_images()
    return merge_neighbours(translator.wire) if merge else translator.wire


def _place(position: int, message: BaseMessage) -> str:
    return f"Message {position} ({message.type})"


def with_instructions(wire: list[WireMessage], instructions: str) -> list[WireMessage]:
    """Return the conversation with instructions at the end of its first system message."""
    if wire[0]["role"] != "system":
        return [{"role": "system", "content": instructions}, *wire]
    first = {**wire[0], "content": _join(wire[0]["content"], instructions)}
    return [first, *wire[1:]]


class _Translator:
    """Collects the wire messages of one conversation."""

    def __init__(self, *, native_tools: bool, names: bool) -> None:
        self.wire: list[WireMessage] = []
        self._native_tools = native_tools
        self._names = names
        self._tool_names: dict[str, str] = {}
        self._images: list[dict[str, Any]] = []

    def add_text(self, message: Any) -> bool:
        """Add a message that holds text and nothing else; return False for any other.

        This is the short path, for nearly every message of a long history.
        """
        role, text = _ROLES_OF_TEXT.get(type(message)), message.content
        if not role or type(text) is not str or not text or message.name or self._images:
            return False
        if role == "assistant" and (message.tool_calls or message.invalid_tool_calls):
            return False
        self.wire.append({"role": role, "content": text})
        return True

    def add(self, message: BaseMessage, where: str, *, is_last: bool) -> None:
        if isinstance(message, (ToolMessage, FunctionMessage)):
            self._add_result(message, where)
            return
        if self._images:
            self.flush_images()
        if isinstance(message, AIMessage):
            self._add_assistant(message, where, is_last=is_last)
        elif isinstance(message, HumanMessage):
            self._add_user(message, where)
        elif isinstance(message, SystemMessage):
            self._add("system", message, where)
        elif isinstance(message, ChatMessage):
            role = _ROLES.get(message.role.lower())
            if role is None:
                msg = (
                    f"{where} has the role {message.role!r}; OnlySq knows user, assistant, system."
                )
                raise OnlySqInvalidRequestError(msg)
            self._add(role, message, where)
        else:
            msg = f"{where} cannot be sent to a model."
            raise OnlySqInvalidRequestError(msg)

    def flush_images(self) -> None:
        """Send the images of tool results, which no tool message can hold, as the user's."""
        if self._images:
            self.wire.append({"role": "user", "content": self._images})
            self._images = []

    def _add(self, role: str, message: BaseMessage, where: str) -> None:
        wire: WireMessage = {"role": role, "content": _content_of(message, where)}
        if message.name and self._names:
            wire["name"] = message.name
        self.wire.append(wire)

    def _add_user(self, message: HumanMessage, where: str) -> None:
        """Add what the user says; Anthropic's form has tool results among it."""
        blocks = message.content
        if isinstance(blocks, str):
            self._add("user", message, where)
            return
        results = [b for b in blocks if isinstance(b, dict) and b.get("type") == "tool_result"]
        for block in results:
            result = ToolMessage(
                content=block.get("content") or "",
                tool_call_id=str(block.get("tool_use_id", "")),
                status="error" if block.get("is_error") else "success",
            )
            self._add_result(result, where)
        if not results:
            self._add("user", message, where)
        elif rest := [block for block in blocks if block not in results]:
            self.flush_images()
            self._add("user", HumanMessage(content=rest, name=message.name), where)

    def _add_assistant(self, message: AIMessage, where: str, *, is_last: bool) -> None:
        content = _content_of(message, where)
        calls = _calls_of(message)
        if calls:
            self._tool_names.update({call_id: name for name, _, call_id in calls if call_id})
        wire: WireMessage = {"role": "assistant", "content": content}
        if calls and self._native_tools:
            wire["content"] = content or None
            wire["tool_calls"] = [_native_call(*call) for call in calls]
        elif calls:
            with loading:
                from langchain_onlysq.prompted_tools.wording import render_call

            rendered = "\n".join(render_call(*call) for call in calls)
            before = "\n" if content else ""
            rendered_part = {"type": "text", "text": before + rendered}
            wire["content"] = to_content([*_as_parts(content), rendered_part])
        elif not content and not is_last:
            # A turn without anything in it, which some upstream models refuse.
            return
        if message.name and self._names:
            wire["name"] = message.name
        self.wire.append(wire)

    def _add_result(self, message: ToolMessage | FunctionMessage, where: str) -> None:
        parts = to_parts(message.content, where)
        text = text_of(parts)
        call_id = getattr(message, "tool_call_id", None)
        name = message.name or self._tool_names.get(call_id or "")
        is_error = getattr(message, "status", None) == "error"
        if not self._native_tools:
            with loading:
                from langchain_onlysq.prompted_tools.wording import render_result

            result = render_result(name, call_id, text, is_error=is_error)
            content = to_content([{"type": "text", "text": result}, *images_of(parts)])
            self.wire.append({"role": "user", "content": content})
            return
        if is_error and not text.lower().startswith("error"):
            text = f"Error: {text}"
        wire = {"role": "tool", "tool_call_id": call_id or name or "", "content": text}
        if name:
            wire["name"] = name
        self.wire.append(wire)
        self._images += images_of(parts)


def _content_of(message: BaseMessage, where: str) -> Any:
    if isinstance(message.content, str):
        return message.content
    return to_content(to_parts(message.content, where))


def _calls_of(message: AIMessage) -> list[tuple[str, Any, str | None]]:
    """Return name, arguments and id of every call of a message, broken ones included."""
    if isinstance(message.content, str) and not (message.tool_calls or message.invalid_tool_calls):
        return []
    calls: list[tuple[str, Any, str | None]] = [
        (call["name"], call["args"], call["id"]) for call in message.tool_calls
    ]
    calls += [
        (call["name"] or "", call["args"] or "", call["id"]) for call in message.invalid_tool_calls
    ]
    known = {call_id for _, _, call_id in calls}
    for block in message.content if isinstance(message.content, list) else ():
        if not isinstance(block, dict) or block.get("type") not in TOOL_CALL_BLOCKS:
            continue
        call_id = block.get("id") or block.get("call_id")
        arguments: Any = next(
            (block[key] for key in ("input", "args", "arguments") if key in block), {}
        )
        if block.get("name") and call_id not in known:
            calls.append((block["name"], arguments, call_id))
    return calls


def _native_call(name: str, arguments: Any, call_id: str | None) -> dict[str, Any]:
    if isinstance(arguments, str):
        with loading:
            from langchain_onlysq.response.tool_calls import parse_arguments

        # The wire wants an object; the model is to see what it wrote all the same.
        parsed = parse_arguments(arguments)
        arguments = {"invalid_arguments": arguments} if parsed is None else parsed
    arguments = json.dumps(arguments, ensure_ascii=False, default=str)
    return {
        "id": call_id or name,
        "type": "function",
        "function": {"name": name, "arguments": arguments},
    }


def merge_neighbours(wire: list[WireMessage]) -> list[WireMessage]:
    """Join neighbours that differ in nothing but their content.

    Args:
        wire: Wire messages, never changed.
    """
    merged: list[WireMessage] = []
    last: WireMessage = {"role": None}
    for message in wire:
        if (
            last["role"] == message["role"]
            and _head(last) == _head(message)
            and "tool_calls" not in message
        ):
            last = {**last, "content": _join(last["content"], message["content"])}
            merged[-1] = last
        else:
            last = message
            merged.append(last)
    return merged


def _head(message: WireMessage) -> dict[str, Any]:
    return {key: value for key, value in message.items() if key != "content"}


def _join(first: Any, second: Any) -> Any:
    if isinstance(first, str) and isinstance(second, str):
        return f"{first}\n\n{second}" if first and second else first or second
    return [*_as_parts(first), *_as_parts(second)]


def _as_parts(content: Any) -> list[dict[str, Any]]:
    if isinstance(content, list):
        return content
    return [{"type": "text", "text": content}] if content else []
