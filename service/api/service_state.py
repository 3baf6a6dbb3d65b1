"""What the running service holds: the pipeline, its limits, and whether it is stopping."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request

from service.errors import Overloaded
from service.pipeline import Pipeline


@dataclass(slots=True)
class ServiceState:
    """The pipeline, and how many questions are being answered now."""

    pipeline: Pipeline
    max_questions: int
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    _answering: int = 0

    @contextmanager
    def place(self) -> Iterator[None]:
        """A place among the questions being answered; raises Overloaded where there is none."""
        if self._answering >= self.max_questions:
            raise Overloaded(
                f"{self._answering} questions are being answered, which is the limit", "Ask again in a second."
            )
        self._answering += 1
        try:
            yield
        finally:
            self._answering -= 1


def _state(request: Request) -> ServiceState:
    state: ServiceState = request.app.state.service
    return state


State = Annotated[ServiceState, Depends(_state)]
