"""Content of a LangChain message -> text and image parts of the wire. Pure.

Takes strings, LangChain's standard content blocks (v0 and v1), OpenAI's parts and Anthropic's
blocks. What has no place on the wire is refused by name; nothing is dropped but the reasoning in
the history, which belongs to the model that thought it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from langchain_onlysq.errors import OnlySqInvalidRequestError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from langchain_core.messages import BaseMessage

Part = dict[str, Any]
"""`{"type": "text", "text": …}` or `{"type": "image_url", "image_url": {"url": …}}`."""

REASONING_BLOCKS = frozenset({"reasoning", "thinking", "redacted_thinking"})
TOOL_CALL_BLOCKS = frozenset(
    {
        "tool_use",
        "tool_call",
        "tool_call_chunk",
        "invalid_tool_call",
        "function_call",
        "input_json_delta",
    }
)

_MAGIC = {"iVBOR": "image/png", "/9j/": "image/jpeg", "R0lGOD": "image/gif", "UklGR": "image/webp"}
"""First characters of base64 data -> its media type."""


def to_parts(content: Any, where: str) -> list[Part]:
    """Translate the content of a message.

    Args:
        content: A string or a list of strings and blocks, never changed.
        where: What an error message calls the message.

    Returns:
        The parts, empty texts left out.

    Raises:
        OnlySqInvalidRequestError: If a block cannot be sent; the message names its type.
    """
    if isinstance(content, str):
        return [_text(content)] if content else []
    parts: list[Part] = []
    for block in content or ():
        if isinstance(block, str):
            part: Part | None = _text(block)
        else:
            part = _translate(block, where)
        if part is not None and part != _text(""):
            parts.append(part)
    return parts


def to_content(parts: list[Part]) -> str | list[Part]:
    """Return what stands in `content`: one string where there is nothing but text."""
    if all(part["type"] == "text" for part in parts):
        return "".join(part["text"] for part in parts)
    return parts


def text_of(parts: list[Part]) -> str:
    """Return the text of the parts."""
    return "".join(part["text"] for part in parts if part["type"] == "text")


def images_of(parts: list[Part]) -> list[Part]:
    """Return the images among the parts."""
    return [part for part in parts if part["type"] != "text"]


def check_parts(messages: Sequence[BaseMessage]) -> None:
    """Refuse parts of messages whose type is no text.

    Raises:
        OnlySqInvalidRequestError: If there is one.
    """
    parts = [(m, part) for m in messages if isinstance(m.content, list) for part in m.content]
    for message, part in parts:
        if isinstance(part, dict) and not isinstance(part.get("type", ""), str):
            position = next(n for n, each in enumerate(messages) if each is message)
            where = f"Message {position} ({message.type})"
            raise _no_type(where)


def _no_type(where: str) -> OnlySqInvalidRequestError:
    msg = f"{where} holds a content block whose type is not a string."
    return OnlySqInvalidRequestError(msg)


def _translate(block: dict[str, Any], where: str) -> Part | None:
    kind = block.get("type", "text" if "text" in block else None)
    if kind is None:
        return _text(json.dumps(block, ensure_ascii=False, default=str))
    if not isinstance(kind, str):
        raise _no_type(where)
    if kind in REASONING_BLOCKS or kind in TOOL_CALL_BLOCKS:
        return None
    if kind == "non_standard" and isinstance(block.get("value"), dict):
        # What our own answers hold beside text, in LangChain's standard form.
        return _translate(block["value"], where)
    translate = _TRANSLATORS.get(kind)
    if translate is None:
        msg = (
            f"{where} holds a content block of type {kind!r}, which OnlySq cannot take: "
            "it takes text and images."
        )
        raise OnlySqInvalidRequestError(msg)
    try:
        return translate(block)
    except (KeyError, TypeError, ValueError) as error:
        reason = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        msg = f"{where} holds a content block of type {kind!r} that cannot be sent: {reason}."
        raise OnlySqInvalidRequestError(msg) from None


def _text(text: str) -> Part:
    return {"type": "text", "text": text}


def _text_block(block: dict[str, Any]) -> Part:
    return _text(_string(block, "text"))


def _refusal_block(block: dict[str, Any]) -> Part:
    return _text(_string(block, "refusal"))


def _string(block: dict[str, Any], key: str) -> str:
    text = block[key]
    if text is None:
        return ""
    if not isinstance(text, str):
        msg = f"{key!r} is {type(text).__name__}, not a string"
        raise TypeError(msg)
    return text


def _image_url_block(block: dict[str, Any]) -> Part:
    """Pass on OpenAI's own form, `{"image_url": {"url": …}}` or `{"image_url": "…"}`."""
    image = block["image_url"]
    if isinstance(image, dict):
        return _image(image["url"], image.get("detail"))
    return _image(image)


def _image_block(block: dict[str, Any]) -> Part:
    """Translate LangChain's blocks (v0: `source_type`; v1: `base64`, `url`) and Anthropic's."""
    source = block.get("source")
    fields = source if isinstance(source, dict) else block
    data = fields.get("base64") or fields.get("data")
    if data:
        media_type = fields.get("mime_type") or fields.get("media_type")
        return _image(_data_uri(data, media_type))
    if url := fields.get("url"):
        return _image(url)
    msg = "it needs 'base64' data or a 'url' (ids of uploaded files mean nothing to OnlySq)"
    raise ValueError(msg)


def _image(url: Any, detail: Any = None) -> Part:
    if not isinstance(url, str) or not url:
        msg = "the image's url is not a string"
        raise TypeError(msg)
    image = {"url": url} if detail is None else {"url": url, "detail": detail}
    return {"type": "image_url", "image_url": image}


def _data_uri(data: Any, media_type: Any) -> str:
    if not isinstance(data, str) or not isinstance(media_type, (str, type(None))):
        msg = "image data must be a base64 string, and its media type a string"
        raise TypeError(msg)
    if data.startswith("data:"):
        return data
    media_type = media_type or next(
        (known for magic, known in _MAGIC.items() if data.startswith(magic)), None
    )
    if media_type is None:
        msg = "'mime_type' is missing"
        raise ValueError(msg)
    return f"data:{media_type};base64,{data}"


_TRANSLATORS: dict[str, Callable[[dict[str, Any]], Part]] = {
    "text": _text_block,
    "input_text": _text_block,
    "output_text": _text_block,
    "text-plain": _text_block,
    "refusal": _refusal_block,
    "image_url": _image_url_block,
    "input_image": _image_url_block,
    "image": _image_block,
}
