"""The state of the running service: the pipeline, its limits and threads, and whether it is stopping."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request

from service.api.admission import Limits
from service.pipeline import Pipeline


@dataclass(slots=True)
class ServiceState:
    """The pipeline, with limits and threads of its own for each kind of work.

    Questions have the event loop's default threads. Pages and feedback have others, so that a burst of them delays
    no question.
    """

    pipeline: Pipeline
    limits: Limits
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    reading: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(2, "reading"))
    storing: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "storing"))

    def close(self) -> None:
        """Let the threads end with what they are doing."""
        for executor in (self.reading, self.storing):
            executor.shutdown(wait=False, cancel_futures=True)


def _state(request: Request) -> ServiceState:
    state: ServiceState = request.app.state.service
    return state


State = Annotated[ServiceState, Depends(_state)]
