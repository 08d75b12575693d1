"""The requests of one chat completion: the first, and those that ask again. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_onlysq.request.body import PATHS, encode, with_reminder
from langchain_onlysq.request.prepared import PreparedRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from langchain_onlysq.settings.call_options import (
        CallOptions,
    )
    from langchain_onlysq.settings.service import Service


class RequestBuilder:
    """Makes the requests of one completion."""

    def __init__(
        self,
        body: dict[str, Any],
        options: CallOptions,
        service: Service,
        headers: Mapping[str, str] | None = None,
        *,
        stream: bool,
    ) -> None:
        """Keep what all of them have in common.

        Args:
            body: The body of the first request.
            options: The settings of this call.
            service: Where it goes.
            headers: Headers of the caller's.
            stream: Whether the answer is to be streamed.
        """
        self._body = body
        self._options = options
        self._service = service
        self._own_headers = headers
        self._stream = stream

    def first(self, model: str) -> PreparedRequest:
        """Return the request that asks a model.

        Raises:
            OnlySqInvalidRequestError: If something in it cannot be written as JSON.
        """
        return self._prepared(self._body, model)

    def again(self, model: str, answer: str, reminder: str) -> PreparedRequest:
        """Return the request that asks once more, after an answer that was not what it had to be.

        Args:
            model: Model id.
            answer: What the model answered.
            reminder: What the user says to that.
        """
        merge = self._options.merges_messages
        return self._prepared(with_reminder(self._body, answer, reminder, merge=merge), model)

    def _prepared(self, body: dict[str, Any], model: str) -> PreparedRequest:
        encoded = encode({**body, "model": model}, model)
        url = self._service.base_url + PATHS[self._options.endpoint]
        return PreparedRequest(url, self._headers(), encoded, model)

    def _headers(self) -> dict[str, str]:
        # A compressed stream may arrive in one piece, at its end.
        extra = {"accept-encoding": "identity"} if self._stream else {}
        accept = "text/event-stream" if self._stream else "application/json"
        headers = self._service.headers(accept, {**extra, **(self._own_headers or {})})
        headers["content-type"] = "application/json"
        return headers
