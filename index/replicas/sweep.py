"""Sweep a store: remove what no kept generation names.

A generation is kept while the publisher's data folder has it, and while the newest pointer names it. After that it
stays for a grace, because a slow replica may still pull it; an object `doomed/NAME` is as old as that. All ages are by
the store's clock, and the newest object tells what it shows, so the clocks of the publisher and the replicas do not
count.

A push lists the few manifests only. The blobs are listed once a generation has outlived the grace; then those of killed
pushes go as well. A sweep that is killed is continued by the next one.
"""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from pathlib import Path

from index.errors import IndexDamaged, StoreDamaged
from index.layout import SEGMENT, generation_names, segment_folder
from index.publishing import read_manifest
from index.records import Manifest, SegmentEntry, SegmentRecord
from index.replicas.objects import (
    BLOBS,
    DOOMED,
    GENERATIONS,
    blob_name,
    doomed_name,
    manifest_name,
    newest_pointer,
    read,
    read_segment,
)
from index.replicas.store import Store, StoredObject
from index.replicas.tombstones import Tombstones
from index.segment import digest_of, read_record

GRACE = timedelta(hours=24)
"""The longest time that a pull may take."""

RECORD_BYTES = 1024 * 1024
"""Bytes of the largest object that can be a segment's record."""


def sweep(data: Path, store: Store, tombstones: Tombstones, grace: timedelta = GRACE) -> int:
    """Remove what no kept generation names, and has not been for the grace; return the number of objects.

    The caller has the store lock of the publisher. Raises StoreDamaged if a kept generation cannot be read from the
    store: its objects would be removed.
    """
    generations = {_last(each): each for each in store.listed(GENERATIONS)}
    doomed = {_last(each): each.modified for each in store.listed(DOOMED)}
    now = max([*doomed.values(), *(each.modified for each in generations.values())], default=None)
    if now is None:
        return 0
    kept = _kept(data, store, tombstones)
    for name in generations.keys() - kept - doomed.keys():
        store.create(doomed_name(name), b"")
    for name in doomed.keys() & kept:
        store.remove(doomed_name(name))
    # A generation that was marked just now is old only without a grace.
    expired = {name for name in {*generations, *doomed} - kept if now - doomed.get(name, now) >= grace}
    if not expired:
        return 0
    removed = _remove(data, store, generations.keys() - expired, expired & generations.keys(), now - grace)
    for name in expired:
        store.remove(doomed_name(name))
    return removed


def purge(data: Path, store: Store, tombstones: Tombstones) -> int:
    """Remove at once whatever no kept generation names, also the remains of killed pushes; return the number.

    After a takedown the generations of the data folder are without its articles, and those that are not there any more
    cannot be checked.
    """
    generations = {_last(each) for each in store.listed(GENERATIONS)}
    kept = _kept(data, store, tombstones)
    removed = _remove(data, store, generations & kept, generations - kept, None)
    for each in list(store.listed(DOOMED)):
        store.remove(each.name)
    store.remove_unfinished()
    return removed


def _last(each: StoredObject) -> str:
    return each.name.rpartition("/")[2].removesuffix(".json")


def _kept(data: Path, store: Store, tombstones: Tombstones) -> set[str]:
    """Return the names of the generations that are kept: none that has an article that was taken down."""
    newest = newest_pointer(store)
    pointed = set() if newest is None else {newest.generation}
    return {name for name in generation_names(data) if not tombstones.forbids(data, name)} | pointed


def _remove(data: Path, store: Store, left: Collection[str], expired: Collection[str], latest: datetime | None) -> int:
    """Remove expired generations, and the blobs that no other one names if they are not newer than `latest`.

    The record of a segment is removed before its files, since it tells a push that the store has them all.
    """
    named = _blobs_of(data, store, left)
    for name in expired:
        store.remove(manifest_name(name))
    blobs = [
        each for each in store.listed(BLOBS) if each.name not in named and (latest is None or each.modified <= latest)
    ]
    for each in sorted(blobs, key=lambda blob: not _may_be_record(store, blob)):
        store.remove(each.name)
    return len(expired) + len(blobs)


def _may_be_record(store: Store, blob: StoredObject) -> bool:
    return blob.size <= RECORD_BYTES and (store.read(blob.name) or b"").startswith(b"{")


def _blobs_of(data: Path, store: Store, generations: Iterable[str]) -> set[str]:
    """Return the names of all blobs of some generations."""
    entries = {entry for name in generations for entry in _manifest(data, store, name).segments}
    named: set[str] = set()
    for entry in {entry.sha256: entry for entry in entries}.values():
        record = _record(data, store, entry)
        named |= {blob_name(entry.sha256), *(blob_name(file.sha256) for file in record.files.values())}
    return named


def _manifest(data: Path, store: Store, name: str) -> Manifest:
    """Return the manifest of a generation, of the data folder if it is there."""
    try:
        return read_manifest(data, name)
    except IndexDamaged:
        manifest = read(store, manifest_name(name), Manifest)
    if manifest is None or manifest.generation != name:
        raise StoreDamaged(f"{manifest_name(name)} in {store.url} is not valid", "Run `dateline push --repair`.")
    return manifest


def _record(data: Path, store: Store, entry: SegmentEntry) -> SegmentRecord:
    """Return the record of a segment, of the data folder if it is there."""
    folder = segment_folder(data, entry.segment)
    try:
        if digest_of(folder / SEGMENT) == entry.sha256:
            return read_record(folder)
    except (OSError, IndexDamaged):
        pass
    return read_segment(store, entry)[1]
