"""Read two details with what stands around them: a trained network says whether they conflict."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from threading import Lock

from index.embedding.pair_network import MarkedText, PairNetwork, Related
from index.errors import ConfigurationError
from service.conflicts.details import Statement
from service.conflicts.relation import Pair
from service.conflicts.values import Detail

MOST_READ = 6
"""Pairs of details that are read for one answer; each takes about 35 ms of one core."""

_LATER = (
    (timedelta(hours=2), "the same hour"),
    (timedelta(hours=12), "the same day"),
    (timedelta(hours=36), "the next day"),
    (timedelta(days=4), "some days later"),
    (timedelta(days=21), "weeks later"),
    (timedelta(days=400), "months later"),
)
"""The time between two articles, at most, and the words with which the network was trained."""

_logger = logging.getLogger(__name__)


ReadTexts = Callable[[str, MarkedText, MarkedText], Related | None]
"""From what is asked and two texts, the older first, to how their values are related; None if nothing can be read."""

UNREAD = Related(0.0, 0.0)


class PairReader:
    """Reads pairs with a network that is loaded at the first pair; safe to share between threads.

    If the network cannot be loaded, the log says why and nothing is read.
    """

    def __init__(self, models: Path) -> None:
        self._models = models
        self._lock = Lock()

    def read(self, asked: str, one: MarkedText, other: MarkedText) -> Related | None:
        """Return how the values of two texts are related, the older first; None if nothing can be read."""
        with self._lock:
            network = self._network
        return network.related(asked, one, other) if network else None

    @cached_property
    def _network(self) -> PairNetwork | None:
        try:
            return PairNetwork(self._models)
        except ConfigurationError as error:
            _logger.warning("The pair reader is off, only states are compared: %s", error)
            return None


def asked_of(gap: timedelta, question: str) -> str:
    """Return what is read with two details: the time between their articles, and the question."""
    later = next((words for most, words in _LATER if gap <= most), "years later")
    return f"{later}. {question}"


def marked(statement: Statement, detail: Detail) -> MarkedText:
    """Return a sentence with its neighbours and its article's title, and the place of a detail in it."""
    first, last = statement.neighbourhood
    start, end = detail.span
    return MarkedText(statement.article.title or "", statement.article.body[first:last], start - first, end - first)


@dataclass
class Reading:
    """Reads the details of the articles of one question, each two once; of more than `most` nothing is known."""

    read: ReadTexts
    question: str = ""
    most: int = MOST_READ
    known: dict[tuple[str, MarkedText, MarkedText], Related | None] = field(default_factory=dict)

    def __call__(self, pair: Pair, before: Detail, after: Detail) -> Related | None:
        """Return how two details are related; None if nothing can be read."""
        key = asked_of(pair.gap, self.question), marked(pair.earlier, before), marked(pair.later, after)
        if key not in self.known:
            if len(self.known) >= self.most:
                return UNREAD
            self.known[key] = self.read(*key)
        return self.known[key]
