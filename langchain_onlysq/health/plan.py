"""What is asked, in which order, and what the answers mean; the same for sync and async."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeAlias

from langchain_core.version import VERSION as CORE_VERSION

from langchain_onlysq._version import __version__
from langchain_onlysq.chat_models import ChatOnlySq
from langchain_onlysq.errors import (
    OnlySqAuthenticationError,
    OnlySqConnectionError,
    OnlySqError,
    OnlySqPermissionDeniedError,
    OnlySqRateLimitError,
    OnlySqStreamError,
    OnlySqTimeoutError,
)
from langchain_onlysq.errors.bodies import excerpt, looks_like_html
from langchain_onlysq.errors.classify import UNKNOWN_MODEL_HINT
from langchain_onlysq.health import judge, questions
from langchain_onlysq.health.connection import address_result, no_address, proxy_result
from langchain_onlysq.health.recording import OVER_BUDGET, Recorder
from langchain_onlysq.health.report import CheckResult, Report
from langchain_onlysq.models.catalogue import Catalogue
from langchain_onlysq.models.entries import entry_as_sent
from langchain_onlysq.settings.call_options import given_timeouts
from langchain_onlysq.settings.http_library import http, kinds_of

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from langchain_core.messages import BaseMessage

    from langchain_onlysq.health.recording import Recording
    from langchain_onlysq.settings.service import Service

MOST_REQUESTS = 12

_QUOTED_CHARS = 60

_BUSY = "the service is busy: too many requests"

_OBSTACLES: tuple[tuple[type[OnlySqError], str], ...] = (
    (OnlySqAuthenticationError, "the key was refused"),
    (OnlySqPermissionDeniedError, "the key was refused"),
    (OnlySqRateLimitError, _BUSY),
    (OnlySqTimeoutError, "the plain answer took too long"),
    (OnlySqStreamError, ""),
    (OnlySqConnectionError, "there is no connection"),
)
"""What the plain question met with, and every other one would meet with; "" for what it may not."""

_ONCE = frozenset({"max_retries", "max_repairs"})

_NOT_THERE = frozenset({"ConnectError", "ProxyError", "ConnectTimeout"})


@dataclass
class Connect:
    """Open a client; the outcome is whether it obeys the variables for proxies."""


@dataclass
class Ask:
    """Ask a model; the outcome is its answer, of a stream the list of its chunks."""

    runnable: Any
    messages: list[BaseMessage]
    streams: bool = False


Action: TypeAlias = Connect | Catalogue | Ask
"""What has to be waited for."""

Look: TypeAlias = "Generator[Action | CheckResult, Any, CheckResult]"
Steps: TypeAlias = "Generator[Action | CheckResult, Any, None]"


class Plan:
    """One check of the service.

    Args:
        model: Model id.
        service: Whom to ask, and with which key.
        timeout: Seconds for each step of a request; None = none.

    Attributes:
        recorder: What went over the wire so far.
        client: The field of `ChatOnlySq` with the client to use; set once there is one.

    Raises:
        ValueError: If the model id or the timeout cannot be used.
    """

    def __init__(self, model: str, service: Service, timeout: Any) -> None:
        self.model = model
        self.service = service
        self.recorder = Recorder(MOST_REQUESTS)
        self.client: dict[str, Any] = {}
        self._timeouts = given_timeouts(timeout)
        self._context = service.error_context(model)
        self._checked_at = datetime.now(UTC).replace(microsecond=0)
        self._obstacle = ""
        # The errors that were told already.
        self._told: set[str] = set()
        self._chat()

    def _chat(self, **fields: Any) -> ChatOnlySq:
        """Make a model that is asked once, and waits for nothing."""
        once: dict[str, Any] = dict.fromkeys(_ONCE & ChatOnlySq.model_fields.keys(), 0)
        return ChatOnlySq(
            model=self.model,
            base_url=self.service.base_url,
            api_key=self.service.key,
            timeout=self._timeouts,
            stall_timeout=self._timeouts[1],
            cache=False,
            output_version="v0",
            **once,
            **self.client,
            **fields,
        )

    def _quote(self, text: str) -> str:
        """Quote the beginning of an answer; the key comes out before it could be cut in two."""
        return repr(excerpt(str(text), self._context.redact, _QUOTED_CHARS))

    def without_key(self, result: CheckResult) -> CheckResult:
        """Return a result without the key, which an answer may have quoted."""
        if result.name == "key":
            return result  # its words are all ours, and "key" is one of them
        told = {"detail": result.detail, "advice": result.advice, "data": result.data}
        return result.model_copy(update=self._context.redact_value(told))

    def report(self, results: list[CheckResult]) -> Report:
        """Return all that was found."""
        library = http()
        return Report(
            model=self.model,
            base_url=self.service.base_url,
            checked_at=self._checked_at,
            versions={
                "langchain-onlysq": __version__,
                "python": platform.python_version(),
                "langchain-core": CORE_VERSION,
                library.__name__: library.__version__,
            },
            results=results,
            exchanges=[r.exchange(self._context.redact) for r in self.recorder.recordings],
        )

    # In order

    def steps(self) -> Steps:
        """Yield what has to be waited for, and each result as soon as it is known."""
        yield from self._connection()
        yield from self._plain_answer()
        looks: dict[str, Callable[[], Look]] = {
            "streamed answer": self._streamed,
            "system message": self._system,
            "tool call, prompted": self._prompted_tool,
            "tool call, native": self._native_tool,
            "JSON": self._object,
            "image": self._image,
        }
        for name, look in looks.items():
            yield from self._look(name, look)

    def _look(self, name: str, look: Callable[[], Look]) -> Steps:
        """Look at one thing, unless something stands in the way."""
        self.recorder.check = name
        if self._obstacle:
            yield self._not_asked(name)
            return
        try:
            yield (yield from look())
        except OnlySqError as error:
            if error.code == OVER_BUDGET:
                self._obstacle = str(error)
                yield self._not_asked(name)
                return
            yield self._failure(name, error)
            if isinstance(error, OnlySqRateLimitError):
                self._obstacle = _BUSY

    def _not_asked(self, name: str) -> CheckResult:
        return judge.unchecked(name, f"not asked, since {self._obstacle}")

    def _failure(self, name: str, error: OnlySqError) -> CheckResult:
        """Tell of an error, at length only once."""
        again = str(error) in self._told
        self._told.add(str(error))
        return judge.failure(name, error, again=again)

    def _connection(self) -> Steps:
        """Fetch the catalogue, by which the connection shows, too."""
        try:
            trusts_environment = yield Connect()
        except OnlySqError as error:
            yield self._unreachable(error)
            yield from self._unknown_catalogue("there is no connection")
            return
        base_url = self.service.base_url
        self.recorder.check = "catalogue"
        yield proxy_result(base_url, trusts_environment=trusts_environment)
        try:
            models = yield Catalogue(base_url, self.service.key, self._timeouts, max_retries=0)
        except OnlySqError as error:
            if not self._has_answer():
                yield self._unreachable(error)
                yield from self._unknown_catalogue("there was no answer")
                return
            yield address_result(base_url, self._latest)
            yield self._failure("catalogue", error)
            yield judge.unchecked("model", "not known, since there is no catalogue")
            return
        yield address_result(base_url, self._latest)
        yield judge.catalogue(models)
        sent = [entry_as_sent(value, self.model) for value in self._latest.values]
        yield judge.listed(self.model, models, base_url, next(filter(None, sent), None))

    @property
    def _latest(self) -> Recording:
        return self.recorder.recordings[-1]

    def _has_answer(self) -> bool:
        return bool(self.recorder.recordings) and self._latest.response is not None

    def _unreachable(self, error: OnlySqError) -> CheckResult:
        if error.code == "configuration" or kinds_of(error.__cause__) & _NOT_THERE:
            self._obstacle = "there is no connection"
        return no_address(self.service.base_url, error)

    def _unknown_catalogue(self, reason: str) -> Steps:
        for name in ("catalogue", "model"):
            yield judge.unchecked(name, f"not known, since {reason}")

    def _plain_answer(self) -> Steps:
        """Ask for a plain answer, by which the key shows, too."""
        name = self.recorder.check = "whole answer"
        found: CheckResult | None = None
        failed: OnlySqError | None = None
        if not self._obstacle:
            try:
                found = yield from self._whole()
            except OnlySqError as error:
                failed = error
        yield judge.key(self.service.key, found, failed)
        if failed is not None:
            found = self._failure(name, failed)
            self._obstacle = self._obstacle_in(failed)
        yield found or self._not_asked(name)

    def _obstacle_in(self, failed: OnlySqError) -> str:
        """Say what every other question would meet with, too; "" where it may not."""
        if self._has_answer() and looks_like_html(self._latest.text.encode()):
            return "there is an HTML page in place of the service"
        if UNKNOWN_MODEL_HINT in str(failed):
            return "the service knows no such model"
        return next((said for kind, said in _OBSTACLES if isinstance(failed, kind)), "")

    # One thing each

    def _whole(self) -> Look:
        message = yield Ask(self._chat(), questions.PLAIN)
        return judge.whole(message, self.model, self._latest, self._quote)

    def _streamed(self) -> Look:
        chunks = yield Ask(self._chat(), questions.STREAMED, streams=True)
        return judge.streamed(chunks, self._latest, self._quote)

    def _system(self) -> Look:
        message = yield Ask(self._chat(), questions.SYSTEM)
        return judge.system(message, questions.SYSTEM_WORD, self._quote)

    def _prompted_tool(self) -> Look:
        llm = self._chat(tool_calling="prompted").bind_tools([questions.WEATHER])
        message = yield Ask(llm, questions.TOOL)
        return judge.tool_call("tool call, prompted", message, self._quote)

    def _native_tool(self) -> Look:
        llm = self._chat(endpoint="openai", tool_calling="native")
        message = yield Ask(llm.bind_tools([questions.WEATHER]), questions.TOOL)
        return judge.tool_call("tool call, native", message, self._quote)

    def _object(self) -> Look:
        llm = self._chat().with_structured_output(questions.CITY, include_raw=True)
        answer = yield Ask(llm, questions.OBJECT)
        return judge.structured(answer, self._quote)

    def _image(self) -> Look:
        message = yield Ask(self._chat(), questions.IMAGE)
        return judge.image(message, questions.IMAGE_WORD, self._quote)
