"""The dense index: vectors in a Chroma collection, and once more in `vectors.npy` for exact scores.

Chroma finds candidates quickly. `vectors.npy` (float32, unit rows in the order of the catalogue, memory-mapped) gives
their exact scores and answers filtered questions. The collection is in the generation's folder, or on a `chroma run`
server, and then `collection.json` names it. Only this package imports chromadb.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast

import numpy as np
from numpy.typing import NDArray

from index.dense.server import ChromaServer
from index.dense.view import SQLITE, private_view
from index.embedding import Matrix, Vector
from index.errors import EmbeddingFailed, IndexDamaged, IndexMismatch, PublishFailed
from index.layout import CHROMA, COLLECTION_FILE, VECTORS

if TYPE_CHECKING:
    from chromadb.api.client import Client
    from chromadb.api.collection_configuration import CreateCollectionConfiguration

    from index.dense.hosted import HostedCollection

NAME = "chunks"
"""Name of the collection in a folder."""

PAGE = 5000
EF_SEARCH = 200


def server_of(url: str | None) -> ChromaServer | None:
    """Return the server that the settings name, if any; raises ConfigurationError if the URL is invalid."""
    return ChromaServer(url) if url else None


class DenseIndex:
    """A generation's vectors, open for search; safe to share between threads.

    With `search` "exact", Chroma is not searched, because it misses some vectors. Opening raises IndexDamaged if the
    collection is missing, ChromaUnavailable if its server does not answer, and IndexMismatch if the collection is on a
    server and `server` is None. Searching may raise the first two.
    """

    def __init__(
        self, folder: Path, server: ChromaServer | None = None, search: Literal["chroma", "exact"] = "chroma"
    ) -> None:
        self.vectors: Matrix = np.load(folder / VECTORS, mmap_mode="r")
        self._search = search
        self._collection = _open(folder, server)

    def close(self) -> None:
        """Close the collection and remove a private view; the server stays open."""
        self._collection.close()

    @property
    def configuration(self) -> dict[str, object]:
        """Return the HNSW configuration of the stored collection."""
        return self._collection.configuration

    def nearest(self, vector: Vector, count: int, allowed: NDArray[np.bool_] | None = None) -> NDArray[np.int64]:
        """Return the rows nearest to a vector, best first: exact among `allowed` rows, else from Chroma.

        Raises EmbeddingFailed for a vector of another dimension.
        """
        if vector.shape != self.vectors.shape[1:]:
            raise EmbeddingFailed(
                f"the question's vector has the shape {vector.shape}, the index has {self.vectors.shape[1]} dimensions",
                "Check DATELINE_EMBEDDING_MODEL: it must name the embedding model that the index was built with.",
            )
        if not len(self.vectors):
            return np.empty(0, dtype=np.int64)
        if allowed is None and self._search == "chroma":
            return self._collection.nearest(vector[np.newaxis, :], min(count, len(self.vectors)))[0]
        rows = np.arange(len(self.vectors)) if allowed is None else np.flatnonzero(allowed)
        best = np.argsort(-self.scores(vector, rows), kind="stable")[:count]
        return rows[best]

    def nearest_each(self, vectors: Matrix, count: int) -> list[NDArray[np.int64]]:
        """Return for each of several unit vectors the rows that Chroma finds nearest to it, best first."""
        return self._collection.nearest(vectors, min(count, len(self.vectors)))

    def scores(self, vector: Vector, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the exact cosine of a vector with each of these rows."""
        # Above a quarter of the rows, the product with all of them costs less than a copy of some.
        if len(rows) * 4 > len(self.vectors):
            return (self.vectors @ vector)[rows]
        return self.vectors[rows] @ vector

    def stored(self) -> Iterator[tuple[NDArray[np.int64], Matrix]]:
        """Yield all rows and vectors that Chroma stores, page by page, in any order."""
        for start in range(0, self._collection.count(), PAGE):
            yield self._collection.page(start)

    def count(self) -> int:
        """Return the number of rows that Chroma reports."""
        return self._collection.count()


