"""Merge segments: a generation has few, and none that is mostly dead. Text, vectors and postings are copied.

The smallest are merged first, as long as the next one is not much larger than those before it together. So an article
is copied about log(n) times while n are published, as in the tiered merges of Lucene.
"""

from collections.abc import Sequence
from pathlib import Path

from index.chroma_server import ChromaServer
from index.generation import Generation, Part, SegmentPool, entry_of, open_generation, publish
from index.layout import current_name
from index.records import Manifest
from index.segment import SegmentWriter

MOST_SEGMENTS = 8
GROWTH = 2
"""A segment is merged with smaller ones if it has at most so many times their chunks together."""

MOST_CHUNKS = 250_000
"""Chunks that a merge makes at most: building their Chroma index takes minutes and a gigabyte."""

DEAD_SHARE = 0.2
"""The share of dead chunks above which a segment is copied without them."""


def merge(data: Path, server: ChromaServer | None = None) -> list[Manifest]:
    """Merge segments of the current generation until none need it; return the generations that were published.

    The caller has the ingest lock. A run that is killed here leaves the current generation as it is.
    """
    published: list[Manifest] = []
    while (name := current_name(data)) is not None:
        # Corruption must not be copied into a segment with valid digests.
        generation = open_generation(data, name, SegmentPool(data, checked=False))
        try:
            chosen = choose(generation.parts)
            if not chosen:
                return published
            published.append(_merged(data, generation, chosen, server))
        finally:
            generation.close()
    return published


def choose(parts: Sequence[Part]) -> list[Part]:
    """Return the parts of a generation to be merged into one; empty if none need it."""
    for part in parts:
        if _alive(part) < (1 - DEAD_SHARE) * part.segment.record.chunk_count:
            return [part]
    if len(parts) <= MOST_SEGMENTS:
        return []
    chosen: list[Part] = []
    total = 0
    for part in sorted(parts, key=_alive):
        if total + _alive(part) > MOST_CHUNKS or (len(chosen) > 1 and _alive(part) > GROWTH * total):
            break
        chosen.append(part)
        total += _alive(part)
    return chosen if len(chosen) > 1 else []


def _merged(data: Path, generation: Generation, chosen: Sequence[Part], server: ChromaServer | None) -> Manifest:
    """Publish the generation with one segment in place of those chosen."""
    configuration = generation.manifest.configuration
    ids = {part.segment.id for part in chosen}
    entries = [part.entry for part in generation.parts if part.segment.id not in ids]
    with SegmentWriter(data, configuration) as writer:
        for part in chosen:
            part.segment.check_files()
            writer.copy(part.segment, part.entry.dead)
        record = writer.close()
    if record is not None:
        entries.append(entry_of(data, record.segment))
    return publish(data, configuration, entries, server)


def _alive(part: Part) -> int:
    """Return the number of live chunks."""
    return part.segment.record.chunk_count if part.alive is None else int(part.alive.sum())
