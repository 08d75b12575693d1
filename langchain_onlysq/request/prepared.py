"""A request that is ready to be sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class PreparedRequest:
    """A request, ready to be sent. Its headers hold the key, so it does not show itself.

    Attributes:
        url: Where to.
        headers: With the key among them.
        body: The JSON; None for a GET.
        model: Model id that is asked, for error messages.
    """

    __slots__ = ("body", "headers", "model", "url")

    def __init__(
        self, url: str, headers: Mapping[str, str], body: bytes | None, model: str | None = None
    ) -> None:
        self.url = url
        self.headers = headers
        self.body = body
        self.model = model

    def to(self, url: str) -> PreparedRequest:
        """Return the same request to another place."""
        return PreparedRequest(url, self.headers, self.body, self.model)
