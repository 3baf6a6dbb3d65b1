"""A generation under construction: articles and chunks first, and then all that is derived from them."""

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np

from index.catalog import ARTICLE_COLUMNS, SCHEMA, Catalog, article_of, article_values
from index.dense import build_dense
from index.dense.server import ChromaServer
from index.layout import CATALOG, LEXICAL, VECTORS
from index.lexical import build_lexical
from index.records import Article, Chunk, Configuration
from index.vector_cache import VectorCache

_STAGED = """
CREATE TABLE pending (article INTEGER PRIMARY KEY);
CREATE TABLE staged (
    article_id TEXT NOT NULL, ordinal INTEGER NOT NULL, start_char INTEGER NOT NULL, end_char INTEGER NOT NULL,
    token_count INTEGER NOT NULL, embedding_key BLOB NOT NULL
);
"""
# Rows are numbered by article id and ordinal, so that the order in which articles arrive does not matter.
_NUMBER_ROWS = """
INSERT INTO chunk SELECT row_number() OVER (ORDER BY staged.article_id, ordinal) - 1,
    article.row, ordinal, start_char, end_char, token_count, embedding_key
FROM staged JOIN article ON article.article_id = staged.article_id;
DROP TABLE staged;
DROP TABLE pending;
"""
_KEEP = f"""
INSERT INTO article ({ARTICLE_COLUMNS})
    SELECT {ARTICLE_COLUMNS} FROM old.article WHERE article_id IN (SELECT value FROM json_each(?))
"""
_KEEP_CHUNKS = """
INSERT INTO staged SELECT a.article_id, ordinal, start_char, end_char, token_count, embedding_key
FROM old.chunk AS c JOIN old.article AS a ON a.row = c.article WHERE a.article_id IN (SELECT value FROM json_each(?))
"""
_RENEW = """
INSERT INTO pending SELECT row FROM main.article WHERE article_id IN (SELECT value FROM json_each(?))
"""


class Staging:
    """A folder that becomes a generation; no other process reads it before it is published."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        self.folder = folder
        self._connection = sqlite3.connect(f"{(folder / CATALOG).absolute().as_uri()}", uri=True)
        # A crash discards this file, so it needs no journal and does not wait for the disk.
        self._connection.executescript(f"PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; {SCHEMA} {_STAGED}")

    def keep(self, catalog: Path, article_ids: Iterable[str]) -> None:
        """Copy articles with their chunks from the catalogue of an earlier generation."""
        self._take(catalog, article_ids, (_KEEP, _KEEP_CHUNKS))

    def renew(self, catalog: Path, article_ids: Iterable[str]) -> None:
        """Copy articles from the catalogue of an earlier generation, to be chunked again."""
        self._take(catalog, article_ids, (_KEEP, _RENEW))

    def add(self, article: Article) -> None:
        """Add a new or changed article, to be chunked; it replaces one with the same id."""
        self.discard(article.article_id)
        values = article_values(article)
        marks = ",".join("?" * len(values))
        added = self._connection.execute(f"INSERT INTO article ({ARTICLE_COLUMNS}) VALUES ({marks})", values)
        self._connection.execute("INSERT INTO pending VALUES (?)", (added.lastrowid,))

    def discard(self, article_id: str) -> None:
        """Remove an article that is still to be chunked, if it is there."""
        row = "SELECT row FROM article WHERE article_id = ?"
        self._connection.execute(f"DELETE FROM pending WHERE article = ({row})", (article_id,))
        self._connection.execute("DELETE FROM article WHERE article_id = ?", (article_id,))

    def rename(self, article_id: str, to: str) -> None:
        """Change the id, and with it the content hash, of an article that is still to be chunked."""
        statement = f"SELECT {ARTICLE_COLUMNS} FROM article WHERE article_id = ?"
        (article,) = (article_of(values) for values in self._connection.execute(statement, (article_id,)))
        self.discard(article_id)
        self.add(replace(article, article_id=to))

    def pending(self, count: int) -> list[Article]:
        """Return the next articles to be chunked."""
        next_ = f"SELECT {ARTICLE_COLUMNS} FROM article JOIN pending ON article = row ORDER BY article_id LIMIT ?"
        return [article_of(values) for values in self._connection.execute(next_, (count,))]

    def pending_characters(self) -> int:
        """Return the number of code points that are still to be chunked."""
        total = "SELECT coalesce(sum(length(body)), 0) FROM article JOIN pending ON article = row"
        return int(self._connection.execute(total).fetchone()[0])

    def chunked(self, articles: Iterable[Article], chunks: Iterable[tuple[Chunk, bytes]]) -> None:
        """Add the chunks of pending articles, each with the key of its vector."""
        self._connection.executemany(
            "INSERT INTO staged VALUES (?, ?, ?, ?, ?, ?)",
            ((c.article_id, c.ordinal, c.start_char, c.end_char, c.token_count, key) for c, key in chunks),
        )
        self._connection.executemany(
            "DELETE FROM pending WHERE article = (SELECT row FROM article WHERE article_id = ?)",
            ((article.article_id,) for article in articles),
        )

    def finish(self, cache: VectorCache, configuration: Configuration, server: ChromaServer | None = None) -> int:
        """Assign row numbers, and build vectors, Chroma and lexical index; return the number of rows."""
        self._connection.commit()
        self._connection.executescript(_NUMBER_ROWS)
        self._connection.execute("VACUUM")
        self._connection.close()
        catalog = Catalog(self.folder / CATALOG)
        try:
            self._write_vectors(catalog, cache, configuration.dimension)
            build_dense(self.folder, np.load(self.folder / VECTORS, mmap_mode="r"), server)
            build_lexical(self.folder / LEXICAL, catalog.titles_and_texts(), configuration.language)
            return catalog.chunk_count
        finally:
            catalog.close()

    def close(self) -> None:
        """Close the catalogue, unless finish() has done so."""
        self._connection.close()

    def _take(self, catalog: Path, article_ids: Iterable[str], statements: tuple[str, ...]) -> None:
        listed = json.dumps(sorted(article_ids))
        self._connection.commit()
        self._connection.execute("ATTACH ? AS old", (f"{catalog.absolute().as_uri()}?mode=ro&immutable=1",))
        for statement in statements:
            self._connection.execute(statement, (listed,))
        self._connection.commit()
        self._connection.execute("DETACH old")

    def _write_vectors(self, catalog: Catalog, cache: VectorCache, dimension: int) -> None:
        """Write the rows page by page: on a full disk this raises an error, where a mapped file would crash."""
        header = {"descr": "<f4", "fortran_order": False, "shape": (catalog.chunk_count, dimension)}
        with (self.folder / VECTORS).open("wb") as file:
            np.lib.format.write_array_header_1_0(file, header)
            for page in cache.pages(catalog.embedding_keys(), dimension):
                file.write(page.astype("<f4").tobytes())
