"""From closed segments to the current generation: manifest and CURRENT."""

from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from index.catalog import Catalog
from index.chroma_server import ChromaServer
from index.layout import CATALOG, CURRENT, SEGMENT, manifest_path, segment_folder, write_synced
from index.records import Configuration, Manifest, SegmentEntry, fingerprint, isoformat
from index.segment import Segment, digest_of

SCHEMA_VERSION = 2


def entry_of(data: Path, segment: str, dead: Collection[str] = ()) -> SegmentEntry:
    """Return the entry of a closed segment in a manifest."""
    return SegmentEntry(segment, digest_of(segment_folder(data, segment) / SEGMENT), tuple(sorted(dead)))


def publish(
    data: Path, configuration: Configuration, entries: Iterable[SegmentEntry], server: ChromaServer | None = None
) -> Manifest:
    """Write a manifest of segments, which are all verified, and make it current; the caller has the ingest lock.

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
        catalog = Catalog(segment_folder(data, entry.segment) / CATALOG)
        try:
            alive = {id_: hash_ for id_, hash_ in catalog.hashes().items() if id_ not in entry.dead}
            dead = catalog.rows_of_articles(catalog.article_rows(entry.dead).values())
            chunks += catalog.chunk_count - int(dead.sum())
        finally:
            catalog.close()
        if alive:
            hashes |= alive
            kept.append(entry)
    return Manifest(
        generation=f"{moment:%Y%m%dT%H%M%S}{moment.microsecond // 1000:03d}Z-{uuid4().hex[:8]}",
        configuration=configuration,
        article_count=len(hashes),
        chunk_count=chunks,
        created_at=isoformat(moment, "milliseconds"),
        fingerprint=fingerprint(hashes.items(), configuration),
        segments=tuple(kept),
    )


def write_manifest(data: Path, manifest: Manifest) -> None:
    """Write a manifest, atomically and synced to the disk."""
    path = manifest_path(data, manifest.generation)
    path.parent.mkdir(exist_ok=True)
    write_synced(path, manifest.to_json())


def make_current(data: Path, name: str) -> None:
    """Write a generation's name to CURRENT, atomically and synced to the disk."""
    write_synced(data / CURRENT, f"{name}\n")


def copy_to(server: ChromaServer, data: Path, manifest: Manifest) -> Sequence[str]:
    """Copy to the server the segments of a generation that it lacks; return their ids."""
    copied: list[str] = []
    for entry in manifest.segments:
        segment = Segment(segment_folder(data, entry.segment), checked=False)
        try:
            if not server.has(segment.id, len(segment.vectors)):
                server.put(segment.id, segment.vectors)
                copied.append(segment.id)
        finally:
            segment.close()
    return copied
