"""A collection on a Chroma server: made for one generation, held by its id, deleted by its name."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from index.dense.collection import PAGE, configuration_of, ids_of
from index.dense.record import CollectionRecord
from index.dense.server import PAGE_S, QUESTION_S, ChromaServer
from index.dense.usable import usable_pages
from index.embedding import Matrix
from index.errors import ChromaUnavailable, IndexDamaged

if TYPE_CHECKING:
    from chromadb.api import ServerAPI
    from chromadb.api.models.Collection import Collection as ChromaCollection

T = TypeVar("T")

HINT = "Run `dateline doctor --repair` to make it anew."


def build_hosted(folder: Path, vectors: Matrix, server: ChromaServer) -> None:
    """Write row numbers and vectors into a new collection that the folder's record names from before it is made."""
    record = CollectionRecord.new()
    record.write(folder)
    configuration = configuration_of(len(vectors))
    made = server.call(lambda api: api.create_collection(record.name, configuration=configuration), PAGE_S)
    largest = server.call(lambda api: api.get_max_batch_size(), PAGE_S)
    for start, page in usable_pages(vectors, min(largest, PAGE) if largest > 0 else PAGE):
        _add(server, made.id, start, page)
    record.made(made.id).write(folder)


def discard_collection(folder: Path, server: ChromaServer | None) -> bool:
    """Delete the collection that a folder's record names; False where one may be left of it, on a server out of reach.

    Raises IndexDamaged where the record does not read.
    """
    from chromadb.errors import NotFoundError

    record = CollectionRecord.read(folder)
    if record is None:
        return True
    if server is None:
        return False
    try:
        server.call(lambda api: api.delete_collection(record.name), PAGE_S)
    except NotFoundError:
        return True
    except ChromaUnavailable:
        return False
    return True


class HostedCollection:
    """The collection that a record names by its id.

    Opening and every call raise ChromaUnavailable where the server does not answer, and IndexDamaged where it answers
    that it has no such collection.
    """

    def __init__(self, record: CollectionRecord, server: ChromaServer) -> None:
        if record.id is None:
            raise IndexDamaged(f"the collection {record.name} was never finished", HINT)
        self._id = record.id
        self._name = record.name
        self._server = server
        model = self._ask(lambda api: api.get_collection_by_id(self._id))
        self.configuration: dict[str, object] = dict((model.configuration_json or {}).get("hnsw") or {})

    def close(self) -> None:
        """Nothing is held: the server belongs to whoever made it."""

    def nearest(self, vectors: Matrix, count: int) -> list[NDArray[np.int64]]:
        found = self._ask(
            lambda api: _handle(api, self._id).query(query_embeddings=vectors, n_results=count, include=["distances"]),
            QUESTION_S if len(vectors) == 1 else PAGE_S,
        )
        return [self._rows(ids) for ids in found["ids"]]

    def page(self, start: int) -> tuple[NDArray[np.int64], Matrix]:
        page = self._ask(
            lambda api: _handle(api, self._id).get(limit=PAGE, offset=start, include=["embeddings"]), PAGE_S
        )
        return self._rows(page["ids"]), np.asarray(page["embeddings"], dtype=np.float32)

    def count(self) -> int:
        return self._ask(lambda api: _handle(api, self._id).count())

    def _ask(self, work: Callable[["ServerAPI"], T], seconds: float = QUESTION_S) -> T:
        from chromadb.errors import ChromaError, NotFoundError

        try:
            return self._server.call(work, seconds)
        except NotFoundError as error:
            raise IndexDamaged(
                f"the Chroma server at {self._server.url} has no collection {self._name} with the id {self._id}", HINT
            ) from error
        except ChromaError as error:
            raise IndexDamaged(f"the collection {self._name} cannot be used: {error}", HINT) from error

    def _rows(self, ids: list[str]) -> NDArray[np.int64]:
        try:
            return np.array(ids, dtype=np.int64)
        except ValueError as error:
            raise IndexDamaged(
                f"the collection {self._name} holds rows that are not Dateline's: {error}", HINT
            ) from error


def _add(server: ChromaServer, collection: UUID, start: int, page: Matrix) -> None:
    ids = ids_of(start, start + len(page))
    server.call(lambda api: _handle(api, collection).add(ids=ids, embeddings=page), PAGE_S)


def _handle(api: "ServerAPI", collection: UUID) -> "ChromaCollection":
    """Chroma's handle on an id, made of nothing that the server says: it would build the code that a reply names."""
    from chromadb.api.models.Collection import Collection as ChromaCollection
    from chromadb.config import DEFAULT_DATABASE, DEFAULT_TENANT
    from chromadb.types import Collection as Model

    model = Model(
        id=collection,
        name=str(collection),
        configuration_json={},
        serialized_schema=None,
        metadata=None,
        dimension=None,
        tenant=DEFAULT_TENANT,
        database=DEFAULT_DATABASE,
    )
    return ChromaCollection(client=api, model=model, embedding_function=None)
