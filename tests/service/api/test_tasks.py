"""Ending tasks: their cancellation is expected, the caller's own is not swallowed."""

import asyncio
from contextlib import suppress

import pytest

from service.api.tasks import end


async def _slow_to_end(ending: asyncio.Event, may_end: asyncio.Event) -> None:
    try:
        await asyncio.Event().wait()
    finally:
        ending.set()
        await may_end.wait()


def test_tasks_are_ended() -> None:
    """One that waits, one that failed and one that is done already."""

    async def fail() -> None:
        raise RuntimeError("dropped")

    async def story() -> list[bool]:
        waiting = asyncio.create_task(asyncio.Event().wait(), name="waiting")
        tasks = [asyncio.create_task(fail()), asyncio.create_task(asyncio.sleep(0)), asyncio.create_task(_of(waiting))]
        await asyncio.sleep(0.01)
        await end(*tasks)
        return [task.done() for task in [*tasks, waiting]]

    async def _of(task: "asyncio.Task[bool]") -> None:
        await task

    assert asyncio.run(story()) == [True] * 4


def test_the_callers_own_cancellation_is_raised() -> None:
    """A caller that is cancelled while it ends a task is cancelled."""

    async def story() -> None:
        ending, may_end = asyncio.Event(), asyncio.Event()
        inner = asyncio.create_task(_slow_to_end(ending, may_end))
        await asyncio.sleep(0)
        outer = asyncio.create_task(end(inner))
        await ending.wait()
        outer.cancel()
        with pytest.raises(asyncio.CancelledError):
            await outer
        may_end.set()
        with suppress(asyncio.CancelledError):
            await inner

    asyncio.run(story())
