"""Takedown: remove articles, their words and their vectors from every file of the index. Read `take_down` first."""

from collections.abc import Collection
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from index.admin import named_segments, replace_segments, sweep
from index.chroma_server import ChromaServer
from index.errors import ConfigurationError, IndexDamaged, no_index
from index.generation import check_release, read_manifest
from index.layout import current_name, generation_names, ingest_lock, segment_folder, segment_names, unfinished
from index.segment import Segment, SegmentWriter
from index.spool import Spool
from index.vectors import sweep_views

PATIENCE_S = 30.0
"""How long a takedown waits for running services to open the new generation, in seconds."""


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
    data: Path, article_ids: Collection[str], server: ChromaServer | None = None, patience_s: float = PATIENCE_S
) -> Takedown:
    """Remove articles from every segment that has them, from every generation, and from the spool.

    Raises ConfigurationError if no segment has one of the articles, IndexDamaged if the current generation cannot be
    read, IngestRunning and PublishFailed.
    """
    wanted = tuple(dict.fromkeys(article_ids))
    with ingest_lock(data):
        check_release(data)
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
        _check_found(data, wanted, {*origins, *(entry.article_id for entry in spool.entries())})
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


def _check_found(data: Path, wanted: Collection[str], origins: Collection[str]) -> None:
    unknown = [article_id for article_id in wanted if article_id not in origins]
    if unknown:
        raise ConfigurationError(
            f"no generation in {data} has an article {', '.join(map(repr, unknown))}; nothing was removed",
            "Look up the ids with `dateline search` or `GET /v1/articles`.",
        )
