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
    from langchain_onlysq.health.report import Report
    from langchain_onlysq.health.run import acheck, check
    from langchain_onlysq.models.catalogue import OnlySqModel, alist_models, list_models
    from langchain_onlysq.registration import register

__all__ = [
    "ChatOnlySq",
    "OnlySqAPIError",
    "OnlySqAuthenticationError",
    "OnlySqConnectionError",
    "OnlySqContextOverflowError",
    "OnlySqEmptyResponseError",
    "OnlySqError",
    "OnlySqInvalidRequestError",
    "OnlySqModel",
    "OnlySqNotFoundError",
    "OnlySqPermissionDeniedError",
    "OnlySqRateLimitError",
    "OnlySqResponseError",
    "OnlySqStreamError",
    "OnlySqTimeoutError",
    "Report",
    "__version__",
    "acheck",
    "alist_models",
    "check",
    "list_models",
    "register",
]

# Pickles made by 0.1.0 find their classes in this folder.
__path__.append(f"{__path__[0]}/compat")

_MODULES = {
    "ChatOnlySq": "chat_models",
    "OnlySqModel": "models.entries",
    "Report": "health.report",
    "acheck": "health.run",
    "alist_models": "models.catalogue",
    "check": "health.run",
    "list_models": "models.catalogue",
    "register": "registration",
}
"""Public name -> its module; all other names are errors."""


def __getattr__(name: str) -> Any:
    """Load a public name when it is first asked for.

    pytest loads the fixture of this package in every run, also in runs that need no LangChain.
    """
    if name not in __all__:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    module = import_module(f"{__name__}.{_MODULES.get(name, 'errors')}")
    value = getattr(module, name)
    globals()[name] = value
    return value
