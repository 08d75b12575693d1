"""Carries out flows, blocking or awaiting, up to what goes to the caller."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from langchain_onlysq.errors import OnlySqError
from langchain_onlysq.errors.frames import without_frames
from langchain_onlysq.transport.flow import Effect

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator

    from langchain_onlysq.transport.channels import AsyncChannel, Channel

T = TypeVar("T")


def run(steps: Generator[Effect | T, Any, None], channel: Channel) -> T:
    """Carry out a flow that gives one output, and return it."""
    (output,) = stream(steps, channel)
    return output


def stream(steps: Generator[Effect | T, Any, None], channel: Channel) -> Generator[T]:
    """Carry out a flow, and yield its outputs as they come."""
    outcome: Any = None
    try:
        step = next(steps)
        while True:
            if isinstance(step, Effect):
                outcome = channel.perform(step)
                is_error = isinstance(outcome, OnlySqError)
                step = steps.throw(outcome) if is_error else steps.send(outcome)
            else:
                yield step
                step = next(steps)
    except StopIteration:
        return
    except OnlySqError as error:
        outcome = None  # these bytes may quote the key
        raise without_frames(error)  # noqa: B904 - it is the same error
    except GeneratorExit:
        # Nobody wants more; perhaps the garbage collector says so, in the middle of anything.
        channel.abandon()
        raise
    finally:
        steps.close()
        channel.close()


async def arun(steps: Generator[Effect | T, Any, None], channel: AsyncChannel) -> T:
    """Carry out a flow that gives one output, and return it."""
    (output,) = [output async for output in astream(steps, channel)]
    return output


async def astream(
    steps: Generator[Effect | T, Any, None], channel: AsyncChannel
) -> AsyncGenerator[T]:
    """Carry out a flow, and yield its outputs as they come."""
    outcome: Any = None
    try:
        step = next(steps)
        while True:
            if isinstance(step, Effect):
                outcome = await channel.perform(step)
                is_error = isinstance(outcome, OnlySqError)
                step = steps.throw(outcome) if is_error else steps.send(outcome)
            else:
                yield step
                step = next(steps)
    except StopIteration:
        return
    except OnlySqError as error:
        outcome = None  # these bytes may quote the key
        raise without_frames(error)  # noqa: B904 - it is the same error
    finally:
        steps.close()
        await channel.close()
