"""One closed, immutable part of the index: the catalogue, vectors and postings of some articles.

A `SegmentWriter` collects articles, builds what is derived, verifies it and closes the segment; a `Segment` reads it.
A corrupt HNSW file can end the process that opens it. So the writer verifies in its own process, before a generation
names the segment, and `python -m index.segment FOLDER` prints what is wrong with a closed one.
"""

import hashlib
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterable, Sequence
from contextlib import ExitStack, closing, suppress
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Self
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from index.catalog import Catalog, CatalogWriter
from index.chroma_server import ChromaServer
from index.embedding import Matrix, Vector
from index.errors import EmbeddingFailed, IndexDamaged, PublishFailed, reason_of
from index.layout import BUILDING, CATALOG, CHROMA, LEXICAL, SEGMENT, SEGMENTS, VECTORS, segment_folder, sync
from index.lexical import Postings, PostingsWriter
from index.records import (
    Article,
    Chunk,
    Configuration,
    Revision,
    SegmentEntry,
    SegmentRecord,
    StoredFile,
    compact,
    indexed_text,
    isoformat,
)
from index.vectors import (
    EXACT_ROWS,
    PAGE,
    Collection,
    VectorFile,
    are_unit,
    build_collection,
    misses_too_many,
    nearest,
    vector_faults,
)

HINT = "Run `dateline doctor` to see what is corrupt."
COLLECTED = "vectors.f32"
TIMEOUT_S = 900
SEARCHED = "--searched"


