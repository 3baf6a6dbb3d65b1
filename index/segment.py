"""One closed, immutable part of the index: the catalogue, vectors and postings of some articles; read and verified.

`python -m index.segment FOLDER` prints what is wrong with a segment, in a process of its own, because a corrupt HNSW
file can end it. The writer verifies a new segment in its own process: if that ends, no generation names the segment.
"""

import hashlib
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from index.catalog import Catalog, text_key
from index.chroma_server import ChromaServer
from index.embedding import Matrix, Vector
from index.errors import IndexDamaged, reason_of
from index.layout import CATALOG, CHROMA, LEXICAL, SEGMENT, VECTORS
from index.lexical import Postings
from index.records import SegmentRecord, StoredFile, indexed_text
from index.terms import Terms
from index.vectors import EXACT_ROWS, Collection, are_unit, nearest, undrained

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


SAMPLE = 500
SAMPLE_SEED = 20260101
TIMEOUT_S = 900
TOLERANCE = 1e-4
MISSES_ALLOWED = 0.002


def verify_in_child(folder: Path) -> list[str]:
    """Return the faults of a closed segment; empty if it is valid."""
    command = [sys.executable, "-m", "index.segment", str(folder.absolute())]
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


def faults_of(folder: Path, record: SegmentRecord) -> list[str]:
    """Return what is wrong in the contents of a segment, opened in this process, which a corrupt HNSW file may end."""
    try:
        with closing(Catalog(folder / CATALOG)) as catalog:
            vectors: Matrix = np.load(folder / VECTORS, mmap_mode="r")
            postings = Postings(folder / LEXICAL)
            with closing(Collection(folder / CHROMA)) as collection:
                counts = {
                    "record": record.chunk_count,
                    "catalogue": len(catalog.article_of_row),
                    "vectors": len(vectors),
                    "lexical": postings.row_count,
                    "chroma": collection.count(),
                }
                if len(set(counts.values())) > 1:
                    return [f"numbers of chunks disagree: {counts}"]
                faults = [*_wrong_catalog(catalog, postings, record), *_wrong_vectors(vectors, record, collection)]
            if undrained(folder / CHROMA):
                faults.append("rows wait in chroma's queue")
            return faults
    except (OSError, EOFError, ValueError, IndexDamaged, sqlite3.DatabaseError) as error:
        return [f"it cannot be opened: {error}"]


def misses_too_many(folder: Path) -> bool:
    """Return whether Chroma does not find too many chunks of a segment by their own vectors.

    HNSW cannot reach every row beside a crowd of near-duplicates, as tables, logs and lists make
    (chroma-core/chroma#3113): the segment is valid, but needs exact search.
    """
    vectors: Matrix = np.load(folder / VECTORS, mmap_mode="r")
    missed = 0
    with closing(Collection(folder / CHROMA)) as collection:
        for row in _sample(len(vectors)):
            found = collection.nearest(vectors[row], 5)
            # Chunks of equal text have equal vectors, so the score counts, not the row.
            missed += bool((vectors[found] @ vectors[row]).max(initial=-1) < 1 - TOLERANCE)
    return missed > MISSES_ALLOWED * min(SAMPLE, len(vectors))


def _wrong_catalog(catalog: Catalog, postings: Postings, record: SegmentRecord) -> Iterator[str]:
    hashes = catalog.hashes()
    if len(hashes) != record.article_count:
        yield f"the catalogue has {len(hashes)} articles, the record states {record.article_count}"
    changed = [
        article.article_id
        for article in (article for article, _ in catalog.articles())
        if article.content_hash != hashes[article.article_id]
    ]
    if changed:
        yield f"{len(changed)} articles do not match their content hash, the first is {changed[0]}"
    rows = sorted(_sample(catalog.chunk_count).tolist())
    keys, terms = catalog.text_keys(rows), Terms(record.configuration.language)
    sampled = catalog.chunks(rows)
    for article in {article.article_id: article for _, article in sampled}.values():
        if not catalog.has_sketch_of(article):
            yield f"the sketch of {article.article_id} is missing or that of another text"
            return
    for row, (chunk, article) in zip(rows, sampled, strict=True):
        if keys[row] != text_key(article, chunk):
            yield f"row {row} of the catalogue has another text than was embedded, in {article.article_id}"
            return
        if len(terms.of(indexed_text(article.title, chunk.text))) != postings.lengths[row]:
            yield f"row {row} of the lexical index has other terms than its chunk {chunk.chunk_id}"
            return


def _wrong_vectors(vectors: Matrix, record: SegmentRecord, collection: Collection) -> Iterator[str]:
    if vectors.shape[1] != record.configuration.dimension:
        yield f"the record states dimension {record.configuration.dimension}, vectors.npy has {vectors.shape[1]}"
    invalid = np.flatnonzero(~are_unit(vectors))
    if len(invalid):
        yield f"{len(invalid)} vectors are not finite unit vectors, the first in row {invalid[0]}"
    if collection.space != "cosine":
        yield f"chroma measures {collection.space!r}, expected 'cosine'"
    seen = np.zeros(len(vectors), dtype=bool)
    for rows, stored in collection.pages():
        if rows.max(initial=-1) >= len(vectors) or rows.min(initial=0) < 0:
            yield "chroma has a row that is not in the catalogue"
            return
        seen[rows] = True
        differing = rows[np.abs(stored - vectors[rows]).max(axis=1, initial=0) > TOLERANCE]
        if len(differing):
            yield f"{len(differing)} vectors in chroma differ from vectors.npy, the first in row {differing[0]}"
    if not seen.all():
        yield f"{int((~seen).sum())} rows have no vector in chroma, the first is row {np.argmin(seen)}"


def _sample(count: int) -> NDArray[np.int64]:
    return np.random.default_rng(SAMPLE_SEED).permutation(count)[:SAMPLE]


def main() -> int:
    """Print each fault of the segment named on the command line."""
    folder = Path(sys.argv[1])
    try:
        record = read_record(folder)
    except IndexDamaged as error:
        faults = [error.args[0].removeprefix(f"segment {folder.name} ")]
    else:
        # A changed file is opened as well: its lost contents say more than the change.
        faults = file_faults(folder, record)
        for fault in faults:
            sys.stdout.write(f"{fault}\n")
        # Flushed, so that the faults survive the end of this process.
        sys.stdout.flush()
        faults = faults_of(folder, record)
    for fault in faults:
        sys.stdout.write(f"{fault}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
