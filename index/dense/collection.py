"""What a generation asks of the collection that holds its vectors, be it in a folder or on a server."""

from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from index.embedding import Matrix

if TYPE_CHECKING:
    from chromadb.api.collection_configuration import CreateCollectionConfiguration

PAGE = 5000
EF_SEARCH = 200


class Collection(Protocol):
    """Rows and their vectors in Chroma, open for search; safe to share between threads."""

    @property
    def configuration(self) -> dict[str, object]:
        """The HNSW configuration that the collection really has."""

    def nearest(self, vectors: Matrix, count: int) -> list[NDArray[np.int64]]:
        """For each vector the rows nearest to it, best first; approximate."""

    def page(self, start: int) -> tuple[NDArray[np.int64], Matrix]:
        """At most PAGE rows and their vectors, from a place on, in no order."""

    def count(self) -> int:
        """How many rows there are."""

    def close(self) -> None:
        """Let go of it."""


def configuration_of(rows: int) -> "CreateCollectionConfiguration":
    """How a collection for so many rows is made."""
    return {
        "hnsw": {
            "space": "cosine",
            # Chroma writes its HNSW files each `sync_threshold` rows: one write of the whole, and nothing left queued.
            "sync_threshold": max(rows, 1),
            "batch_size": max(rows, 1),
            "ef_search": EF_SEARCH,
        }
    }


def ids_of(start: int, stop: int) -> list[str]:
    """The ids that Chroma knows these rows by."""
    return [str(row) for row in range(start, stop)]
