"""Values as text: what is safe to show, errors, the usage line, the table of models. Pure."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from langchain_core.messages.ai import UsageMetadata

    from langchain_onlysq.health.report import CheckResult
    from langchain_onlysq.models.catalogue import OnlySqModel

_SAFE = {ord("\n"): "\n", ord("\t"): "\t", ord("\r"): ""}
_CONTROLS = (*range(0x20), *range(0x7F, 0xA0))
_LINE_ENDS = (0x2028, 0x2029)
_TURNS_TEXT_AROUND = (*range(0x202A, 0x202F), *range(0x2066, 0x206A))
_LEANS_TO_A_SIDE = (0x061C, 0x200E, 0x200F)
_UNSAFE = (
    dict.fromkeys((*_CONTROLS, *_TURNS_TEXT_AROUND), "\N{REPLACEMENT CHARACTER}")
    | dict.fromkeys(_LINE_ENDS, "\n")
    | dict.fromkeys(_LEANS_TO_A_SIDE, "")
    | _SAFE
)

_NOT_PLAIN = re.compile(f"[{''.join(map(chr, _UNSAFE.keys() - {0x0A}))}\ud800-\udfff]")
"""What must not stand in a JSON document as it is: the lines of one end in LF."""

_HEADER = ("id", "modality", "tools", "streaming", "thinking", "status", "cost")
_UNKNOWN = "-"


def clean(text: str) -> str:
    """Replace the characters that control a terminal, or turn text around; line ends stay."""
    return text.translate(_UNSAFE)


def as_json(value: Any, *, ascii_only: bool) -> str:
    r"""Return a JSON document, in which what is not safe to show stands as `\uXXXX`."""
    text = json.dumps(value, ensure_ascii=ascii_only, indent=2, default=str)
    return _NOT_PLAIN.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def one_line(text: str) -> str:
    """Return a text as one line that is safe to show."""
    return clean(" ".join(text.split()))


_IN_FLAGS = (
    (r",? or pass api_key=.*?(?=[;.] |\.$|$)", ""),
    (r" or api_key\b", ""),
    (r"\bmodel_kwargs must not hold ('(\w+)'): pass it as a field .*", r"\1 has -o \2=… to itself"),
    (r"\bInput should be a valid dictionary", "give a JSON object"),
    (r"\ba list of texts$", "a JSON list of texts; a number stands in double quotes"),
    (r"\b(onlysq_api_base|base_url)\b", "ONLYSQ_API_BASE"),
    (r"\bproxy=… and ", ""),
    (r", \(connect, read, write, pool\), an httpx\.Timeout, or None", ""),
    (r"\blist_models\(\)", "--models"),
    (r"\btrim_messages can do it\b", "in a conversation, /clear begins anew"),
    (r"\braise (timeout|\w+_\w+)\b", r"raise it with -o \1=…"),
    (r"\b(\w+_\w+)=True\b", r"-o \1=true"),
    (r"\bfallback_when='busy'", "-o fallback_when=busy"),
    (r"(?<!-o )\b(max_wait|fallback_models)\b", r"-o \1=…"),
)
"""What messages say of Python's arguments -> what the command line has for it."""


def in_flags(message: str) -> str:
    """Return a message that was written for programs, in the words of the command line."""
    for pattern, flag in _IN_FLAGS:
        message = re.sub(pattern, flag, message)
    return message


def describe_error(error: Exception) -> str:
    """Return an error's message and notes, after its class name unless it is one of ours."""
    text = in_flags(str(error))
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


def check_line(result: CheckResult) -> str:
    """Return the line about one thing that was checked, in the words of the command line."""
    return clean(in_flags(str(result))) + "\n"


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
