"""A collection in a folder of the generation, opened by this process through a private view of it."""

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from index.dense.collection import PAGE, configuration_of, ids_of
from index.dense.usable import usable_pages
from index.dense.view import SQLITE, private_view
from index.embedding import Matrix
from index.errors import IndexDamaged, PublishFailed

if TYPE_CHECKING:
    from chromadb.api.client import Client
    from chromadb.api.models.Collection import Collection as ChromaCollection

NAME = "chunks"


def build_embedded(chroma: Path, vectors: Matrix) -> None:
    """Write row numbers and vectors into a new Chroma folder, persisted once, and leave it closed and compact.

    Raises PublishFailed where Chroma cannot: a full disk, say.
    """
    from chromadb.errors import ChromaError

    chroma.mkdir(parents=True)
    try:
        _write(chroma, vectors)
    except ChromaError as error:
        raise PublishFailed(
            f"Chroma could not write {chroma}: {error}",
            "What CURRENT names serves on. See that the disk has room, then run this again.",
        ) from error
    with closing(sqlite3.connect(chroma / SQLITE, isolation_level=None)) as connection:
        connection.execute("VACUUM")


def _write(chroma: Path, vectors: Matrix) -> None:
    with _client(chroma) as client:
        collection = client.create_collection(
            NAME, embedding_function=None, configuration=configuration_of(len(vectors))
        )
        for start, page in usable_pages(vectors, min(client.get_max_batch_size(), PAGE)):
            collection.add(ids=ids_of(start, start + len(page)), embeddings=page)


class EmbeddedCollection:
    """The collection of a closed Chroma folder."""

    def __init__(self, chroma: Path) -> None:
        with ExitStack() as opened:
            view = private_view(chroma)
            opened.callback(view.close)
            self._collection = _collection(opened.enter_context(_client(view.folder)), chroma)
            self._opened = opened.pop_all()

    def close(self) -> None:
        """Close Chroma and remove the private view."""
        self._opened.close()

    @property
    def configuration(self) -> dict[str, object]:
        return dict(self._collection.configuration["hnsw"] or {})

    def nearest(self, vectors: Matrix, count: int) -> list[NDArray[np.int64]]:
        found = self._collection.query(query_embeddings=vectors, n_results=count, include=["distances"])
        return [np.array(ids, dtype=np.int64) for ids in found["ids"]]

    def page(self, start: int) -> tuple[NDArray[np.int64], Matrix]:
        page = self._collection.get(limit=PAGE, offset=start, include=["embeddings"])
        return np.array(page["ids"], dtype=np.int64), np.asarray(page["embeddings"], dtype=np.float32)

    def count(self) -> int:
        return self._collection.count()


def undrained_rows(chroma: Path) -> int:
    """How many queued writes Chroma has not yet put into its HNSW files: 0 in a closed folder."""
    with closing(
        sqlite3.connect(f"{(chroma / SQLITE).absolute().as_uri()}?mode=ro&immutable=1", uri=True)
    ) as connection:
        done = connection.execute("SELECT coalesce(min(seq_id), 0) FROM max_seq_id").fetchone()[0]
        waiting = connection.execute("SELECT count(*) FROM embeddings_queue WHERE seq_id > ?", (done,)).fetchone()[0]
    return int(waiting)


@contextmanager
def _client(folder: Path) -> Iterator["Client"]:
    import chromadb
    from chromadb.config import Settings

    client = cast("Client", chromadb.PersistentClient(str(folder), settings=Settings(anonymized_telemetry=False)))
    try:
        yield client
    finally:
        client.close()


def _collection(client: "Client", folder: Path) -> "ChromaCollection":
    from chromadb.errors import ChromaError

    try:
        return client.get_collection(NAME, embedding_function=None)
    except (ChromaError, ValueError) as error:
        raise IndexDamaged(
            f"{folder} holds no usable collection {NAME!r}: {error}",
            "Run `dateline doctor` to see what is damaged.",
        ) from error
