"""The vector cache: every vector ever embedded, in one SQLite file, by model and digest of its text.

A rebuild embeds no text again, and an ingest that was killed continues after its last batch.
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
    """Return the key of a text's vector: the SHA-256 of its UTF-8 bytes."""
    return hashlib.sha256(text.encode()).digest()


class VectorCache:
    """The vectors of one model in `embeddings.db`; for one writer at a time, which the ingest lock ensures.

    Raises IndexDamaged if the file is not a vector cache.
    """

    def __init__(self, path: Path, model: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._connection = _connected(path)
        with self._connection:
            self._connection.execute("INSERT OR IGNORE INTO model (name) VALUES (?)", (model,))
        self._model = self._connection.execute("SELECT id FROM model WHERE name = ?", (model,)).fetchone()[0]

    def close(self) -> None:
        """Close the file; every vector put is already on disk."""
        self._connection.close()

    def get(self, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        """Return the cached vectors of these keys as float32 bytes."""
        found: dict[bytes, bytes] = {}
        for page in _pages(keys):
            marks = ",".join("?" * len(page))
            statement = f"SELECT key, vector FROM embedding WHERE model = ? AND key IN ({marks})"
            found.update(self._connection.execute(statement, (self._model, *page)))
        return found

    def missing(self, keys: Iterable[bytes]) -> set[bytes]:
        """Return the keys that have no vector."""
        absent: set[bytes] = set()
        for page in _pages(keys):
            marks = ",".join("?" * len(page))
            statement = f"SELECT key FROM embedding WHERE model = ? AND key IN ({marks})"
            cached = {key for (key,) in self._connection.execute(statement, (self._model, *page))}
            absent.update(key for key in page if key not in cached)
        return absent

    def put(self, keys: Sequence[bytes], vectors: Matrix) -> None:
        """Store vectors, all or none; a key that is cached keeps its vector.

        Raises EmbeddingFailed for vectors of another dimension than the cached ones.
        """
        statement = "SELECT length(vector) FROM embedding WHERE model = ? LIMIT 1"
        size = self._connection.execute(statement, (self._model,)).fetchone()
        if size and len(vectors) and size[0] != vectors.shape[1] * 4:
            raise EmbeddingFailed(
                f"the embedding model gave vectors of dimension {vectors.shape[1]}, expected {size[0] // 4}",
                "Check whether it is still the same model; give another model another name.",
            )
        rows = (
            (self._model, key, vector.astype(np.float32).tobytes()) for key, vector in zip(keys, vectors, strict=True)
        )
        with self._connection:
            self._connection.executemany("INSERT OR IGNORE INTO embedding VALUES (?, ?, ?)", rows)

    def pages(self, keys: Iterator[bytes], dimension: int) -> Iterator[Matrix]:
        """Yield the vectors of these keys in their order, a page at a time.

        Raises EmbeddingFailed if one is missing and IndexDamaged if one has another dimension.
        """
        for page in _pages(keys):
            found = self.get(page)
            missing = sum(key not in found for key in page)
            if missing:
                raise EmbeddingFailed(
                    f"{missing} of {len(page)} vectors are not in embeddings.db",
                    "Run `dateline ingest --rebuild PATH`: it embeds the missing texts.",
                )
            if any(len(found[key]) != dimension * 4 for key in page):
                raise IndexDamaged(
                    f"embeddings.db has vectors whose dimension is not {dimension}", "Run `dateline doctor --repair`."
                )
            joined = b"".join(found[key] for key in page)
            yield np.frombuffer(joined, dtype=np.float32).reshape(len(page), dimension)

    def drop_invalid(self) -> int:
        """Remove the vectors of this model that are not finite unit vectors of its usual size; return their number."""
        sizes = "SELECT length(vector) FROM embedding WHERE model = ? GROUP BY 1 ORDER BY count(*) DESC LIMIT 1"
        size = self._connection.execute(sizes, (self._model,)).fetchone()
        invalid: list[tuple[int]] = []
        rows = self._connection.execute("SELECT rowid, vector FROM embedding WHERE model = ?", (self._model,))
        while page := rows.fetchmany(PAGE):
            invalid.extend((rowid,) for rowid, vector in page if not _is_valid(vector, size[0]))
        with self._connection:
            self._connection.executemany("DELETE FROM embedding WHERE rowid = ?", invalid)
        return len(invalid)


def vector_cache_of(path: Path, configuration: Configuration) -> VectorCache:
    """Open the cache of the vectors that generations of this configuration use."""
    return VectorCache(path, f"{configuration.embedding_model}|{configuration.embedding_graph}")


def embedding_model_id(embedder: Embedder) -> str:
    """Return the name that separates vectors in the cache: the model's name and graph."""
    return f"{embedder.name}|{embedder.graph}"


def forget_all_but(path: Path, keys: Iterable[bytes]) -> int:
    """Remove the vectors of all other texts, of all models, and overwrite them; return the number removed.

    Raises IndexDamaged if the file is not a vector cache, or is being read, so that removed pages cannot be cleared.
    """
    with closing(_connected(path)) as connection:
        connection.execute("PRAGMA secure_delete = ON")
        connection.execute("CREATE TEMP TABLE kept (key BLOB PRIMARY KEY) WITHOUT ROWID")
        with connection:
            connection.executemany("INSERT OR IGNORE INTO kept VALUES (?)", ((key,) for key in keys))
            forgotten = connection.execute("DELETE FROM embedding WHERE key NOT IN (SELECT key FROM kept)").rowcount
        connection.execute("VACUUM")
        # The write-ahead log has the removed vectors until it is emptied.
        busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if busy:
            raise IndexDamaged(f"another process is reading {path}", "Wait for it to end, then run this again.")
    return int(forgotten)


def _pages(keys: Iterable[bytes]) -> Iterator[list[bytes]]:
    rest = iter(keys)
    while page := list(islice(rest, PAGE)):
        yield page


def _is_valid(vector: bytes, size: int) -> bool:
    if len(vector) != size or size % 4:
        return False
    return bool(are_unit(np.frombuffer(vector, dtype=np.float32)[np.newaxis, :]).all())


def _connected(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript(_SCHEMA)
    except sqlite3.OperationalError:
        # A full or failing disk says nothing about the file.
        connection.close()
        raise
    except sqlite3.DatabaseError as error:
        connection.close()
        raise IndexDamaged(
            f"{path} cannot be read: {error}",
            "Run `dateline doctor --repair`: it restores the vectors of every generation.",
        ) from error
    return connection
