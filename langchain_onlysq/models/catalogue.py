"""The catalogue, `GET /ai/models`: which models are on offer, and what is said of them."""

from __future__ import annotations

import json
from contextlib import aclosing, closing
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from langchain_onlysq.errors import (
    OnlySqEmptyResponseError,
    OnlySqResponseError,
    OnlySqTimeoutError,
)
from langchain_onlysq.errors.bodies import excerpt, looks_like_html, names_an_error
from langchain_onlysq.errors.classify import error_from_payload
from langchain_onlysq.errors.near_ids import remember
from langchain_onlysq.models.entries import OnlySqModel, read_models
from langchain_onlysq.request.prepared import PreparedRequest
from langchain_onlysq.response.sse import EventDecoder, Halved, Unreadable, without_surrogates
from langchain_onlysq.settings.call_options import given_timeouts
from langchain_onlysq.settings.http_library import check_client
from langchain_onlysq.settings.service import Service
from langchain_onlysq.transport import driver
from langchain_onlysq.transport.attempts import attempts, send_request
from langchain_onlysq.transport.channels import AsyncChannel, Channel
from langchain_onlysq.transport.clients import Clients, ClientSettings
from langchain_onlysq.transport.event_loops import running_loop
from langchain_onlysq.transport.stall_timer import StallTimer

if TYPE_CHECKING:
    from collections.abc import Generator

    from langchain_onlysq.settings.keywords import AnyAsyncClient, AnyClient
    from langchain_onlysq.transport.flow import Effect

__all__ = ["OnlySqModel", "alist_models", "list_models"]

_TIMEOUT = 30.0
_MAX_RETRIES = 2
_WORKING = "work"


def list_models(
    *,
    base_url: str | None = None,
    api_key: str | SecretStr | None = None,
    timeout: float | None = _TIMEOUT,
    http_client: AnyClient | None = None,
    modality: str | None = None,
    tools: bool | None = None,
    streaming: bool | None = None,
    working: bool | None = None,
) -> list[OnlySqModel]:
    """Return the models on offer.

    Asked again, up to twice, where the service fails: it does so often here. The catalogue answers
    without a valid key, so it proves none. A filter keeps the models of which the catalogue says
    just that; of those it says nothing of, none.

    Args:
        base_url: As for `ChatOnlySq`; None = `ONLYSQ_API_BASE`, or the service's own.
        api_key: As for `ChatOnlySq`; None = `ONLYSQ_API_KEY`, or the public key.
        timeout: Seconds for each step of a request; None = none.
        http_client: Your own client, which is not closed here.
        modality: Only models that make this: `"text"`, `"image"` or `"sound"`.
        tools: Only models that take tools natively (False: that do not).
        streaming: Only models whose answers can be streamed (False: that cannot).
        working: Only models whose status is `"work"` (False: that have another one, `"unstable"`
            or `"not_work"`).

    Returns:
        The models, in the order of the catalogue.

    Raises:
        ValueError: If the key, the base URL, the timeout or the client cannot be used.
        OnlySqError: If there was no catalogue to be had.
    """
    check_client(http_client, is_async=False, twin="alist_models()")
    api_key = _hidden(api_key)
    steps = Catalogue(base_url, api_key, timeout).steps()
    with closing(Clients()) as clients:
        channel = Channel(clients.lender(ClientSettings(), http_client))
        models = driver.run(steps, channel)
    return _filtered(models, modality, tools=tools, streaming=streaming, working=working)


async def alist_models(
    *,
    base_url: str | None = None,
    api_key: str | SecretStr | None = None,
    timeout: float | None = _TIMEOUT,  # noqa: ASYNC109 - of the request, as in the sync twin
    http_client: AnyAsyncClient | None = None,
    modality: str | None = None,
    tools: bool | None = None,
    streaming: bool | None = None,
    working: bool | None = None,
) -> list[OnlySqModel]:
    """Return the models on offer, as `list_models` does."""
    check_client(http_client, is_async=True, twin="list_models()")
    running_loop()
    api_key = _hidden(api_key)
    steps = Catalogue(base_url, api_key, timeout).steps()
    async with aclosing(Clients()) as clients:
        channel = AsyncChannel(clients.async_lender(ClientSettings(), http_client))
        models = await driver.arun(steps, channel)
    return _filtered(models, modality, tools=tools, streaming=streaming, working=working)


