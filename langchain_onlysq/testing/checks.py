"""Strict checks of a request: what is not documented is refused, with a message that says why."""

from __future__ import annotations

import json
import re
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, NoReturn

from langchain_onlysq.testing.requests import V2_PATH, Request

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_BEARER = re.compile(r"Bearer [!-~]+")
_IMAGE_URL = re.compile(r"(?i)data:[^,\s]*,|https?://[^/\s]")
_V2_ROLES = ("user", "assistant", "system")
_OPENAI_ROLES = (*_V2_ROLES, "tool")
_SHOWN = 40
_TOOL_KEYS = ("tools", "tool_choice")


class RefusedRequestError(Exception):
    """A request that the service would not take.

    Attributes:
        status: The HTTP status to answer with.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def check_chat(request: Request, *, native_tools_on_v2: bool = False) -> None:
    """Check a chat request of either endpoint.

    Args:
        request: The request, on one of the two chat paths.
        native_tools_on_v2: Whether ``request`` on v2 may hold what only the openai endpoint
            documents: tools, tool calls and tool messages.

    Raises:
        RefusedRequestError: With 401 for a missing key, with 400 for anything else that is wrong;
            the message says what and where.
    """
    _check_key(request)
    body = _object(_parsed(request), "the body")
    on_v2 = request.path == V2_PATH
    _check_model(body)
    if on_v2:
        _check_v2_frame(body)
    elif "request" in body:
        _refuse("request: the openai endpoint takes the keys flat, not inside 'request'")
    chat, where = (body["request"], "request.") if on_v2 else (body, "")
    _check_options(chat, where, on_v2=on_v2)
    native = native_tools_on_v2 or not on_v2
    if native:
        _check_tools(chat, where)
    else:
        for key in _TOOL_KEYS:
            if key in chat:
                _refuse(f"{where}{key}: v2 documents no tools")
    _check_messages(chat.get("messages"), f"{where}messages", native=native)


def _refuse(message: str) -> NoReturn:
    raise RefusedRequestError(400, message)


def _check_key(request: Request) -> None:
    authorization = request.headers.get("authorization")
    if authorization is None:
        raise RefusedRequestError(401, "The header Authorization is missing.")
    if not _BEARER.fullmatch(authorization):
        raise RefusedRequestError(401, "The header Authorization must be 'Bearer <key>'.")


def _parsed(request: Request) -> object:
    content_type = request.headers.get("content-type", "")
    if content_type.split(";")[0].strip().lower() != "application/json":
        _refuse(f"Content-Type must be application/json, not {content_type!r}")
    try:
        body: object = json.loads(request.body.decode(), parse_constant=_refuse_constant)
    except ValueError as error:
        raise RefusedRequestError(400, f"the body is not JSON: {error}") from None
    try:
        json.dumps(body, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise RefusedRequestError(400, "the body holds a lone surrogate") from None
    return body


def _refuse_constant(name: str) -> NoReturn:
    _refuse(f"the body is not JSON: {name} is not a JSON number")


def _check_model(body: Mapping[str, Any]) -> None:
    if "model" not in body:
        _refuse("model: missing")
    _text(body["model"], "model", empty=False)


def _check_v2_frame(body: Mapping[str, Any]) -> None:
    for key in body:
        if key not in ("model", "request"):
            _refuse(f"{key}: v2 takes only 'model' and 'request' at the top level")
    if "request" not in body:
        _refuse("request: missing")
    _object(body["request"], "request")


# --- parameters


def _check_options(chat: Mapping[str, Any], where: str, *, on_v2: bool) -> None:
    for key, check in _OPTIONS.items():
        if key in chat:
            check(chat[key], where + key)
    for key in chat:
        _check_name(key, where)
    if "stream" in chat and on_v2 and chat["stream"] is not True:
        _refuse(f"{where}stream: left out when false")
    if "stream_options" in chat and chat.get("stream") is not True:
        _refuse(f"{where}stream_options: only with stream true")


def _check_name(key: str, where: str) -> None:
    """Refuse a name that is hardly meant to be another one than it looks like."""
    spelled = re.sub(r"(?<=[a-z])(?=[A-Z])|-", "_", key).lower()
    near = [] if key in KNOWN_KEYS else get_close_matches(spelled, KNOWN_KEYS, n=1, cutoff=_NEAR)
    if near:
        _refuse(f"{where}{key}: unknown; did you mean {near[0]!r}?")


def _number(value: object, where: str) -> None:
    if not isinstance(value, int | float) or isinstance(value, bool):
        _refuse(f"{where}: must be a number, not {_kind(value)}")


def _integer(value: object, where: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        _refuse(f"{where}: must be a whole number, not {_kind(value)}")
    return value


def _positive(value: object, where: str) -> None:
    if _integer(value, where) < 1:
        _refuse(f"{where}: must be at least 1")


def _flag(value: object, where: str) -> None:
    if not isinstance(value, bool):
        _refuse(f"{where}: must be true or false, not {_kind(value)}")


def _stop(value: object, where: str) -> None:
    if isinstance(value, list):
        for index, item in enumerate(value):
            _text(item, f"{where}[{index}]", empty=False)
    else:
        _text(value, where, empty=False)


def _object(value: object, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        _refuse(f"{where}: must be an object, not {_kind(value)}")
    return value


def _text(value: object, where: str, *, empty: bool = True) -> str:
    if not isinstance(value, str):
        _refuse(f"{where}: must be a string, not {_kind(value)}")
    if not value and not empty:
        _refuse(f"{where}: must not be empty")
    return value


def _items(value: object, where: str) -> list[Any]:
    if not isinstance(value, list):
        _refuse(f"{where}: must be a list, not {_kind(value)}")
    if not value:
        _refuse(f"{where}: must not be empty")
    return value


def _keys(value: Mapping[str, Any], where: str, *, required: Sequence[str], others: str) -> None:
    """Check that an object has the required keys, and no keys but those and the others."""
    for key in required:
        if key not in value:
            _refuse(f"{where}.{key}: missing")
    for key in value:
        if key not in (*required, *others.split()):
            _refuse(f"{where}.{key}: unknown key")


def _kind(value: object) -> str:
    return "null" if value is None else type(value).__name__


_OPTIONS: dict[str, Callable[[Any, str], object]] = {
    "temperature": _number,
    "top_p": _number,
    "frequency_penalty": _number,
    "presence_penalty": _number,
    "max_tokens": _positive,
    "seed": _integer,
    "n": _positive,
    "stop": _stop,
    "stream": _flag,
    "stream_options": _object,
    "response_format": _object,
    "parallel_tool_calls": _flag,
}

KNOWN_KEYS = frozenset(
    {
        *_OPTIONS,
        *("messages", "model", "tools", "tool_choice", "meta", "extra", "user", "functions"),
        *("max_completion_tokens", "max_new_tokens", "min_tokens", "top_k", "top_a", "min_p"),
        *("repetition_penalty", "repeat_penalty", "logit_bias", "logprobs", "top_logprobs"),
        *("reasoning", "reasoning_effort", "reasoning_format", "service_tier", "models"),
    }
)
"""Parameters that somebody sends; other names are taken, unless they look like one of these."""

_NEAR = 0.8


# --- tools


def _check_tools(chat: Mapping[str, Any], where: str) -> None:
    if "tools" not in chat:
        if "tool_choice" in chat:
            _refuse(f"{where}tool_choice: only with tools")
        return
    names = [
        _check_tool(tool, f"{where}tools[{index}]")
        for index, tool in enumerate(_items(chat["tools"], f"{where}tools"))
    ]
    if len(set(names)) < len(names):
        _refuse(f"{where}tools: two tools have the same name")
    if "tool_choice" in chat:
        _check_tool_choice(chat["tool_choice"], f"{where}tool_choice", names)


def _check_tool(tool: object, where: str) -> str:
    """Check the definition of a tool; return its name."""
    function = _function(tool, where)
    others = "description parameters strict"
    _keys(function, f"{where}.function", required=("name",), others=others)
    if "description" in function:
        _text(function["description"], f"{where}.function.description")
    if "parameters" in function:
        _object(function["parameters"], f"{where}.function.parameters")
    if "strict" in function:
        _flag(function["strict"], f"{where}.function.strict")
    return _text(function["name"], f"{where}.function.name", empty=False)


def _check_tool_choice(choice: object, where: str, names: Sequence[str]) -> None:
    if isinstance(choice, str):
        if choice not in ("none", "auto", "required"):
            _refuse(f"{where}: must be 'none', 'auto', 'required' or an object, not {choice!r}")
        return
    function = _function(choice, where)
    _keys(function, f"{where}.function", required=("name",), others="")
    if function["name"] not in names:
        _refuse(f"{where}.function.name: {function['name']!r} is not one of the tools")


def _function(value: object, where: str, *, required: Sequence[str] = ()) -> dict[str, Any]:
    """Return the function inside ``{"type": "function", "function": {…}}``."""
    outer = _object(value, where)
    _keys(outer, where, required=(*required, "type", "function"), others="")
    if outer["type"] != "function":
        _refuse(f"{where}.type: must be 'function', not {outer['type']!r}")
    return _object(outer["function"], f"{where}.function")


# --- messages


def _check_messages(messages: object, where: str, *, native: bool) -> None:
    if messages is None:
        _refuse(f"{where}: missing or null")
    asked: set[str] = set()
    for index, message in enumerate(_items(messages, where)):
        place = f"{where}[{index}]"
        _check_message(_object(message, place), place, native=native)
        asked = _still_asked(message, place, asked)
    _all_answered(asked, where)


def _check_message(message: dict[str, Any], where: str, *, native: bool) -> None:
    roles = _OPENAI_ROLES if native else _V2_ROLES
    role = message.get("role")
    if role not in roles:
        _refuse(f"{where}.role: must be one of {', '.join(roles)}, not {role!r}")
    if role == "assistant" and native and "tool_calls" in message:
        _keys(message, where, required=("role", "tool_calls"), others="content name")
        _check_calls(message["tool_calls"], f"{where}.tool_calls")
    elif role == "tool":
        _keys(message, where, required=("role", "content", "tool_call_id"), others="name")
        _text(message["tool_call_id"], f"{where}.tool_call_id", empty=False)
    else:
        _keys(message, where, required=("role", "content"), others="name" if native else "")
    if "name" in message:
        _text(message["name"], f"{where}.name", empty=False)
    if message.get("content") is not None or "tool_calls" not in message:
        _check_content(message["content"], f"{where}.content")


def _check_content(content: object, where: str) -> None:
    if isinstance(content, str):
        return
    if not isinstance(content, list):
        _refuse(f"{where}: must be a string or a list of parts, not {_kind(content)}")
    for index, part in enumerate(_items(content, where)):
        _check_part(_object(part, f"{where}[{index}]"), f"{where}[{index}]")


def _check_part(part: dict[str, Any], where: str) -> None:
    kind = part.get("type")
    if kind == "text":
        _keys(part, where, required=("type", "text"), others="")
        _text(part["text"], f"{where}.text")
    elif kind == "image_url":
        _keys(part, where, required=("type", "image_url"), others="")
        image = _object(part["image_url"], f"{where}.image_url")
        _keys(image, f"{where}.image_url", required=("url",), others="detail")
        _check_image_url(_text(image["url"], f"{where}.image_url.url"), f"{where}.image_url.url")
    else:
        _refuse(f"{where}.type: must be 'text' or 'image_url', not {kind!r}")


def _check_image_url(url: str, where: str) -> None:
    if not _IMAGE_URL.match(url):
        shown = url if len(url) <= _SHOWN else f"{url[:_SHOWN]}…"
        _refuse(f"{where}: must be a data: or an http(s) URL, not {shown!r}")


def _check_calls(calls: object, where: str) -> None:
    for index, call in enumerate(_items(calls, where)):
        _check_call(_object(call, f"{where}[{index}]"), f"{where}[{index}]")


def _check_call(call: dict[str, Any], where: str) -> None:
    function = _function(call, where, required=("id",))
    _text(call["id"], f"{where}.id", empty=False)
    _keys(function, f"{where}.function", required=("name", "arguments"), others="")
    _text(function["name"], f"{where}.function.name", empty=False)
    arguments = _text(function["arguments"], f"{where}.function.arguments")
    try:
        json.loads(arguments)
    except ValueError:
        _refuse(f"{where}.function.arguments: is not JSON")


def _still_asked(message: Mapping[str, Any], where: str, asked: set[str]) -> set[str]:
    """Return the ids of the calls that wait for their tool message after this message."""
    if message["role"] == "tool":
        call_id = message["tool_call_id"]
        if call_id not in asked:
            _refuse(f"{where}.tool_call_id: {call_id!r} does not answer an open tool call")
        return asked - {call_id}
    _all_answered(asked, where)
    ids = [call["id"] for call in message.get("tool_calls") or ()]
    if len(set(ids)) < len(ids):
        _refuse(f"{where}.tool_calls: two calls have the same id")
    return set(ids)


def _all_answered(asked: set[str], where: str) -> None:
    if asked:
        waiting = ", ".join(sorted(asked))
        _refuse(f"{where}: no tool message answers the calls {waiting}")
