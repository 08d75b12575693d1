"""What one call depends on: the fields that a keyword on the call may override."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterable
from difflib import get_close_matches
from math import inf
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator

from langchain_onlysq.errors import OnlySqInvalidRequestError
from langchain_onlysq.settings.http_library import plain_timeout

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

logger = logging.getLogger("langchain_onlysq")

Endpoint = Literal["v2", "openai"]


ALIASES = {
    "model_name": "model",
    "stop_sequences": "stop",
    "request_timeout": "timeout",
    "api_key": "onlysq_api_key",
    "base_url": "onlysq_api_base",
}
"""Other name of a field -> its name."""

SAMPLING = ("temperature", "top_p", "max_tokens", "seed", "stop")
"""Fields that are sent under their own name, when set."""

_NOT_IN_CACHE_KEYS = frozenset({"timeout", "stall_timeout", "max_retries", "pacing", "max_wait"})
"""Settings that cannot change an answer, so that LangChain's caches need not know them."""

RESERVED = frozenset(
    {"model", "messages", "stream", "stream_options", "request", "tools", "tool_choice", *SAMPLING}
)
"""Keys of the request that `model_kwargs` may not hold: each has a field or a method of its own."""


TimeoutTuple = tuple[float | None, float | None, float | None, float | None]
DEFAULT_TIMEOUT: TimeoutTuple = (10.0, 120.0, 60.0, 30.0)


def read_timeout(value: Any) -> Any:
    """Read a timeout in any of its forms.

    Returns:
        Seconds; or (connect, read, write, pool), of which each may be None; None = none.

    Raises:
        ValueError: If it cannot be one.
    """
    value = plain_timeout(value)
    if isinstance(value, (tuple, list)) and 0 < len(value) <= len(DEFAULT_TIMEOUT):
        parts = [None if part is None else _seconds(part) for part in value]
        return (*parts, *[None] * (len(DEFAULT_TIMEOUT) - len(parts)))
    return None if value is None else _seconds(value)


def given_timeouts(value: Any) -> TimeoutTuple:
    """Return the seconds for connect, read, write and pool that a caller means.

    Raises:
        ValueError: If it cannot be a timeout.
    """
    try:
        return _for_each(read_timeout(value))
    except ValueError as error:
        msg = f"timeout: {error}"
        raise ValueError(msg) from None


def _for_each(timeout: Any) -> TimeoutTuple:
    return timeout if isinstance(timeout, tuple) else (timeout, timeout, timeout, timeout)


def _seconds(value: Any) -> float:
    try:
        seconds = 0.0 if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        seconds = 0.0
    if not 0 < seconds < inf:
        msg = (
            "give seconds: a number above 0, (connect, read, write, pool), an httpx.Timeout, "
            "or None"
        )
        raise ValueError(msg)
    return seconds


def _as_list(value: Any) -> Any:
    if value is not None and not isinstance(value, Iterable):
        msg = "give a text, or a list of texts"
        raise ValueError(msg)
    return [value] if isinstance(value, str) else value


Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Number = Annotated[float, Field(allow_inf_nan=False)]
Timeout = Annotated[
    Seconds | tuple[Seconds | None, Seconds | None, Seconds | None, Seconds | None] | None,
    BeforeValidator(read_timeout),
]
StopSequences = Annotated[
    list[Annotated[str, Field(min_length=1)]] | None, BeforeValidator(_as_list)
]

ModelIds = Annotated[
    list[Annotated[str, Field(pattern=r"\S")]], BeforeValidator(lambda ids: _as_list(ids) or [])
]


