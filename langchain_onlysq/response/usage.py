"""The `usage` block of an answer -> LangChain's `UsageMetadata`. Pure."""

from __future__ import annotations

from typing import Any

from langchain_core.messages.ai import InputTokenDetails, OutputTokenDetails, UsageMetadata

_TOO_MANY = 1 << 53
"""Up to here, a number is the same whole number as text, and as a float."""


_TOTALS = frozenset({"prompt_tokens", "completion_tokens", "total_tokens"})
"""Keys of most usage blocks; there are no details in one that has nothing else."""


def read_usage(usage: Any) -> UsageMetadata | None:
    """Read a usage block, whatever state it is in.

    Args:
        usage: The block as it came: names in OpenAI's form or in Anthropic's, numbers that may be
            strings, null or missing.

    Returns:
        The usage with the details that were sent; None where the counts of input and output
        neither stand there nor follow from what does. Bad accounting never fails an answer.
    """
    if not isinstance(usage, dict):
        return None
    sent = _count(usage, "prompt_tokens", "input_tokens")
    received = _count(usage, "completion_tokens", "output_tokens")
    total = _count(usage, "total_tokens")
    if total is not None:
        if sent is None and received is not None:
            sent = max(total - received, 0)
        elif received is None and sent is not None:
            received = max(total - sent, 0)
    if sent is None or received is None:
        return None
    metadata = UsageMetadata(
        input_tokens=sent,
        output_tokens=received,
        total_tokens=sent + received if total is None else total,
    )
    if usage.keys() <= _TOTALS:
        return metadata
    if input_details := _input_details(usage):
        metadata["input_token_details"] = input_details
    if output_details := _output_details(usage):
        metadata["output_token_details"] = output_details
    return metadata


def _input_details(usage: dict[str, Any]) -> InputTokenDetails:
    nested = _object(usage, "prompt_tokens_details", "input_tokens_details")
    details = InputTokenDetails()
    cache_read = _count(nested, "cached_tokens")
    if cache_read is None:
        cache_read = _count(usage, "prompt_cache_hit_tokens", "cache_read_input_tokens")
    if cache_read is not None:
        details["cache_read"] = cache_read
    if (created := _count(usage, "cache_creation_input_tokens")) is not None:
        details["cache_creation"] = created
    if (audio := _count(nested, "audio_tokens")) is not None:
        details["audio"] = audio
    return details


def _output_details(usage: dict[str, Any]) -> OutputTokenDetails:
    nested = _object(usage, "completion_tokens_details", "output_tokens_details")
    details = OutputTokenDetails()
    reasoning = _count(nested, "reasoning_tokens")
    if reasoning is None:
        reasoning = _count(usage, "reasoning_tokens")
    if reasoning is not None:
        details["reasoning"] = reasoning
    if (audio := _count(nested, "audio_tokens")) is not None:
        details["audio"] = audio
    return details


def _object(usage: dict[str, Any], *names: str) -> dict[str, Any]:
    return next((usage[name] for name in names if isinstance(usage.get(name), dict)), {})


def _count(fields: dict[str, Any], *names: str) -> int | None:
    """Return the first of the named fields that is a whole number, also as text or float."""
    for name in names:
        value = fields.get(name)
        if type(value) is int and 0 <= value < _TOO_MANY:
            return value
        if isinstance(value, bool) or not isinstance(value, (int, float, str)):
            continue
        try:
            number = float(value)
        except (ValueError, OverflowError):
            continue
        if number >= 0 and number.is_integer():
            return int(number)
    return None
