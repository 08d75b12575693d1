"""What the finish reasons of many providers say, which gateways pass on as they came. Pure."""

from __future__ import annotations

_LIMITS = frozenset(
    {
        "length",
        "max_completion_tokens",
        "max_length",
        "max_output_tokens",
        "max_tokens",
        "model_context_window_exceeded",
        "model_length",
        "token_limit",
    }
)
"""Of answers that became too long."""

_INTERRUPTIONS = frozenset(
    {
        "blocklist",
        "content_filter",
        "content_filtered",
        "guardrail_intervened",
        "insufficient_system_resource",
        "prohibited_content",
        "recitation",
        "safety",
        "sensitive",
        "spii",
        "time_limit",
    }
)
"""Of answers that something else put an end to, wherever they were."""

_CUTS = _LIMITS | _INTERRUPTIONS


def reached_limit(finish_reason: str | None) -> bool:
    """Tell whether an answer ended at its greatest length, as the next one would."""
    return _name(finish_reason) in _LIMITS


def was_cut(finish_reason: str | None) -> bool:
    """Tell whether it was not the model that ended an answer."""
    return _name(finish_reason) in _CUTS


def _name(finish_reason: str | None) -> str:
    """Return a reason as most write it: some have `MAX_TOKENS`, or `FinishReason.MAX_TOKENS`."""
    return str(finish_reason or "").rpartition(".")[2].lower()
