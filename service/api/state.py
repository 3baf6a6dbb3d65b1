"""The state of a running service, which its requests share."""

import asyncio
import contextvars
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Annotated, ParamSpec, TypeVar

from fastapi import Depends, Request

from service.api.access import AccessRules
from service.api.admission import Limits
from service.feedback import FeedbackStore
from service.metrics import Metrics
from service.permalink import Permalinks
from service.pipeline import Pipeline
from service.rates import RateCounter
from service.suggestions import Suggestions

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(slots=True)
class ServiceState:
    """The pipeline with the limits, threads and values of a running service.

    Questions run on the event loop's default threads. Pages and feedback have their own, so that a burst of them
    delays no question.
    """

    pipeline: Pipeline
    limits: Limits
    feedback: FeedbackStore
    access: AccessRules
    public_url: str | None
    permalinks: Permalinks
    suggestions: Suggestions
    metrics: Metrics
    allow_indexing: bool = False
    rates: RateCounter = field(default_factory=RateCounter)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    reading: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(2, "reading"))
    storing: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "storing"))

    async def read(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a function that reads the index on a thread for pages."""
        return await _run(self.reading, function, *args, **kwargs)

    async def store(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a function that writes feedback on the thread for feedback."""
        return await _run(self.storing, function, *args, **kwargs)

    def close(self) -> None:
        """Start no more calls; running ones finish."""
        for executor in (self.reading, self.storing):
            executor.shutdown(wait=False, cancel_futures=True)


async def _run(executor: ThreadPoolExecutor, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call a function on an executor, in the caller's context."""
    context = contextvars.copy_context()
    return await asyncio.get_running_loop().run_in_executor(executor, lambda: context.run(function, *args, **kwargs))


async def _state(request: Request) -> ServiceState:
    state: ServiceState = request.app.state.service
    return state


State = Annotated[ServiceState, Depends(_state)]
"""The state of the running service, as a parameter of a route."""
