"""The catalogue: every article, and its chunks as spans of its body, in one SQLite file.

Text and metadata are stored here only; a chunk's text is a slice of its article's body. The row number of a chunk is
also its row in `vectors.npy`, its row in the lexical index and its id in Chroma.
"""

import json
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from index.records import Article, Chunk, Filters, Listed, isoformat

PAGE = 500
"""Rows read into memory at once."""

OPENING = 400
"""Characters of each body in a list of articles."""

SCHEMA = """
CREATE TABLE article (
    row INTEGER PRIMARY KEY, article_id TEXT NOT NULL UNIQUE, content_hash TEXT NOT NULL, origin TEXT NOT NULL,
    title TEXT, body TEXT NOT NULL, url TEXT, source TEXT, authors TEXT NOT NULL, section TEXT, language TEXT,
    tags TEXT NOT NULL, published_at TEXT, updated_at TEXT
);
CREATE TABLE chunk (
    row INTEGER PRIMARY KEY, article INTEGER NOT NULL REFERENCES article (row), ordinal INTEGER NOT NULL,
    start_char INTEGER NOT NULL, end_char INTEGER NOT NULL, token_count INTEGER NOT NULL, embedding_key BLOB NOT NULL
);
CREATE INDEX chunk_article ON chunk (article);
"""
ARTICLE_COLUMNS = """article_id, content_hash, origin, title, body, url, source, authors, section, language, tags,
    published_at, updated_at"""
_LISTED = "(SELECT value FROM json_each(?))"
"""A list of any length as one SQL value."""

_PUBLISHED = "rtrim(published_at, 'Z')"
"""The date of publication as text that sorts by time: with its Z, half a second past would sort before the second."""

_NEWEST_FIRST = f"published_at IS NULL, {_PUBLISHED} DESC, article_id"


def article_values(article: Article) -> tuple[str | None, ...]:
    """Return the values of `ARTICLE_COLUMNS` for one article."""
    return (
        article.article_id,
        article.content_hash,
        article.origin,
        article.title,
        article.body,
        article.url,
        article.source,
        json.dumps(article.authors, ensure_ascii=False),
        article.section,
        article.language,
        json.dumps(article.tags, ensure_ascii=False),
        isoformat(article.published_at),
        isoformat(article.updated_at),
    )


def article_of(values: Sequence[Any]) -> Article:
    """Return the article stored in one row of `ARTICLE_COLUMNS`."""
    (article_id, _, origin, title, body, url, source, authors, section, language, tags, published_at, updated_at) = (
        values
    )
    return Article(
        article_id=article_id,
        body=body,
        origin=origin,
        title=title,
        url=url,
        source=source,
        authors=tuple(json.loads(authors)),
        section=section,
        language=language,
        tags=tuple(json.loads(tags)),
        published_at=datetime.fromisoformat(published_at) if published_at else None,
        updated_at=datetime.fromisoformat(updated_at) if updated_at else None,
    )


class Headline(NamedTuple):
    """An article in a list; `opening` is the start of its body."""

    article_id: str
    title: str | None
    source: str | None
    section: str | None
    language: str | None
    published_at: str | None
    opening: str


