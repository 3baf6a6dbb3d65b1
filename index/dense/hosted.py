"""A collection on a Chroma server: created for one generation, opened by its id, deleted by its name."""

import json
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from uuid import UUID, uuid4

import numpy as np
from numpy.typing import NDArray

from index.dense import PAGE, configuration_of, ids_of
from index.dense.server import PAGE_S, QUESTION_S, ChromaServer
from index.embedding import Matrix
from index.errors import ChromaUnavailable, IndexDamaged
from index.layout import COLLECTION_FILE

if TYPE_CHECKING:
    from chromadb.api import ServerAPI
    from chromadb.api.models.Collection import Collection as ChromaCollection

T = TypeVar("T")

HINT = "Run `dateline doctor --repair` to build it again."

# A foreign file must not name, and so delete, a collection that Dateline did not create.
_NAME = re.compile(r"dateline-[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class CollectionRecord:
    """The contents of `collection.json`: a collection's name, and its id once all vectors are on the server."""

    name: str
    id: UUID | None = None

    @classmethod
    def read(cls, folder: Path) -> "CollectionRecord | None":
        """Return the record in a generation's folder; None without one; raises IndexDamaged if it is invalid."""
        file = folder / COLLECTION_FILE
        try:
            return _parsed(file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise IndexDamaged(f"{file} cannot be read: {error}", "Run `dateline doctor --repair`.") from error

    def write(self, folder: Path) -> None:
        """Write this record to a generation's folder atomically, and sync it to the disk."""
        temporary = folder / f"{COLLECTION_FILE}.new"
        with temporary.open("w", encoding="utf-8") as file:
            json.dump({"name": self.name, "id": None if self.id is None else str(self.id)}, file)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(folder / COLLECTION_FILE)


def _parsed(text: str) -> CollectionRecord:
    fields = json.loads(text)
    name, id_ = fields["name"], fields["id"]
    if not _NAME.fullmatch(name):
        raise ValueError(f"found the name {name!r}, which Dateline does not give")
    return CollectionRecord(name, None if id_ is None else UUID(id_))


def build_hosted(folder: Path, vectors: Matrix, server: ChromaServer) -> None:
    """Write row numbers and vectors into a new collection, which the folder's record names before it is created."""
    record = CollectionRecord(f"dateline-{uuid4().hex}")
    record.write(folder)
    configuration = configuration_of(len(vectors))
    created = server.call(lambda api: api.create_collection(record.name, configuration=configuration), PAGE_S)
    largest = server.call(lambda api: api.get_max_batch_size(), PAGE_S)
    page = min(largest, PAGE) if largest > 0 else PAGE
    for start in range(0, len(vectors), page):
        _add(server, created.id, start, vectors[start : start + page])
    replace(record, id=created.id).write(folder)


def discard_collection(folder: Path, server: ChromaServer | None) -> bool:
    """Delete the collection that a folder's record names; False if it may remain on a server that is not reached.

    Raises IndexDamaged if the record is invalid.
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
    """The collection whose id is in a folder's record.

    Opening and every call raise ChromaUnavailable if the server does not answer, and IndexDamaged if it answers that
    the collection is missing.
    """

    def __init__(self, folder: Path, server: ChromaServer) -> None:
        record = CollectionRecord.read(folder)
        if record is None or record.id is None:
            raise IndexDamaged(f"the build of the collection in {folder / COLLECTION_FILE} was never finished", HINT)
        self._id = record.id
        self._name = record.name
        self._server = server
        model = self._call(lambda api: api.get_collection_by_id(self._id))
        self.configuration: dict[str, object] = dict((model.configuration_json or {}).get("hnsw") or {})

    def close(self) -> None:
        """Do nothing: the caller closes the server."""

    def nearest(self, vectors: Matrix, count: int) -> list[NDArray[np.int64]]:
        found = self._call(
            lambda api: _handle(api, self._id).query(query_embeddings=vectors, n_results=count, include=["distances"]),
            QUESTION_S if len(vectors) == 1 else PAGE_S,
        )
        return [self._rows(ids) for ids in found["ids"]]

    def page(self, start: int) -> tuple[NDArray[np.int64], Matrix]:
        page = self._call(
            lambda api: _handle(api, self._id).get(limit=PAGE, offset=start, include=["embeddings"]), PAGE_S
        )
        return self._rows(page["ids"]), np.asarray(page["embeddings"], dtype=np.float32)

    def count(self) -> int:
        return self._call(lambda api: _handle(api, self._id).count())

    def _call(self, work: Callable[["ServerAPI"], T], seconds: float = QUESTION_S) -> T:
        from chromadb.errors import ChromaError, NotFoundError

        try:
            return self._server.call(work, seconds)
        except NotFoundError as error:
            raise IndexDamaged(
                f"the Chroma server at {self._server.url} has no collection {self._name} with the id {self._id}", HINT
            ) from error
        except ChromaError as error:
            raise IndexDamaged(f"the collection {self._name} cannot be read: {error}", HINT) from error

    def _rows(self, ids: list[str]) -> NDArray[np.int64]:
        try:
            return np.array(ids, dtype=np.int64)
        except ValueError as error:
            raise IndexDamaged(
                f"the collection {self._name} has rows that are not Dateline's: {error}", HINT
            ) from error


def _add(server: ChromaServer, collection: UUID, start: int, page: Matrix) -> None:
    ids = ids_of(start, start + len(page))
    server.call(lambda api: _handle(api, collection).add(ids=ids, embeddings=page), PAGE_S)


def _handle(api: "ServerAPI", collection: UUID) -> "ChromaCollection":
    """Return Chroma's handle on an id, without the server's own description, which may name code to be loaded."""
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
