"""Failures of the network -> our errors. Pure."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from langchain_onlysq.errors import (
    OnlySqConnectionError,
    OnlySqError,
    OnlySqInvalidRequestError,
    OnlySqResponseError,
    OnlySqStreamError,
    OnlySqTimeoutError,
)
from langchain_onlysq.errors.bodies import excerpt
from langchain_onlysq.errors.classify import (
    PROXY_LOGIN_HINT,
    PROXY_WANTS_LOGIN,
    error_from_response,
    stalled,
)
from langchain_onlysq.settings.http_library import kinds_of
from langchain_onlysq.settings.proxies import proxy_in_use

if TYPE_CHECKING:
    from langchain_onlysq.errors.context import ErrorContext
    from langchain_onlysq.transport.clients import ClientSettings
    from langchain_onlysq.transport.flow import Send

_OF_THE_SYSTEM = (OSError, RuntimeError)
_OF_ADDRESSES = (UnicodeError, OverflowError, ExceptionGroup)
"""What else sending and reading may raise; the latter where a host or a port is none."""

_QUOTES_WHAT_IT_REFUSES = frozenset({"LocalProtocolError", "InvalidURL"})

_CANNOT_BE_SENT = _QUOTES_WHAT_IT_REFUSES | {"UnsupportedProtocol"}

_TIMEOUTS = (
    ("ConnectTimeout", "connect_timeout", "No connection was made within {} s"),
    ("PoolTimeout", "pool_timeout", "No connection was free within {} s"),
    ("WriteTimeout", "write_timeout", "The request could not be sent on for {} s"),
    ("ReadTimeout", "read_timeout", "No data came for {} s"),
)
_TIMEOUT_NAMES = ("connect_timeout", "read_timeout", "write_timeout", "pool_timeout")


def is_network_error(error: Exception) -> bool:
    """Tell whether the network, or the library in front of it, raised this."""
    # A LookupError itself: the codec for host names cannot be loaded, without a descriptor left.
    of_system = (*_OF_THE_SYSTEM, *_OF_ADDRESSES, zlib.error)
    is_of_system = isinstance(error, of_system) or type(error) is LookupError
    return is_of_system or bool(kinds_of(error))


def error_from_network(
    error: Exception, sent: Send, *, answered: bool, settings: ClientSettings | None = None
) -> OnlySqError:
    """Classify a failure of the network.

    Args:
        error: Of httpx, of httpx2 or of the system. It becomes the cause, unless it quotes what
            was to be sent.
        sent: What was sent.
        answered: Whether the head of the answer came before it.
        settings: What the client was made with; None where it is the caller's own.

    Returns:
        The error to raise.
    """
    kinds = kinds_of(error)
    if "HTTPStatusError" in kinds:
        return _raised_by_hook(error, sent)
    failure = _classify(error, kinds, sent, settings, answered=answered)
    if not kinds & _QUOTES_WHAT_IT_REFUSES:
        failure.__cause__ = _without_secrets(error, kinds, sent.context)
    return failure


def _raised_by_hook(error: Any, sent: Send) -> OnlySqError:
    """Classify what `raise_for_status` said in a hook of the caller's own client."""
    response = error.response
    # A hook need not have read the body, and then nobody can any more.
    body = response.content if response.is_stream_consumed else b""
    return error_from_response(response.status_code, response.headers, body, sent.context)


def _without_secrets(
    error: Exception, kinds: frozenset[str], context: ErrorContext
) -> Exception | None:
    """Return an error that says the same and holds no request; None where there is none."""
    text = context.redact(str(error))
    if "RequestError" in kinds:
        return type(error)(text)
    is_plain = text == str(error) and not isinstance(error, _OF_ADDRESSES)
    return error if is_plain else None


def _classify(
    error: Exception,
    kinds: frozenset[str],
    sent: Send,
    settings: ClientSettings | None,
    *,
    answered: bool,
) -> OnlySqError:
    model = sent.request.model
    # What a proxy says may hold anything.
    kind, said = type(error).__name__, excerpt(str(error), sent.context.redact)
    if "TimeoutException" in kinds:
        return _timed_out(kinds, sent, model)
    if "DecodingError" in kinds or isinstance(error, zlib.error):
        msg = "The answer could not be decompressed. Try again."
        return OnlySqResponseError(msg, status_code=200, model=model)
    if kinds & _CANNOT_BE_SENT:
        return unsendable(error, sent)
    if answered:
        msg = f"The connection was lost in the middle of the answer ({kind}: {said}). Ask again."
        return OnlySqStreamError(msg, model=model)
    if isinstance(error, RuntimeError):
        msg = f"The HTTP client cannot be used: {said}"
        return OnlySqConnectionError(msg, code="configuration", model=model)
    if kinds & {"ConnectError", "ProxyError"} or isinstance(error, (LookupError, *_OF_ADDRESSES)):
        hint = _suspects(sent.request.url, settings)
        if "ProxyError" in kinds and said.startswith(str(PROXY_WANTS_LOGIN)):
            hint = PROXY_LOGIN_HINT
        msg = f"No connection to OnlySq at {urlsplit(sent.request.url).netloc} ({said}). {hint}"
    else:
        msg = f"The connection was lost before the answer ({kind}: {said}). Try again."
    return OnlySqConnectionError(msg, model=model)


def unsendable(error: Exception, sent: Send) -> OnlySqError:
    """Return the error for a request that the library refuses; what it says may quote the key."""
    kind = type(error).__name__
    msg = f"The request cannot be sent ({kind}): check base_url, the headers and any cookies."
    return OnlySqInvalidRequestError(msg, model=sent.request.model)


def _suspects(url: str, settings: ClientSettings | None) -> str:
    """Say what may be wrong with the way to an address."""
    if settings is None:
        return "Check the network, base_url and any proxy."
    proxy = proxy_in_use(url, settings.proxy)
    if proxy is None:
        return "Check the network and base_url; no proxy is in use."
    return f"Check the network, base_url and the proxy {proxy.address} ({proxy.named_by})."


def too_late(sent: Send) -> OnlySqTimeoutError:
    """Return the error for an answer whose head is not whole in time, whatever else has come."""
    return _timed_out(frozenset({"ReadTimeout"}), sent, sent.request.model)


def _timed_out(kinds: frozenset[str], sent: Send, model: str | None) -> OnlySqTimeoutError:
    if sent.stalls and "ReadTimeout" in kinds:
        return stalled(sent.timeout[1] or 0.0, model)
    code, text = next(
        ((code, text) for kind, code, text in _TIMEOUTS if kind in kinds),
        ("timeout", "It took longer than {} s"),
    )
    limits = dict(zip(_TIMEOUT_NAMES, sent.timeout, strict=True))
    said = text.format(f"{limits.get(code) or 0:g}")
    return OnlySqTimeoutError(f"{said}; raise timeout to wait longer.", code=code, model=model)