class CallOptions(BaseModel):
    """The fields of `ChatOnlySq` that a keyword on a call may override for that call."""

    model_config = ConfigDict(
        extra="forbid",
        populate_by_name=True,
        hide_input_in_errors=True,
        arbitrary_types_allowed=True,
        protected_namespaces=(),
    )

    model: str
    """Model id, sent as it is."""

    endpoint: Endpoint = "v2"
    """Which of the two chat endpoints is used: `POST /v2` or `POST /openai/chat/completions`."""

    temperature: Number | None = None
    """Sampling temperature; sent only when set."""

    top_p: Number | None = None
    """Nucleus sampling: the share of probability to sample from; sent only when set."""

    max_tokens: int | None = None
    """Longest answer, in tokens; sent only when set."""

    seed: int | None = None
    """Seed for sampling; sent only when set."""

    reasoning_effort: Annotated[str, Field(min_length=1)] | None = None
    """How long the model may think: `"low"`, `"medium"`, `"high"`; sent only when set."""

    stop: StopSequences = None
    """Texts that end the answer. Sent, and obeyed here too, since v2 does not promise it."""

    model_kwargs: dict[str, Any] = Field(default_factory=dict)
    """Extra keys for the request (inside `request` on v2)."""

    stream_usage: bool = False
    """Ask for a usage chunk at the end of a stream (inside `request` on v2)."""

    timeout: Timeout = DEFAULT_TIMEOUT
    """Seconds: a number for all, (connect, read, write, pool), an `httpx.Timeout`; None = none."""

    stall_timeout: Seconds | None = 120.0
    """Longest silence of a stream, in seconds: before the first event and between two events.

    Heartbeats do not count as events, the caller's own pauses not as silence. None = off.
    """

    max_retries: Annotated[int, Field(ge=0)] = 2
    """Further attempts after the first, for each model."""

    pacing: bool = True
    """Whether calls wait for their turn at the service's limit of requests per minute."""

    max_wait: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    """Longest time that one call may wait for its turns, in seconds; None = no limit."""

    fallback_models: ModelIds = Field(default_factory=list)
    """Ids of models that are asked in turn where the one before failed for good.

    That is: with a rate limit, a missing model, a refusal of access, a failure of the service, a
    timeout or an empty answer, and before anything was delivered.
    """

    fallback_when: Literal["failed", "busy"] = "failed"
    """When the next of `fallback_models` is asked.

    `"busy"`: also as soon as a model's turn would have to be waited for.
    """

    max_repairs: Annotated[int, Field(ge=0)] = 1
    """Further requests for an answer whose tool calls, or whose object, cannot be read."""

    tool_calling: Literal["auto", "native", "prompted"] = "auto"
    """How tools reach the model: natively, in the prompt, or as the endpoint documents it."""

    merge_consecutive_messages: bool | None = None
    """Merge neighbours of one role before sending; None = on v2 only."""

    parse_reasoning: bool = True
    """Whether a leading `<think>…</think>` becomes reasoning instead of text."""

    allow_empty: bool = False
    """Whether an answer without text, reasoning or tool call is an answer, not an error."""

    allow_truncated_stream: bool = False
    """Whether a stream without an end mark is an answer, not an error."""

    @field_validator("model", mode="after")
    @classmethod
    def _check_model(cls, model: str) -> str:
        if not model.strip():
            msg = "the model id is blank"
            raise ValueError(msg)
        return model

    @field_validator("model_kwargs", mode="after")
    @classmethod
    def _check_model_kwargs(cls, model_kwargs: dict[str, Any]) -> dict[str, Any]:
        for name in model_kwargs:
            if name in cls.model_fields or name in ALIASES:
                msg = f"model_kwargs must not hold {name!r}: pass it as a field of its own"
                raise ValueError(msg)
            if name in RESERVED:
                msg = f"model_kwargs must not hold {name!r}, which is made from what is asked"
                raise ValueError(msg)
        return model_kwargs

    @property
    def native_tools(self) -> bool:
        """Whether tools have fields of their own on the wire; otherwise they are text."""
        if self.tool_calling == "auto":
            return self.endpoint == "openai"
        return self.tool_calling == "native"

    @property
    def timeouts(self) -> TimeoutTuple:
        """Seconds for connect, read, write and pool; None = none."""
        return _for_each(plain_timeout(self.timeout))

    @property
    def merges_messages(self) -> bool:
        """Whether neighbours of one role are merged before sending."""
        if self.merge_consecutive_messages is None:
            return self.endpoint == "v2"
        return self.merge_consecutive_messages


def with_overrides(
    options: CallOptions, keywords: Mapping[str, Any]
) -> tuple[CallOptions, dict[str, Any]]:
    """Apply the keywords of one call.

    Args:
        options: The model's own settings.
        keywords: The keywords of the call: names of fields, and extra keys for the request.

    Returns:
        The settings of this call, and the extra keys for the request (`model_kwargs` included).

    Raises:
        OnlySqInvalidRequestError: If a value cannot be sent, or a name stands for something that
            only the constructor takes.
    """
    check_names(options, keywords)
    extra: dict[str, Any] = {}
    changed: dict[str, Any] = {}
    for name, value in keywords.items():
        field = ALIASES.get(name, name)
        if field in changed and changed[field] != value:
            msg = f"{name!r} is another name of {field!r}, which has another value."
            raise OnlySqInvalidRequestError(msg, model=options.model)
        if field in CallOptions.model_fields:
            changed[field] = value
        elif field not in _NOT_SENT:
            _warn_of_near_field(name)
            extra[name] = value
    if not changed:
        return options, {**options.model_kwargs, **extra}
    fields = {name: getattr(options, name) for name in CallOptions.model_fields}
    try:
        options = CallOptions(**{**fields, **changed})
    except ValidationError as error:
        raise OnlySqInvalidRequestError(describe(error), model=options.model) from None
    return options, {**options.model_kwargs, **extra}


