"""The segments that a run writes, one after another, until it publishes them."""

import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from index.embedding import Matrix
from index.records import Article, Chunk, Configuration, Revision, SegmentRecord
from index.segment import SegmentWriter

SEGMENT_CHUNKS = 25_000
"""Chunks at which a segment is closed: its build then needs about 100 MB."""


class NewSegments:
    """The segments that one run writes: an article that comes again replaces the earlier one.

    `configuration` is asked for when the first article is added. If the block raises, what was stored is kept for the
    next run.
    """

    def __init__(self, data: Path, configuration: Callable[[], Configuration]) -> None:
        self._data = data
        self._configuration = configuration
        self._writer: SegmentWriter | None = None
        self._closed: list[tuple[SegmentRecord, set[str]]] = []
        self._place_of: dict[str, int] = {}  # the article's segment, by its place in the order of writing

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Remove the segment under construction, or keep it for the next run if the block raised.

        Nothing is left on a disk that is full.
        """
        if self._writer is None:
            return
        if error is None or isinstance(error, (OSError, sqlite3.OperationalError)):
            self._writer.abandon()
        else:
            self._writer.keep()

    @property
    def article_ids(self) -> set[str]:
        """Return the ids of the articles that were added and not discarded."""
        return set(self._place_of)

    def add(self, article: Article, chunks: Sequence[Chunk], vectors: Matrix, history: Sequence[Revision] = ()) -> None:
        """Add an article with its chunks, their vectors and its revisions, newest first; raises EmbeddingFailed."""
        self.discard(article.article_id)
        if self._writer is None:
            self._writer = SegmentWriter(self._data, self._configuration())
        self._writer.add(article, chunks, vectors, history)
        self._place_of[article.article_id] = len(self._closed)

    def store(self) -> None:
        """Store everything so far, so that a killed run leaves it; close a full segment."""
        if self._writer is not None:
            self._writer.store()
            if self._writer.chunk_count >= SEGMENT_CHUNKS:
                self._close()

    def discard(self, article_id: str) -> None:
        """Remove an article, if it was added."""
        place = self._place_of.pop(article_id, None)
        if place is None:
            return
        if place < len(self._closed):
            self._closed[place][1].add(article_id)
        elif self._writer is not None:
            self._writer.discard(article_id)

    def finish(self) -> list[tuple[SegmentRecord, set[str]]]:
        """Close the last segment; return the record of each, with the ids of the articles that are dead in it."""
        self._close()
        return self._closed

    def _close(self) -> None:
        if self._writer is None:
            return
        record = self._writer.close()
        self._writer = None
        if record is not None:
            self._closed.append((record, set()))
