"""Values as text: what is safe to show, errors, the usage line, the table of models. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from langchain_core.messages.ai import UsageMetadata

    from langchain_onlysq.models.catalogue import OnlySqModel

_SAFE = {ord("\n"): "\n", ord("\t"): "\t", ord("\r"): ""}
_UNSAFE = dict.fromkeys((*range(0x20), *range(0x7F, 0xA0)), "\N{REPLACEMENT CHARACTER}") | _SAFE

_HEADER = ("id", "modality", "tools", "streaming", "thinking", "status", "cost")
_UNKNOWN = "-"


def clean(text: str) -> str:
    """Replace the characters that control a terminal; line ends and tabs stay."""
    return text.translate(_UNSAFE)


def one_line(text: str) -> str:
    """Return a text as one line that is safe to show."""
    return clean(" ".join(text.split()))


def describe_error(error: Exception) -> str:
    """Return an error's message and notes, after its class name unless it is one of ours."""
    text = str(error)
    if not type(error).__module__.startswith("langchain_onlysq."):
        text = f"{type(error).__name__}: {text}"
    notes = "; ".join(getattr(error, "__notes__", ()))
    return f"{text} ({notes})" if notes else text


def usage_line(model: str, finish_reason: str | None, usage: UsageMetadata | None) -> str:
    """Return the line below an answer: its model, its tokens, and why it ended if not normally."""
    tokens = "usage unknown"
    if usage is not None:
        tokens = f"{usage['input_tokens']} tokens in, {usage['output_tokens']} out"
    ended = "" if finish_reason in {None, "stop"} else f" (finish reason: {finish_reason})"
    return f"{model}: {tokens}{ended}"


def model_rows(models: Iterable[OnlySqModel]) -> list[tuple[str, ...]]:
    """Return the rows of the table of models, sorted by id, below a header."""
    rows = [
        (m.id, m.modality, m.can_tools, m.can_stream, m.can_think, m.status, m.cost)
        for m in sorted(models, key=lambda model: model.id)
    ]
    return [_HEADER, *(tuple(map(_cell, row)) for row in rows)]


def _cell(value: Any) -> str:
    match value:
        case None:
            return _UNKNOWN
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:g}"
    return one_line(str(value)) or _UNKNOWN


def plain_table(rows: Sequence[Sequence[str]]) -> str:
    """Align the rows with spaces; each line ends with a line end."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)
    return "".join(f"{line}\n" for line in lines)
