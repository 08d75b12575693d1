"""LangChain chat models of OnlySq."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from langchain_onlysq._version import __version__

if TYPE_CHECKING:
    from langchain_onlysq.chat_models import ChatOnlySq
    from langchain_onlysq.errors import (
        OnlySqAPIError,
        OnlySqAuthenticationError,
        OnlySqConnectionError,
        OnlySqContextOverflowError,
        OnlySqEmptyResponseError,
        OnlySqError,
        OnlySqInvalidRequestError,
        OnlySqNotFoundError,
        OnlySqPermissionDeniedError,
        OnlySqRateLimitError,
        OnlySqResponseError,
        OnlySqStreamError,
        OnlySqTimeoutError,
    )

__all__ = [
    "ChatOnlySq",
    "OnlySqAPIError",
    "OnlySqAuthenticationError",
    "OnlySqConnectionError",
    "OnlySqContextOverflowError",
    "OnlySqEmptyResponseError",
    "OnlySqError",
    "OnlySqInvalidRequestError",
    "OnlySqNotFoundError",
    "OnlySqPermissionDeniedError",
    "OnlySqRateLimitError",
    "OnlySqResponseError",
    "OnlySqStreamError",
    "OnlySqTimeoutError",
    "__version__",
]


def __getattr__(name: str) -> Any:
    """Load a public name when it is first asked for.

    pytest loads the fixture of this package in every run, also in runs that need no LangChain.
    """
    if name not in __all__:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    module = "chat_models" if name == "ChatOnlySq" else "errors"
    value = getattr(import_module(f"{__name__}.{module}"), name)
    globals()[name] = value
    return value
