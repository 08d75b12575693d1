"""What the local server received: requests, and what replies read from them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

V2_PATH = "/ai/v2"
OPENAI_PATH = "/ai/openai/chat/completions"
CATALOGUE_PATH = "/ai/models"


class Headers(Mapping[str, str]):
    """Headers of a request: looked up in any case, listed in lower case.

    Args:
        items: Pairs of name and value; values of a repeated name are joined with ``", "``.
    """

    def __init__(self, items: Iterable[tuple[str, str]] = ()) -> None:
        self._values: dict[str, str] = {}
        for name, value in items:
            key = name.lower()
            known = self._values.get(key)
            self._values[key] = value if known is None else f"{known}, {value}"

    def __getitem__(self, name: str) -> str:
        """Return the value of a header, whatever the case of its name."""
        return self._values[name.lower()]

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names, in lower case."""
        return iter(self._values)

    def __len__(self) -> int:
        """Return the number of different names."""
        return len(self._values)

    def __repr__(self) -> str:
        """Show the headers without the key: test reports end up in public logs."""
        shown = {k: "***" if k == "authorization" else v for k, v in self._values.items()}
        return f"Headers({shown!r})"


@dataclass(frozen=True)
class Request:
    """One request as the server received it.

    Attributes:
        method: The HTTP method in upper case.
        path: The path without the query.
        headers: The headers; look-ups ignore case.
        body: The body as it came.
        query: What followed ``?`` in the target, or ``""``.
    """

    method: str
    path: str
    headers: Headers
    body: bytes = b""
    query: str = ""

    @cached_property
    def json(self) -> Any:
        """The parsed body, or None where it is not JSON."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    @property
    def chat(self) -> dict[str, Any]:
        """The object with ``messages``: ``request`` on v2, else the body, or ``{}``."""
        body = self.json if isinstance(self.json, dict) else {}
        inner = body.get("request") if self.path == V2_PATH else body
        return inner if isinstance(inner, dict) else {}

    @property
    def model(self) -> str:
        """The requested model, or ``""``."""
        model = self.json.get("model") if isinstance(self.json, dict) else None
        return model if isinstance(model, str) else ""

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The messages; what is not an object is left out."""
        messages = self.chat.get("messages")
        return [m for m in messages if isinstance(m, dict)] if isinstance(messages, list) else []

    @property
    def streams(self) -> bool:
        """Whether the client asked for a stream."""
        return self.chat.get("stream") is True


def text_of(content: Any) -> str:
    """Return the text of a message's content.

    Args:
        content: A string, a list of parts, or anything else, which has no text.

    Returns:
        The string, or the text parts joined by line feeds.
    """
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    texts = (part.get("text") for part in content if isinstance(part, dict))
    return "\n".join(text for text in texts if isinstance(text, str))