class EmbeddedCollection:
    """The collection of a closed Chroma folder, opened through a private view; HostedCollection has the same methods.

    Safe to share between threads.
    """

    def __init__(self, chroma: Path) -> None:
        from chromadb.errors import ChromaError

        with ExitStack() as opened:
            view = private_view(chroma)
            opened.callback(view.close)
            client = opened.enter_context(_client(view.folder))
            try:
                self._collection = client.get_collection(NAME, embedding_function=None)
            except (ChromaError, ValueError) as error:
                raise IndexDamaged(
                    f"{chroma} has no valid collection {NAME!r}: {error}",
                    "Run `dateline doctor` to see what is corrupt.",
                ) from error
            self._opened = opened.pop_all()

    def close(self) -> None:
        """Close Chroma and remove the private view."""
        self._opened.close()

    @property
    def configuration(self) -> dict[str, object]:
        """Return the HNSW configuration of the stored collection."""
        return dict(self._collection.configuration["hnsw"] or {})

    def nearest(self, vectors: Matrix, count: int) -> list[NDArray[np.int64]]:
        """Return for each vector the rows nearest to it, best first; approximate."""
        found = self._collection.query(query_embeddings=vectors, n_results=count, include=["distances"])
        return [np.array(ids, dtype=np.int64) for ids in found["ids"]]

    def page(self, start: int) -> tuple[NDArray[np.int64], Matrix]:
        """Return at most PAGE rows and their vectors, from an offset on, in any order."""
        page = self._collection.get(limit=PAGE, offset=start, include=["embeddings"])
        return np.array(page["ids"], dtype=np.int64), np.asarray(page["embeddings"], dtype=np.float32)

    def count(self) -> int:
        """Return the number of rows."""
        return self._collection.count()


def build_dense(folder: Path, vectors: Matrix, server: ChromaServer | None = None) -> None:
    """Write row numbers and vectors into a new collection: in a generation's folder, or on the server.

    A folder's collection is persisted once, and left closed and compact. Raises PublishFailed if Chroma cannot write,
    for example to a full disk, and ChromaUnavailable if the server fails; discard_collection then removes the
    collection that the folder's record names.
    """
    from chromadb.errors import ChromaError

    if server is not None:
        from index.dense.hosted import build_hosted

        build_hosted(folder, vectors, server)
        return
    chroma = folder / CHROMA
    chroma.mkdir(parents=True)
    try:
        with _client(chroma) as client:
            configuration = configuration_of(len(vectors))
            collection = client.create_collection(NAME, embedding_function=None, configuration=configuration)
            page = min(client.get_max_batch_size(), PAGE)
            for start in range(0, len(vectors), page):
                rows = vectors[start : start + page]
                collection.add(ids=ids_of(start, start + len(rows)), embeddings=rows)
    except ChromaError as error:
        raise PublishFailed(
            f"Chroma could not write {chroma}: {error}",
            "The current generation is unchanged. Check the free space of the disk, then run this again.",
        ) from error
    with closing(sqlite3.connect(chroma / SQLITE, isolation_level=None)) as connection:
        connection.execute("VACUUM")


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


def ids_of(start: int, stop: int) -> list[str]:
    """Return the ids of these rows in Chroma."""
    return [str(row) for row in range(start, stop)]


def undrained(folder: Path) -> int:
    """Return the number of queued writes that are missing from Chroma's HNSW files: 0 if closed, or on a server."""
    if (folder / COLLECTION_FILE).exists():
        return 0
    address = f"{(folder / CHROMA / SQLITE).absolute().as_uri()}?mode=ro&immutable=1"
    with closing(sqlite3.connect(address, uri=True)) as connection:
        done = connection.execute("SELECT coalesce(min(seq_id), 0) FROM max_seq_id").fetchone()[0]
        waiting = connection.execute("SELECT count(*) FROM embeddings_queue WHERE seq_id > ?", (done,)).fetchone()[0]
    return int(waiting)


def _open(folder: Path, server: ChromaServer | None) -> "EmbeddedCollection | HostedCollection":
    if not (folder / COLLECTION_FILE).exists():
        return EmbeddedCollection(folder / CHROMA)
    if server is None:
        raise IndexMismatch(
            f"{folder / COLLECTION_FILE} says that the vectors are on a Chroma server, but CHROMA_URL is not set",
            "Set CHROMA_URL to the address of that server.",
        )
    from index.dense.hosted import HostedCollection

    return HostedCollection(folder, server)


@contextmanager
def _client(folder: Path) -> Iterator["Client"]:
    import chromadb
    from chromadb.config import Settings

    client = cast("Client", chromadb.PersistentClient(str(folder), settings=Settings(anonymized_telemetry=False)))
    try:
        yield client
    finally:
        client.close()
