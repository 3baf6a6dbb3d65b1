"""The state of the running service: the pipeline, its limits and threads, and whether it is stopping."""

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request

from service.api.admission import Limits
from service.pipeline import Pipeline
from service.settings import ServiceSettings

MOST_THREADS = 4
"""More threads compute no faster: they share one interpreter, and the event loop waits for each of them."""


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


def question_threads(settings: ServiceSettings) -> int:
    """Return how many threads answer questions: about a processor each, or more where they wait for other services."""
    if settings.embedding_model != "local" or settings.chroma_url:
        return settings.max_questions
    return min(MOST_THREADS, max(2, len(os.sched_getaffinity(0))))


def _state(request: Request) -> ServiceState:
    state: ServiceState = request.app.state.service
    return state


State = Annotated[ServiceState, Depends(_state)]
