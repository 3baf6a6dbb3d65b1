"""Visits in a thread, so that the writer publishes pushed articles while hosts make it wait."""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from queue import Empty, Queue
from threading import Thread

from ingest.load import LoadedArticle
from ingest.report import FetchCounts
from ingest.sources import Fetched, Fetcher
from ingest.sources.taken_down import TakenDown

PORTION = 200
"""Items that are published before their visit is complete: the first visit to a site may take hours."""

MOST_WAITING = 1_000
"""Items that wait to be published; above it, the visit waits."""

THOROUGH_S = 86_400.0
"""Seconds between two visits that also ask for every page that no listing names, if that is wanted."""

logger = logging.getLogger("dateline.writer")


def _in_thread(task: Callable[[], None]) -> None:
    Thread(target=task, daemon=True).start()


@dataclass(slots=True)
class Visits:
    """Repeated visits to the addresses of a fetcher; what they find waits until it is taken."""

    fetcher: Fetcher
    start_task: Callable[[Callable[[], None]], None] = _in_thread
    clock: Callable[[], float] = time.monotonic
    _found: Queue[Fetched] = field(default_factory=lambda: Queue(MOST_WAITING))
    _is_running: bool = False
    _next_thorough: float = 0.0

    def start(self, known: Callable[[], Mapping[str, str]]) -> None:
        """Start a visit, unless one is running; `known` returns the content hashes of the index by origin."""
        if self._is_running:
            return
        now = self.clock()
        thorough = self.fetcher.options.thorough and now >= self._next_thorough
        if thorough:
            self._next_thorough = now + THOROUGH_S
        options = replace(self.fetcher.options, thorough=thorough, sparing=not thorough)
        fetcher = replace(self.fetcher, options=options, counts=FetchCounts())
        hashes = known()
        self._is_running = True
        self.start_task(lambda: self._visit(fetcher, hashes))

    def take(self) -> list[Fetched]:
        """Return what was found: all if no visit is running, else nothing until there is a portion.

        Leaves out articles that were taken down meanwhile.
        """
        if self._is_running and self._found.qsize() < PORTION:
            return []
        taken: list[Fetched] = []
        try:
            while True:
                taken.append(self._found.get_nowait())
        except Empty:
            taken_down = TakenDown(self.fetcher.data)
            return [
                each
                for each in taken
                if not (isinstance(each, LoadedArticle) and each.article.article_id in taken_down)
            ]

    def _visit(self, fetcher: Fetcher, known: Mapping[str, str]) -> None:
        started = time.monotonic()
        try:
            for item in fetcher(known):
                self._found.put(item)
        except Exception:
            # A full disk, for example; the next visit tries again.
            logger.exception("a visit ended early")
        finally:
            self._is_running = False
        counts = ", ".join(
            f"{count} {name.replace('_', ' ')}" for name, count in asdict(fetcher.counts).items() if count
        )
        logger.info("visit: %s; %.1f s", counts or "no address", time.monotonic() - started)
