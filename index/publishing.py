"""Publish generations, and keep them few: manifests, the merge of segments, and the removal of what is not named.

A generation is published when CURRENT names its manifest; whatever is killed before that leaves the old one current.
Callers have the ingest lock.

Segments are merged so that a generation has few, and none that is mostly dead. Text, vectors and postings are copied.
The smallest are merged first, as long as the next one is not much larger than those before it together. So an article
is copied about log(n) times while n are published, as in the tiered merges of Lucene.
"""

import shutil
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import ExitStack, closing, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from index.catalog import Catalog
from index.chroma_server import ChromaServer
from index.errors import ChromaUnavailable, IndexDamaged, reason_of
from index.layout import (
    CATALOG,
    CURRENT,
    FIRST_RELEASE_VECTORS,
    REMOVED,
    SEGMENT,
    current_name,
    exclusive,
    first_release_folders,
    generation_names,
    manifest_path,
    segment_folder,
    segment_names,
    unfinished,
    write_synced,
)
from index.records import Configuration, Manifest, SegmentEntry, compact, fingerprint, isoformat
from index.segment import Segment, SegmentWriter, digest_of, open_segment, read_record

SCHEMA_VERSION = 3

STALE_S = 24 * 3600.0
"""Age in seconds from which the remains of a killed run are removed; until then a run takes vectors from them."""

MOST_SEGMENTS = 8
GROWTH = 2
"""A segment is merged with smaller ones if it has at most so many times their chunks together."""

MOST_CHUNKS = 250_000
"""Chunks that a merge makes at most: building their Chroma index takes minutes and a gigabyte."""

DEAD_SHARE = 0.2
"""The share of dead chunks above which a segment is copied without them."""