class Catalog:
    """A generation's catalogue, open for reading; safe to share between threads."""

    def __init__(self, path: Path) -> None:
        # `immutable`: the file may be read-only, and reading takes no lock that another process would wait for.
        self._connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True, check_same_thread=False
        )
        self._connection.create_function("fold", 1, lambda value: value and value.casefold(), deterministic=True)
        self._lock = threading.Lock()
        # Read once, because every filter needs the article of every row.
        self._article_of_row = np.fromiter(
            (row[0] for row in self._rows("SELECT article FROM chunk ORDER BY row")), np.int64
        )

    def close(self) -> None:
        """Close the file; the catalogue must not be used afterwards."""
        self._connection.close()

    @property
    def chunk_count(self) -> int:
        """Return the number of chunks."""
        return len(self._article_of_row)

    def article(self, article_id: str) -> Article | None:
        """Return the article with that id, or None."""
        found = self._rows(f"SELECT {ARTICLE_COLUMNS} FROM article WHERE article_id = ?", (article_id,))
        return article_of(found[0]) if found else None

    def headlines(self, offset: int, limit: int, opening: int) -> list[Headline]:
        """Return a page of articles in the order of `listed`, each with the first `opening` code points of its body.

        Bodies of other pages are not read: one article may have megabytes.
        """
        columns = "article_id, title, source, section, language, published_at, substr(body, 1, ?)"
        rows = f"SELECT row FROM article ORDER BY {_NEWEST_FIRST} LIMIT ? OFFSET ?"
        statement = f"SELECT {columns} FROM article WHERE row IN ({rows}) ORDER BY {_NEWEST_FIRST}"
        return [Headline(*values) for values in self._rows(statement, (opening, limit, offset))]

    def title_of(self, article_id: str) -> str | None:
        """Return the title of the article with that id, "" if it has none; None if the article is missing."""
        found = self._rows("SELECT coalesce(title, '') FROM article WHERE article_id = ?", (article_id,))
        return found[0][0] if found else None

    def listed(self, offset: int = 0, limit: int = PAGE) -> list[Listed]:
        """Return a page of articles with the openings of their bodies: newest first, undated ones last, then by id."""
        columns = ARTICLE_COLUMNS.replace(" body,", f" substr(body, 1, {OPENING}),")
        statement = f"SELECT {columns}, length(body) FROM article ORDER BY {_NEWEST_FIRST} LIMIT ? OFFSET ?"
        return [Listed(article_of(values[:-1]), values[-1]) for values in self._rows(statement, (limit, offset))]

    def every_article(self) -> Iterator[Article]:
        """Yield all articles, with at most a page of them in memory."""
        last = -1
        page = f"SELECT row, {ARTICLE_COLUMNS} FROM article WHERE row > ? ORDER BY row LIMIT ?"
        while found := self._rows(page, (last, PAGE)):
            yield from (article_of(values[1:]) for values in found)
            last = found[-1][0]

    def hashes(self) -> dict[str, str]:
        """Return the content hash of every article by its id."""
        return dict(self._rows("SELECT article_id, content_hash FROM article"))

    def origins(self) -> dict[str, str]:
        """Return the origin of every article by its id."""
        return dict(self._rows("SELECT article_id, origin FROM article"))

    def dates(self) -> tuple[str | None, str | None]:
        """Return the oldest and the newest date of publication, ISO 8601; None if no article has one."""
        oldest, newest = self._rows(f"SELECT min({_PUBLISHED}) || 'Z', max({_PUBLISHED}) || 'Z' FROM article")[0]
        return oldest, newest

    def embedding_keys(self) -> Iterator[bytes]:
        """Yield the key of every chunk's vector in `embeddings.db`, in row order."""
        for start in range(0, self.chunk_count, PAGE):
            page = "SELECT embedding_key FROM chunk WHERE row >= ? AND row < ? ORDER BY row"
            yield from (key for (key,) in self._rows(page, (start, start + PAGE)))

    def keys_of(self, rows: Sequence[int]) -> dict[int, bytes]:
        """Return the keys of the vectors of these rows, by row."""
        return dict(
            self._rows(f"SELECT row, embedding_key FROM chunk WHERE row IN {_LISTED}", (json.dumps(list(rows)),))
        )

    def chunks(self, rows: Sequence[int]) -> list[tuple[Chunk, Article]]:
        """Return the chunks of these rows with their articles, in the order of `rows`; each article is one object."""
        columns = "row, article, ordinal, start_char, end_char, token_count"
        statement = f"SELECT {columns} FROM chunk WHERE row IN {_LISTED}"
        spans = {row: span for row, *span in self._rows(statement, (json.dumps(list(rows)),))}
        statement = f"SELECT row, {ARTICLE_COLUMNS} FROM article WHERE row IN {_LISTED}"
        wanted = json.dumps(sorted({article for article, *_ in spans.values()}))
        articles = {row: article_of(values) for row, *values in self._rows(statement, (wanted,))}
        found: list[tuple[Chunk, Article]] = []
        for at, ordinal, start, end, tokens in (spans[row] for row in rows):
            article = articles[at]
            # An article id has no `#`.
            chunk_id, text = f"{article.article_id}#{ordinal}", article.body[start:end]
            found.append((Chunk(chunk_id, article.article_id, ordinal, text, start, end, tokens), article))
        return found

    def titles_and_texts(self) -> Iterator[tuple[str | None, str]]:
        """Yield every chunk's article title and text, in row order, with at most a page of them in memory."""
        for start in range(0, self.chunk_count, PAGE):
            for chunk, article in self.chunks(range(start, min(start + PAGE, self.chunk_count))):
                yield article.title, chunk.text

    def allowed_rows(self, filters: Filters) -> NDArray[np.bool_] | None:
        """Return a mask of the chunks whose articles pass the filters; None without filters."""
        if filters == Filters():
            return None
        conditions, values = _conditions(filters)
        statement = f"SELECT row FROM article WHERE {' AND '.join(conditions)}"
        allowed = [row for (row,) in self._rows(statement, values)]
        return np.isin(self._article_of_row, np.array(allowed, dtype=np.int64))

    def _rows(self, statement: str, values: Sequence[Any] = ()) -> list[Any]:
        with self._lock, closing(self._connection.execute(statement, values)) as cursor:
            return cursor.fetchall()


def _conditions(filters: Filters) -> tuple[list[str], list[str]]:
    """Return the filters as SQL conditions and the values to bind, in the same order."""
    conditions = ["TRUE"]
    values: list[str] = []
    if filters.article_ids:
        conditions.append(f"article_id IN {_LISTED}")
        values.append(json.dumps(filters.article_ids))
    for column, wanted in (
        ("source", filters.sources),
        ("section", filters.sections),
        ("language", filters.languages),
    ):
        if wanted:
            conditions.append(_among(column, wanted))
            values.append(_bound(wanted))
    if filters.exclude_sources:
        conditions.append(f"(source IS NULL OR NOT {_among('source', filters.exclude_sources)})")
        values.append(_bound(filters.exclude_sources))
    for column, wanted in (("authors", filters.authors), ("tags", filters.tags)):
        if wanted:
            each = f"SELECT 1 FROM json_each({column}) AS stored"
            conditions.append(f"EXISTS ({each} WHERE {_among('stored.value', wanted)})")
            values.append(_bound(wanted))
    for operator, moment in ((">=", filters.published_after), ("<", filters.published_before)):
        if moment is not None:
            conditions.append(f"{_PUBLISHED} {operator} rtrim(?, 'Z')")
            values.append(isoformat(moment))
    return conditions, values


def _among(column: str, wanted: Sequence[str]) -> str:
    """Return the condition that a column has one of the values in any case; `_bound` returns the value to bind."""
    # SQLite folds the case of ASCII only; for other letters each row costs a call of `fold`.
    return f"{column} COLLATE NOCASE IN {_LISTED}" if _is_ascii(wanted) else f"fold({column}) IN {_LISTED}"


def _bound(wanted: Sequence[str]) -> str:
    return json.dumps(wanted if _is_ascii(wanted) else [value.casefold() for value in wanted])


def _is_ascii(wanted: Sequence[str]) -> bool:
    return all(value.isascii() for value in wanted)
