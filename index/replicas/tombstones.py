"""The takedowns that a store knows of, and what they forbid in a data folder.

An article is found by its id in every segment that was closed before its takedown. So a machine that was away for a
week, or that was restored from a backup, finds copies of which the publisher no longer knew.
"""

from collections.abc import Iterable
from contextlib import closing
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from sqlite3 import DatabaseError

from index.chroma_server import ChromaServer
from index.errors import ArticleTakenDown, IndexDamaged
from index.layout import current_name, generation_names, segment_folder, segment_names, unfinished
from index.publishing import discard, read_manifest, sweep
from index.records import Manifest
from index.replicas import objects
from index.replicas.store import Store
from index.segment import Segment
from index.vectors import sweep_views

HINT = "On the publisher, run `dateline remove` with the ids of the articles again."


def digest_of_id(article_id: str) -> str:
    """Return the SHA-256 of an article's id: a takedown leaves nothing of an article, not even its address."""
    return sha256(article_id.encode()).hexdigest()


class Tombstones:
    """The takedowns of a store; `number` is that of the last one."""

    def __init__(self, store: Store) -> None:
        self.number = 0
        self._store = store
        self._segments: set[str] = set()
        self._numbers: dict[str, int] = {}
        self._moments: dict[str, datetime] = {}
        self._found: dict[str, list[str]] = {}
        self.update()

    def update(self) -> None:
        """Read the takedowns that are new in the store."""
        for tombstone in objects.tombstones(self._store, self.number):
            self.number = tombstone.number
            self._segments.update(tombstone.segments)
            moment = datetime.fromisoformat(tombstone.created_at)
            for digest in tombstone.articles:
                self._numbers[digest] = tombstone.number
                self._moments[digest] = max(moment, self._moments.get(digest, moment))
            self._found.clear()

    def names(self, article_id: str, after: int = 0) -> bool:
        """Return whether an article with this id was taken down after the takedown with the number `after`.

        It may have been published again.
        """
        return self._numbers.get(digest_of_id(article_id), 0) > after

    def names_segment(self, segment: str) -> bool:
        """Return whether an article was taken down from this segment."""
        return segment in self._segments

    def check_names(self, manifest: Manifest) -> None:
        """Raise ArticleTakenDown if a generation names a segment or a dead article that was taken down."""
        segments = [entry.segment for entry in manifest.segments if self.names_segment(entry.segment)]
        articles = self._among((id_ for entry in manifest.segments for id_ in entry.dead), manifest.created_at)
        if named := [*segments, *articles]:
            raise ArticleTakenDown(f"generation {manifest.generation} names {', '.join(named)}, taken down since", HINT)

    def check(self, data: Path, manifest: Manifest) -> None:
        """Raise ArticleTakenDown if a generation names or has an article that was taken down after it was stored.

        Raises IndexDamaged if a segment cannot be read: it may have the article.
        """
        self.check_names(manifest)
        for entry in manifest.segments:
            if articles := self._articles_of(data, entry.segment):
                raise ArticleTakenDown(
                    f"generation {manifest.generation} has {', '.join(articles)}, taken down since", HINT
                )

    def forbids(self, data: Path, generation: str) -> bool:
        """Return whether a data folder must not have a generation: it has, names or may have what was taken down."""
        try:
            self.check(data, read_manifest(data, generation))
        except (ArticleTakenDown, IndexDamaged):
            return True
        return False

    def remove(self, data: Path, server: ChromaServer | None, patience_s: float) -> list[str]:
        """Remove from a replica's folder what was taken down; return the names of what is left.

        Waits at most `patience_s` seconds for processes that read it. The current generation is not removed. The caller
        has the lock of the folder.
        """
        doomed = [name for name in generation_names(data) if self.forbids(data, name)]
        discard(data, [name for name in doomed if name != current_name(data)], server, patience_s)
        # Also the remains of killed pulls, and segments that no generation names: they may have an article.
        sweep(data, server)
        sweep_views()
        left = [name for name in doomed if name in generation_names(data)]
        left += [name for name in segment_names(data) if self.names_segment(name)]
        return [*left, *(folder.name for folder in unfinished(data))]

    def _articles_of(self, data: Path, segment: str) -> list[str]:
        """Return the ids of the articles in a segment that were taken down after it was closed."""
        if self._moments and segment not in self._found:
            try:
                with closing(Segment(segment_folder(data, segment), checked=False)) as opened:
                    self._found[segment] = self._among(opened.catalog.hashes(), opened.record.created_at)
            except DatabaseError as error:
                raise IndexDamaged(f"segment {segment} cannot be read: {error}", "Run `dateline doctor`.") from error
        return self._found.get(segment, [])

    def _among(self, article_ids: Iterable[str], written_at: str) -> list[str]:
        """Return those of some articles that were taken down after a segment or a manifest was written."""
        if not self._moments:
            return []
        moment = datetime.fromisoformat(written_at)
        digests = ((id_, self._moments.get(digest_of_id(id_))) for id_ in article_ids)
        return sorted({id_ for id_, taken_down in digests if taken_down is not None and taken_down >= moment})
