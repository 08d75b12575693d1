"""What an error message may say about a call, and what it must never show. Pure."""

from __future__ import annotations

import json
import re
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

_HIDDEN = "***"
_DEEPER = "…"
_MOST_LEVELS = 100

_TELLING_CHARS = 8
"""So much of the beginning of a secret, at the end of a text that was cut, tells of it."""


class ErrorContext:
    """What an error message may say about the call, and what it must never show.

    Attributes:
        model: Model id that is asked.
        base_url: Where.
    """

    __slots__ = ("_find_secrets", "_hide", "base_url", "model")

    def __init__(
        self,
        model: str | None = None,
        base_url: str = "",
        find_secrets: Callable[[], Iterable[str]] = tuple,
    ) -> None:
        """Keep the parts.

        Args:
            model: Model id that is asked.
            base_url: Where.
            find_secrets: Finds what must not be shown, once there is anything to show.
        """
        self.model = model
        self.base_url = base_url
        self._find_secrets = find_secrets
        self._hide: Callable[[str], str] | None = None

    def for_model(self, model: str | None) -> ErrorContext:
        """Return the same for another model."""
        return ErrorContext(model, self.base_url, self._find_secrets)

    def redact(self, text: str) -> str:
        """Return a text with every secret replaced by asterisks, in whatever letters it stands.

        So is the beginning of one where the text ends in the middle of it. Redact before you cut.
        """
        if self._hide is None:
            self._hide = _hider(self._find_secrets())
        return self._hide(text)

    def redact_value(self, value: Any, levels: int = _MOST_LEVELS) -> Any:
        """Return a JSON value without secrets in its texts and numbers; its names stay.

        Args:
            value: The value.
            levels: How many levels of lists and objects are shown; Python has a limit, too.
        """
        if isinstance(value, (dict, list)) and not levels:
            return _DEEPER
        if isinstance(value, dict):
            return {name: self.redact_value(item, levels - 1) for name, item in value.items()}
        if isinstance(value, list):
            return [self.redact_value(item, levels - 1) for item in value]
        if isinstance(value, str):
            return self.redact(value)
        if type(value) in (int, float):
            shown = self.redact(json.dumps(value))
            return shown if _HIDDEN in shown else value
        return value


def _hider(secrets: Iterable[str]) -> Callable[[str], str]:
    """Return what hides secrets, also where JSON or a URL writes them in another way."""
    forms = {
        form
        for secret in secrets
        if secret
        for form in (secret, json.dumps(secret)[1:-1], quote(secret, safe=""))
    }
    if not forms:
        return str
    longest_first = sorted(forms, key=len, reverse=True)
    anywhere = re.compile("|".join(map(re.escape, longest_first)), re.IGNORECASE)
    return partial(_hidden, anywhere, [form.lower() for form in longest_first])


def _hidden(anywhere: re.Pattern[str], forms: Sequence[str], text: str) -> str:
    text = anywhere.sub(_HIDDEN, text)
    cut = max(_begun_at_end(text, form) for form in forms)
    return text[: len(text) - cut] + _HIDDEN if cut else text


def _begun_at_end(text: str, form: str) -> int:
    """Return how many characters at the end of a text are the beginning of a secret."""
    end = text[-len(form) :].lower()
    sizes = range(min(len(form) - 1, len(end)), _TELLING_CHARS - 1, -1)
    return next((size for size in sizes if end.endswith(form[:size])), 0)
