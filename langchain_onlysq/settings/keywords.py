"""What the constructor takes, as type checkers and editors know it.

They read a field's type as what it takes, too; but a key is given as a plain text, a timeout as a
pair. So the forms that are taken stand here, the forms that are kept with the fields.
"""

import ssl
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, Required, TypedDict

from langchain_core.caches import BaseCache
from langchain_core.callbacks import Callbacks
from langchain_core.language_models.model_profile import ModelProfile
from langchain_core.rate_limiters import BaseRateLimiter
from pydantic import SecretStr

from langchain_onlysq.settings.call_options import (
    Endpoint,
)

if TYPE_CHECKING:
    import httpx
    import httpx2

    AnyTimeout = httpx.Timeout | httpx2.Timeout
    AnyClient = httpx.Client | httpx2.Client
    AnyAsyncClient = httpx.AsyncClient | httpx2.AsyncClient
    AnyProxy = str | httpx.URL | httpx.Proxy | httpx2.URL | httpx2.Proxy
else:
    # Neither of the two is loaded for the sake of its types.
    AnyTimeout = AnyClient = AnyAsyncClient = AnyProxy = Any


class ConstructorKeywords(TypedDict, total=False):
    """The keywords of `ChatOnlySq`, under their short names; its fields say what each means."""

    model: Required[str]
    api_key: SecretStr | str | None
    base_url: str | None
    endpoint: Endpoint
    temperature: float | None
    top_p: float | None
    max_tokens: int | None
    seed: int | None
    reasoning_effort: str | None
    stop: str | list[str] | None
    model_kwargs: dict[str, Any]
    streaming: bool
    stream_usage: bool
    timeout: float | tuple[float | None, ...] | AnyTimeout | None
    stall_timeout: float | None
    max_retries: int
    pacing: bool
    max_wait: float | None
    fallback_models: list[str]
    fallback_when: Literal["failed", "busy"]
    max_repairs: int
    tool_calling: Literal["auto", "native", "prompted"]
    merge_consecutive_messages: bool | None
    parse_reasoning: bool
    allow_empty: bool
    allow_truncated_stream: bool
    default_headers: dict[str, str] | None
    http_client: AnyClient | None
    http_async_client: AnyAsyncClient | None
    proxy: AnyProxy | None
    verify: ssl.SSLContext | str | bool

    # LangChain's own
    name: str | None
    cache: BaseCache | bool | None
    verbose: bool
    callbacks: Callbacks
    tags: list[str] | None
    metadata: dict[str, Any] | None
    custom_get_token_ids: Callable[[str], list[int]] | None
    rate_limiter: BaseRateLimiter | None
    disable_streaming: bool | Literal["tool_calling"]
    output_version: str | None
    profile: ModelProfile | None
