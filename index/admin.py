"""The upkeep of a data folder: list its generations, roll back to one, prune them, and take an article down.

A takedown removes articles, their words and their vectors from every file of the index: read `take_down`.
"""

from collections.abc import Callable, Collection
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from index.chroma_server import ChromaServer
from index.errors import ConfigurationError, IndexDamaged
from index.generation import SegmentPool, open_generation
from index.layout import (
    current_name,
    generation_names,
    ingest_lock,
    is_leased,
    manifest_path,
    no_index,
    segment_folder,
    segment_names,
    unfinished,
)
from index.publishing import make_current, named_segments, read_manifest, replace_segments, retire, sweep
from index.records import Manifest
from index.segment import Segment, SegmentWriter, read_record
from index.spool import Spool
from index.vectors import sweep_views

PATIENCE_S = 30.0
"""How long a takedown waits for running services to open the new generation, in seconds."""


@dataclass(frozen=True, slots=True)
class ListedGeneration:
    """A generation in a list; `manifest` is None if it cannot be read. Generations share most of their `size` bytes."""

    name: str
    current: bool
    in_use: bool
    size: int
    manifest: Manifest | None


def list_generations(data: Path) -> list[ListedGeneration]:
    """Return the generations, newest first, without verifying them; raises IndexNotFound if there is none."""
    current, names = current_name(data), generation_names(data)
    if not names:
        raise no_index(data)
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


@dataclass(frozen=True, slots=True)
class Takedown:
    """The result of a takedown: `waiting` are generations and segments with the articles that are still in use.

    `origins` are the origins of the articles by id, `generation` is the new current one, if it had to change.
    """

    article_ids: tuple[str, ...]
    origins: dict[str, str]
    generation: str | None
    rewritten_segments: int
    removed_chunks: int
    waiting: tuple[str, ...]

    @property
    def complete(self) -> bool:
        """Return whether the data folder has no trace of the articles."""
        return not self.waiting


def take_down(
    data: Path,
    article_ids: Collection[str],
    server: ChromaServer | None = None,
    patience_s: float = PATIENCE_S,
    *,
    announce: Callable[[Collection[str]], None] | None = None,
    is_known: Callable[[str], bool] | None = None,
) -> Takedown:
    """Remove articles from every segment that has them, from every generation, and from the spool.

    `announce` is called with the segments that have them, or may have them, before anything is removed. Raises
    ConfigurationError if no segment has one of the articles and it is not known from an earlier takedown, IndexDamaged
    if the current generation cannot be read, IngestRunning and PublishFailed.
    """
    wanted = tuple(dict.fromkeys(article_ids))
    with ingest_lock(data):
        current = current_name(data)
        if current is None or not generation_names(data):
            raise no_index(data)
        needed = {entry.segment for entry in read_manifest(data, current).segments}
        # The remains of killed runs may have the articles as well.
        sweep(data, server)
        origins: dict[str, str] = {}
        replaced: dict[str, str | None] = {}
        having: dict[str, list[str]] = {}
        for name in sorted(named_segments(data)):
            try:
                with closing(Segment(segment_folder(data, name))) as segment:
                    found = {id_: article for id_ in wanted if (article := segment.catalog.article(id_))}
            except IndexDamaged:
                if name in needed:
                    raise
                replaced[name] = None
                continue
            if found:
                origins |= {id_: article.origin for id_, article in found.items()}
                having[name] = list(found)
        spool = Spool(data)
        _check_found(data, wanted, {*origins, *(entry.article_id for entry in spool.entries())}, is_known)
        if announce is not None and (having or replaced):
            announce({*having, *replaced})
        spool.forget(wanted)
        chunks = 0
        for name, found_ids in having.items():
            replaced[name], fewer = _rewrite(data, name, found_ids)
            chunks += fewer
        published, waiting = replace_segments(data, replaced, wanted, server, patience_s)
        sweep_views()
        left = [name for name in segment_names(data) if name in replaced]
        waiting += [*left, *(folder.name for folder in unfinished(data))]
    return Takedown(wanted, origins, published, len(replaced), chunks, tuple(waiting))


def _rewrite(data: Path, name: str, without: Collection[str]) -> tuple[str | None, int]:
    """Copy a segment without some articles; return the copy's id, None if it is empty, and the chunks left out."""
    with closing(Segment(segment_folder(data, name), checked=False)) as segment:
        with SegmentWriter(data, segment.record.configuration) as writer:
            writer.copy(segment, without)
            record = writer.close()
        if record is None:
            return None, segment.record.chunk_count
        return record.segment, segment.record.chunk_count - record.chunk_count


def _check_found(
    data: Path, wanted: Collection[str], origins: Collection[str], is_known: Callable[[str], bool] | None
) -> None:
    unknown = [id_ for id_ in wanted if id_ not in origins and not (is_known is not None and is_known(id_))]
    if unknown:
        raise ConfigurationError(
            f"no generation in {data} has an article {', '.join(map(repr, unknown))}; nothing was removed",
            "Look up the ids with `dateline search` or `GET /v1/articles`.",
        )
