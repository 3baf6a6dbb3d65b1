"""The upkeep of a data folder: list its generations, roll back to one, and remove what no generation needs."""

import shutil
import time
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from index.chroma_server import ChromaServer
from index.errors import ChromaUnavailable, ConfigurationError, IndexDamaged, no_index
from index.generation import (
    SegmentPool,
    check_release,
    entry_of,
    make_current,
    manifest_of,
    open_generation,
    publish,
    read_manifest,
    readable_manifests,
    write_manifest,
)
from index.layout import (
    FIRST_RELEASE_VECTORS,
    REMOVED,
    current_name,
    exclusive,
    first_release_folders,
    generation_names,
    ingest_lock,
    is_leased,
    manifest_path,
    segment_folder,
    segment_names,
    unfinished,
)
from index.records import Manifest, SegmentEntry
from index.segment import read_record

STALE_S = 24 * 3600.0
"""Age in seconds from which the remains of a killed run are removed; until then a run takes vectors from them."""


@dataclass(frozen=True, slots=True)
class ListedGeneration:
    """A generation in a list; `manifest` is None if it cannot be read. Generations share most of their `size` bytes."""

    name: str
    current: bool
    in_use: bool
    size: int
    manifest: Manifest | None


def list_generations(data: Path) -> list[ListedGeneration]:
    """Return the generations, newest first, without verifying them; raises IndexMismatch for the first release's."""
    current, names = current_name(data), generation_names(data)
    if not names:
        check_release(data)
    listed: list[ListedGeneration] = []
    for name in names:
        manifest, size = None, 0
        with suppress(IndexDamaged):
            manifest = read_manifest(data, name)
            records = [read_record(segment_folder(data, entry.segment)) for entry in manifest.segments]
            size = sum(file.size for record in records for file in record.files.values())
        listed.append(ListedGeneration(name, name == current, is_leased(manifest_path(data, name)), size, manifest))
    return listed


def roll_back(data: Path, prefix: str) -> str:
    """Make the only generation whose name has this prefix current; return its name.

    Raises ConfigurationError if there is not exactly one, IndexDamaged if it is corrupt, and IngestRunning.
    """
    with ingest_lock(data):
        names = generation_names(data)
        if not names:
            check_release(data)
            raise no_index(data)
        matches = [name for name in names if name.startswith(prefix)]
        if len(matches) != 1:
            raise ConfigurationError(
                f"{len(matches)} generations in {data} match {prefix!r}, expected 1",
                f"Choose from: {', '.join(names)}.",
            )
        open_generation(data, matches[0], SegmentPool(data)).close()
        make_current(data, matches[0])
    return matches[0]


def prune(data: Path, keep: int, server: ChromaServer | None = None) -> list[str]:
    """Remove the remains of killed runs, and all generations but the newest `keep` and the current one.

    Returns the names of the removed generations. Raises IndexDamaged if the current one has no readable manifest: its
    segments would be removed.
    """
    with ingest_lock(data):
        name = current_name(data)
        if name in generation_names(data):
            read_manifest(data, name)
        removed = retire(data, keep, server)
        sweep(data, server)
    return removed


def retire(data: Path, keep: int, server: ChromaServer | None = None) -> list[str]:
    """Remove all generations but the newest of the `keep` newest contents and the current one; return their names.

    A merge publishes a generation of equal content, which replaces the one before it. Leased generations wait for the
    next run. The caller has the ingest lock.
    """
    current, contents = current_name(data), dict[str, str]()
    for manifest in readable_manifests(data):
        contents.setdefault(manifest.fingerprint, manifest.generation)
    kept = {current, *list(contents.values())[:keep]}
    return discard(data, [name for name in generation_names(data) if name not in kept], server)


