"""Which proxy a request goes through, in words that hold no password."""

from __future__ import annotations

import os
import re
from typing import Any, NamedTuple
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from langchain_onlysq.errors.bodies import excerpt
from langchain_onlysq.settings.http_library import kinds_of

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


def _address(url: str) -> str:
    """Return scheme, host and port alone; all that stands before an `@` may be of a password."""
    match = re.match(r"(?i)([a-z][a-z0-9+.-]*)://", url)
    scheme, rest = (match[1], url[match.end() :]) if match else ("http", url)
    host = re.split(r"[/?#]", rest.rpartition("@")[2])[0]
    return excerpt(f"{scheme}://{host}", _ADDRESS_CHARS)
