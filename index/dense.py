"""The dense index: ids and vectors in a Chroma collection, and the vectors once more for exact scores.

The only door to chromadb. Chroma finds candidates quickly; `vectors.npy` (float32, unit, row-aligned
with the catalogue, memory-mapped) says what they are worth, and answers filtered questions exactly.

Chroma writes to its SQLite file whenever it opens a folder, also to query. A generation is never
written to, so every process opens a private view: a temporary folder with a copy of the small SQLite
file and links to the large HNSW files.
"""

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from index.embedding import Matrix, Vector
from index.errors import IndexDamaged

if TYPE_CHECKING:
    from chromadb.api.client import Client
    from chromadb.api.models.Collection import Collection

COLLECTION = "chunks"
SQLITE = "chroma.sqlite3"
PAGE = 5000
VIEW_PREFIX = "dateline-view-"
EF_SEARCH = 200


def build_dense(folder: Path, vectors: Matrix) -> None:
    """Write row numbers and vectors into a new Chroma folder, persisted once, and leave it closed and compact."""
    folder.mkdir(parents=True)
    with _client(folder) as client:
        rows = len(vectors)
        collection = client.create_collection(
            COLLECTION,
            embedding_function=None,
            # Chroma writes its HNSW files each `sync_threshold` rows: one write of the whole, and nothing left queued.
            configuration={
                "hnsw": {
                    "space": "cosine",
                    "sync_threshold": max(rows, 1),
                    "batch_size": max(rows, 1),
                    "ef_search": EF_SEARCH,
                }
            },
        )
        page = min(client.get_max_batch_size(), PAGE)
        for start in range(0, rows, page):
            stop = min(start + page, rows)
            collection.add(ids=[str(row) for row in range(start, stop)], embeddings=vectors[start:stop])
    with closing(sqlite3.connect(folder / SQLITE, isolation_level=None)) as connection:
        connection.execute("VACUUM")


class DenseIndex:
    """A closed generation's vectors, open for search; safe to share between threads."""

    def __init__(self, chroma: Path, vectors: Path) -> None:
        self.vectors: Matrix = np.load(vectors, mmap_mode="r")
        with ExitStack() as opened:
            view = private_view(chroma)
            opened.callback(shutil.rmtree, view, ignore_errors=True)
            self._collection = _collection(opened.enter_context(_client(view)), chroma)
            self._opened = opened.pop_all()

    def close(self) -> None:
        """Close Chroma and remove the private view."""
        self._opened.close()

    @property
    def configuration(self) -> dict[str, object]:
        """The HNSW configuration that the collection really has."""
        return dict(self._collection.configuration["hnsw"] or {})

    def nearest(self, vector: Vector, count: int) -> NDArray[np.int64]:
        """The rows that Chroma holds nearest to a vector, best first; approximate."""
        if not len(self.vectors):
            return np.empty(0, dtype=np.int64)
        found = self._collection.query(
            query_embeddings=vector[np.newaxis, :], n_results=min(count, len(self.vectors)), include=["distances"]
        )
        return np.array(found["ids"][0], dtype=np.int64)

    def nearest_allowed(self, vector: Vector, count: int, allowed: NDArray[np.bool_]) -> NDArray[np.int64]:
        """The allowed rows nearest to a vector, best first; exact."""
        rows = np.flatnonzero(allowed)
        scores = self.scores(vector, rows)
        best = np.argsort(-scores, kind="stable")[:count]
        return rows[best]

    def scores(self, vector: Vector, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """The exact cosine of a vector with each of these rows."""
        # Whole matrix and mask cost the same above a quarter of the rows, and spare the copy.
        if len(rows) * 4 > len(self.vectors):
            return (self.vectors @ vector)[rows]
        return self.vectors[rows] @ vector

    def stored(self) -> Iterator[tuple[NDArray[np.int64], Matrix]]:
        """All rows and vectors as Chroma holds them, page by page, in no order: what verification compares."""
        for start in range(0, self._collection.count(), PAGE):
            page = self._collection.get(limit=PAGE, offset=start, include=["embeddings"])
            yield np.array(page["ids"], dtype=np.int64), np.asarray(page["embeddings"], dtype=np.float32)

    def count(self) -> int:
        """How many rows Chroma says that it holds."""
        return self._collection.count()


def undrained(chroma: Path) -> int:
    """How many queued writes Chroma has not yet put into its HNSW files: 0 in a closed generation."""
    with closing(
        sqlite3.connect(f"{(chroma / SQLITE).absolute().as_uri()}?mode=ro&immutable=1", uri=True)
    ) as connection:
        done = connection.execute("SELECT coalesce(min(seq_id), 0) FROM max_seq_id").fetchone()[0]
        waiting = connection.execute("SELECT count(*) FROM embeddings_queue WHERE seq_id > ?", (done,)).fetchone()[0]
    return int(waiting)


def private_view(chroma: Path) -> Path:
    """A temporary folder that Chroma may write to: its SQLite file copied, its HNSW files linked."""
    sweep_views()
    view = Path(tempfile.mkdtemp(prefix=f"{VIEW_PREFIX}{os.getpid()}-"))
    try:
        shutil.copyfile(chroma / SQLITE, view / SQLITE)
        for segment in (path for path in chroma.iterdir() if path.is_dir()):
            (view / segment.name).mkdir()
            for file in segment.iterdir():
                (view / segment.name / file.name).symlink_to(file.resolve())
    except OSError as error:
        shutil.rmtree(view, ignore_errors=True)
        raise IndexDamaged(
            f"{chroma} cannot be opened: {error}", "Run `dateline doctor` to see what is damaged."
        ) from error
    return view


def sweep_views() -> None:
    """Remove the private views of processes that are gone."""
    for view in Path(tempfile.gettempdir()).glob(f"{VIEW_PREFIX}*"):
        owner = view.name.removeprefix(VIEW_PREFIX).partition("-")[0]
        if owner.isdigit() and not _alive(int(owner)):
            shutil.rmtree(view, ignore_errors=True)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


@contextmanager
def _client(folder: Path) -> Iterator["Client"]:
    import chromadb
    from chromadb.config import Settings

    client = cast("Client", chromadb.PersistentClient(str(folder), settings=Settings(anonymized_telemetry=False)))
    try:
        yield client
    finally:
        client.close()


def _collection(client: "Client", folder: Path) -> "Collection":
    from chromadb.errors import ChromaError

    try:
        return client.get_collection(COLLECTION, embedding_function=None)
    except (ChromaError, ValueError) as error:
        raise IndexDamaged(
            f"{folder} holds no usable collection {COLLECTION!r}: {error}",
            "Run `dateline doctor` to see what is damaged.",
        ) from error
