"""Tasks and threads of the service: ended, or given work, without a trap in how asyncio cancels."""

import asyncio
import contextvars
from collections.abc import Callable
from concurrent.futures import Executor
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


async def end(*tasks: "asyncio.Task[None]") -> None:
    """Cancel tasks and wait until they have ended; errors of theirs are dropped.

    The caller's own cancellation is raised, which awaiting the tasks under `suppress(CancelledError)` would hide.
    """
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    for task in tasks:
        if not task.cancelled():
            task.exception()


async def on(executor: Executor, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Return what a function returns that runs on a thread of an executor, in the caller's context."""
    context = contextvars.copy_context()
    return await asyncio.get_running_loop().run_in_executor(executor, lambda: context.run(function, *args, **kwargs))
