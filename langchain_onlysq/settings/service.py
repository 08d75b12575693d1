"""Where requests go, and as whom: what a chat and the catalogue have in common."""

from __future__ import annotations

import os
import re
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from pydantic import SecretStr

from langchain_onlysq._version import __version__
from langchain_onlysq.errors.context import ErrorContext
from langchain_onlysq.settings.proxies import proxy_secrets

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

HOME_PAGE = "https://api.onlysq.ru"

DEFAULT_BASE_URL = f"{HOME_PAGE}/ai"

PUBLIC_KEY = "openai"
"""The key that everybody may use (from the service's documentation)."""

KEY_VARIABLE = "ONLYSQ_API_KEY"

BASE_URL_VARIABLE = "ONLYSQ_API_BASE"

_SHORTEST_SECRET = 8
"""Shorter values of headers are words such as "yes", which messages need."""

_LONGEST_LABEL = 63

_BASE_URL_TAILS = ("/chat/completions", "/openai/v1", "/openai", "/v2", "/")


class Service(NamedTuple):
    """The address of the service, and the key.

    Attributes:
        base_url: Base URL, without the endpoint's own path.
        key: The key.
    """

    base_url: str
    key: SecretStr

    @classmethod
    def given(cls, base_url: str | None, key: SecretStr | None) -> Service:
        """Return the service that a caller means; what is None comes from the environment.

        Raises:
            ValueError: If the key or the base URL cannot be used.
        """
        key = key_from_environment() if key is None else key
        check_key(key)
        url = base_url_from_environment() if base_url is None else base_url
        return cls(normalize_base_url(url), key)

    def headers(self, accept: str, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        """Return the headers of a request, the key among them.

        Args:
            accept: Media type of the answer.
            extra: Headers of the caller's, which replace those made here.
        """
        headers = {
            "authorization": f"Bearer {self.key.get_secret_value()}",
            "user-agent": f"langchain-onlysq/{__version__}",
            "accept": accept,
        }
        for name, value in (extra or {}).items():
            headers[name.lower()] = value
        return headers

    def error_context(
        self,
        model: str | None = None,
        headers: Mapping[str, str] | None = None,
        proxy: Any = None,
    ) -> ErrorContext:
        """Return what an error message may say and must not show.

        Args:
            model: Model id that is asked.
            headers: Headers of the caller's: their values, and the words in them, may be secret.
            proxy: The caller's proxy; None = the environment's.
        """
        return ErrorContext(model, self.base_url, partial(_secrets, self.key, headers, proxy))


def _secrets(key: SecretStr, headers: Mapping[str, str] | None, proxy: Any) -> Iterator[str]:
    """Yield what no message may show."""
    if key.get_secret_value() != PUBLIC_KEY:
        yield key.get_secret_value()
    for value in (headers or {}).values():
        yield from (part for part in (value, *value.split()) if len(part) >= _SHORTEST_SECRET)
    yield from proxy_secrets(proxy)


def key_from_environment() -> SecretStr:
    """Return the key of the environment, or the public one."""
    return SecretStr(os.environ.get(KEY_VARIABLE) or PUBLIC_KEY)


def base_url_from_environment() -> str:
    """Return the base URL of the environment, or the service's own."""
    return os.environ.get(BASE_URL_VARIABLE) or DEFAULT_BASE_URL


def check_key(key: SecretStr) -> None:
    """Refuse a key that no HTTP header can hold, without showing it, also in a frame.

    Raises:
        ValueError: If the key is empty, or holds a blank, a line end or a non-ASCII character.
    """
    if not key.get_secret_value():
        msg = f"the API key is empty: leave it out to use {KEY_VARIABLE} or the public key"
        raise ValueError(msg)
    if not re.fullmatch(r"[!-~]+", key.get_secret_value()):
        msg = (
            f"the API key ({KEY_VARIABLE} or api_key) holds a blank, a line end or a character "
            "outside ASCII; was it copied whole, and alone?"
        )
        raise ValueError(msg)


@lru_cache(maxsize=64)
def normalize_base_url(url: str) -> str:
    """Reduce a base URL to the part before the endpoint's own path.

    People have the URL of the documentation, or that of the OpenAI SDK, at hand: a trailing `/v2`,
    `/openai`, `/openai/v1`, `/chat/completions` or slash is dropped.

    Raises:
        ValueError: If it is not a plain http(s) URL.
    """
    try:
        parts = urlsplit(url.strip())
        host, _ = parts.hostname, parts.port
    except ValueError:
        parts, host = urlsplit(""), None
    if parts.scheme not in {"http", "https"} or not host or not _is_host(host):
        msg = f"base_url must look like {DEFAULT_BASE_URL!r}"
        raise ValueError(msg)
    if "@" in parts.netloc:
        msg = "base_url must not hold a user name or password: they would displace the API key"
        raise ValueError(msg)
    if parts.query or parts.fragment:
        msg = "base_url must not have a query or a fragment"
        raise ValueError(msg)
    path = parts.path
    while path.endswith(_BASE_URL_TAILS):
        tail = next(tail for tail in _BASE_URL_TAILS if path.endswith(tail))
        path = path.removesuffix(tail)
    return f"{parts.scheme}://{parts.netloc}{path}"


def _is_host(name: str) -> bool:
    """Whether a name can be looked up: its labels are neither empty nor too long."""
    if ":" in name:
        return True
    labels = name.removesuffix(".").split(".")
    return all(0 < len(label) <= _LONGEST_LABEL for label in labels)


def check_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Refuse headers that cannot be sent, without showing their values.

    Raises:
        ValueError: If a name or a value is not a valid HTTP header.
    """
    for name, value in headers.items():
        if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name):
            msg = f"default_headers: {name!r} is not a header name"
            raise ValueError(msg)
        if not re.fullmatch(r"(?![ \t])[\t -~]*(?<![ \t])", value):
            msg = f"default_headers: the value of {name!r} cannot be sent (ASCII in one line only)"
            raise ValueError(msg)
    return dict(headers)