def _filtered(
    models: list[OnlySqModel],
    modality: str | None,
    *,
    tools: bool | None,
    streaming: bool | None,
    working: bool | None,
) -> list[OnlySqModel]:
    wanted = {"modality": modality, "can_tools": tools, "can_stream": streaming}
    kept = models
    for name, value in wanted.items():
        if value is not None:
            kept = [model for model in kept if getattr(model, name) == value]
    if working is not None:
        kept = [m for m in kept if m.status is not None and (m.status == _WORKING) is working]
    return kept


class Catalogue:
    """One request for the catalogue, with its repetitions."""

    def __init__(
        self,
        base_url: str | None,
        api_key: SecretStr | None,
        timeout: Any,
        max_retries: int = _MAX_RETRIES,
    ) -> None:
        """Check what is given before anything is sent."""
        service = Service.given(base_url, api_key)
        self._base_url = service.base_url
        self._max_retries = max_retries
        self._timeouts = given_timeouts(timeout)
        self._context = service.error_context()
        headers = service.headers("application/json")
        self._request = PreparedRequest(f"{service.base_url}/models", headers, None)

    def steps(self) -> Generator[Effect | list[OnlySqModel], Any, None]:
        """Yield effects, and at last the models."""
        yield (yield from attempts(self._attempt, self._max_retries))

    def _attempt(self) -> Generator[Effect, Any, list[OnlySqModel]]:
        decoder = EventDecoder()
        events: list[Any] = []
        # All the time that is spent waiting counts: a body may come drop by drop for ever.
        timer = StallTimer(self._timeouts[1], streams=False)
        try:
            yield from send_request(self._request, self._timeouts, timer, self._context)
            while (piece := (yield timer.read())) is not None:
                events += decoder.feed(piece)
                timer.stop(heard=False)
        except OnlySqTimeoutError as error:
            if error.code != "stall_timeout":
                raise
            limit = self._timeouts[1]
            msg = f"The catalogue took longer than {limit:g} s; raise timeout to wait longer."
            raise OnlySqTimeoutError(msg, code="read_timeout") from None
        events += decoder.close()
        body = events[0] if len(events) == 1 else Unreadable(decoder.opening)
        try:
            models = self._read(without_surrogates(body) if type(body) is Halved else body)
        except RecursionError:
            raise self._not_understood(Unreadable(decoder.opening)) from None
        remember(self._base_url, [model.id for model in models])
        return models

    def _read(self, body: Any) -> list[OnlySqModel]:
        models = read_models(body)
        if models:
            return models
        if isinstance(body, dict) and names_an_error(body):
            raise error_from_payload(body, self._context)
        if models is not None or not body:
            msg = "The catalogue is empty; try again."
            raise OnlySqEmptyResponseError(msg, status_code=200)
        raise self._not_understood(body)

    def _not_understood(self, body: Any) -> OnlySqResponseError:
        is_raw = isinstance(body, Unreadable)
        raw = bytes(body) if is_raw else json.dumps(body, ensure_ascii=False).encode()
        text, redact = raw.decode("utf-8", "replace"), self._context.redact
        what = "an HTML page" if looks_like_html(raw) else "something that is not a catalogue"
        return OnlySqResponseError(
            f"OnlySq answered 200 with {what} ({excerpt(text, redact, 120)}): "
            f"check base_url (now {self._base_url!r}), or try again.",
            status_code=200,
            body=excerpt(text, redact),
        )


def _hidden(api_key: str | SecretStr | None) -> SecretStr | None:
    return SecretStr(api_key) if isinstance(api_key, str) else api_key
