"""The errors.

    OnlySqError                          (ModelError)
    ├── OnlySqAuthenticationError        401                       (ModelAuthenticationError)
    ├── OnlySqPermissionDeniedError      402, 403                  (ModelPermissionDeniedError)
    ├── OnlySqInvalidRequestError        other 4xx, unsendable     (ModelInvalidRequestError)
    │   └── OnlySqContextOverflowError   too long                  (ContextOverflowError)
    ├── OnlySqNotFoundError              404                       (ModelNotFoundError)
    ├── OnlySqRateLimitError             429                       (ModelRateLimitError)
    ├── OnlySqAPIError                   409, 425, 5xx             (ModelAPIError)
    │   └── OnlySqResponseError          cannot be understood
    │       └── OnlySqEmptyResponseError nothing in it
    ├── OnlySqConnectionError            no connection             (ModelConnectionError)
    │   └── OnlySqStreamError            a stream that broke off
    └── OnlySqTimeoutError               408, any timeout          (ModelTimeoutError)

In: a status, a body, a JSON value. Out: the error to raise, the same for sync and async, whole and
streamed (`classify`). Imports nothing of the package.
"""

from __future__ import annotations

from langchain_core.exceptions import (
    ContextOverflowError,
    ModelAPIError,
    ModelAuthenticationError,
    ModelConnectionError,
    ModelError,
    ModelInvalidRequestError,
    ModelNotFoundError,
    ModelPermissionDeniedError,
    ModelRateLimitError,
    ModelTimeoutError,
)


class OnlySqError(ModelError):
    """Any failure of a call to OnlySq.

    Attributes:
        status_code: HTTP status of the answer, or the status that an error inside a 200 body
            names; None where there was no answer.
        code: The service's own error code, or ours for failures without an answer
            (`read_timeout`, `stall_timeout`, …).
        body: A short, cleaned excerpt of the answer's body.
        retry_after: Seconds that the service asked to wait, from `Retry-After`.
        model: Model id that was asked.
    """

    status_code: int | None
    code: str | None
    body: str | None
    retry_after: float | None
    model: str | None

    def __init__(
        self,
        message: str = "",
        *,
        status_code: int | None = None,
        code: str | None = None,
        body: str | None = None,
        retry_after: float | None = None,
        model: str | None = None,
    ) -> None:
        """Set the message and whatever else is known."""
        super().__init__(message)
        self.status_code = status_code
        self.code = code
        self.body = body
        self.retry_after = retry_after
        self.model = model


class OnlySqAuthenticationError(OnlySqError, ModelAuthenticationError):
    """The key was not accepted (401)."""


class OnlySqPermissionDeniedError(OnlySqError, ModelPermissionDeniedError):
    """The key may not do this (402, 403)."""


class OnlySqInvalidRequestError(OnlySqError, ModelInvalidRequestError):
    """The request was refused as wrong (4xx), or cannot be sent at all."""


class OnlySqContextOverflowError(OnlySqInvalidRequestError, ContextOverflowError):
    """The messages are longer than the model's context window."""


class OnlySqNotFoundError(OnlySqError, ModelNotFoundError):
    """No such model, or no such path (404)."""


class OnlySqRateLimitError(OnlySqError, ModelRateLimitError):
    """Too many requests per minute (429)."""


class OnlySqAPIError(OnlySqError, ModelAPIError):
    """The service, or the model behind it, failed (409, 425, 5xx, `finish_reason: "error"`)."""


class OnlySqResponseError(OnlySqAPIError):
    """The answer cannot be understood: no choices, HTML, bad JSON."""


class OnlySqEmptyResponseError(OnlySqResponseError):
    """The answer has no text, no reasoning and no tool call in it."""


class OnlySqConnectionError(OnlySqError, ModelConnectionError):
    """No connection, or one that was lost before the answer."""


class OnlySqStreamError(OnlySqConnectionError):
    """A stream broke off or ended without an end mark; what came before was delivered."""


class OnlySqTimeoutError(OnlySqError, ModelTimeoutError):
    """Something took too long (408, any timeout of ours)."""
