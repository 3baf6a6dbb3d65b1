"""The vectors of a segment: exact in `vectors.npy`, and copied into a Chroma collection for approximate search.

`vectors.npy` (float32, unit rows in the order of the catalogue, memory-mapped) is the truth: its cosines rank, and it
answers whatever Chroma does not. Up to EXACT_ROWS rows, an exact search is faster than Chroma's
(`benchmarks/question_speed.py --exact` measures it).

Chroma writes to its SQLite file whenever it opens a folder, also to query, but a segment is immutable. So every process
opens a temporary folder with a copy of the small SQLite file and links to the large HNSW files. Only this module and
`index.chroma_server` import chromadb.
"""

import ctypes
import fcntl
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from index.embedding import Matrix, Vector
from index.errors import IndexDamaged, PublishFailed

if TYPE_CHECKING:
    from chromadb.api.client import Client
    from chromadb.api.collection_configuration import CreateCollectionConfiguration
    from chromadb.config import Settings

UNIT_TOLERANCE = 1e-4
"""Largest difference from 1 of the length of a stored vector."""

EXACT_ROWS = 30_000
"""Rows up to which a segment is searched exactly: 1.4 against 1.6 ms here, 2.3 against 1.5 ms at 50,000, one thread."""

EQUAL = 2e-6
"""Cosines that are equal to six digits differ by less, also in single precision."""

PAGE = 2000
"""Rows copied at once."""

NAME = "chunks"
"""Name of the collection in a folder."""

SAMPLE = 500
SAMPLE_SEED = 20260101
MISSES_ALLOWED = 0.002
"""Share of a sample of chunks that Chroma may miss by their own vectors."""

TOLERANCE = 1e-4
"""Largest difference of a number in Chroma from the one in `vectors.npy`."""

EF_SEARCH = 200
HNSW_ROOM = 100
"""Rows for which a new HNSW index has room."""

SQLITE = "chroma.sqlite3"
VIEW_PREFIX = "dateline-chroma-"


