"""Carries out the check of the service, blocking or awaiting."""

from __future__ import annotations

from contextlib import AsyncExitStack, ExitStack, aclosing, closing
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from langchain_onlysq.errors import OnlySqError
from langchain_onlysq.health.plan import Action, Ask, Connect, Plan
from langchain_onlysq.health.recording import recorded
from langchain_onlysq.health.report import CheckResult
from langchain_onlysq.settings.http_library import check_client
from langchain_onlysq.settings.service import Service
from langchain_onlysq.transport import driver
from langchain_onlysq.transport.channels import AsyncChannel, Channel
from langchain_onlysq.transport.clients import Clients, ClientSettings
from langchain_onlysq.transport.event_loops import running_loop
from langchain_onlysq.transport.leases import Lease

if TYPE_CHECKING:
    from collections.abc import Callable

    from langchain_onlysq.health.report import Report
    from langchain_onlysq.settings.keywords import AnyAsyncClient, AnyClient

_TIMEOUT = 60.0


def check(
    model: str,
    *,
    base_url: str | None = None,
    api_key: str | SecretStr | None = None,
    timeout: float | None = _TIMEOUT,
    http_client: AnyClient | None = None,
    on_result: Callable[[CheckResult], Any] | None = None,
) -> Report:
    """Ask the service what works: whole and streamed answers, usage, tools, JSON, images.

    Sends at most 12 short requests. Nothing is repeated, and nothing waits for a quota: what the
    service is too busy for is not checked. What goes wrong is a result, not an error.

    Args:
        model: Model id to ask.
        base_url: As for `ChatOnlySq`; None = `ONLYSQ_API_BASE`, or the service's own.
        api_key: As for `ChatOnlySq`; None = `ONLYSQ_API_KEY`, or the public key.
        timeout: Seconds for each step of a request; None = none.
        http_client: Your own client, which is not closed here.
        on_result: Called with each result as soon as it is known.

    Returns:
        What was found; `report.works` tells whether a plain answer came.

    Raises:
        ValueError: If the model id, the key, the base URL, the timeout or the client cannot be
            used.
    """
    check_client(http_client, is_async=False, twin="acheck()")
    run = _Run(_plan(model, base_url, api_key, timeout), on_result)
    with ExitStack() as stack:
        action = run.go_on(None)
        while action is not None:
            try:
                outcome = _perform(action, run.plan, http_client, stack)
            except OnlySqError as error:
                outcome = error
            action = run.go_on(outcome)
    return run.report()


async def acheck(
    model: str,
    *,
    base_url: str | None = None,
    api_key: str | SecretStr | None = None,
    timeout: float | None = _TIMEOUT,  # noqa: ASYNC109 - of a request, as in the sync twin
    http_client: AnyAsyncClient | None = None,
    on_result: Callable[[CheckResult], Any] | None = None,
) -> Report:
    """Ask the service what works, as `check` does."""
    check_client(http_client, is_async=True, twin="check()")
    running_loop()
    run = _Run(_plan(model, base_url, api_key, timeout), on_result)
    async with AsyncExitStack() as stack:
        action = run.go_on(None)
        while action is not None:
            try:
                outcome = await _aperform(action, run.plan, http_client, stack)
            except OnlySqError as error:
                outcome = error
            action = run.go_on(outcome)
    return run.report()


def _plan(
    model: str, base_url: str | None, api_key: str | SecretStr | None, timeout: float | None
) -> Plan:
    key = SecretStr(api_key) if isinstance(api_key, str) else api_key
    return Plan(model, Service.given(base_url, key), timeout)


def _perform(action: Action, plan: Plan, own: Any, stack: ExitStack) -> Any:
    match action:
        case Connect():
            client = own
            if client is None:
                clients = stack.enter_context(closing(Clients()))
                lease = clients.lease(ClientSettings())
                stack.callback(lease.give_back)
                client = lease.client
            stack.enter_context(recorded(client, plan.recorder))
            plan.client = {"http_client": client}
            return client.trust_env
        case Ask(runnable=runnable, messages=messages, streams=True):
            return [plan.recorder.told(chunk) for chunk in runnable.stream(messages)]
        case Ask(runnable=runnable, messages=messages):
            return runnable.invoke(messages)
    return driver.run(action.steps(), Channel(Lease(plan.client["http_client"]).take))


async def _aperform(action: Action, plan: Plan, own: Any, stack: AsyncExitStack) -> Any:
    match action:
        case Connect():
            client = own
            if client is None:
                clients = await stack.enter_async_context(aclosing(Clients()))
                lease = await clients.alease(ClientSettings())
                stack.push_async_callback(lease.agive_back)
                client = lease.client
            stack.enter_context(recorded(client, plan.recorder))
            plan.client = {"http_async_client": client}
            return client.trust_env
        case Ask(runnable=runnable, messages=messages, streams=True):
            return [plan.recorder.told(chunk) async for chunk in runnable.astream(messages)]
        case Ask(runnable=runnable, messages=messages):
            return await runnable.ainvoke(messages)
    channel = AsyncChannel(Lease(plan.client["http_async_client"]).atake)
    return await driver.arun(action.steps(), channel)


class _Run:
    """A plan that is being carried out."""

    def __init__(self, plan: Plan, on_result: Callable[[CheckResult], Any] | None) -> None:
        self.plan = plan
        self._steps = plan.steps()
        self._on_result = on_result
        self._results: list[CheckResult] = []

    def go_on(self, outcome: Any) -> Action | None:
        """Go on to the next action; return None at the end."""
        try:
            if isinstance(outcome, OnlySqError):
                step = self._steps.throw(outcome)
            else:
                step = self._steps.send(outcome)
            while isinstance(step, CheckResult):
                result = self.plan.without_key(step)
                self._results.append(result)
                if self._on_result is not None:
                    self._on_result(result)
                step = next(self._steps)
        except StopIteration:
            return None
        return step

    def report(self) -> Report:
        """Return what was found."""
        return self.plan.report(self._results)
