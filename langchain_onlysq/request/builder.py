"""The requests of one chat completion: the first, and those that ask again. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_onlysq.errors import OnlySqError, OnlySqInvalidRequestError
from langchain_onlysq.errors.wording import reason_of
from langchain_onlysq.request.body import PATHS, build_body, encode, with_reminder
from langchain_onlysq.request.prepared import PreparedRequest
from langchain_onlysq.request.tools import take_tool_keywords
from langchain_onlysq.settings.call_options import with_overrides
from langchain_onlysq.settings.service import Service

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from langchain_core.messages import BaseMessage

    from langchain_onlysq.settings.model_settings import ModelSettings


class RequestBuilder:
    """Makes the requests of one completion.

    Attributes:
        options: The settings of this call.
        tools: Its tools, and the form of its answer.
        service: Where it goes.
        context: What an error message may say of it, and must not show.
    """

    def __init__(
        self,
        settings: ModelSettings,
        messages: Sequence[BaseMessage],
        stop: list[str] | None,
        keywords: Mapping[str, Any],
        *,
        stream: bool,
    ) -> None:
        """Make the first request, so that what cannot be sent is known before anything is.

        Args:
            settings: The settings of the model.
            messages: The conversation.
            stop: Stop sequences of the call.
            keywords: Further keywords of the call.
            stream: Whether the answer is to be streamed.

        Raises:
            OnlySqInvalidRequestError: If something in it cannot be sent.
        """
        self._stream = stream
        self._own_headers = settings.default_headers
        self.service = Service(settings.onlysq_api_base, settings.onlysq_api_key)
        given = keywords if stop is None else {**keywords, "stop": stop}
        try:
            self.options, extra = with_overrides(settings, given)
            self.tools, extra = take_tool_keywords(extra)
            self._body = build_body(messages, self.options, self.tools, extra, stream=stream)
            self._first = self._prepared(self._body, self.options.model)
        except OnlySqError:
            raise
        except Exception as error:
            # Tools and keywords may hold objects of any kind, with methods that fail.
            msg = f"The call cannot be made into a request: {reason_of(error)}."
            raise OnlySqInvalidRequestError(msg, model=settings.model) from error
        self.context = self.service.error_context(
            self.options.model, settings.default_headers, settings.proxy
        )

    def first(self, model: str) -> PreparedRequest:
        """Return the request that asks a model."""
        return self._first if model == self._first.model else self._prepared(self._body, model)

    def again(self, model: str, answer: str, reminder: str) -> PreparedRequest:
        """Return the request that asks once more, after an answer that was not what it had to be.

        Args:
            model: Model id.
            answer: What the model answered.
            reminder: What the user says to that.
        """
        merge = self.options.merges_messages
        return self._prepared(with_reminder(self._body, answer, reminder, merge=merge), model)

    def _prepared(self, body: dict[str, Any], model: str) -> PreparedRequest:
        encoded = encode({**body, "model": model}, model)
        url = self.service.base_url + PATHS[self.options.endpoint]
        return PreparedRequest(url, self._headers(), encoded, model)

    def _headers(self) -> dict[str, str]:
        # A compressed stream may arrive in one piece, at its end.
        extra = {"accept-encoding": "identity"} if self._stream else {}
        accept = "text/event-stream" if self._stream else "application/json"
        headers = self.service.headers(accept, {**extra, **(self._own_headers or {})})
        headers["content-type"] = "application/json"
        return headers
