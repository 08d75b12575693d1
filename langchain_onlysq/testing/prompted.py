"""The plain-text form of tool calling and of JSON answers; its marks are known only here.

A model that is offered no native tools reads them from the system message, answers a call as
text, and finds the results in the messages of the user.
"""

from __future__ import annotations

import json
import re
from typing import Any

_TOOLS = re.compile(r"^<tools>$(.*?)^</tools>$", re.DOTALL | re.MULTILINE)
_SCHEMA = re.compile(r"^<json_schema>$(.*?)^</json_schema>$", re.DOTALL | re.MULTILINE)
_FORCED = re.compile(r'You must call (?:"([^"\n]+)"|a tool\b|.*?"([^"\n]+)")')
_FORBIDDEN = "You must not call a tool"
_CALL = re.compile(r"<tool_call>(.*?)</tool_call>", re.DOTALL)
_RESPONSE = re.compile(r"<tool_response>(.*?)</tool_response>", re.DOTALL)


def write_call(name: str, arguments: str) -> str:
    """Write one call; the arguments are JSON text and go in as they are."""
    quoted = json.dumps(name, ensure_ascii=False)
    return f'<tool_call>{{"name": {quoted}, "arguments": {arguments}}}</tool_call>'


def read_tools(system: str) -> list[dict[str, Any]]:
    """Read the tools that a system message describes, one JSON object to a line."""
    section = _TOOLS.search(system)
    if section is None:
        return []
    tools = [_parsed(line) for line in section[1].split("\n") if line.strip()]
    return [tool for tool in tools if isinstance(tool, dict) and "name" in tool]


def read_choice(system: str) -> str:
    """Read what is to be called: ``"auto"``, ``"none"``, ``"required"``, or a tool's name."""
    instructions = _TOOLS.sub("", system)
    if _FORBIDDEN in instructions:
        return "none"
    forced = _FORCED.search(instructions)
    if forced is None:
        return "auto"
    return forced[1] or forced[2] or "required"


def read_schema(system: str) -> dict[str, Any] | None:
    """Read the JSON schema that the answer must fit, or None."""
    section = _SCHEMA.search(system)
    schema = _parsed(section[1]) if section else None
    return schema if isinstance(schema, dict) else None


def read_calls(text: str) -> list[str]:
    """Read the names of the tools that an assistant's text calls."""
    calls = [_parsed(body) for body in _CALL.findall(text)]
    return [str(call["name"]) for call in calls if isinstance(call, dict) and "name" in call]


def read_results(text: str) -> list[str]:
    """Read the results of tools from a user's text."""
    results = [_parsed(body) for body in _RESPONSE.findall(text)]
    return [_shown(r.get("content")) for r in results if isinstance(r, dict)]


def without_results(text: str) -> str:
    """Return what the user says besides the results of tools."""
    return _RESPONSE.sub("", text).strip()


def _shown(content: Any) -> str:
    return content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None
