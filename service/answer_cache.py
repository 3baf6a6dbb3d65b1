"""Answers that are kept in memory, so that the same question of the same callers is not answered twice."""

import hashlib
import json
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from typing import Any

from index.records import Article
from service.answer import Answer, Event
from service.answer_run import AnswerRun
from service.records import NO_ACCOUNT


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """An answer as it was composed, with the events that led to it and the articles that it cites."""

    answer: Answer
    events: tuple[Event, ...]
    articles: tuple[Article, ...]


class AnswerCache:
    """The last `size` answers of one process, by digests of their questions; used on the event loop only.

    Only an answer that any later run would repeat is kept: not one that was interrupted or truncated, or that a failing
    model had to do with. A trace tells how the answer was made at first. `configuration` is everything else that
    answers depend on: the model, the prompts, the calibration and the thresholds.
    """

    def __init__(self, size: int, configuration: Sequence[object]) -> None:
        self._size = size
        self._configuration = repr(configuration)
        self._kept: OrderedDict[bytes, KeptAnswer] = OrderedDict()
        self._day = date.min

    @property
    def count(self) -> int:
        """Return the number of answers."""
        return len(self._kept)

    def get(self, run: AnswerRun) -> KeptAnswer | None:
        """Return the answer to the same question of the same day, unless the caller wants a fresh one."""
        if run.created.date() > self._day:
            self._day = run.created.date()
            self.clear()
        key = self._key(run)
        kept = None if run.question.fresh else self._kept.get(key)
        if kept:
            self._kept.move_to_end(key)
        return kept

    def put(self, run: AnswerRun, answer: Answer, events: Sequence[Event]) -> None:
        """Keep an answer, if it may be given again, instead of the one that was used least recently."""
        # A run warns of what kept it from its best: a failure of the model, or a limit.
        is_best = answer.status_reason != "interrupted" and not run.warnings and not run.use.has_failed
        if not self._size or not is_best:
            return
        cited = {citation.article_id for citation in answer.citations}
        articles = tuple(each.article for each in run.composition.passages if each.article.article_id in cited)
        self._kept[self._key(run)] = KeptAnswer(answer, tuple(events), articles)
        while len(self._kept) > self._size:
            self._kept.popitem(last=False)

    def clear(self) -> None:
        """Forget all answers: the index changed, and an article may have been taken down."""
        self._kept.clear()

    def _key(self, run: AnswerRun) -> bytes:
        """Return a digest of all that an answer depends on; a day, because many speak of how long ago something was."""
        question = asdict(replace(run.question, fresh=False, account=NO_ACCOUNT))
        parts = [question, run.generation.name, run.created.date().isoformat(), self._configuration]
        return hashlib.sha256(json.dumps(parts, default=_plain).encode()).digest()


def _plain(value: object) -> Any:  # noqa: ANN401 - any JSON value
    """Return a set or a moment as a JSON value."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, frozenset):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} cannot be part of a question")
