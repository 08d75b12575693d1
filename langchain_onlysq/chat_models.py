"""ChatOnlySq: the fields, and short methods that call the steps below."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from functools import partial
from inspect import signature
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar, Unpack, cast

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models.base import LangSmithParams, LanguageModelInput
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_core.prompt_values import PromptValue
from langchain_core.runnables import Runnable, RunnableMap
from pydantic import ConfigDict, PrivateAttr, model_validator

from langchain_onlysq._version import __version__
from langchain_onlysq.completion import Completion
from langchain_onlysq.models.profiles import profile_of
from langchain_onlysq.outputs.chunks import CORE_KNOWS_OUR_EVENTS, ChunkMaker, Outputs, ResultMaker
from langchain_onlysq.outputs.content_blocks import PROVIDER
from langchain_onlysq.outputs.events import EventMaker, message_id
from langchain_onlysq.request.builder import RequestBuilder
from langchain_onlysq.request.content_blocks import check_parts
from langchain_onlysq.request.token_estimates import TokenEstimates
from langchain_onlysq.request.tools import format_tools, normalize_tool_choice, response_format_for
from langchain_onlysq.settings.call_options import (
    ALIASES,
    CallOptions,
    cache_key,
    check_names,
)
from langchain_onlysq.settings.keywords import ConstructorKeywords
from langchain_onlysq.settings.loading import load_langchains_own
from langchain_onlysq.settings.model_settings import ModelSettings, hide_secrets
from langchain_onlysq.settings.service import KEY_VARIABLE
from langchain_onlysq.transport import driver
from langchain_onlysq.transport.channels import AsyncChannel, Channel
from langchain_onlysq.transport.clients import Clients, ClientSettings, Closing

if TYPE_CHECKING:
    from langchain_core.tools import BaseTool
else:
    # LangChain evaluates the annotations below (`with_fallbacks` does), so all of them are imported
    # here but this one, whose module is heavy; a tool is a runnable.
    BaseTool = Runnable

logger = logging.getLogger("langchain_onlysq")

T = TypeVar("T")
Method = TypeVar("Method", bound=Callable[..., Any])


def _with_signature(method: Method) -> Method:
    """Note a method's signature: LangChain asks for it in each call, and making it takes long."""
    method.__signature__ = signature(method)  # type: ignore[attr-defined]
    return method


