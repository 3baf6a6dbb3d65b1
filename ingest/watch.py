"""The writer: publish what changed every round, and pushed articles within seconds. Read `Writer.run` first."""

import logging
import time
from collections.abc import Callable, Collection, Iterable
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from index.embedding import Embedder
from index.errors import DatelineError, IngestRunning
from index.generation import SegmentPool, open_generation
from index.layout import current_name, refuse_replica
from index.spool import Spool, SpoolEntry, writer_lock
from ingest.changes import file_of
from ingest.job import Ingest, hashes_by_origin, run
from ingest.load import LoadedArticle, find
from ingest.load.pushed import ORIGIN
from ingest.report import ArticleRejected, IngestReport, Progress
from ingest.sources import Fetched, Gone
from ingest.sources.identity import without_password
from ingest.sources.visits import Visits

POLL_S = 0.5
"""Seconds between two looks at the spool."""

LONGEST_WAIT_S = 300.0
"""The longest pause after rounds that failed; the first is a second, each further one twice as long."""

SETTLED_NS = 2_000_000_000
"""Age from which an unchanged time of a file means an unchanged file: clocks of file systems are coarse."""

Stamp = tuple[int, int, int, int]

logger = logging.getLogger("dateline.writer")


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(slots=True)
class Writer:
    """The only process that publishes pushed articles of a data folder; it also looks at paths again and again.

    `order` is what each round ingests, `every_s` the seconds between two rounds. `visits` fetch addresses meanwhile.
    `today` says which embargoes have ended.
    """

    order: Ingest
    embedder: Embedder
    every_s: float
    visits: Visits | None = None
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    today: Callable[[], datetime] = _now
    _next_round: float = 0.0
    _next_try: float = 0.0
    _failures: int = 0
    _failed_looks: int = 0
    _stamps: dict[Path, Stamp] = field(default_factory=dict)
    _generation: str | None = None
    _awaited: dict[Path, datetime] = field(default_factory=dict)
    _complaints: frozenset[tuple[str, str]] = frozenset()
    _fetched: list[Fetched] = field(default_factory=list)

    def run(self) -> None:
        """Publish until an exception ends it.

        Raises IngestRunning if another writer runs, and ConfigurationError if the data folder is a replica's.
        Killed at any point, it loses no push: an entry leaves the spool only once its generation is current.
        """
        refuse_replica(self.order.data)
        with writer_lock(self.order.data):
            urls = self.visits.fetcher.urls if self.visits else ()
            watched = [*map(str, self.order.paths), *map(without_password, urls)]
            logger.info("watching %s and pushed articles", ", ".join(watched) or "no path")
            while True:
                self.step()
                self.sleep(POLL_S)

    def step(self) -> None:
        """Run a round if one is due, or publish what was pushed or fetched; an error of Dateline delays it.

        After a round with paths failed, only the next look at them is delayed: a missing folder delays no push.
        """
        now = self.clock()
        if now < self._next_try:
            return
        is_due = now >= self._next_round
        looks = is_due and bool(self.order.paths)
        try:
            if self.visits:
                if is_due:
                    self.visits.start(self._known)
                self._fetched += self.visits.take()
            entries = Spool(self.order.data).entries()
            if looks or entries or any(map(self._may_publish, self._fetched)):
                self._round(entries, looks=looks)
            else:
                rejected = [each for each in self._fetched if isinstance(each, ArticleRejected)]
                self._complain((each.origin, each.reason) for each in rejected)
            self._fetched = []
        except IngestRunning:
            # Another `dateline ingest` publishes at the moment.
            self._next_try = now + 1
        except DatelineError as error:
            self._delay(error, looks=looks)
        else:
            self._failures = 0
            if looks:
                self._failed_looks = 0
            if is_due:
                self._next_round = now + self.every_s

    def _delay(self, error: DatelineError, *, looks: bool) -> None:
        """Delay the next round after a failure, or the next attempt to publish what was pushed or fetched."""
        wait = min(2.0 ** (self._failed_looks if looks else self._failures), LONGEST_WAIT_S)
        if looks:
            self._failed_looks += 1
            self._next_round = self.clock() + wait
        else:
            self._failures += 1
            self._next_try = self.clock() + wait
        logger.warning("nothing was published; next try in %.0f s: %s", wait, " ".join(str(error).split()))

    def _known(self) -> dict[str, str]:
        """Return the content hash of every article of the index by its origin."""
        name = current_name(self.order.data)
        if name is None:
            return {}
        pool = SegmentPool(self.order.data, checked=False)
        with closing(open_generation(self.order.data, name, pool)) as generation:
            return hashes_by_origin(generation)

    def _round(self, entries: list[SpoolEntry], *, looks: bool) -> None:
        """Publish what was pushed and fetched and, with `looks`, what changed under the paths."""
        if current_name(self.order.data) != self._generation:
            # Another command changed the index, such as a rollback: compare every file again.
            self._stamps = {}
        stamps = self._look() if looks else self._stamps
        unchanged = {path for path, stamp in stamps.items() if self._stamps.get(path) == stamp}
        # The article of a file that did not change may be published meanwhile.
        now = self.today()
        passed = frozenset(path for path in unchanged if path not in self._awaited or self._awaited[path] > now)
        # The last push of an article counts.
        pushed = tuple({entry.article_id: entry for entry in entries}.values())
        order = replace(
            self.order,
            paths=self.order.paths if looks else (),
            pushed=pushed,
            passed=passed,
            fetch=lambda _: self._fetched,
        )
        report = run(order, self.embedder, Progress(quiet=True))
        self._clear(entries, report)
        if looks:
            self._await(report.skipped, passed)
        self._stamps, self._generation = stamps, current_name(self.order.data)
        self._log(report, "round" if looks else "pushed" if entries else "fetched")

    def _await(self, skipped: Iterable[ArticleRejected], passed: Collection[Path]) -> None:
        """Remember when the next embargo in each file ends."""
        self._awaited = {path: moment for path, moment in self._awaited.items() if path in passed}
        for item in skipped:
            if item.until:
                path = Path(file_of(item.origin))
                self._awaited[path] = min(item.until, self._awaited.get(path, item.until))

    def _look(self) -> dict[Path, Stamp]:
        """Return the stamps of the files that have not been written just now."""
        stamps: dict[Path, Stamp] = {}
        latest = time.time_ns() - SETTLED_NS
        for file in find(self.order.paths, follow_links=self.order.follow_links):
            try:
                status = file.path.stat()
            except OSError:
                continue
            if max(status.st_mtime_ns, status.st_ctime_ns) < latest:
                stamps[file.path] = (status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino)
        return stamps

    def _clear(self, entries: Collection[SpoolEntry], report: IngestReport) -> None:
        """Remove published entries from the spool, and keep why others were rejected."""
        spool = Spool(self.order.data)
        refused = {item.origin: item for item in (*report.rejected, *report.skipped)}
        for entry in entries:
            spool.forget_rejections([entry.article_id])
            # A takedown may have removed the entry meanwhile.
            if (item := refused.get(f"{ORIGIN}{entry.article_id}")) and entry.path.exists():
                spool.reject(entry.article_id, entry.content_hash, item.reason)
        spool.remove(entries)

    def _may_publish(self, item: Fetched) -> bool:
        """Return whether an item may change the index."""
        return isinstance(item, LoadedArticle) or (isinstance(item, Gone) and self.order.prune)

    def _complain(self, rejected: Iterable[tuple[str, str]], *, again: bool = False) -> None:
        """Log each rejection, by origin and reason, once; a pushed one each time that it is pushed."""
        for origin, reason in rejected:
            if (origin, reason) not in self._complaints:
                logger.warning("rejected %s: %s", origin, reason)
            if not again:
                self._complaints |= {(origin, reason)}

    def _log(self, report: IngestReport, occasion: str) -> None:
        rejected = [(each.origin, each.reason) for each in report.rejected]
        self._complain(rejected, again=occasion == "pushed")
        for notice in report.notices:
            if notice.code == "page_gone":
                logger.info("%s: %s", notice.origin, notice.message)
        counts = {
            "added": report.added,
            "updated": report.updated,
            "moved": report.moved,
            "removed": report.removed,
            "rejected": len(report.rejected),
        }
        listed = ", ".join(f"{count} {name}" for name, count in counts.items() if count) or "nothing changed"
        published = f"; generation {report.generation}" if report.generation else ""
        logger.info("%s: %s%s; %.1f s", occasion, listed, published, report.seconds)