def discard(data: Path, names: Collection[str], server: ChromaServer | None, patience_s: float = 0.0) -> list[str]:
    """Remove generations and the segments that no other one names; return the names of those removed.

    Waits at most `patience_s` seconds for processes that read them.
    """
    removed: list[str] = []
    named: set[str] = set()
    deadline = time.monotonic() + patience_s
    while left := [name for name in names if name not in removed]:
        for name in left:
            path = manifest_path(data, name)
            with exclusive(path) as free:
                if free:
                    with suppress(IndexDamaged):
                        named |= {entry.segment for entry in read_manifest(data, name).segments}
                    path.unlink()
                    removed.append(name)
        if time.monotonic() >= deadline:
            break
        time.sleep(0.2)
    for segment in sorted(named - named_segments(data)):
        remove_segment(data, segment, server)
    return removed


def sweep(data: Path, server: ChromaServer | None = None, *, older_than_s: float = 0.0) -> None:
    """Remove the remains of killed runs, and of an index of the first release; the caller has the ingest lock."""
    latest = time.time() - older_than_s
    for folder in unfinished(data):
        if folder.name.startswith(REMOVED):
            remove_segment(data, folder.name.removeprefix(REMOVED), server)
        elif folder.stat().st_mtime <= latest:
            shutil.rmtree(folder)
    for segment in set(segment_names(data)) - named_segments(data):
        if segment_folder(data, segment).stat().st_mtime <= latest:
            remove_segment(data, segment, server)
    for temporary in (*data.glob("*.new"), *data.glob("generations/*.new")):
        temporary.unlink()
    if current_name(data) in generation_names(data):
        for folder in first_release_folders(data):
            shutil.rmtree(folder)
        for file in data.glob(f"{FIRST_RELEASE_VECTORS}*"):
            file.unlink()


def named_segments(data: Path) -> set[str]:
    """Return the ids of the segments that a generation names."""
    return {entry.segment for manifest in readable_manifests(data) for entry in manifest.segments}


def remove_segment(data: Path, segment: str, server: ChromaServer | None) -> None:
    """Remove a segment that no generation names; while the Chroma server is away, an empty folder remembers it."""
    folder = segment_folder(data, segment)
    doomed = folder.with_name(f"{REMOVED}{segment}")
    if folder.exists():
        # Renamed first, so that it is not a segment if this is cut short.
        folder.rename(doomed)
    doomed.mkdir(exist_ok=True)
    for path in doomed.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    if server is not None:
        try:
            server.remove(segment)
        except ChromaUnavailable:
            return
    doomed.rmdir()


def replace_segments(
    data: Path,
    replaced: Mapping[str, str | None],
    without: Collection[str] = (),
    server: ChromaServer | None = None,
    patience_s: float = 0.0,
) -> tuple[str | None, list[str]]:
    """Publish the generations that name some segments with others in their place; None drops a segment.

    Returns the name of the new current generation, None if it names none of them, and those that processes still read
    after `patience_s` seconds. The articles `without` are no longer listed as dead. The caller has the ingest lock.
    """
    current, published = current_name(data), None
    old: list[str] = []
    for name in generation_names(data):
        try:
            manifest = read_manifest(data, name)
        except IndexDamaged:
            old.append(name)
            continue
        if not any(entry.segment in replaced for entry in manifest.segments):
            continue
        old.append(name)
        entries = [
            _replaced(data, entry, replaced, without)
            for entry in manifest.segments
            if replaced.get(entry.segment, "") is not None
        ]
        if name == current:
            published = publish(data, manifest.configuration, entries, server).generation
        else:
            moment = datetime.fromisoformat(manifest.created_at)
            write_manifest(data, manifest_of(data, manifest.configuration, entries, moment))
    removed = discard(data, old, server, patience_s)
    return published, [name for name in old if name not in removed]


def _replaced(
    data: Path, entry: SegmentEntry, replaced: Mapping[str, str | None], without: Collection[str]
) -> SegmentEntry:
    dead = [article_id for article_id in entry.dead if article_id not in without]
    new = replaced.get(entry.segment)
    return replace(entry, dead=tuple(dead)) if new is None else entry_of(data, new, dead)
