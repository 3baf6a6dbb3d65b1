"""The dense index: ids and vectors in a Chroma collection, and the vectors once more for exact scores.

The only door to chromadb. Chroma finds candidates quickly; `vectors.npy` (float32, unit, row-aligned
with the catalogue, memory-mapped) says what they are worth, and answers filtered questions exactly.

The collection is in the generation's folder, or on a `chroma run` server: then `collection.json` names it.
Chroma writes to its SQLite file whenever it opens a folder, also to query. A generation is never
written to, so every process opens a private view: a temporary folder with a copy of the small SQLite
file and links to the large HNSW files.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from index.dense.collection import EF_SEARCH, PAGE, Collection
from index.dense.embedded import EmbeddedCollection, build_embedded, undrained_rows
from index.dense.hosted import HostedCollection, build_hosted, discard_collection
from index.dense.record import CollectionRecord
from index.dense.server import ChromaServer
from index.dense.usable import check_question
from index.dense.view import SQLITE, VIEW_PREFIX, private_view, sweep_views
from index.embedding import Matrix, Vector
from index.errors import IndexMismatch
from index.layout import CHROMA, COLLECTION_FILE, VECTORS

__all__ = [
    "EF_SEARCH",
    "SQLITE",
    "VIEW_PREFIX",
    "ChromaServer",
    "DenseIndex",
    "build_dense",
    "discard_collection",
    "private_view",
    "server_of",
    "sweep_views",
    "undrained",
]


def server_of(url: str | None) -> ChromaServer | None:
    """The server that the settings name, if any; raises ConfigurationError where the URL is none."""
    return ChromaServer(url) if url else None


def build_dense(folder: Path, vectors: Matrix, server: ChromaServer | None = None) -> None:
    """Write row numbers and vectors into a new collection for a generation's folder: inside of it, or on the server.

    Raises EmbeddingFailed for a vector that is not a finite one of length 1, before it is sent, and ChromaUnavailable
    where the server fails. What is on the server then is named by the folder's record: discard_collection removes it.
    """
    if server is None:
        build_embedded(folder / CHROMA, vectors)
    else:
        build_hosted(folder, vectors, server)


class DenseIndex:
    """A closed generation's vectors, open for search; safe to share between threads.

    Opening raises IndexDamaged where the collection is missing, ChromaUnavailable where its server does not answer,
    and IndexMismatch where the collection is on a server and none is given. So may searching, but for the last.
    """

    def __init__(self, folder: Path, server: ChromaServer | None = None) -> None:
        self.vectors: Matrix = np.load(folder / VECTORS, mmap_mode="r")
        self._collection = _opened(folder, server)

    def close(self) -> None:
        """Let go of the collection; a private view is removed, a server is left to whoever gave it."""
        self._collection.close()

    @property
    def configuration(self) -> dict[str, object]:
        """The HNSW configuration that the collection really has."""
        return self._collection.configuration

    def nearest(self, vector: Vector, count: int) -> NDArray[np.int64]:
        """The rows that Chroma holds nearest to a vector, best first; approximate.

        Raises EmbeddingFailed for a vector that is not finite, all zeros, or of another dimension.
        """
        check_question(vector, self.vectors.shape[1])
        if not len(self.vectors):
            return np.empty(0, dtype=np.int64)
        return self._collection.nearest(vector[np.newaxis, :], min(count, len(self.vectors)))[0]

    def nearest_each(self, vectors: Matrix, count: int) -> list[NDArray[np.int64]]:
        """For each of some finite unit vectors the rows that Chroma holds nearest to it, best first; approximate."""
        return self._collection.nearest(vectors, min(count, len(self.vectors)))

    def nearest_allowed(self, vector: Vector, count: int, allowed: NDArray[np.bool_]) -> NDArray[np.int64]:
        """The allowed rows nearest to a vector, best first; exact. Raises EmbeddingFailed as nearest() does."""
        check_question(vector, self.vectors.shape[1])
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
            yield self._collection.page(start)

    def count(self) -> int:
        """How many rows Chroma says that it holds."""
        return self._collection.count()


def undrained(folder: Path) -> int:
    """How many queued writes Chroma has not yet put into its HNSW files: 0 in a closed generation, and on a server."""
    return 0 if (folder / COLLECTION_FILE).exists() else undrained_rows(folder / CHROMA)


def _opened(folder: Path, server: ChromaServer | None) -> Collection:
    record = CollectionRecord.read(folder)
    if record is None:
        return EmbeddedCollection(folder / CHROMA)
    if server is None:
        raise IndexMismatch(
            f"{folder / COLLECTION_FILE} says that the vectors are on a Chroma server, and the settings name none",
            "Set CHROMA_URL to the address of that server.",
        )
    return HostedCollection(record, server)
