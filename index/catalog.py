"""The catalogue: every article, and the chunks as spans of it, in one SQLite file.

Text and metadata live here and nowhere else; a chunk's text is a slice of its article's body. Row
numbers of `chunk` are those of `vectors.npy`, of the lexical index and of Chroma's ids.
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

from index.filtering import PUBLISHED, filter_conditions, folded
from index.records import Article, Chunk, Filters, Listed, isoformat

PAGE = 500
"""Rows fetched at once; far below SQLite's limit on variables in one statement."""

OPENING = 400
"""Characters of a body that a list of articles has."""

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


def article_values(article: Article) -> tuple[str | None, ...]:
    """The values of `ARTICLE_COLUMNS` for one article."""
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
    """The article of one row of `ARTICLE_COLUMNS`."""
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


def chunk_id(article_id: str, ordinal: int) -> str:
    """The id of an article's n-th chunk; `#` cannot stand in an article id."""
    return f"{article_id}#{ordinal}"


class Headline(NamedTuple):
    """An article as a list shows it; `opening` is the start of its body."""

    article_id: str
    title: str | None
    source: str | None
    section: str | None
    language: str | None
    published_at: str | None
    opening: str


class Catalog:
    """A closed generation's catalogue, open for reading; safe to share between threads."""

    def __init__(self, path: Path) -> None:
        # `immutable` lets a process read what it may not write, and takes no lock that another could wait for.
        self._connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True, check_same_thread=False
        )
        self._connection.create_function("fold", 1, folded, deterministic=True)
        self._lock = threading.Lock()
        # Not a fetch per question: which article each row belongs to is asked for by every filter.
        self._article_of_row = np.fromiter(
            (row[0] for row in self._rows("SELECT article FROM chunk ORDER BY row")), np.int64
        )

    def close(self) -> None:
        """Close the file; the catalogue must not be used afterwards."""
        self._connection.close()

    @property
    def chunk_count(self) -> int:
        """How many chunks there are."""
        return len(self._article_of_row)

    def article_count(self) -> int:
        """How many articles there are."""
        return int(self._rows("SELECT count(*) FROM article")[0][0])

    def article(self, article_id: str) -> Article | None:
        """The article of that id, or None."""
        found = self._rows(f"SELECT {ARTICLE_COLUMNS} FROM article WHERE article_id = ?", (article_id,))
        return article_of(found[0]) if found else None

    def headlines(self, offset: int, limit: int, opening: int) -> list[Headline]:
        """Return a page of articles in the order of `articles`, each with the first `opening` code points of its body.

        Bodies of other pages are not read: one article may have megabytes.
        """
        order = f"published_at IS NULL, {PUBLISHED} DESC, article_id"
        columns = "article_id, title, source, section, language, published_at, substr(body, 1, ?)"
        rows = f"SELECT row FROM article ORDER BY {order} LIMIT ? OFFSET ?"
        statement = f"SELECT {columns} FROM article WHERE row IN ({rows}) ORDER BY {order}"
        return [Headline(*values) for values in self._rows(statement, (opening, limit, offset))]

    def title_of(self, article_id: str) -> str | None:
        """Return the title of the article with that id, "" if it has none; None if the article is missing."""
        found = self._rows("SELECT coalesce(title, '') FROM article WHERE article_id = ?", (article_id,))
        return str(found[0][0]) if found else None

    def articles(self, offset: int = 0, limit: int = PAGE) -> list[Article]:
        """A page of articles: newest first, those of unknown date last, then by id."""
        order = f"published_at IS NULL, {PUBLISHED} DESC, article_id"
        statement = f"SELECT {ARTICLE_COLUMNS} FROM article ORDER BY {order} LIMIT ? OFFSET ?"
        return [article_of(values) for values in self._rows(statement, (limit, offset))]

    def listed(self, offset: int = 0, limit: int = PAGE) -> list[Listed]:
        """Return a page of articles in the order of `articles`, without reading more of a body than its opening."""
        order = f"published_at IS NULL, {PUBLISHED} DESC, article_id"
        columns = ARTICLE_COLUMNS.replace(" body,", f" substr(body, 1, {OPENING}),")
        statement = f"SELECT {columns}, length(body) FROM article ORDER BY {order} LIMIT ? OFFSET ?"
        return [Listed(article_of(values[:-1]), values[-1]) for values in self._rows(statement, (limit, offset))]

    def every_article(self) -> Iterator[Article]:
        """All articles, a page in memory at a time."""
        last = -1
        page = f"SELECT row, {ARTICLE_COLUMNS} FROM article WHERE row > ? ORDER BY row LIMIT ?"
        while found := self._rows(page, (last, PAGE)):
            yield from (article_of(values[1:]) for values in found)
            last = found[-1][0]

    def hashes(self) -> dict[str, str]:
        """Article id to content hash, for all articles."""
        return dict(self._rows("SELECT article_id, content_hash FROM article"))

    def origins(self) -> dict[str, str]:
        """Article id to origin, for all articles."""
        return dict(self._rows("SELECT article_id, origin FROM article"))

    def dates(self) -> tuple[str | None, str | None]:
        """The oldest and the newest date of publication, ISO 8601, or None where no article has one."""
        oldest, newest = self._rows(f"SELECT min({PUBLISHED}) || 'Z', max({PUBLISHED}) || 'Z' FROM article")[0]
        return oldest, newest

    def embedding_keys(self) -> Iterator[bytes]:
        """The key of every chunk's vector in `embeddings.db`, in row order."""
        for start in range(0, self.chunk_count, PAGE):
            page = "SELECT embedding_key FROM chunk WHERE row >= ? AND row < ? ORDER BY row"
            yield from (key for (key,) in self._rows(page, (start, start + PAGE)))

    def keys_of(self, rows: Sequence[int]) -> dict[int, bytes]:
        """The key of each of these rows' vector, by row."""
        keys: dict[int, bytes] = {}
        for page in _pages(rows):
            keys.update(
                self._rows(f"SELECT row, embedding_key FROM chunk WHERE row IN ({','.join('?' * len(page))})", page)
            )
        return keys

    def chunks(self, rows: Sequence[int]) -> list[tuple[Chunk, Article]]:
        """The chunks of these rows with their articles, in the order of `rows`; an article met twice is one object."""
        articles: dict[int, Article] = {}
        spans: dict[int, tuple[Any, ...]] = {}
        for page in _pages(rows):
            marks = ",".join("?" * len(page))
            statement = (
                f"SELECT row, article, ordinal, start_char, end_char, token_count FROM chunk WHERE row IN ({marks})"
            )
            spans.update((found[0], found[1:]) for found in self._rows(statement, page))
        for page in _pages(sorted({span[0] for span in spans.values()})):
            marks = ",".join("?" * len(page))
            statement = f"SELECT row, {ARTICLE_COLUMNS} FROM article WHERE row IN ({marks})"
            articles.update((found[0], article_of(found[1:])) for found in self._rows(statement, page))
        return [_chunk(spans[row], articles[spans[row][0]]) for row in rows]

    def titles_and_texts(self) -> Iterator[tuple[str | None, str]]:
        """Every chunk's article title and text, in row order, a page in memory at a time."""
        for start in range(0, self.chunk_count, PAGE):
            for chunk, article in self.chunks(range(start, min(start + PAGE, self.chunk_count))):
                yield article.title, chunk.text

    def allowed_rows(self, filters: Filters) -> NDArray[np.bool_] | None:
        """A mask over all chunks, True where the filters let the article through; None when there is no filter."""
        conditions, values = filter_conditions(filters)
        if not conditions:
            return None
        statement = f"SELECT row FROM article WHERE {' AND '.join(conditions)}"
        allowed = [row for (row,) in self._rows(statement, values)]
        return np.isin(self._article_of_row, np.array(allowed, dtype=np.int64))

    def _rows(self, statement: str, values: Sequence[Any] = ()) -> list[Any]:
        with self._lock, closing(self._connection.execute(statement, values)) as cursor:
            return cursor.fetchall()


def _chunk(span: Sequence[Any], article: Article) -> tuple[Chunk, Article]:
    _, ordinal, start, end, tokens = span
    text = article.body[start:end]
    return Chunk(chunk_id(article.article_id, ordinal), article.article_id, ordinal, text, start, end, tokens), article


def _pages(rows: Sequence[int]) -> Iterator[list[int]]:
    for start in range(0, len(rows), PAGE):
        yield [int(row) for row in rows[start : start + PAGE]]