def check_names(options: CallOptions, keywords: Mapping[str, Any]) -> None:
    """Refuse keywords of a call that it cannot have; their values are not looked at.

    Raises:
        OnlySqInvalidRequestError: If a name stands for something that only the constructor takes,
            or that is made from what is asked.
    """
    fields = type(options).model_fields
    for name in keywords:
        field = ALIASES.get(name, name)
        if field in _NOT_FOR_CALLS:
            msg = f"{name!r} is made from what the model is asked: it cannot be a keyword."
        elif field in _LIKE_SECRETS:
            msg = f"{name!r} is not a keyword of a call: ChatOnlySq({_LIKE_SECRETS[field]}=…) is."
        elif field in fields and field not in CallOptions.model_fields:
            msg = f"{name!r} cannot be changed for one call: make a second ChatOnlySq with it."
        else:
            continue
        raise OnlySqInvalidRequestError(msg, model=options.model)


_LIKE_SECRETS = {
    **dict.fromkeys(("apikey", "openai_api_key", "authorization"), "api_key"),
    **dict.fromkeys(("headers", "extra_headers"), "default_headers"),
}
"""What others call what is secret here -> our name; it has no place in a body, nor in a trace."""

_NOT_FOR_CALLS = frozenset({"messages", "request"})
"""Keys of the request that no keyword of a call may replace."""

_NOT_SENT = frozenset({"stream", "ls_structured_output_format", "structured_output_format"})
"""Keywords that LangChain passes for its own use."""


_LOOK_ALIKES = frozenset(
    {"top_k", "top_a", "min_tokens", "max_new_tokens", "models", "reasoning_format"}
)
"""Keys that other services know, and that are hardly meant to be the field they look like."""

_OF_TOOLS = frozenset({"tools", "tool_choice", "response_format", "parallel_tool_calls"})


def _warn_of_near_field(name: str) -> None:
    """Warn of a keyword that is added to the request, and looks like a misspelt one."""
    known = {*CallOptions.model_fields, *ALIASES, *_OF_TOOLS}
    if name in known | _LOOK_ALIKES:
        return
    spelled = re.sub(r"(?<=[a-z])(?=[A-Z])|-", "_", name).lower()
    near = get_close_matches(spelled, sorted(known), n=1, cutoff=0.8)
    if near:
        logger.warning(
            "%r is not a setting and is added to the request as it is. Did you mean %r?",
            name,
            near[0],
        )


def cache_key(identity: Mapping[str, Any], keywords: Mapping[str, Any]) -> str:
    """Return what tells one call from another, as far as its answer goes.

    Args:
        identity: The settings of the model.
        keywords: The keywords of the call.
    """
    names = {ALIASES.get(name, name): value for name, value in keywords.items()}
    kept = [
        {name: value for name, value in part.items() if name not in _NOT_IN_CACHE_KEYS}
        for part in (identity, names)
    ]
    return json.dumps(kept, sort_keys=True, default=str)


def describe(error: ValidationError, named: Callable[[str], str] = str) -> str:
    """Say in one line what pydantic found wrong, without the values it found.

    Args:
        error: What it raised.
        named: Returns what a field is called; "" for one that its message names.
    """
    return "; ".join(
        ": ".join(filter(None, [*(named(str(part)) for part in entry["loc"][:1]), said]))
        for entry in error.errors(include_url=False, include_context=False, include_input=False)
        for said in [entry["msg"].removeprefix("Value error, ")]
    )


def unknown_keyword(name: str, known: Iterable[str]) -> str:
    """Say that a keyword is unknown, and which it may have been meant to be."""
    near = get_close_matches(name, list(known), n=1, cutoff=0.6)
    meant = f"; did you mean {near[0]!r}?" if near else "."
    return f"unknown parameter {name!r}{meant} Extra keys for the request go into model_kwargs."
