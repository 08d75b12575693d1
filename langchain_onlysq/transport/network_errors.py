"""Failures of the network -> our errors. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx

from langchain_onlysq.errors import (
    OnlySqConnectionError,
    OnlySqError,
    OnlySqInvalidRequestError,
    OnlySqResponseError,
    OnlySqStreamError,
    OnlySqTimeoutError,
)
from langchain_onlysq.errors.classify import stalled

if TYPE_CHECKING:
    from langchain_onlysq.transport.flow import Send

NETWORK_ERRORS = (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL, OSError, RuntimeError)
"""What sending and reading may raise."""

_QUOTES_WHAT_IT_REFUSES = (httpx.LocalProtocolError, httpx.InvalidURL)

_TIMEOUTS: tuple[tuple[type[httpx.TimeoutException], str, str], ...] = (
    (httpx.ConnectTimeout, "connect_timeout", "No connection was made within {} s"),
    (httpx.PoolTimeout, "pool_timeout", "No connection was free within {} s"),
    (httpx.WriteTimeout, "write_timeout", "The request could not be sent on for {} s"),
    (httpx.ReadTimeout, "read_timeout", "No data came for {} s"),
)
_TIMEOUT_NAMES = ("connect_timeout", "read_timeout", "write_timeout", "pool_timeout")


def error_from_network(error: Exception, sent: Send, *, answered: bool) -> OnlySqError:
    """Classify a failure of the network.

    Args:
        error: One of `NETWORK_ERRORS`. It becomes the cause, unless it quotes what was to be sent.
        sent: What was sent.
        answered: Whether the head of the answer came before it.

    Returns:
        The error to raise.
    """
    failure = _classify(error, sent, answered=answered)
    if not isinstance(error, _QUOTES_WHAT_IT_REFUSES):
        failure.__cause__ = error
    return failure


def _classify(error: Exception, sent: Send, *, answered: bool) -> OnlySqError:
    model = sent.request.model
    kind = type(error).__name__
    if isinstance(error, httpx.TimeoutException):
        return _timed_out(error, sent, model)
    if isinstance(error, httpx.DecodingError):
        msg = "The answer could not be decompressed."
        return OnlySqResponseError(msg, status_code=200, model=model)
    if isinstance(error, (*_QUOTES_WHAT_IT_REFUSES, httpx.UnsupportedProtocol)):
        msg = f"The request cannot be sent ({kind}): check base_url and the headers."
        return OnlySqInvalidRequestError(msg, model=model)
    if answered:
        msg = f"The connection was lost in the middle of the answer ({kind}: {error})."
        return OnlySqStreamError(msg, model=model)
    if isinstance(error, RuntimeError):
        msg = f"The HTTP client cannot be used: {error}"
        return OnlySqConnectionError(msg, code="configuration", model=model)
    if isinstance(error, (httpx.ConnectError, httpx.ProxyError)):
        msg = f"No connection to OnlySq ({error}): check the network, base_url and any proxy."
    else:
        msg = f"The connection was lost before the answer ({kind}: {error})."
    return OnlySqConnectionError(msg, model=model)


def _timed_out(error: httpx.TimeoutException, sent: Send, model: str | None) -> OnlySqTimeoutError:
    if sent.stalls and isinstance(error, httpx.ReadTimeout):
        return stalled(sent.timeout[1], model)
    code, text = next(
        ((code, text) for kind, code, text in _TIMEOUTS if isinstance(error, kind)),
        ("timeout", "It took longer than {} s"),
    )
    limits = dict(zip(_TIMEOUT_NAMES, sent.timeout, strict=True))
    said = text.format(f"{limits.get(code) or 0:g}")
    return OnlySqTimeoutError(f"{said}; raise timeout to wait longer.", code=code, model=model)
