"""The pipeline as a target: each question is asked on its day, so that a run is the same whenever it is made."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

from eval.errors import GoldInvalid
from eval.questions import GoldSet
from eval.records import GoldItem, Turn
from eval.target import asked, paraphrases
from service.pipeline import Pipeline


class DatedTarget:
    """The pipeline in this process, asked each question on the day that its gold names.

    Where it names none, that is the first day of the year after the newest article. Use it as a context manager:
    all questions are asked in one event loop, which a language model's connections need.
    """

    def __init__(self, pipeline: Pipeline, gold: GoldSet) -> None:
        self._pipeline = pipeline
        self._loop = asyncio.Runner()
        self._later = datetime(_newest_year(gold) + 1, 1, 1, tzinfo=UTC)
        self._days = {
            turns: day for item in gold.items if (day := _day_of(item)) for turns in (item.turns, *paraphrases(item))
        }

    def __enter__(self) -> Self:
        self._loop.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pipeline.chat is not None:
            self._loop.run(self._pipeline.chat.aclose())
        self._loop.__exit__(kind, error, trace)

    def ask(self, turns: Sequence[Turn]) -> dict[str, Any]:
        """Return the reply as it would go over the wire."""
        day = self._days.get(tuple(turns), self._later)
        return self._loop.run(asked(replace(self._pipeline, clock=lambda: day), turns))


def _day_of(item: GoldItem) -> datetime | None:
    try:
        return datetime.fromisoformat(item.asked_at) if item.asked_at else None
    except ValueError as error:
        raise GoldInvalid(f"{item.id}: asked_at is {item.asked_at!r}, expected an ISO 8601 date") from error


def _newest_year(gold: GoldSet) -> int:
    dates = [article.published_at for article in gold.articles.values() if article.published_at]
    return max(dates).year if dates else 2000
