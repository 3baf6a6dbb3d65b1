"""Every vector ever embedded, in one SQLite file: (model, text) → vector.

A rebuild embeds nothing again, and an ingest that was killed goes on where its last batch was written.
"""

import hashlib
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path

import numpy as np

from index.embedding import Embedder, Matrix, are_unit
from index.errors import EmbeddingFailed, IndexDamaged
from index.records import Configuration

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
        for page in _pages(keys):
            marks = ",".join("?" * len(page))
            statement = f"SELECT key, vector FROM embedding WHERE model = ? AND key IN ({marks})"
            found.update(self._connection.execute(statement, (self._model, *page)))
        return found

    def missing(self, keys: Iterable[bytes]) -> set[bytes]:
        """Which of these keys have no vector."""
        absent: set[bytes] = set()
        for page in _pages(keys):
            marks = ",".join("?" * len(page))
            statement = f"SELECT key FROM embedding WHERE model = ? AND key IN ({marks})"
            held = {key for (key,) in self._connection.execute(statement, (self._model, *page))}
            absent.update(key for key in page if key not in held)
        return absent

    def put(self, keys: Sequence[bytes], vectors: Matrix) -> None:
        """Keep vectors for good; a key already there keeps its vector.

        Raises EmbeddingFailed for a vector that is not a finite one of length 1, or of another dimension than those
        that are there: what is kept once is used in every generation to come.
        """
        self._check(keys, vectors)
        rows = (
            (self._model, key, vector.astype(np.float32).tobytes()) for key, vector in zip(keys, vectors, strict=True)
        )
        with self._connection:
            self._connection.executemany("INSERT OR IGNORE INTO embedding VALUES (?, ?, ?)", rows)

    def pages(self, keys: Iterator[bytes], dimension: int) -> Iterator[Matrix]:
        """The vectors of these keys in their order, a page at a time.

        Raises EmbeddingFailed where one is absent and IndexDamaged where one is of another dimension.
        """
        for page in _pages(keys):
            yield self._matrix(page, dimension)

    def drop_unusable(self) -> int:
        """Remove the vectors of this model that are not finite unit vectors, all of one size; returns how many."""
        sizes = "SELECT length(vector) FROM embedding WHERE model = ? GROUP BY 1 ORDER BY count(*) DESC LIMIT 1"
        size = self._connection.execute(sizes, (self._model,)).fetchone()
        broken: list[tuple[int]] = []
        rows = self._connection.execute("SELECT rowid, vector FROM embedding WHERE model = ?", (self._model,))
        while page := rows.fetchmany(PAGE):
            broken.extend((rowid,) for rowid, vector in page if not _usable(vector, size[0]))
        with self._connection:
            self._connection.executemany("DELETE FROM embedding WHERE rowid = ?", broken)
        return len(broken)

    def _check(self, keys: Sequence[bytes], vectors: Matrix) -> None:
        if not len(vectors):
            return
        broken = ~are_unit(vectors)
        if len(vectors) != len(keys) or broken.any():
            raise EmbeddingFailed(
                f"the embedding model gave {len(vectors)} vectors for {len(keys)} texts, {int(broken.sum())} of them"
                " not finite or not of length 1",
                "Nothing of them was kept. See what ails the model, then run the ingest again.",
            )
        held = self._connection.execute("SELECT length(vector) FROM embedding WHERE model = ? LIMIT 1", (self._model,))
        size = next((length for (length,) in held), vectors.shape[1] * 4)
        if size != vectors.shape[1] * 4:
            raise EmbeddingFailed(
                f"the embedding model gave vectors of dimension {vectors.shape[1]}, those before had {size // 4}",
                "Is it still the same model? Give another one another name.",
            )

    def _matrix(self, keys: list[bytes], dimension: int) -> Matrix:
        found = self.get(keys)
        missing = sum(key not in found for key in keys)
        if missing:
            raise EmbeddingFailed(
                f"{missing} of {len(keys)} vectors are not in embeddings.db",
                "Run `dateline ingest --rebuild PATH`: it embeds what is missing.",
            )
        if any(len(found[key]) != dimension * 4 for key in keys):
            raise IndexDamaged(
                f"embeddings.db holds vectors that are not of dimension {dimension}", "Run `dateline doctor --repair`."
            )
        return np.frombuffer(b"".join(found[key] for key in keys), dtype=np.float32).reshape(len(keys), dimension)


def forget_all_but(path: Path, keys: Iterable[bytes]) -> int:
    """Remove the vectors of every text but these, of all models, and overwrite them; returns how many went.

    Raises IndexDamaged where the file is no store, or where somebody reads it and the removed pages cannot be cleared.
    """
    with closing(_opened(path)) as connection:
        connection.execute("PRAGMA secure_delete = ON")
        connection.execute("CREATE TEMP TABLE kept (key BLOB PRIMARY KEY) WITHOUT ROWID")
        with connection:
            connection.executemany("INSERT OR IGNORE INTO kept VALUES (?)", ((key,) for key in keys))
            forgotten = connection.execute("DELETE FROM embedding WHERE key NOT IN (SELECT key FROM kept)").rowcount
        connection.execute("VACUUM")
        # What was removed still stands in the write-ahead log until that is emptied.
        busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if busy:
            raise IndexDamaged(f"{path} is being read by another process", "Wait for it to end, then run this again.")
    return int(forgotten)


def _pages(keys: Iterable[bytes]) -> Iterator[list[bytes]]:
    rest = iter(keys)
    while page := list(islice(rest, PAGE)):
        yield page


def _usable(vector: bytes, size: int) -> bool:
    if len(vector) != size or size % 4:
        return False
    return bool(are_unit(np.frombuffer(vector, dtype=np.float32)[np.newaxis, :]).all())


def _opened(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript(_SCHEMA)
    except sqlite3.OperationalError:
        # A full or failing disk says nothing of the file.
        connection.close()
        raise
    except sqlite3.DatabaseError as error:
        connection.close()
        raise IndexDamaged(
            f"{path} cannot be used: {error}",
            "Run `dateline doctor --repair`: the vectors of every generation come back from it.",
        ) from error
    return connection


def embedding_model_id(embedder: Embedder) -> str:
    """What separates vectors in the store: the model's name and how it is run."""
    return f"{embedder.name}|{embedder.graph}"


def store_of(path: Path, configuration: Configuration) -> EmbeddingStore:
    """The store of the vectors that generations of this configuration are made from."""
    return EmbeddingStore(path, f"{configuration.embedding_model}|{configuration.embedding_graph}")
