"""Every vector ever embedded, in one SQLite file: (model, text) → vector.

A rebuild embeds nothing again, and an ingest that was killed goes on where its last batch was written.
"""

import hashlib
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from index.embedding import Embedder, Matrix
from index.errors import EmbeddingFailed, IndexDamaged

PAGE = 500

_SCHEMA = """
CREATE TABLE IF NOT EXISTS model (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS embedding (
    model INTEGER NOT NULL REFERENCES model (id), key BLOB NOT NULL, vector BLOB NOT NULL, UNIQUE (model, key)
);
"""


def embedding_key(text: str) -> bytes:
    """The key of a text's vector: SHA-256 of its UTF-8 bytes."""
    return hashlib.sha256(text.encode()).digest()


class EmbeddingStore:
    """The vectors of one model in `embeddings.db`; one writer at a time, which the ingest lock sees to.

    Raises IndexDamaged where the file is no such store.
    """

    def __init__(self, path: Path, model: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._connection = _opened(path)
        with self._connection:
            self._connection.execute("INSERT OR IGNORE INTO model (name) VALUES (?)", (model,))
        self._model = self._connection.execute("SELECT id FROM model WHERE name = ?", (model,)).fetchone()[0]

    def close(self) -> None:
        """Close the file; every vector put is already on disk."""
        self._connection.close()

    def get(self, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        """The stored vectors of these keys as float32 bytes; a key never embedded is absent."""
        found: dict[bytes, bytes] = {}
        for start in range(0, len(keys), PAGE):
            page = keys[start : start + PAGE]
            marks = ",".join("?" * len(page))
            statement = f"SELECT key, vector FROM embedding WHERE model = ? AND key IN ({marks})"
            found.update(self._connection.execute(statement, (self._model, *page)))
        return found

    def put(self, keys: Sequence[bytes], vectors: Matrix) -> None:
        """Keep vectors for good; a key already there keeps its vector."""
        rows = (
            (self._model, key, vector.astype(np.float32).tobytes()) for key, vector in zip(keys, vectors, strict=True)
        )
        with self._connection:
            self._connection.executemany("INSERT OR IGNORE INTO embedding VALUES (?, ?, ?)", rows)

    def pages(self, keys: Iterator[bytes], dimension: int) -> Iterator[Matrix]:
        """The vectors of these keys in their order, a page at a time; raises EmbeddingFailed where one is absent."""
        page: list[bytes] = []
        for key in keys:
            page.append(key)
            if len(page) == PAGE:
                yield self._matrix(page, dimension)
                page = []
        if page:
            yield self._matrix(page, dimension)

    def _matrix(self, keys: list[bytes], dimension: int) -> Matrix:
        found = self.get(keys)
        missing = sum(key not in found for key in keys)
        if missing:
            raise EmbeddingFailed(
                f"{missing} of {len(keys)} vectors are not in embeddings.db",
                "Run `dateline ingest --rebuild PATH`: it embeds what is missing.",
            )
        return np.frombuffer(b"".join(found[key] for key in keys), dtype=np.float32).reshape(len(keys), dimension)


def _opened(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript(_SCHEMA)
    except sqlite3.DatabaseError as error:
        connection.close()
        raise IndexDamaged(
            f"{path} cannot be used: {error}",
            "Remove it, then run `dateline ingest --rebuild PATH`: that embeds every article again.",
        ) from error
    return connection


def embedding_model_id(embedder: Embedder) -> str:
    """What separates vectors in the store: the model's name and how it is run."""
    return f"{embedder.name}|{embedder.graph}"
