"""Tools in plain text, for a wire that knows only user, assistant and system. Pure.

A call is `<tool_call>{"name": …, "arguments": {…}, "id": …}</tool_call>` in the assistant's text, a
result is `<tool_response>{"name": …, "id": …, "content": …}</tool_response>` in the user's: a form
that many models were trained on.
"""

from __future__ import annotations

import json
import re
from typing import Any

_MARKUP = re.compile(r"<(?=/?\s*(?:tool_call|tool_response|tools)\b)", re.IGNORECASE)


def render_call(name: str, arguments: Any, call_id: str | None) -> str:
    """Write a call the way the model is asked to write it.

    Args:
        name: Name of the tool.
        arguments: The arguments; a string where they were broken.
        call_id: The call's id, if it has one.
    """
    call = {"name": name, "arguments": arguments}
    if call_id:
        call["id"] = call_id
    return f"<tool_call>{_dump(call)}</tool_call>"


def render_result(
    name: str | None, call_id: str | None, content: str, *, is_error: bool = False
) -> str:
    """Write the result of a call.

    The content may come from anywhere, a web page say, so markup in it is made harmless.

    Args:
        name: Name of the tool, if known.
        call_id: Id of the call that this answers.
        content: What the tool returned.
        is_error: Whether the tool failed.
    """
    fields = {"name": name, "id": call_id, "status": "error" if is_error else None}
    result = {key: value for key, value in fields.items() if value}
    return f"<tool_response>{_dump({**result, 'content': content})}</tool_response>"


def _dump(value: Any) -> str:
    """Write JSON in which no markup of ours can stand: a `<` of it becomes its JSON escape."""
    return _MARKUP.sub(r"\\u003c", json.dumps(value, ensure_ascii=False, default=str))
