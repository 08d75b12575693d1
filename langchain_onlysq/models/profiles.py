"""What is known of well-known models -> the profile of a `ChatOnlySq`. Pure."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from langchain_core.language_models.model_profile import ModelProfile

from langchain_onlysq.models.profile_table import TABLE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from langchain_onlysq.settings.call_options import (
        CallOptions,
    )

REASONING_EFFORTS = ("low", "medium", "high")
"""What clients of the service send as `reasoning_effort`."""

_WORDS = frozenset({"image", "reasoning", "structured", "temperature", "tools", *REASONING_EFFORTS})
"""What a model can, in the table; any other word is its status."""

_KNOWN = ModelProfile.__annotations__.keys()
"""The keys that the installed langchain-core knows; some came with later versions."""

_TAGS = re.compile(r"(?:[:-]latest|:free)+$")
_DATE = re.compile(r"[-@]20\d\d(-?)(?:0[1-9]|1[0-2])\1(?:0[1-9]|[12]\d|3[01])$")


def profile_of(options: CallOptions) -> ModelProfile | None:
    """Return what may be relied on with this model, called in this way; None if it is unknown.

    A profile speaks of calls through this package, not of the model alone:

    - `tool_calling`: prompted tools reach every model. Native ones are documented for the OpenAI
      endpoint only, and are there what the table says of the model.
    - `structured_output` means enforced by the provider, and makes `create_agent` parse the answer
      as it is. A schema in the prompt enforces nothing, so it is claimed for native calls alone.
    - Images work in tool results too. Files, audio and video are refused, whatever the model
      takes: False says so to middleware, which reads a missing key as yes.
    - Remote URLs of images are sent, but nobody has seen them work on this service: whatever the
      model takes, `image_url_inputs` stays out.
    - `reasoning_effort_levels` are those that the table names for the model, of those that clients
      of the service send.

    Args:
        options: The settings of the model.

    Returns:
        A new dict. The limits are those of the model at its maker; OnlySq may allow less.
    """
    facts = _facts_of(options.model)
    if facts is None:
        return None
    able = facts.words
    natively = options.native_tools and options.endpoint == "openai"
    tools = not options.native_tools or (natively and "tools" in able)
    profile: dict[str, Any] = {
        "name": facts.name,
        "status": next((word for word in able if word not in _WORDS), None),
        "max_input_tokens": facts.max_input_tokens,
        "max_output_tokens": facts.max_output_tokens,
        "text_inputs": True,
        "image_inputs": "image" in able,
        "image_tool_message": "image" in able,
        "pdf_inputs": False,
        "pdf_tool_message": False,
        "audio_inputs": False,
        "video_inputs": False,
        "text_outputs": True,
        "image_outputs": False,
        "audio_outputs": False,
        "video_outputs": False,
        "reasoning_output": "reasoning" in able,
        "tool_calling": tools,
        "tool_choice": tools,
        "tool_call_streaming": tools,
        "structured_output": natively and "structured" in able,
        "temperature": "temperature" in able,
        "reasoning_effort_levels": [effort for effort in REASONING_EFFORTS if effort in able],
    }
    known = {key: profile[key] for key in profile if key in _KNOWN}
    # False says no; nothing, that nothing is known.
    return cast("ModelProfile", {k: v for k, v in known.items() if v or v is False})


def plain_name(model: str) -> str:
    """Return a model id without what says nothing of the model.

    That is: capitals, the prefix (`openai/`, `models/`), `:free` and `-latest`; and Claude's
    versions get their dash (`claude-haiku-4.5`). Any other word may make another model and stays.
    """
    name = _TAGS.sub("", model.strip().lower().rpartition("/")[2])
    return name.replace(".", "-") if name.startswith("claude-") else name


def undated(name: str) -> str:
    """Return a name without the whole date at its end (`-2024-07-18`, `-20251001`, `@20251001`).

    Shorter numbers stay: `-0528` or `-2507` may be another model.
    """
    return _DATE.sub("", name)


class _Facts(NamedTuple):
    """What the table says of a model: limits, what it can and is, and what it is called."""

    max_input_tokens: int
    max_output_tokens: int
    words: Sequence[str]
    name: str


@lru_cache(maxsize=256)
def _facts_of(model: str) -> _Facts | None:
    """Look a model up: by itself, since a dated one may differ, else by its family."""
    name = plain_name(model)
    row = _rows().get(name) or _rows().get(undated(name))
    if row is None:
        return None
    said, _, called = row.partition("; ")
    most_input, most_output, *words = said.split(" ")
    return _Facts(int(most_input), int(most_output), words, called)


@lru_cache(maxsize=1)
def _rows() -> dict[str, str]:
    """Return the rows of the table by their ids, split when they are first asked for."""
    rows = (line.partition(" ") for line in TABLE.rstrip("\n").split("\n"))
    return {model: row for model, _, row in rows}