class Segment:
    """A segment open for reading; safe to share between threads.

    Its parts are opened when they are first used. Raises IndexDamaged if a file is missing, has changed or cannot be
    opened; with `checked` off, files are compared by their sizes only.
    """

    def __init__(self, folder: Path, server: ChromaServer | None = None, *, checked: bool = True) -> None:
        self.folder = folder
        self.record = read_record(folder)
        # Before Chroma reads a byte: a corrupt HNSW file does not raise there, it ends the process.
        faults = file_faults(folder, self.record, by_size=not checked)
        if faults:
            raise IndexDamaged(f"segment {folder.name} is corrupt: {'; '.join(faults)}", HINT)
        self._server = server
        self._is_approximate = is_approximate(self.record)
        try:
            self.catalog = Catalog(folder / CATALOG)
        except sqlite3.DatabaseError as error:
            raise IndexDamaged(f"segment {folder.name} cannot be opened: {error}", HINT) from error

    @property
    def id(self) -> str:
        """Return the segment's id: its time of creation and a random part."""
        return self.record.segment

    @cached_property
    def vectors(self) -> Matrix:
        """Return the exact vectors, memory-mapped, one a row."""
        vectors: Matrix = np.asarray(np.load(self.folder / VECTORS, mmap_mode="r"))
        return vectors

    @cached_property
    def postings(self) -> Postings:
        """Return the postings of the lexical index."""
        return Postings(self.folder / LEXICAL)

    @cached_property
    def collection(self) -> Collection | None:
        """Return the embedded Chroma collection; None if the segment is searched exactly or on a server."""
        if self._server is not None or not self._is_approximate:
            return None
        return Collection(self.folder / CHROMA)

    def open(self) -> None:
        """Open every part that questions use, so that the first question does not wait for it."""
        try:
            if (len(self.vectors), self.postings.row_count) != (self.record.chunk_count,) * 2:
                raise IndexDamaged(f"segment {self.id}: numbers of chunks disagree", HINT)
            _ = self.collection
        except (OSError, EOFError, ValueError) as error:
            raise IndexDamaged(f"segment {self.id} cannot be opened: {error}", HINT) from error

    def close(self) -> None:
        """Close every file, and remove the private view of Chroma."""
        self.catalog.close()
        if self.__dict__.get("collection") is not None:
            self.__dict__["collection"].close()

    def nearest(
        self, vector: Vector, count: int, allowed: NDArray[np.bool_] | None, dead: int
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return the rows nearest to a vector among those allowed, and their cosines, in any order.

        `allowed` is None if all rows are, `dead` is the number of rows that are not allowed for want of a live article.
        If others are excluded as well, or if most of what Chroma finds is dead, the search is exact.
        """
        excluded = 0 if allowed is None else len(allowed) - int(np.count_nonzero(allowed))
        if self._is_approximate and excluded == dead:
            rows = self._approximate(vector, min(count + min(count, dead), len(self.vectors)))
            rows = rows if allowed is None else rows[allowed[rows]]
            if len(rows) >= min(count, len(self.vectors) - dead):
                return rows[:count], self.vectors[rows[:count]] @ vector
        return nearest(self.vectors, vector, count, allowed)

    def _approximate(self, vector: Vector, count: int) -> NDArray[np.int64]:
        """Return the rows that Chroma finds, best first; none if a server cannot be asked now."""
        if self.collection is not None:
            return self.collection.nearest(vector, count)
        rows = None if self._server is None else self._server.nearest(self.id, vector, count)
        if rows is None:
            return np.empty(0, dtype=np.int64)
        # Another program may have added rows.
        return rows[(rows >= 0) & (rows < len(self.vectors))]

    def vectors_of_texts(self, keys: Sequence[bytes]) -> dict[bytes, Vector]:
        """Return the vectors of those texts that the segment has, by the keys of the texts."""
        rows = self.catalog.rows_of_texts(keys)
        return {key: np.array(self.vectors[row]) for key, row in rows.items()}


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

    def copy(self, segment: Segment, without: Iterable[str] = ()) -> None:
        """Copy the articles of another segment, but for those with these ids."""
        first = self._catalog.chunk_count
        rows = self._catalog.copy(segment.folder / CATALOG, without)
        for start in range(0, len(rows), PAGE):
            self._vectors.append(segment.vectors[rows[start : start + PAGE]])
        self._copied.append((segment, rows, first))

    def discard(self, article_id: str) -> None:
        """Remove an article that was added."""
        self._catalog.discard(article_id)

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
        with closing(Catalog(self.folder / CATALOG)) as catalog:
            articles = len(catalog.hashes())
            self._write_postings(catalog, rows)
        if not articles:
            self.abandon()
            return None
        record = self._write_record(articles, vectors)
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

    def _write_postings(self, catalog: Catalog, rows: NDArray[np.int64]) -> None:
        postings = PostingsWriter(self._configuration.language)
        copied = np.zeros(len(rows), dtype=bool)
        for segment, old_rows, first in self._copied:
            postings.copy(segment.postings, old_rows, first)
            copied[first : first + len(old_rows)] = True
        for row, (chunk, article) in enumerate(catalog.all_chunks()):
            postings.count_words(chunk.text)
            if not copied[row]:
                postings.add(row, indexed_text(article.title, chunk.text))
        postings.write(self.folder / LEXICAL)

    def _write_record(self, articles: int, vectors: Matrix) -> SegmentRecord:
        moment = datetime.now(UTC)
        exact = len(vectors) > EXACT_ROWS and misses_too_many(self.folder / CHROMA, vectors)
        record = SegmentRecord(
            segment=f"{compact(moment)}-{uuid4().hex[:8]}",
            configuration=self._configuration,
            article_count=articles,
            chunk_count=len(vectors),
            created_at=isoformat(moment, "milliseconds"),
            files=stored_files(self.folder),
            search="exact" if exact else "chroma",
        )
        (self.folder / SEGMENT).write_text(record.to_json(), encoding="utf-8")
        return record


def open_segment(
    data: Path, entry: SegmentEntry, server: ChromaServer | None = None, *, checked: bool = True
) -> Segment:
    """Open a segment of a generation; raises IndexDamaged if it is missing or is not the one that was published."""
    folder = segment_folder(data, entry.segment)
    try:
        if digest_of(folder / SEGMENT) != entry.sha256:
            raise IndexDamaged(f"segment {entry.segment} is corrupt: {SEGMENT} has changed", HINT)
        return Segment(folder, server, checked=checked)
    except OSError as error:
        file = Path(error.filename or folder).name
        raise IndexDamaged(f"segment {entry.segment} cannot be read: {reason_of(error)} ({file})", HINT) from error


def read_record(folder: Path) -> SegmentRecord:
    """Return the record of a segment; raises IndexDamaged if it is missing or invalid."""
    try:
        return SegmentRecord.from_json((folder / SEGMENT).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise IndexDamaged(f"segment {folder.name} has no readable {SEGMENT}: {reason_of(error)}", HINT) from error


def stored_files(folder: Path) -> dict[str, StoredFile]:
    """Return size and digest of every file of a segment but its record, by path in the folder."""
    paths = (path for path in sorted(folder.rglob("*")) if path.is_file() and path != folder / SEGMENT)
    return {path.relative_to(folder).as_posix(): StoredFile(path.stat().st_size, digest_of(path)) for path in paths}


def file_faults(folder: Path, record: SegmentRecord, *, by_size: bool = False) -> list[str]:
    """Return a message for each file that is missing or has changed; `by_size` does not read the files."""
    faults: list[str] = []
    for name, stored in record.files.items():
        path = folder / name
        if not path.is_file():
            faults.append(f"{name} is missing")
        elif path.stat().st_size != stored.size or not (by_size or digest_of(path) == stored.sha256):
            faults.append(f"{name} has changed")
    return faults


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def is_approximate(record: SegmentRecord) -> bool:
    """Return whether a segment is searched by its Chroma collection, not exactly."""
    return record.chunk_count > EXACT_ROWS and record.search == "chroma"


def verify_in_child(folder: Path, *, searched: bool = False) -> list[str]:
    """Return the faults of a closed segment; empty if it is valid.

    With `searched`, a collection that is not searched is only compared with its digests: to import chromadb is most of
    the computing for a small segment.
    """
    command = [sys.executable, "-m", "index.segment", str(folder.absolute()), *([SEARCHED] if searched else [])]
    try:
        child = subprocess.run(  # noqa: S603 - our own interpreter on our own module
            command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False, cwd=Path(__file__).parent.parent
        )
    except subprocess.TimeoutExpired:
        return [f"verification did not end within {TIMEOUT_S} s"]
    # Text after the last line end is incomplete.
    faults = child.stdout.split("\n")[:-1]
    if child.returncode:
        last = child.stderr.strip().splitlines()[-1:] or ["no message"]
        faults.append(f"verification ended with {child.returncode}: {last[0]}")
    return faults


def faults_of(folder: Path, record: SegmentRecord, *, searched: bool = False) -> list[str]:
    """Return what is wrong in the contents of a segment, opened in this process, which a corrupt HNSW file may end.

    With `searched`, a collection that is not searched is not opened.
    """
    try:
        with ExitStack() as opened:
            catalog = opened.enter_context(closing(Catalog(folder / CATALOG)))
            vectors: Matrix = np.load(folder / VECTORS, mmap_mode="r")
            counts = {
                "record": record.chunk_count,
                "catalogue": len(catalog.article_of_row),
                "vectors": len(vectors),
                "lexical": Postings(folder / LEXICAL).row_count,
            }
            collection = None
            if is_approximate(record) or not searched:
                collection = opened.enter_context(closing(Collection(folder / CHROMA)))
                counts["chroma"] = collection.count()
            if len(set(counts.values())) > 1:
                return [f"numbers of chunks disagree: {counts}"]
            faults = [
                *vector_faults(vectors, record.configuration.dimension),
                *(collection.faults(vectors) if collection else ()),
            ]
            if (articles := len(catalog.hashes())) != record.article_count:
                faults.insert(0, f"the catalogue has {articles} articles, the record states {record.article_count}")
            return faults
    except (OSError, EOFError, ValueError, IndexDamaged, sqlite3.DatabaseError) as error:
        return [f"it cannot be opened: {error}"]


def main() -> int:
    """Print each fault of the segment named on the command line."""
    folder, searched = Path(sys.argv[1]), sys.argv[2:] == [SEARCHED]
    try:
        record = read_record(folder)
    except IndexDamaged as error:
        faults = [error.args[0].removeprefix(f"segment {folder.name} ")]
    else:
        faults = file_faults(folder, record)
        # Printed first, because the next step can end this process. A changed file is opened as well: its lost contents
        # say more than the change.
        sys.stdout.writelines(f"{fault}\n" for fault in faults)
        sys.stdout.flush()
        faults = faults_of(folder, record, searched=searched)
    sys.stdout.writelines(f"{fault}\n" for fault in faults)
    return 0


if __name__ == "__main__":
    sys.exit(main())
