"""LangChain chat models of OnlySq."""

from langchain_onlysq._version import __version__
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
