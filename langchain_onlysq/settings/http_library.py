"""httpx2 where it is installed, else httpx: the one place that chooses between the two.

httpx2 is the maintained continuation of httpx, with the same interface and other classes. The
clients that this package makes are of the library chosen here; a caller's client, timeout, proxy or
exception may be of either, and is recognised without loading the other one.
"""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module
from typing import Any

LIBRARIES = ("httpx2", "httpx")
"""Names of the libraries, the better one first."""


@lru_cache(maxsize=1)
def http() -> Any:
    """Return the library of the package's own clients, loaded when it is first asked for.

    Current versions of LangChain have httpx2 loaded already; that of the two costs nothing.
    """
    better, declared = LIBRARIES
    try:
        return import_module(better)
    except ImportError:
        return import_module(declared)


def kinds_of(value: object) -> frozenset[str]:
    """Return the names of the classes of either library that a value is an instance of."""
    kind = type(value)
    if kind not in _kinds:
        bases = [base for base in kind.__mro__ if _root(base) in LIBRARIES]
        _kinds[kind] = frozenset(base.__name__ for base in bases)
    return _kinds[kind]


_kinds: dict[type, frozenset[str]] = {}


def _root(kind: type) -> str:
    return kind.__module__.partition(".")[0]


def library_of(value: Any) -> Any:
    """Return the library that a client, or another object of one, is of."""
    kind: Any = type(value)
    return _library_of_kind(kind)


@lru_cache(maxsize=64)
def _library_of_kind(kind: Any) -> Any:
    roots = map(_root, kind.__mro__)
    return import_module(next(root for root in roots if root in LIBRARIES))


def plain_timeout(value: Any) -> Any:
    """Turn the `Timeout` of either library into a tuple, which compares and prints as values do.

    Returns:
        (connect, read, write, pool) in seconds; anything else as it is.
    """
    if "Timeout" in kinds_of(value):
        return (value.connect, value.read, value.write, value.pool)
    return value


def own_proxy(value: Any) -> Any:
    """Turn the `URL` or `Proxy` of either library into what the chosen library takes."""
    kinds = kinds_of(value)
    if "URL" in kinds:
        return str(value)
    if "Proxy" in kinds:
        return http().Proxy(
            str(value.url),
            auth=value.raw_auth and tuple(part.decode() for part in value.raw_auth),
            headers=value.headers.multi_items(),
            ssl_context=value.ssl_context,
        )
    return value


def check_client(value: Any, *, is_async: bool, twin: str = "") -> Any:
    """Refuse what is not a client of either library, or is one for the other kind of calls.

    Args:
        value: The client; None = none.
        is_async: Whether it has to be one for async calls.
        twin: The function whose `http_client` takes the other kind; "" for `ChatOnlySq`, which has
            an argument for each.

    Raises:
        ValueError: If it cannot be used.
    """
    kinds = kinds_of(value)
    kind = "AsyncClient" if is_async else "Client"
    if value is None or kind in kinds:
        return value
    name, other = ("http_client", "http_async_client")[:: -1 if is_async and not twin else 1]
    msg = f"{name} takes an httpx.{kind} (or httpx2.{kind})"
    if kinds & {"AsyncClient", "Client"}:
        msg += (
            f"; this is a {type(value).__name__}: pass it {f'to {twin}' if twin else f'as {other}'}"
        )
    else:
        msg += f", not {type(value).__name__}"
    raise ValueError(msg)
