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

MOST_THREADS = 3
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
    """Return how many threads answer questions: one for each processor but the event loop's.

    There are more where they wait for another service, and one more beside a language model, whose tokens they count.
    """
    if settings.embedding_model != "local" or settings.chroma_url:
        return settings.max_questions
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(MOST_THREADS, max(1, processors - 1)) + bool(settings.llm_model)


def _state(request: Request) -> ServiceState:
    state: ServiceState = request.app.state.service
    return state


State = Annotated[ServiceState, Depends(_state)]
