"""What the constructor takes beside the settings of a call: key, address, connections."""

from __future__ import annotations

import ssl
from collections.abc import Collection, Mapping
from functools import partial
from typing import Annotated, Any

from pydantic import AfterValidator, ConfigDict, Field, SecretStr, field_validator, model_validator

from langchain_onlysq.settings.call_options import (
    ALIASES,
    CallOptions,
    unknown_keyword,
)
from langchain_onlysq.settings.http_library import check_client, kinds_of
from langchain_onlysq.settings.service import (
    base_url_from_environment,
    check_headers,
    check_key,
    key_from_environment,
    normalize_base_url,
)

_SyncClient = AfterValidator(partial(check_client, is_async=False))
_AsyncClient = AfterValidator(partial(check_client, is_async=True))


_FROM_ENVIRONMENT = frozenset({"onlysq_api_key", "onlysq_api_base"})
"""Fields of which None means the environment's: so `loads` passes a key that it does not find."""


class ModelSettings(CallOptions):
    """The fields of `ChatOnlySq` that hold for all of its calls."""

    # Only its subclass is ever made.
    model_config = ConfigDict(defer_build=True)

    onlysq_api_key: SecretStr = Field(
        default_factory=key_from_environment,
        alias="api_key",
        validate_default=True,
    )
    """The key: given, else from `ONLYSQ_API_KEY`, else the public key."""

    onlysq_api_base: str = Field(
        default_factory=base_url_from_environment, alias="base_url", validate_default=True
    )
    """Base URL: given, else from `ONLYSQ_API_BASE`, else the service's own.

    A trailing `/v2`, `/openai`, `/openai/v1`, `/chat/completions` or slash is dropped.
    """

    streaming: bool = False
    """Whether `invoke` streams under the hood."""

    default_headers: dict[str, str] | None = Field(default=None, exclude=True, repr=False)
    """Extra headers; never shown, never part of a cache key."""

    http_client: Annotated[Any, _SyncClient] = Field(default=None, exclude=True, repr=False)
    """Your own client for sync calls; it is used as it is and never closed here."""

    http_async_client: Annotated[Any, _AsyncClient] = Field(default=None, exclude=True, repr=False)
    """Your own client for async calls; it is used as it is and never closed here."""

    proxy: Any = Field(default=None, exclude=True, repr=False)
    """Proxy for the package's own clients: a URL or an `httpx.Proxy`; None = the environment's."""

    verify: ssl.SSLContext | str | bool = Field(default=True, exclude=True, repr=False)
    """TLS certificates of the package's own clients: True, False, a file or folder, a context."""

    @model_validator(mode="before")
    @classmethod
    def _resolve_names(cls, values: Any) -> Any:
        """Bring the other names of fields to theirs, and refuse names that mean nothing."""
        if not isinstance(values, dict):
            return values
        resolved: dict[str, Any] = {}
        names: dict[str, str] = {}
        for name, value in values.items():
            field = ALIASES.get(name, name)
            if value is None and field in _FROM_ENVIRONMENT:
                continue
            if field not in cls.model_fields:
                raise ValueError(unknown_keyword(name, [*cls.model_fields, *ALIASES]))
            if field in resolved and resolved[field] != value:
                msg = f"{name!r} and {names[field]!r} are names of one setting, with two values"
                raise ValueError(msg)
            resolved[field] = value
            names[field] = name
        return resolved

    @field_validator("onlysq_api_key", mode="after")
    @classmethod
    def _check_key(cls, key: SecretStr) -> SecretStr:
        check_key(key)
        return key

    @field_validator("onlysq_api_base", mode="after")
    @classmethod
    def _check_base_url(cls, url: str) -> str:
        return normalize_base_url(url)

    @field_validator("default_headers", mode="after")
    @classmethod
    def _check_headers(cls, headers: dict[str, str] | None) -> dict[str, str] | None:
        return None if headers is None else check_headers(headers)

    # Other names of fields, for reading

    @property
    def model_name(self) -> str:
        """Other name of `model`."""
        return self.model

    @property
    def api_key(self) -> SecretStr:
        """Other name of `onlysq_api_key`."""
        return self.onlysq_api_key

    @property
    def base_url(self) -> str:
        """Other name of `onlysq_api_base`."""
        return self.onlysq_api_base

    @property
    def stop_sequences(self) -> list[str] | None:
        """Other name of `stop`."""
        return self.stop

    @property
    def request_timeout(self) -> Any:
        """Other name of `timeout`."""
        return self.timeout


class _Hidden(str):
    """A text that does not show itself."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'**********'"


_SECRET_FIELDS = frozenset({"onlysq_api_base", "default_headers", "proxy"})


def hide_secrets(kwargs: dict[str, Any], fields: Collection[str]) -> None:
    """Wrap what may be secret at once, so that no frame of a failing construction shows it.

    Args:
        kwargs: The keywords of the constructor; a name that means nothing may be a misspelt one.
        fields: The names of the fields.
    """
    for name, value in kwargs.items():
        field = ALIASES.get(name, name)
        if field == "onlysq_api_key":
            kwargs[name] = SecretStr(value) if isinstance(value, str) else _hidden(value)
        elif field in _SECRET_FIELDS or field not in fields:
            kwargs[name] = _hidden(value)


def _hidden(value: Any) -> Any:
    """Return a value whose texts do not show themselves."""
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if isinstance(value, str):
        return _Hidden(value)
    if isinstance(value, Mapping):
        return {_hidden(name): _hidden(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_hidden(item) for item in value]
    return _Hidden(value) if "URL" in kinds_of(value) else value