def read_manifest(data: Path, name: str) -> Manifest:
    """Return the manifest of a generation; raises IndexDamaged if it is missing, invalid or of another schema."""
    try:
        manifest = Manifest.from_json(manifest_path(data, name).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise IndexDamaged(
            f"generation {name} has no readable manifest: {reason_of(error)}", "Run `dateline doctor --repair`."
        ) from error
    if manifest.generation != name or not name.endswith(manifest.digest):
        raise IndexDamaged(f"the manifest of generation {name} has changed", "Run `dateline doctor --repair`.")
    if manifest.configuration.schema != SCHEMA_VERSION:
        raise IndexDamaged(
            f"generation {name} has the schema {manifest.configuration.schema}, this version reads {SCHEMA_VERSION}",
            "Run `dateline ingest --rebuild PATH` with the folders of all your articles: it replaces the index.",
        )
    return manifest


def readable_manifests(data: Path) -> list[Manifest]:
    """Return the manifests of the generations, newest first, but for those that are corrupt."""
    found: list[Manifest] = []
    for name in generation_names(data):
        with suppress(IndexDamaged):
            found.append(read_manifest(data, name))
    return found


def named_segments(data: Path) -> set[str]:
    """Return the ids of the segments that a generation names."""
    return {entry.segment for manifest in readable_manifests(data) for entry in manifest.segments}


def entry_of(data: Path, segment: str, dead: Collection[str] = ()) -> SegmentEntry:
    """Return the entry of a closed segment in a manifest."""
    return SegmentEntry(segment, digest_of(segment_folder(data, segment) / SEGMENT), tuple(sorted(dead)))


def publish(
    data: Path, configuration: Configuration, entries: Iterable[SegmentEntry], server: ChromaServer | None = None
) -> Manifest:
    """Write a manifest of segments, which are all verified, and make it current.

    Segments whose articles are all dead are left out. Vectors that the Chroma server lacks are copied to it first;
    raises ChromaUnavailable if it fails.
    """
    manifest = manifest_of(data, configuration, entries, datetime.now(UTC))
    if server is not None:
        copy_to(server, data, manifest)
    write_manifest(data, manifest)
    make_current(data, manifest.generation)
    return manifest


def manifest_of(
    data: Path, configuration: Configuration, entries: Iterable[SegmentEntry], moment: datetime
) -> Manifest:
    """Return the manifest of a generation; its name begins with the moment, so that names sort by time."""
    hashes: dict[str, str] = {}
    kept: list[SegmentEntry] = []
    chunks = 0
    for entry in entries:
        with closing(Catalog(segment_folder(data, entry.segment) / CATALOG)) as catalog:
            alive = catalog.hashes(entry.dead)
            chunks += catalog.chunk_count - len(catalog.rows_of_articles(entry.dead))
        if alive:
            hashes |= alive
            kept.append(entry)
    manifest = Manifest(
        generation="",
        configuration=configuration,
        article_count=len(hashes),
        chunk_count=chunks,
        created_at=isoformat(moment, "milliseconds"),
        fingerprint=fingerprint(hashes.items(), configuration),
        segments=tuple(kept),
    )
    return replace(manifest, generation=f"{compact(moment)}-{manifest.digest}")


def write_manifest(data: Path, manifest: Manifest) -> None:
    """Write a manifest, atomically and synced to the disk."""
    path = manifest_path(data, manifest.generation)
    path.parent.mkdir(exist_ok=True)
    write_synced(path, manifest.to_json())


def make_current(data: Path, name: str) -> None:
    """Write a generation's name to CURRENT, atomically and synced to the disk."""
    write_synced(data / CURRENT, f"{name}\n")


def copy_to(server: ChromaServer, data: Path, manifest: Manifest) -> list[str]:
    """Copy to the server the segments of a generation that it lacks; return their ids."""
    copied: list[str] = []
    for entry in manifest.segments:
        with closing(Segment(segment_folder(data, entry.segment), checked=False)) as segment:
            if not server.has(segment.id, len(segment.vectors)):
                server.put(segment.id, segment.vectors)
                copied.append(segment.id)
    return copied


def retire(data: Path, keep: int, server: ChromaServer | None = None) -> list[str]:
    """Remove all generations but the newest of the `keep` newest contents and the current one; return their names.

    A merge publishes a generation of equal content, which replaces the one before it. Leased generations wait for the
    next run.
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
    """Remove the remains of killed runs, and of an index of the first release."""
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
    after `patience_s` seconds. The articles `without` are no longer listed as dead.
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


class Sized(NamedTuple):
    """A segment of a generation, and the numbers of its chunks and of those that are alive."""

    entry: SegmentEntry
    chunks: int
    alive: int


def merge(data: Path, server: ChromaServer | None = None) -> list[Manifest]:
    """Merge segments of the current generation until none need it; return the generations that were published.

    A run that is killed here leaves the current generation as it is.
    """
    published: list[Manifest] = []
    while (name := current_name(data)) is not None:
        manifest = read_manifest(data, name)
        chosen = choose([_sized(data, entry) for entry in manifest.segments])
        if not chosen:
            break
        published.append(_merged(data, manifest, [each.entry for each in chosen], server))
    return published


def choose(sizes: Sequence[Sized]) -> list[Sized]:
    """Return the segments of a generation to be merged into one; empty if none need it."""
    for each in sizes:
        if each.alive < (1 - DEAD_SHARE) * each.chunks:
            return [each]
    if len(sizes) <= MOST_SEGMENTS:
        return []
    chosen: list[Sized] = []
    total = 0
    for each in sorted(sizes, key=lambda size: size.alive):
        if total + each.alive > MOST_CHUNKS or (len(chosen) > 1 and each.alive > GROWTH * total):
            break
        chosen.append(each)
        total += each.alive
    return chosen if len(chosen) > 1 else []


def _sized(data: Path, entry: SegmentEntry) -> Sized:
    folder = segment_folder(data, entry.segment)
    chunks = read_record(folder).chunk_count
    if not entry.dead:
        return Sized(entry, chunks, chunks)
    with closing(Catalog(folder / CATALOG)) as catalog:
        return Sized(entry, chunks, chunks - len(catalog.rows_of_articles(entry.dead)))


def _merged(data: Path, manifest: Manifest, chosen: Sequence[SegmentEntry], server: ChromaServer | None) -> Manifest:
    """Publish a generation with one segment in place of those chosen."""
    entries = [entry for entry in manifest.segments if entry not in chosen]
    with SegmentWriter(data, manifest.configuration) as writer, ExitStack() as opened:
        for entry in chosen:
            # Digests are compared: corruption must not be copied into a segment with valid ones.
            segment = opened.enter_context(closing(open_segment(data, entry)))
            writer.copy(segment, entry.dead)
        record = writer.close()
    if record is not None:
        entries.append(entry_of(data, record.segment))
    return publish(data, manifest.configuration, entries, server)
