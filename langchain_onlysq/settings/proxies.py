"""Which proxy a request goes through, in words that hold no password."""

from __future__ import annotations

import os
import re
from base64 import b64encode
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from langchain_onlysq.errors.bodies import excerpt
from langchain_onlysq.settings.http_library import kinds_of

if TYPE_CHECKING:
    from collections.abc import Iterator

_ADDRESS_CHARS = 100


class Proxy(NamedTuple):
    """A proxy.

    Attributes:
        address: Its URL, without user and password.
        named_by: What names it: a variable, or the argument.
    """

    address: str
    named_by: str


def proxy_in_use(url: str, given: Any = None) -> Proxy | None:
    """Return the proxy for an address; None where there is none.

    Args:
        url: The address.
        given: What the caller set as `proxy`; None = what the environment names.
    """
    if given is not None:
        return Proxy(_address(str(given.url if "Proxy" in kinds_of(given) else given)), "proxy=…")
    parts, proxies = urlsplit(url), getproxies()
    kind = next((kind for kind in (parts.scheme, "all") if proxies.get(kind)), None)
    if kind is None or proxy_bypass(parts.hostname or ""):
        return None
    variables = (f"{kind}_proxy", f"{kind}_proxy".upper())
    named_by = next((name for name in variables if os.environ.get(name)), "the system's settings")
    return Proxy(_address(proxies[kind]), named_by)


def proxy_secrets(given: Any = None) -> Iterator[str]:
    """Yield the passwords of proxies, and what says them in a header.

    Args:
        given: What the caller set as `proxy`; None = what the environment names.
    """
    proxies: list[Any] = [*getproxies().values()] if given is None else [given]
    for proxy in proxies:
        is_object = "Proxy" in kinds_of(proxy)
        if is_object and proxy.auth:
            yield from _logins(*proxy.auth)
        with suppress(ValueError):
            parts = urlsplit(str(proxy.url if is_object else proxy))
            if parts.password:
                yield parts.password
                yield from _logins(unquote(parts.username or ""), unquote(parts.password))


def _logins(user: str, password: str) -> Iterator[str]:
    yield password
    yield b64encode(f"{user}:{password}".encode("utf-8", "replace")).decode()


def _address(url: str) -> str:
    """Return scheme, host and port alone; all that stands before an `@` may be of a password."""
    match = re.match(r"(?i)([a-z][a-z0-9+.-]*)://", url)
    scheme, rest = (match[1], url[match.end() :]) if match else ("http", url)
    host = re.split(r"[/?#]", rest.rpartition("@")[2])[0]
    return excerpt(f"{scheme}://{host}", limit=_ADDRESS_CHARS)
