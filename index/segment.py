"""One closed, immutable part of the index: the catalogue, vectors and postings of some articles, never changed."""

import hashlib
import sqlite3
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from index.catalog import Catalog
from index.chroma_server import ChromaServer
from index.embedding import Matrix, Vector
from index.errors import IndexDamaged, reason_of
from index.layout import CATALOG, CHROMA, LEXICAL, SEGMENT, VECTORS
from index.lexical import Postings
from index.records import SegmentRecord, StoredFile
from index.vectors import EXACT_ROWS, Collection, nearest

HINT = "Run `dateline doctor` to see what is corrupt."


class Segment:
    """A segment open for reading; safe to share between threads.

    Its parts are opened when they are first used. Raises IndexDamaged if a file is missing, has changed or cannot be
    opened; with `checked` off, files are compared by their sizes only.
    """

    def __init__(self, folder: Path, server: ChromaServer | None = None, *, checked: bool = True) -> None:
        self.folder = folder
        self.record = read_record(folder)
        # Before Chroma reads a byte: a corrupt HNSW file does not raise there, it ends the process.
        self.check_files(by_size=not checked)
        self._server = server
        self._is_approximate = self.record.chunk_count > EXACT_ROWS and self.record.search == "chroma"
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

    def check_files(self, *, by_size: bool = False) -> None:
        """Raise IndexDamaged if a file is missing or has changed; `by_size` does not read the files."""
        faults = file_faults(self.folder, self.record, by_size=by_size)
        if faults:
            raise IndexDamaged(f"segment {self.folder.name} is corrupt: {'; '.join(faults)}", HINT)

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
            wanted = min(count + min(count, dead), len(self.vectors))
            if self._server is not None:
                rows = self._server.nearest(self.id, vector, wanted)
                if rows is not None:
                    # Another program may have added rows.
                    rows = rows[(rows >= 0) & (rows < len(self.vectors))]
            else:
                rows = self.collection.nearest(vector, wanted) if self.collection is not None else None
            if rows is not None and allowed is not None:
                rows = rows[allowed[rows]]
            if rows is not None and len(rows) >= min(count, len(self.vectors) - dead):
                return rows[:count], self.vectors[rows[:count]] @ vector
        return nearest(self.vectors, vector, count, allowed)

    def vectors_of_texts(self, keys: Sequence[bytes]) -> dict[bytes, Vector]:
        """Return the vectors of those texts that the segment has, by the keys of the texts."""
        rows = self.catalog.rows_of_texts(keys)
        return {key: np.array(self.vectors[row]) for key, row in rows.items()}


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
