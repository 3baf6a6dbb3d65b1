"""Pull a generation: bring the data folder of a replica to the generation that the newest pointer names.

Read `Replica.pull` first. What is read from the store counts for nothing before its digest is verified, and readers see
nothing of a generation before all of it is on the disk. A pull that is killed leaves files from which the next one
continues.
"""

import logging
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from threading import RLock
from uuid import uuid4

from index.chroma_server import ChromaServer
from index.errors import ArticleTakenDown, ConfigurationError, StoreUnavailable
from index.layout import (
    BUILDING,
    CURRENT,
    REMOVED,
    REPLICA,
    current_name,
    generation_names,
    ingest_lock,
    manifest_path,
    segment_names,
    unfinished,
    write_synced,
)
from index.publishing import copy_to, make_current, retire, sweep
from index.records import Manifest, Stored, isoformat
from index.replicas.fetch import Copied, fetch_segment, has_segment
from index.replicas.objects import Pointer, Report, newest_pointer, read_manifest, read_pointer, report_name
from index.replicas.store import Store
from index.replicas.tombstones import Tombstones

PATIENCE_S = 5.0
"""How long a pull waits for a service that still reads what was taken down."""

PULL_S = 60.0
"""Seconds after which a replica that follows the store pulls in any case: it tells its state, and finds lost files."""

logger = logging.getLogger("dateline.replicas")


@dataclass(frozen=True, slots=True)
class Mark(Stored):
    """The content of `replica.json`: the store that fills a data folder; the last pointer and takedown done."""

    store: str
    id: str
    name: str
    pointer: int
    tombstone: int = 0


@dataclass(slots=True)
class PullReport:
    """The result of a pull: the generation and its pointer, whether it `is_new` here, and what was copied."""

    generation: str | None
    pointer: int
    is_new: bool = False
    segments: list[str] = field(default_factory=list)
    objects: int = 0
    bytes: int = 0
    seconds: float = 0.0

    def add(self, segment: str, copied: Copied) -> None:
        """Count a segment that was copied."""
        self.segments.append(segment)
        self.objects += copied.objects
        self.bytes += copied.bytes


@contextmanager
def replica_of(
    data: Path, store: Store, name: str, *, keep: int = 3, server: ChromaServer | None = None
) -> Iterator["Replica"]:
    """Open a data folder as a replica and lock it.

    Raises IngestRunning if another pull has it, and ConfigurationError if it has an index of its own.
    """
    with ingest_lock(data, of_replica=True):
        yield Replica(data, store, _marked(data, store.url, name), keep, server)