def nearest(
    vectors: Matrix, vector: Vector, count: int, allowed: NDArray[np.bool_] | None = None
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return the `count` rows nearest to a vector among those allowed, and their cosines; exact, in any order.

    Rows that are as near as the last of them are returned as well, so that the caller breaks the tie.
    """
    scores = vectors @ vector
    if allowed is not None:
        scores = np.where(allowed, scores, -np.inf)
    rows = np.flatnonzero(scores >= max(least_of(scores, count), -2))
    return rows, scores[rows]


def are_unit(vectors: Matrix) -> NDArray[np.bool_]:
    """Return for each row whether it is a finite vector of length 1; shape (n,)."""
    # Without the temporary copy that `norm` makes. A comparison with NaN is False.
    near: NDArray[np.bool_] = np.abs(np.sqrt(np.einsum("ij,ij->i", vectors, vectors)) - 1) < UNIT_TOLERANCE
    return near


def least_of(scores: NDArray[np.float32], count: int) -> float:
    """Return the least of the `count` highest scores, less what equal scores may differ by in single precision."""
    if count >= len(scores):
        return -np.inf
    return float(np.partition(scores, len(scores) - count)[len(scores) - count]) - EQUAL


class VectorFile:
    """Vectors that are being collected in a file: appended row by row, then written as `vectors.npy`."""

    def __init__(self, path: Path, dimension: int) -> None:
        self._path = path
        self._dimension = dimension
        self._file = path.open("wb")

    def append(self, vectors: Matrix) -> None:
        """Add rows at the end."""
        # Written, not mapped: on a full disk this raises an error, where a mapped file would crash.
        self._file.write(np.ascontiguousarray(vectors, dtype="<f4").tobytes())

    def flush(self) -> None:
        """Hand everything so far to the system, so that a killed run leaves it."""
        self._file.flush()

    def save(self, target: Path, rows: NDArray[np.int64]) -> None:
        """Write these rows as a file of numpy, in this order."""
        self._file.close()
        collected = read_rows(self._path, self._dimension)
        header = {"descr": "<f4", "fortran_order": False, "shape": (len(rows), self._dimension)}
        with target.open("wb") as file:
            np.lib.format.write_array_header_1_0(file, header)
            for start in range(0, len(rows), PAGE):
                file.write(collected[rows[start : start + PAGE]].tobytes())

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def remove(self) -> None:
        """Close and remove the file."""
        self.close()
        self._path.unlink()


def read_rows(path: Path, dimension: int) -> Matrix:
    """Return the complete rows that a VectorFile has collected, memory-mapped."""
    rows = path.stat().st_size // (4 * dimension)
    if not rows:
        return np.empty((0, dimension), dtype=np.float32)
    return np.memmap(path, dtype="<f4", mode="r", shape=(rows, dimension))


def build_collection(folder: Path, vectors: Matrix) -> None:
    """Write row numbers and vectors into a new Chroma folder, persisted once, and left closed and compact.

    Raises PublishFailed if Chroma cannot write, for example to a full disk.
    """
    from chromadb.errors import ChromaError

    folder.mkdir()
    try:
        with _client(folder) as client:
            configuration = configuration_of(len(vectors))
            collection = client.create_collection(NAME, embedding_function=None, configuration=configuration)
            page = min(client.get_max_batch_size(), PAGE)
            for start in range(0, len(vectors), page):
                # Chroma reads number by number, which is slow in numpy's `memmap`.
                rows = np.asarray(vectors[start : start + page])
                collection.add(ids=ids_of(start, len(rows)), embeddings=rows)
    except ChromaError as error:
        raise PublishFailed(
            f"Chroma could not write {folder}: {error}",
            "The current generation is unchanged. Check the free space of the disk, then run this again.",
        ) from error
    with closing(sqlite3.connect(folder / SQLITE, isolation_level=None)) as connection:
        connection.execute("VACUUM")
    _zero_unused(folder, len(vectors))


def _zero_unused(folder: Path, rows: int) -> None:
    """Write zeros over the room that the HNSW files have for more rows.

    Chroma leaves there what was in memory before: text or vectors of an article that is being taken down.
    """
    for path in (*folder.glob("*/data_level0.bin"), *folder.glob("*/length.bin")):
        size = path.stat().st_size
        used = size * rows // max(rows, HNSW_ROOM)
        with path.open("r+b") as file:
            file.seek(used)
            file.write(bytes(size - used))


def configuration_of(rows: int) -> "CreateCollectionConfiguration":
    """Return the configuration of a collection for that many rows."""
    return {
        "hnsw": {
            "space": "cosine",
            # Chroma writes its HNSW files every `sync_threshold` rows: here once, so that no write stays queued.
            "sync_threshold": max(rows, 1),
            "batch_size": max(rows, 1),
            "ef_search": EF_SEARCH,
        }
    }


def ids_of(start: int, count: int) -> list[str]:
    """Return the ids of `count` rows in Chroma, from row `start` on."""
    return [str(row) for row in range(start, start + count)]


class Collection:
    """The collection of a closed Chroma folder, open for search; safe to share between threads.

    Raises IndexDamaged if the folder has no valid collection. A corrupt HNSW file ends the process: compare digests
    first, or open it in a child process.
    """

    def __init__(self, folder: Path) -> None:
        from chromadb.errors import ChromaError

        self._folder = folder
        with ExitStack() as opened:
            client = opened.enter_context(_client(opened.enter_context(_private_view(folder))))
            try:
                self._collection = client.get_collection(NAME, embedding_function=None)
            except (ChromaError, ValueError) as error:
                raise IndexDamaged(
                    f"{folder} has no valid collection {NAME!r}: {error}", "Run `dateline doctor --repair`."
                ) from error
            self._opened = opened.pop_all()

    def close(self) -> None:
        """Close Chroma and remove the private view."""
        self._opened.close()

    def count(self) -> int:
        """Return the number of rows."""
        return self._collection.count()

    def nearest(self, vector: Vector, count: int) -> NDArray[np.int64]:
        """Return the rows nearest to a vector, best first; approximate."""
        found = self._collection.query(query_embeddings=vector[np.newaxis, :], n_results=count, include=["distances"])
        return np.array(found["ids"][0], dtype=np.int64)

    def faults(self, vectors: Matrix) -> Iterator[str]:
        """Yield what is wrong in Chroma's copy of the vectors of a segment."""
        # The JSON, because reading `configuration` builds the embedding function that a folder names.
        space = (self._collection.configuration_json.get("hnsw") or {}).get("space")
        if space != "cosine":
            yield f"chroma measures {space!r}, expected 'cosine'"
        seen = np.zeros(len(vectors), dtype=bool)
        for start in range(0, self.count(), PAGE):
            page = self._collection.get(limit=PAGE, offset=start, include=["embeddings"])
            rows, stored = np.array(page["ids"], dtype=np.int64), np.asarray(page["embeddings"], dtype=np.float32)
            if rows.max(initial=-1) >= len(vectors) or rows.min(initial=0) < 0:
                yield "chroma has a row that is not in the catalogue"
                return
            seen[rows] = True
            differing = rows[np.abs(stored - vectors[rows]).max(axis=1, initial=0) > TOLERANCE]
            if len(differing):
                yield f"{len(differing)} vectors in chroma differ from vectors.npy, the first in row {differing[0]}"
        if not seen.all():
            yield f"{int((~seen).sum())} rows have no vector in chroma, the first is row {np.argmin(seen)}"
        if _has_queued_writes(self._folder):
            yield "rows wait in chroma's queue"


def vector_faults(vectors: Matrix, dimension: int) -> Iterator[str]:
    """Yield what is wrong in the vectors of a segment."""
    if vectors.shape[1] != dimension:
        yield f"the record states dimension {dimension}, vectors.npy has {vectors.shape[1]}"
    invalid = np.flatnonzero(~are_unit(vectors))
    if len(invalid):
        yield f"{len(invalid)} vectors are not finite unit vectors, the first in row {invalid[0]}"


def _has_queued_writes(folder: Path) -> bool:
    """Return whether writes are missing from Chroma's HNSW files; none are after a clean close."""
    address = f"{(folder / SQLITE).absolute().as_uri()}?mode=ro&immutable=1"
    with closing(sqlite3.connect(address, uri=True)) as connection:
        done = "(SELECT coalesce(min(seq_id), 0) FROM max_seq_id)"
        return bool(connection.execute(f"SELECT 1 FROM embeddings_queue WHERE seq_id > {done} LIMIT 1").fetchall())


def misses_too_many(folder: Path, vectors: Matrix) -> bool:
    """Return whether a closed Chroma folder does not find too many chunks by their own vectors.

    HNSW cannot reach every row beside a crowd of near-duplicates, as tables, logs and lists make
    (chroma-core/chroma#3113): the segment is valid, but needs exact search.
    """
    sample = np.random.default_rng(SAMPLE_SEED).permutation(len(vectors))[:SAMPLE]
    missed = 0
    with closing(Collection(folder)) as collection:
        for row in sample:
            found = collection.nearest(vectors[row], 5)
            # Chunks of equal text have equal vectors, so the score counts, not the row.
            missed += bool((vectors[found] @ vectors[row]).max(initial=-1) < 1 - TOLERANCE)
    return missed > MISSES_ALLOWED * len(sample)


def sweep_views() -> None:
    """Remove the private views that no process has open."""
    for folder in Path(tempfile.gettempdir()).glob(f"{VIEW_PREFIX}*"):
        lock = _lock(folder)
        if lock is not None:
            shutil.rmtree(folder, ignore_errors=True)
            os.close(lock)


@contextmanager
def _client(folder: Path) -> Iterator["Client"]:
    import chromadb

    client = cast("Client", chromadb.PersistentClient(str(folder), settings=_settings().model_copy()))
    try:
        yield client
    finally:
        client.close()
        # glibc keeps what Chroma's threads have freed: 60 MB after 25,000 rows. Other systems have no such function.
        with suppress(AttributeError):
            ctypes.CDLL(None).malloc_trim(0)


@cache
def _settings() -> "Settings":
    """Return the settings of a client; reading them from the environment takes 50 ms."""
    from chromadb.config import Settings

    return Settings(anonymized_telemetry=False)


@contextmanager
def _private_view(chroma: Path) -> Iterator[Path]:
    """Open a view of a Chroma folder: its SQLite file copied, its HNSW files linked."""
    sweep_views()
    view, lock = _locked_folder()
    try:
        try:
            shutil.copyfile(chroma / SQLITE, view / SQLITE)
            for vectors in (path for path in chroma.iterdir() if path.is_dir()):
                (view / vectors.name).mkdir()
                for file in vectors.iterdir():
                    (view / vectors.name / file.name).symlink_to(file.resolve())
        except OSError as error:
            raise IndexDamaged(f"{chroma} cannot be opened: {error}", "Run `dateline doctor --repair`.") from error
        yield view
    finally:
        shutil.rmtree(view, ignore_errors=True)
        os.close(lock)


def _locked_folder() -> tuple[Path, int]:
    """Return a new temporary folder and its lock.

    The kernel's lock says whether the owner is running. A process number would not: containers that share a temporary
    folder have process numbers of their own.
    """
    while True:
        folder = Path(tempfile.mkdtemp(prefix=f"{VIEW_PREFIX}{os.getpid()}-"))
        lock = _lock(folder)
        if lock is None:
            # Another process sweeps the new folder, which was not locked yet.
            continue
        if folder.is_dir():
            return folder, lock
        os.close(lock)


def _lock(folder: Path) -> int | None:
    """Lock a folder; None if another process has locked it, or it cannot be opened."""
    try:
        lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        return None
    return lock