class ChatOnlySq(Closing, TokenEstimates, BaseChatModel, ModelSettings):
    """Chat models of OnlySq, a free service in front of a hundred of them.

    Every field of `CallOptions` can also be passed as a keyword of a call, for that call alone;
    other keywords of a call are added to the request body.

    Example:
        ```python
        from langchain_onlysq import ChatOnlySq

        llm = ChatOnlySq(model="gpt-4o-mini")
        llm.invoke("Why is the sky blue?").content
        for chunk in llm.stream("Count to five."):
            print(chunk.content, end="")
        ```
    """

    model_config = ConfigDict(**CallOptions.model_config, defer_build=False)

    _clients: Clients = PrivateAttr(default_factory=Clients)

    def __init__(self, **kwargs: Unpack[ConstructorKeywords]) -> None:
        """Make a model. No connection is opened and nothing is sent."""
        hide_secrets(cast("dict[str, Any]", kwargs), type(self).model_fields)
        super().__init__(**kwargs)

    @model_validator(mode="after")
    def _set_onlysq_version(self) -> Self:
        """Name this package's version in traces."""
        self._add_version("langchain-onlysq", __version__)
        return self

    @model_validator(mode="after")
    def _set_onlysq_profile(self) -> Self:
        """Say what is known of the model, unless the caller did.

        Not by `_resolve_model_profile`: LangChain checks the keys of what that returns, which takes
        longer than all the rest of making a model. A test checks ours, once.
        """
        if self.profile is None:
            self.profile = profile_of(self)
        return self

    def __copy__(self) -> Self:
        """Copy, also for `model_copy`: the copy makes connections of its own."""
        copied = super().__copy__()
        copied._clients = Clients()  # noqa: SLF001 - the copy is one of us
        copied.profile = self.profile and self.profile.copy()
        return copied

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Copy the model, with other settings; a profile that was looked up is looked up again."""
        copied = super().model_copy(update=update, deep=deep)
        if "profile" not in (update or {}) and self.profile == profile_of(self):
            copied.profile = profile_of(copied)
        return copied

    def __setstate__(self, state: dict[Any, Any]) -> None:
        """Unpickle, with connections of its own; an older pickle lacks the newer fields."""
        fields = type(self).model_fields
        defaults = {name: field.get_default() for name, field in fields.items()}
        super().__setstate__({**state, "__dict__": {**defaults, **state["__dict__"]}})
        self._clients = Clients()

    # Identity: tracing, caching, serialisation

    @property
    def _llm_type(self) -> str:
        return "onlysq-chat"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        """All that tells one configuration from another, and nothing secret."""
        options = {name: getattr(self, name) for name in CallOptions.model_fields}
        return {**options, "base_url": self.onlysq_api_base, "streaming": self.streaming}

    @classmethod
    def is_lc_serializable(cls) -> bool:
        """Tell LangChain that `dumps` and `loads` work."""
        return True

    @classmethod
    def get_lc_namespace(cls) -> list[str]:
        """Return the name under which `loads` finds the class."""
        return ["langchain_onlysq", "chat_models"]

    @property
    def lc_secrets(self) -> dict[str, str]:
        """Name the variable that stands for the key in `dumps`."""
        return {"onlysq_api_key": KEY_VARIABLE}

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        names = {ALIASES.get(name, name): value for name, value in kwargs.items()}
        params = super()._get_ls_params(stop=stop or names.pop("stop", None) or self.stop, **names)
        params["ls_provider"] = PROVIDER
        return params

    def _get_llm_string(self, stop: list[str] | None = None, **kwargs: Any) -> str:
        """Return what LangChain's caches tell calls apart by: all that may change an answer."""
        own = {"class": self.lc_id(), "output_version": self.output_version}
        return cache_key({**self._identifying_params, **own}, {**kwargs, "stop": stop})

    def _get_invocation_params(self, stop: Any = None, **kwargs: Any) -> dict[str, Any]:
        load_langchains_own()
        # LangChain asks for these first, and tells them to whoever listens.
        check_names(self, kwargs)
        return super()._get_invocation_params(stop=stop, **kwargs)

    if not TYPE_CHECKING:
        # For type checkers it is LangChain's, whose result has a private type.

        def bind(self, **kwargs: Any) -> Any:
            """Bind keywords of a call, as every runnable does.

            Raises:
                OnlySqInvalidRequestError: If one of them cannot be a keyword, such as `api_key`.
            """
            check_names(self, kwargs)
            return super().bind(**kwargs)

    # Tools and structured output

    def bind_tools(
        self,
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool],
        *,
        tool_choice: str | dict[str, Any] | bool | None = None,
        strict: bool | None = None,
        parallel_tool_calls: bool | None = None,
        response_format: Any = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """Bind tools, which reach the model natively or in its prompt (see `tool_calling`).

        Args:
            tools: LangChain tools, functions, pydantic classes, TypedDicts, JSON schemas.
            tool_choice: `"auto"`, `"none"`, `"any"` (also `"required"` or True), the name of a
                tool, or OpenAI's object. A call that was forced and did not come is asked for
                once more.
            strict: Whether arguments must follow their schema, where the model knows of it.
            parallel_tool_calls: Whether several calls may come at once; native only.
            response_format: The form of a final answer: a schema, or OpenAI's object for it.
            **kwargs: Further keywords for each call.

        Returns:
            The model with the tools bound.

        Raises:
            OnlySqInvalidRequestError: If `tool_choice` does not name a bound tool, or a tool is
                one that only its own provider can run.
        """
        formatted = format_tools(tools, strict=strict)
        bound: dict[str, Any] = {
            "tools": formatted,
            "tool_choice": normalize_tool_choice(tool_choice, formatted),
        }
        if parallel_tool_calls is not None:
            bound["parallel_tool_calls"] = parallel_tool_calls
        if response_format is not None:
            bound["response_format"] = response_format_for(response_format, strict=strict)
        return self.bind(**bound, **kwargs)

    def with_structured_output(
        self,
        schema: dict[str, Any] | type,
        *,
        method: Literal["json_schema", "function_calling", "json_mode"] = "json_schema",
        include_raw: bool = False,
        strict: bool | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, Any]:
        """Return a model that answers with an object of a schema.

        Args:
            schema: A pydantic class (v2 or v1), a TypedDict, or a JSON schema.
            method: How it is asked for: as JSON of the schema, as the call of a tool, or as any
                JSON, whose form the caller's own messages describe (in the prompt, where there is
                no native way, the schema is named all the same).
            include_raw: Whether to return `{"raw", "parsed", "parsing_error"}` instead of raising.
            strict: Whether the schema must be followed, where the model knows of it.
            **kwargs: Further keywords for each call.

        Returns:
            A runnable. It raises `OutputParserException` where the answer holds no whole object,
            unless `include_raw` is set.

        Raises:
            ValueError: If the method is unknown.
        """
        from langchain_onlysq.outputs.structured_output import with_raw
        from langchain_onlysq.request.structured import ask_for

        asked, parser = ask_for(schema, method, strict=strict, include_raw=include_raw)
        llm = self.bind(**asked, **kwargs)
        if not include_raw:
            return llm | parser
        return RunnableMap(raw=llm) | with_raw(parser)

    # Calls

    def _convert_input(self, model_input: LanguageModelInput) -> PromptValue:
        """Read the input; LangChain itself fails at parts without a proper type."""
        prompt = super()._convert_input(model_input)
        check_parts(prompt.to_messages())
        return prompt

    @_with_signature
    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        completion = self._completion(messages, stop, kwargs, ResultMaker, stream=False)
        return driver.run(completion.steps(), self._channel(run_manager))

    @_with_signature
    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        completion = self._completion(messages, stop, kwargs, ResultMaker, stream=False)
        return await driver.arun(completion.steps(), self._achannel(run_manager))

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        completion = self._completion(messages, stop, kwargs, ChunkMaker, stream=True)
        return driver.stream(completion.steps(), self._channel(run_manager))

    def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        completion = self._completion(messages, stop, kwargs, ChunkMaker, stream=True)
        return driver.astream(completion.steps(), self._achannel(run_manager))

    if CORE_KNOWS_OUR_EVENTS:
        # Otherwise langchain-core makes the events from the chunks of `_stream`.

        def _stream_chat_model_events(
            self,
            messages: list[BaseMessage],
            stop: list[str] | None = None,
            run_manager: CallbackManagerForLLMRun | None = None,
            **kwargs: Any,
        ) -> Iterator[dict[str, Any]]:
            completion = self._event_completion(messages, stop, kwargs, run_manager)
            return driver.stream(completion.steps(), self._channel(run_manager))

        def _astream_chat_model_events(
            self,
            messages: list[BaseMessage],
            stop: list[str] | None = None,
            run_manager: AsyncCallbackManagerForLLMRun | None = None,
            **kwargs: Any,
        ) -> AsyncIterator[dict[str, Any]]:
            completion = self._event_completion(messages, stop, kwargs, run_manager)
            return driver.astream(completion.steps(), self._achannel(run_manager))

    def _get_request_payload(
        self,
        input: LanguageModelInput,  # noqa: A002 - the name that every integration has
        *,
        stop: list[str] | None = None,
        **kwargs: Any,
    ) -> dict[str, Any]:
        """Return the exact JSON body of a call, without sending it.

        Args:
            input: What would be passed to `invoke`.
            stop: Stop sequences of the call.
            **kwargs: Further keywords of the call; `stream=True` gives the body of a stream.

        Raises:
            OnlySqInvalidRequestError: If something in it cannot be sent.
        """
        messages = self._convert_input(input).to_messages()
        stream = bool(kwargs.get("stream"))
        requests = RequestBuilder(self, messages, stop, kwargs, stream=stream)
        body = requests.first(requests.options.model).body or b""
        return cast("dict[str, Any]", json.loads(body))

    def _completion(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None,
        kwargs: Mapping[str, Any],
        new_outputs: Callable[[], Outputs[T]],
        *,
        stream: bool,
    ) -> Completion[T]:
        requests = RequestBuilder(self, messages, stop, kwargs, stream=stream)
        return Completion(requests, new_outputs)

    def _event_completion(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None,
        kwargs: Mapping[str, Any],
        run_manager: CallbackManagerForLLMRun | AsyncCallbackManagerForLLMRun | None,
    ) -> Completion[dict[str, Any]]:
        new_outputs = partial(EventMaker, message_id(run_manager))
        return self._completion(messages, stop, kwargs, new_outputs, stream=True)

    def _channel(self, run_manager: CallbackManagerForLLMRun | None) -> Channel:
        settings = ClientSettings(self.proxy, self.verify)
        lend = self._clients.lender(settings, self.http_client)
        return Channel(lend, self.rate_limiter, run_manager)

    def _achannel(self, run_manager: AsyncCallbackManagerForLLMRun | None) -> AsyncChannel:
        if self.http_client is not None and self.http_async_client is None:
            logger.warning("http_client serves sync calls only; async ones use our own client")
        settings = ClientSettings(self.proxy, self.verify)
        lend = self._clients.async_lender(settings, self.http_async_client)
        return AsyncChannel(lend, self.rate_limiter, run_manager)

    def close(self) -> None:
        """Close the connections that this model made; a later call makes new ones."""
        self._clients.close()

    async def aclose(self) -> None:
        """Close the connections that this model made; a later call makes new ones."""
        await self._clients.aclose()