def _marked(data: Path, url: str, name: str) -> Mark:
    """Return the mark of a replica; a folder without an index gets one with the first pull."""
    path = data / REPLICA
    if not path.exists():
        if (data / CURRENT).exists() or generation_names(data) or segment_names(data):
            raise ConfigurationError(
                f"{data} has an index of its own, which a pull would replace",
                "Choose another folder with --data, or remove this one.",
            )
        return Mark(url, uuid4().hex, name, 0)
    try:
        found = Mark.from_json(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ConfigurationError(
            f"{path} cannot be read: {error}", "Remove the data folder, then pull again."
        ) from error
    # Numbers of one store mean nothing in another.
    return replace(found, name=name) if found.store == url else Mark(url, found.id, name, 0)


@dataclass(slots=True)
class Replica:
    """A data folder that follows the pointers of a store; the caller has its lock.

    `forget` removes what the machine has outside of the index of the articles of takedowns after a number. `keys` is
    the digest of the publisher's keys that the folder has, as far as they were looked for.
    """

    data: Path
    store: Store
    mark: Mark
    keep: int = 3
    server: ChromaServer | None = None
    forget: Callable[[Tombstones, int], object] | None = None
    patience_s: float = PATIENCE_S
    clock: Callable[[], float] = time.monotonic
    keys: str = ""
    _next_pull: float = -math.inf
    _tombstones: Tombstones | None = None
    _is_checked: bool = False
    _is_compared: bool = False
    _has_left: bool = False
    _lock: RLock = field(default_factory=RLock)

    def look(self) -> PullReport | None:
        """Pull if there is a newer pointer, after a failure, and once a minute; else return None."""
        now = self.clock()
        if now < self._next_pull and not self.has_news():
            return None
        self._next_pull = -math.inf
        report = self.pull()
        self._next_pull = now + PULL_S
        return report

    def pull(self) -> PullReport:
        """Bring the folder to the newest pointer, and report that to the store.

        The generation that is current stays so until the new one is complete and verified. Raises StoreUnavailable,
        StoreDamaged, PublishFailed, ChromaUnavailable, and ArticleTakenDown if the generation has such an article.
        """
        started = time.monotonic()
        report = PullReport(current_name(self.data), self.mark.pointer)
        pointer = self._newest()
        if pointer is not None:
            self._remember()
            tombstones = self._enter()
            report.pointer = pointer.number
            content, manifest = read_manifest(self.store, pointer)
            tombstones.check_names(manifest)
            for entry in manifest.segments:
                # Digests once: a file that was corrupted while no pull ran is fetched again.
                if not has_segment(self.data, entry, by_size=self._is_compared):
                    copied = fetch_segment(self.store, self.data, entry)
                    report.add(entry.segment, copied)
                    logger.info("pulled segment %s: %.1f MB", entry.segment, copied.bytes / 1e6)
            self._check(tombstones, manifest)
            report.is_new = report.generation != pointer.generation
            self._publish(content, manifest)
            self._is_compared = True
            self._remember(pointer=pointer.number)
            report.generation = pointer.generation
            self._clear_up()
            self._take_down(tombstones)
            self.tell()
        report.seconds = time.monotonic() - started
        return report

    def take_keys(self, digest: str) -> None:
        """Report that the folder has the keys with this digest; may be called while another thread pulls."""
        self._remember()
        self.keys = digest
        self.tell()

    def has_news(self) -> bool:
        """Return whether there is a newer pointer, by one cheap request, or a takedown that is not complete here."""
        if self._tombstones is not None and self.mark.tombstone < self._tombstones.number:
            return True
        return read_pointer(self.store, self.mark.pointer + 1) is not None

    def tell(self) -> None:
        """Report to the store what this replica serves and stores; a store that does not answer gets it later."""
        try:
            # One after the other: the last report is the latest state.
            with self._lock:
                if self._has_left:
                    return
                self.store.replace(report_name(self.mark.id), self._state().to_json().encode())
        except StoreUnavailable as error:
            logger.warning("the store was not told the state of this replica: %s", error.args[0])

    def leave(self) -> None:
        """Remove the report from the store, and make no other: the folder ends with this process."""
        try:
            with self._lock:
                self._has_left = True
                self.store.remove(report_name(self.mark.id))
        except StoreUnavailable as error:
            logger.warning("the store still has the report of this replica: %s", error.args[0])

    def _state(self) -> Report:
        there = [*segment_names(self.data), *(folder.name for folder in unfinished(self.data))]
        return Report(
            id=self.mark.id,
            name=self.mark.name,
            pointer=self.mark.pointer,
            generation=current_name(self.data),
            generations=tuple(generation_names(self.data)),
            segments=tuple(sorted({name.removeprefix(BUILDING).removeprefix(REMOVED) for name in there})),
            reported_at=isoformat(datetime.now(UTC), "milliseconds"),
            tombstone=self.mark.tombstone,
            keys=self.keys,
        )

    def _newest(self) -> Pointer | None:
        """Return the newest pointer, None if the store has none; one list of what is new."""
        newest = newest_pointer(self.store, self.mark.pointer - 1 if self.mark.pointer else 0)
        if newest is None and self.mark.pointer:
            # The store was emptied or restored: its newest pointer counts, whatever its number is.
            newest = newest_pointer(self.store)
            logger.warning("%s has no pointer %d any more", self.store.url, self.mark.pointer)
        return newest

    def _enter(self) -> Tombstones:
        """Report to the store before anything is copied from it, so that takedowns wait for this replica.

        Returns the takedowns. They are read after the pointer: the tombstone of a takedown is older than its pointer.
        """
        if self._tombstones is None:
            self.store.create(report_name(self.mark.id), self._state().to_json().encode())
            self._tombstones = Tombstones(self.store)
        else:
            self._tombstones.update()
        return self._tombstones

    def _check(self, tombstones: Tombstones, manifest: Manifest) -> None:
        """Remove what was copied of a generation with an article that was taken down, and raise ArticleTakenDown."""
        # Again, because the copy of a large segment takes long.
        tombstones.update()
        try:
            tombstones.check(self.data, manifest)
        except ArticleTakenDown:
            sweep(self.data, self.server)
            raise

    def _take_down(self, tombstones: Tombstones) -> None:
        """Remove what was taken down; what a service still reads is tried again at the next look."""
        if self._is_checked and self.mark.tombstone == tombstones.number:
            return
        left = tombstones.remove(self.data, self.server, self.patience_s)
        if left:
            logger.warning("a service still reads what was taken down: %s", ", ".join(left))
            return
        # Last, because a service answers from an article until then.
        if self.forget is not None:
            self.forget(tombstones, self.mark.tombstone)
        self._remember(tombstone=tombstones.number)
        self._is_checked = True

    def _publish(self, content: bytes, manifest: Manifest) -> None:
        if self.server is not None:
            copy_to(self.server, self.data, manifest)
        path = manifest_path(self.data, manifest.generation)
        path.parent.mkdir(exist_ok=True)
        if not path.exists() or path.read_bytes() != content:
            write_synced(path, content.decode())
        if current_name(self.data) != manifest.generation:
            make_current(self.data, manifest.generation)

    def _remember(self, *, pointer: int | None = None, tombstone: int | None = None) -> None:
        """Write the mark with these numbers, if it is another one."""
        with self._lock:
            self.mark = replace(
                self.mark,
                pointer=self.mark.pointer if pointer is None else pointer,
                tombstone=self.mark.tombstone if tombstone is None else tombstone,
            )
            path, text = self.data / REPLICA, self.mark.to_json()
            if not path.exists() or path.read_text(encoding="utf-8") != text:
                write_synced(path, text)

    def _clear_up(self) -> None:
        retire(self.data, self.keep, self.server)
        sweep(self.data, self.server)
