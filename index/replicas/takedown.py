"""Take articles down from a store and from its replicas.

A tombstone is created before the publisher removes the first byte, and the pointer to a generation without the articles
after that. So a replica that reads the pointer finds the tombstone as well, and a takedown that is killed can be run
again. `reach` does the rest: it is complete once the store and every replica have nothing of the articles.
"""

import time
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from index.admin import PATIENCE_S as SERVICE_PATIENCE_S
from index.admin import Takedown, take_down
from index.chroma_server import ChromaServer
from index.errors import ConfigurationError
from index.layout import store_lock
from index.records import isoformat
from index.replicas import objects
from index.replicas.objects import REPLICAS, Report, Tombstone, newest_pointer, report_name, tombstone_name
from index.replicas.push import PATIENCE_S, Publisher
from index.replicas.store import Store
from index.replicas.sweep import purge
from index.replicas.tombstones import Tombstones, digest_of_id

LOOK_S = 0.5
"""Seconds between two looks at the reports of the replicas."""


@dataclass(frozen=True, slots=True)
class ListedReplica:
    """A replica as it reported last; `behind` is the number of pointers that it lacks, `last_seen` by the store."""

    report: Report
    behind: int
    last_seen: datetime


@dataclass(frozen=True, slots=True)
class Reached:
    """How far a takedown got: the pointer, the objects that were removed, and the replicas that are `waiting`."""

    pointer: int
    removed_objects: int
    replicas: tuple[ListedReplica, ...]
    waiting: tuple[ListedReplica, ...]

    @property
    def complete(self) -> bool:
        """Return whether every replica has acknowledged the takedown."""
        return not self.waiting


def announced_take_down(
    data: Path,
    store: Store,
    article_ids: Collection[str],
    server: ChromaServer | None = None,
    patience_s: float = SERVICE_PATIENCE_S,
) -> Takedown:
    """Take articles down from the publisher's data folder, announced to the replicas by a tombstone.

    An article that only an earlier tombstone names is not an error: that takedown is continued. Raises as `take_down`;
    StoreUnavailable before anything is removed.
    """
    tombstones = Tombstones(store)
    return take_down(
        data,
        article_ids,
        server,
        patience_s,
        announce=lambda segments: announce(store, tombstones.number, article_ids, segments),
        is_known=tombstones.names,
    )


def announce(store: Store, last: int, article_ids: Collection[str], segments: Collection[str]) -> None:
    """Create the tombstone of a takedown, the next one after the number `last`."""
    created_at = isoformat(datetime.now(UTC), "milliseconds")
    articles = tuple(sorted(map(digest_of_id, article_ids)))
    while True:
        last = max(objects.numbers(store, objects.TOMBSTONES, last), default=last) + 1
        tombstone = Tombstone(last, articles, tuple(sorted(segments)), created_at)
        name, content = tombstone_name(last), tombstone.to_json().encode()
        # A request that is repeated because its reply was lost finds the tombstone that it created.
        if store.create(name, content) or store.read(name) == content:
            return


def reach(data: Path, store: Store, patience_s: float) -> Reached:
    """Push the current generation, remove everything older from the store, and wait for the replicas.

    Waits at most `patience_s` seconds, and a minute for another process that changes the store. Raises IngestRunning
    after that, and as `Publisher.push`. A store without conditional writes is not refused: its operator uses it.
    """
    tombstones = Tombstones(store)
    # A pointer tells the replicas to look: they need none if all have done the takedown before.
    is_new = any(not _has_acknowledged(each.report, tombstones) for each in list_replicas(store))
    pointer = Publisher(data, store, single_publisher=True).push(always=is_new).pointer
    with store_lock(data, PATIENCE_S):
        removed = purge(data, store, tombstones)
    deadline = time.monotonic() + patience_s
    while True:
        replicas = list_replicas(store)
        waiting = [each for each in replicas if not _has_acknowledged(each.report, tombstones)]
        if not waiting or time.monotonic() >= deadline:
            return Reached(pointer, removed, tuple(replicas), tuple(waiting))
        time.sleep(LOOK_S)


def _has_acknowledged(report: Report, tombstones: Tombstones) -> bool:
    return report.tombstone >= tombstones.number and not any(map(tombstones.names_segment, report.segments))


def list_replicas(store: Store) -> list[ListedReplica]:
    """Return the replicas by their names."""
    newest = newest_pointer(store)
    number = 0 if newest is None else newest.number
    seen = {each.name: each.modified for each in store.listed(REPLICAS)}
    found = [
        ListedReplica(report, max(0, number - report.pointer), seen[report_name(report.id)])
        for report in objects.reports(store)
        if report_name(report.id) in seen
    ]
    return sorted(found, key=lambda each: (each.report.name, each.report.id))


def forget_replica(store: Store, wanted: str) -> Report:
    """Remove the report of a replica that no longer exists, by its id or its name; takedowns no longer wait for it.

    A replica that comes back reports again. Raises ConfigurationError unless exactly one matches.
    """
    reports = [each.report for each in list_replicas(store)]
    matches = [report for report in reports if wanted in (report.id, report.name)]
    if len(matches) != 1:
        known = ", ".join(f"{report.id} ({report.name})" for report in reports) or "there are none"
        raise ConfigurationError(f"{len(matches)} replicas match {wanted!r}, expected 1", f"Choose from: {known}.")
    store.remove(report_name(matches[0].id))
    return matches[0]
