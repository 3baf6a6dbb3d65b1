"""Write segments: articles are added with the vectors of their chunks, and each full segment is closed and verified.

A killed run leaves its segment under construction, and perhaps closed segments that no generation names. The next run
takes vectors from both by the keys of their texts, so no text is embedded twice.
"""

import shutil
import sqlite3
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from index.catalog import Catalog, CatalogWriter
from index.embedding import Matrix, Vector
from index.errors import EmbeddingFailed, IndexDamaged, PublishFailed
from index.layout import BUILDING, CATALOG, CHROMA, LEXICAL, SEGMENT, SEGMENTS, VECTORS, segment_folder, sync
from index.lexical import PostingsWriter
from index.records import Article, Chunk, Configuration, Revision, SegmentRecord, indexed_text, isoformat
from index.segment import Segment, faults_of, misses_too_many, stored_files
from index.terms import Terms
from index.vectors import EXACT_ROWS, PAGE, VectorFile, are_unit, build_collection, read_rows

SEGMENT_CHUNKS = 25_000
"""Chunks at which a segment is closed: its build then needs about 100 MB."""

COLLECTED = "vectors.f32"


class SegmentWriter:
    """A segment under construction, in a folder that no other process reads before it is closed."""

    def __init__(self, data: Path, configuration: Configuration) -> None:
        self._data = data
        self._configuration = configuration
        self.folder = data / SEGMENTS / f"{BUILDING}{uuid4().hex[:12]}"
        self.folder.mkdir(parents=True)
        self._catalog = CatalogWriter(self.folder / CATALOG, configuration)
        self._vectors = VectorFile(self.folder / COLLECTED, configuration.dimension)
        self._copied: list[tuple[Segment, NDArray[np.int64], int]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Remove the folder if the block raised."""
        if error is not None:
            self.abandon()

    @property
    def chunk_count(self) -> int:
        """Return the number of chunks that were added."""
        return self._catalog.chunk_count

    def add(self, article: Article, chunks: Sequence[Chunk], vectors: Matrix, history: Sequence[Revision] = ()) -> None:
        """Add an article, its chunks, their unit vectors and its history; raises EmbeddingFailed for other vectors."""
        if vectors.shape != (len(chunks), self._configuration.dimension) or not are_unit(vectors).all():
            raise EmbeddingFailed(
                f"the embedding model gave vectors of shape {vectors.shape}, expected {len(chunks)} unit vectors of"
                f" dimension {self._configuration.dimension}",
                "Check whether it is still the same model; give another model another name.",
            )
        self._vectors.append(vectors)
        self._catalog.add(article, chunks, history)

    def copy(self, segment: Segment, without: Collection[str] = ()) -> None:
        """Copy the articles of another segment, but for those with these ids."""
        first = self._catalog.chunk_count
        rows = self._catalog.copy(segment.folder / CATALOG, without)
        for start in range(0, len(rows), PAGE):
            self._vectors.append(segment.vectors[rows[start : start + PAGE]])
        self._copied.append((segment, rows, first))

    def discard(self, article_id: str) -> None:
        """Remove an article that was added."""
        self._catalog.discard(article_id)

    def rename(self, article_id: str, to: str, history: Sequence[Revision] = ()) -> None:
        """Change the id of an article that was added, and give it the revisions of that id."""
        self._catalog.rename(article_id, to, history)

    def store(self) -> None:
        """Store everything so far, so that a killed run leaves it."""
        self._vectors.flush()
        self._catalog.commit()

    def close(self) -> SegmentRecord | None:
        """Build what is derived, verify it and move the segment into place; None if it has no article.

        Raises PublishFailed if the segment does not pass verification. A native crash of Chroma ends the process here,
        before a generation names the segment.
        """
        rows = self._catalog.rows()
        self._vectors.save(self.folder / VECTORS, rows)
        self._catalog.number_rows()
        self._catalog.close()
        self._vectors.remove()
        vectors: Matrix = np.load(self.folder / VECTORS, mmap_mode="r")
        build_collection(self.folder / CHROMA, vectors)
        articles = self._write_postings(rows)
        if not articles:
            self.abandon()
            return None
        record = self._write_record(articles, len(rows))
        faults = faults_of(self.folder, record)
        if faults:
            raise PublishFailed(
                f"the new segment did not pass verification: {'; '.join(faults)}",
                "The current generation is unchanged. Run the ingest again; if this repeats, check disk and memory.",
            )
        for path in (self.folder, *self.folder.rglob("*")):
            sync(path)
        self.folder.rename(segment_folder(self._data, record.segment))
        sync(self._data / SEGMENTS)
        return record

    def keep(self) -> None:
        """Close the folder with what was stored, from which the next run takes vectors."""
        self._catalog.close()
        self._vectors.close()
        for derived in (CHROMA, LEXICAL):
            shutil.rmtree(self.folder / derived, ignore_errors=True)

    def abandon(self) -> None:
        """Remove the folder; the next run sweeps what cannot be removed now."""
        self._catalog.close()
        with suppress(OSError):
            self._vectors.remove()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _write_postings(self, rows: NDArray[np.int64]) -> int:
        """Write the lexical index; return the number of articles."""
        postings = PostingsWriter(Terms(self._configuration.language))
        copied = np.zeros(len(rows), dtype=bool)
        for segment, old_rows, first in self._copied:
            postings.copy(segment.postings, old_rows, first)
            copied[first : first + len(old_rows)] = True
        catalog = Catalog(self.folder / CATALOG)
        try:
            row = 0
            for page in catalog.pages():
                for chunk, article in page:
                    postings.count_words(chunk.text)
                    if not copied[row]:
                        postings.add(row, indexed_text(article.title, chunk.text))
                    row += 1
            postings.write(self.folder / LEXICAL)
            return len(catalog.hashes())
        finally:
            catalog.close()

    def _write_record(self, articles: int, chunks: int) -> SegmentRecord:
        moment = datetime.now(UTC)
        exact = chunks > EXACT_ROWS and misses_too_many(self.folder)
        record = SegmentRecord(
            segment=f"{moment:%Y%m%dT%H%M%S}{moment.microsecond // 1000:03d}Z-{uuid4().hex[:8]}",
            configuration=self._configuration,
            article_count=articles,
            chunk_count=chunks,
            created_at=isoformat(moment, "milliseconds"),
            files=stored_files(self.folder),
            search="exact" if exact else "chroma",
        )
        (self.folder / SEGMENT).write_text(record.to_json(), encoding="utf-8")
        return record


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

    def rename(self, article_id: str, to: str, history: Sequence[Revision] = ()) -> None:
        """Change the id of an article, if it was added, and give it the revisions of that id."""
        place = self._place_of.get(article_id)
        if place is None:
            return
        if place == len(self._closed) and self._writer is not None:
            self._writer.rename(article_id, to, history)
            self._place_of[to] = self._place_of.pop(article_id)
            return
        segment = Segment(segment_folder(self._data, self._closed[place][0].segment), checked=False)
        try:
            for article, rows in segment.catalog.articles([article_id]):
                chunks = [chunk for chunk, _ in segment.catalog.chunks(rows)]
                self.add(replace(article, article_id=to), chunks, segment.vectors[rows], history)
        finally:
            segment.close()
        self.discard(article_id)

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


class UnfinishedSegment:
    """The vectors in a folder that a killed run left.

    Raises IndexDamaged if they are of another model or graph, or unreadable.
    """

    def __init__(self, folder: Path, model: str, graph: str) -> None:
        try:
            self._catalog = Catalog(folder / CATALOG, closed=False)
            found, numbered = self._catalog.configuration, self._catalog.is_numbered
            collected = folder / COLLECTED
            self._vectors: Matrix = (
                np.load(folder / VECTORS, mmap_mode="r") if numbered else read_rows(collected, found.dimension)
            )
        except (OSError, EOFError, ValueError, IndexError, sqlite3.DatabaseError) as error:
            raise IndexDamaged(f"{folder.name} cannot be read: {error}") from error
        if (found.embedding_model, found.embedding_graph) != (model, graph):
            self.close()
            raise IndexDamaged(f"{folder.name} has vectors of another model")

    def vectors_of_texts(self, keys: Sequence[bytes]) -> dict[bytes, Vector]:
        """Return the vectors of those texts that the run had embedded, by the keys of the texts."""
        rows = self._catalog.rows_of_texts(keys)
        found = {key: np.array(self._vectors[row]) for key, row in rows.items() if row < len(self._vectors)}
        return {key: vector for key, vector in found.items() if are_unit(vector[np.newaxis, :])[0]}

    def close(self) -> None:
        """Close the file."""
        self._catalog.close()
