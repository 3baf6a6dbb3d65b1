"""The catalogue of a segment: its articles, and their chunks as spans of their bodies, in one SQLite file.

Text and metadata are stored here only; a chunk's text is a slice of its article's body. The row number of a chunk is
also its row in `vectors.npy`, its row in the lexical index and its id in Chroma.
"""

import hashlib
import json
import sqlite3
import threading
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, astuple, fields
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from index.copies import Sketch, Sketches, Standing, sketch_of
from index.correcting import corrects_another
from index.records import (
    Article,
    Chunk,
    Configuration,
    Edit,
    Filters,
    Listed,
    Revision,
    indexed_text,
    isoformat,
)

PAGE = 500
"""Rows read into memory at once."""

SCHEMA = """
CREATE TABLE build (configuration TEXT NOT NULL, numbered INTEGER NOT NULL);
CREATE TABLE article (
    row INTEGER PRIMARY KEY, article_id TEXT NOT NULL UNIQUE, content_hash TEXT NOT NULL, origin TEXT NOT NULL,
    title TEXT, body TEXT NOT NULL, url TEXT, source TEXT, authors TEXT NOT NULL, section TEXT, language TEXT,
    tags TEXT NOT NULL, published_at TEXT, updated_at TEXT
);
CREATE TABLE chunk (
    row INTEGER PRIMARY KEY, article INTEGER NOT NULL REFERENCES article (row), ordinal INTEGER NOT NULL,
    start_char INTEGER NOT NULL, end_char INTEGER NOT NULL, token_count INTEGER NOT NULL, text_key BLOB NOT NULL
);
CREATE TABLE revision (
    article INTEGER NOT NULL REFERENCES article (row), ordinal INTEGER NOT NULL, changed_at TEXT NOT NULL,
    is_stated INTEGER NOT NULL, edits TEXT NOT NULL, PRIMARY KEY (article, ordinal)
) WITHOUT ROWID;
CREATE TABLE sketch (
    article INTEGER PRIMARY KEY REFERENCES article (row), digest INTEGER NOT NULL, words INTEGER NOT NULL,
    marks BLOB NOT NULL
);
CREATE TABLE sketch_runs (
    article INTEGER PRIMARY KEY REFERENCES article (row), runs BLOB NOT NULL, numbers BLOB NOT NULL
);
CREATE TABLE correcting (article INTEGER PRIMARY KEY REFERENCES article (row));
CREATE INDEX chunk_article ON chunk (article);
CREATE INDEX chunk_text ON chunk (text_key);
"""
_FIELDS = tuple(field.name for field in fields(Article))
ARTICLE_COLUMNS = ", ".join((*_FIELDS, "content_hash"))
_OF_ARTICLES = {
    "revision": ", ordinal, changed_at, is_stated, edits",
    "sketch": ", digest, words, marks",
    "sketch_runs": ", runs, numbers",
    "correcting": "",
}
"""The tables of what an article has beside its chunks, and their columns."""

_LISTED = "(SELECT value FROM json_each(?))"
"""A list of any length as one SQL value."""

_HASHES: tuple[np.dtype[Any], ...] = (np.dtype("<u4"), np.dtype("<u4"), np.dtype("<u8"))
"""The form of marks, runs and numbers of a sketch in the file."""

_PUBLISHED = "rtrim(published_at, 'Z')"
"""The date of publication as text that sorts by time: with its Z, half a second past would sort before the second."""

_UPDATED = "rtrim(coalesce(updated_at, published_at), 'Z')"
"""The date of the stored version, likewise."""


def article_values(article: Article) -> tuple[str | None, ...]:
    """Return the values of `ARTICLE_COLUMNS` for one article."""
    return (*(_value(getattr(article, name)) for name in _FIELDS), article.content_hash)


def _value(field: str | Sequence[str] | datetime | None) -> str | None:
    if field is None or isinstance(field, str):
        return field
    return isoformat(field) if isinstance(field, datetime) else _to_json(field)


def _to_json(values: Sequence[Any]) -> str:
    return json.dumps(values, ensure_ascii=False)


def article_of(values: Sequence[Any]) -> Article:
    """Return the article stored in one row of `ARTICLE_COLUMNS`."""
    stored = dict(zip(_FIELDS, values, strict=False))
    for name in ("authors", "tags"):
        stored[name] = tuple(json.loads(stored[name]))
    for name in ("published_at", "updated_at"):
        stored[name] = stored[name] and datetime.fromisoformat(stored[name])
    return Article(**stored)


class Outlet(NamedTuple):
    """The outlet of a chunk: its id, its article's id and source, and the date as text that sorts by time."""

    chunk_id: str
    article_id: str
    source: str | None
    published_at: str | None


def _stored(sketch: Sketch) -> tuple[int | bytes, ...]:
    """Return a sketch as values of its columns."""
    arrays: tuple[NDArray[Any], ...] = (sketch.marks, sketch.runs, sketch.numbers)
    hashes = (array.astype(kind).tobytes() for array, kind in zip(arrays, _HASHES, strict=True))
    return (sketch.digest, sketch.words, *hashes)


def text_key(article: Article, chunk: Chunk) -> bytes:
    """Return the key of a chunk's embedded text, by which its vector is found."""
    return key_of(indexed_text(article.title, chunk.text))


def key_of(text: str) -> bytes:
    """Return the key of an embedded text: half of its SHA-256."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:16]


class Catalog:
    """A catalogue open for reading; safe to share between threads.

    A killed run leaves one that is not `closed`: SQLite first undoes the last write in it.
    """

    def __init__(self, path: Path, *, closed: bool = True) -> None:
        # `immutable`: the file may be read-only, and reading takes no lock that another process would wait for.
        mode = "mode=ro&immutable=1" if closed else "mode=rw"
        self._connection = sqlite3.connect(f"{path.absolute().as_uri()}?{mode}", uri=True, check_same_thread=False)
        self._connection.create_function("fold", 1, lambda value: value and value.casefold(), deterministic=True)
        self._lock = threading.Lock()
        self._standings: dict[int, Standing] = {}
        # The rows of a closed catalogue have no gaps. Read here, so that another file than a catalogue is an error.
        self.chunk_count: int = self._rows("SELECT coalesce(max(row) + 1, 0) FROM chunk")[0][0]

    def close(self) -> None:
        """Close the file once no other thread reads it; the catalogue must not be used afterwards."""
        # SQLite crashes if a connection is closed while another thread reads from it.
        with self._lock:
            self._connection.close()

    @cached_property
    def article_of_row(self) -> NDArray[np.int64]:
        """Return the row of every chunk's article, read once for all filters."""
        return np.fromiter((row for (row,) in self._rows("SELECT article FROM chunk ORDER BY row")), np.int64)

    @cached_property
    def sketches(self) -> Sketches:
        """Return the sketches of the articles, read once for all generations."""
        found = self._rows("SELECT article, digest, words, marks FROM sketch ORDER BY article")
        *columns, stored = zip(*found, strict=True) if found else ((), (), (), ())
        rows, digests, counts = (np.array(values, dtype=np.int64) for values in columns)
        marks = np.frombuffer(b"".join(stored), _HASHES[0])
        owners = np.repeat(np.arange(len(found), dtype=np.int32), [len(own) // _HASHES[0].itemsize for own in stored])
        return Sketches(rows, digests, counts, marks, owners)

    def standings(self, rows: Collection[int]) -> dict[int, Standing]:
        """Return what orders the articles of these rows if their texts are equal, by row, and others read before."""
        missing = [row for row in rows if row not in self._standings]
        if missing:
            statement = f"""SELECT row, url IS NULL, coalesce({_PUBLISHED}, '~'), article_id FROM article
                WHERE row IN {_LISTED}"""
            self._standings |= {
                row: Standing(*values) for row, *values in self._rows(statement, (json.dumps(missing),))
            }
        return self._standings

    def outlets(self, rows: Sequence[int]) -> list[Outlet]:
        """Return where and when the chunks in these rows were published, in their order; no body is read."""
        statement = f"""SELECT chunk.row, article_id || '#' || ordinal, article_id, source, {_PUBLISHED} FROM chunk
            JOIN article ON article.row = chunk.article WHERE chunk.row IN {_LISTED}"""
        found = {row: Outlet(*values) for row, *values in self._rows(statement, (json.dumps(list(rows)),))}
        return [found[row] for row in rows]

    def sketch(self, row: int) -> Sketch:
        """Return the complete sketch of the article in that row."""
        statement = """SELECT digest, words, marks, runs, numbers FROM sketch
            JOIN sketch_runs ON sketch_runs.article = sketch.article WHERE sketch.article = ?"""
        digest, count, *hashes = self._rows(statement, (row,))[0]
        return Sketch(digest, count, *(np.frombuffer(own, kind) for own, kind in zip(hashes, _HASHES, strict=True)))

    @property
    def configuration(self) -> Configuration:
        """Return the configuration that the segment is built with."""
        return Configuration.from_json(self._rows("SELECT configuration FROM build")[0][0])

    @property
    def is_numbered(self) -> bool:
        """Return whether the rows are numbered without gaps, as those of `vectors.npy`."""
        return bool(self._rows("SELECT numbered FROM build")[0][0])

    def article(self, article_id: str) -> Article | None:
        """Return the article with that id, or None."""
        found = self._rows(f"SELECT {ARTICLE_COLUMNS} FROM article WHERE article_id = ?", (article_id,))
        return article_of(found[0]) if found else None

    def article_rows(self, article_ids: Collection[str]) -> dict[str, int]:
        """Return the row of each of these articles that the catalogue has."""
        statement = f"SELECT article_id, row FROM article WHERE article_id IN {_LISTED}"
        return dict(self._rows(statement, (json.dumps(sorted(article_ids)),))) if article_ids else {}

    def newest(self, count: int, dead: Collection[str] = ()) -> list[tuple[str | None, str, int]]:
        """Return date, id and row of the newest articles that are not dead: undated ones last, then by id."""
        statement = f"""SELECT {_PUBLISHED}, article_id, row FROM article WHERE article_id NOT IN {_LISTED}
            ORDER BY published_at IS NULL, {_PUBLISHED} DESC, article_id LIMIT ?"""
        return self._rows(statement, (json.dumps(list(dead)), count))

    def listed(self, rows: Sequence[int], opening: int) -> dict[int, Listed]:
        """Return the articles of these rows, each with the first `opening` code points of its body.

        Other bodies are not read: one article may have megabytes.
        """
        columns = ARTICLE_COLUMNS.replace(" body,", " substr(body, 1, ?),")
        statement = f"SELECT row, {columns}, length(body) FROM article WHERE row IN {_LISTED}"
        found = self._rows(statement, (opening, json.dumps(list(rows))))
        return {row: Listed(article_of(values[:-1]), values[-1]) for row, *values in found}

    def articles(self, article_ids: Collection[str] | None = None) -> Iterator[tuple[Article, list[int]]]:
        """Yield all articles, or those with these ids, each with the rows of its chunks; a page of them in memory."""
        last = -1
        condition = "TRUE" if article_ids is None else f"article_id IN {_LISTED}"
        values = () if article_ids is None else (json.dumps(sorted(article_ids)),)
        rows = "(SELECT json_group_array(chunk.row) FROM chunk WHERE chunk.article = article.row)"
        page = f"""SELECT row, {rows}, {ARTICLE_COLUMNS} FROM article WHERE row > ? AND {condition}
            ORDER BY row LIMIT ?"""
        while found := self._rows(page, (last, *values, PAGE)):
            yield from ((article_of(stored), sorted(json.loads(own))) for _, own, *stored in found)
            last = found[-1][0]

    def histories(self, article_ids: Collection[str]) -> dict[str, tuple[Revision, ...]]:
        """Return the revisions of those articles that have some, by article id, newest first."""
        statement = f"""SELECT article_id, changed_at, is_stated, edits FROM revision
            JOIN article ON article.row = revision.article WHERE article_id IN {_LISTED} ORDER BY article, ordinal"""
        found: dict[str, tuple[Revision, ...]] = {}
        for article_id, changed_at, is_stated, edits in self._rows(statement, (json.dumps(sorted(article_ids)),)):
            revision = Revision(changed_at, bool(is_stated), tuple(Edit(*edit) for edit in json.loads(edits)))
            found[article_id] = (*found.get(article_id, ()), revision)
        return found

    @cached_property
    def correcting(self) -> list[tuple[str, str, int]]:
        """Return source, date of publication and row of the chunks of articles that correct another one."""
        statement = f"""SELECT source, {_PUBLISHED}, chunk.row FROM correcting
            JOIN article ON article.row = correcting.article JOIN chunk ON chunk.article = article.row
            WHERE source IS NOT NULL AND published_at IS NOT NULL"""
        return [(source.casefold(), published, row) for source, published, row in self._rows(statement)]

    def hashes(self, dead: Collection[str] = ()) -> dict[str, str]:
        """Return the content hash of every article that is not dead by its id."""
        return self._of_each("content_hash", dead)

    def origins(self, dead: Collection[str] = ()) -> dict[str, str]:
        """Return the origin of every article that is not dead by its id."""
        return self._of_each("origin", dead)

    def _of_each(self, column: str, dead: Collection[str]) -> dict[str, str]:
        found: dict[str, str] = dict(self._rows(f"SELECT article_id, {column} FROM article"))
        for article_id in dead:
            found.pop(article_id, None)
        return found

    def dates(self, dead: Collection[str] = ()) -> tuple[str | None, str | None]:
        """Return the oldest and the newest date of publication, without their Z; None if no article has one."""
        statement = f"SELECT min({_PUBLISHED}), max({_PUBLISHED}) FROM article WHERE article_id NOT IN {_LISTED}"
        oldest, newest = self._rows(statement, (json.dumps(list(dead)),))[0]
        return oldest, newest

    def rows_of_texts(self, keys: Sequence[bytes]) -> dict[bytes, int]:
        """Return a row with each of these texts that the catalogue has, by the key of the text."""
        found: dict[bytes, int] = {}
        # In pages: SQLite may bind no more than 32,766 values, and a batch of books has more chunks.
        for page in (keys[start : start + PAGE] for start in range(0, len(keys), PAGE)):
            marks = ",".join("?" * len(page))
            found |= self._rows(f"SELECT text_key, row FROM chunk WHERE text_key IN ({marks})", page)
        return found

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

    def all_chunks(self) -> Iterator[tuple[Chunk, Article]]:
        """Yield every chunk with its article, in row order, with a page of them in memory."""
        for start in range(0, self.chunk_count, PAGE):
            yield from self.chunks(range(start, min(start + PAGE, self.chunk_count)))

    def allowed_rows(self, filters: Filters) -> NDArray[np.bool_]:
        """Return a mask of the chunks whose articles pass the filters."""
        conditions, values = _conditions(filters)
        statement = f"SELECT row FROM article WHERE {' AND '.join(conditions)}"
        return np.isin(self.article_of_row, np.array([row for (row,) in self._rows(statement, values)], np.int64))

    def ids_outside(self, filters: Filters) -> set[str]:
        """Return the ids of the articles that do not pass the filters."""
        conditions, values = _conditions(filters)
        # Not by a negated condition: it is neither true nor false of an article without the field.
        passing = f"SELECT article_id FROM article WHERE {' AND '.join(conditions)}"
        return {each for (each,) in self._rows(f"SELECT article_id FROM article EXCEPT {passing}", values)}

    def rows_of_articles(self, article_ids: Collection[str]) -> NDArray[np.int64]:
        """Return the rows of the chunks of these articles."""
        statement = f"SELECT row FROM chunk WHERE article IN (SELECT row FROM article WHERE article_id IN {_LISTED})"
        return np.array([row for (row,) in self._rows(statement, (json.dumps(sorted(article_ids)),))], np.int64)

    def _rows(self, statement: str, values: Sequence[Any] = ()) -> list[Any]:
        with self._lock, closing(self._connection.execute(statement, values)) as cursor:
            return cursor.fetchall()


class CatalogWriter:
    """A catalogue under construction; its rows are numbered as they are added."""

    def __init__(self, path: Path, configuration: Configuration) -> None:
        self._connection = sqlite3.connect(path)
        # A killed run leaves the last commit; a crash of the system may lose the file, which is then ignored.
        self._connection.executescript(f"PRAGMA secure_delete = ON; PRAGMA synchronous = OFF; {SCHEMA}")
        self._connection.execute("INSERT INTO build VALUES (?, 0)", (json.dumps(asdict(configuration)),))
        self.chunk_count = 0

    def add(self, article: Article, chunks: Sequence[Chunk], history: Sequence[Revision] = ()) -> None:
        """Add an article, whose id must be new, with its chunks and its revisions, newest first."""
        values = article_values(article)
        marks = ",".join("?" * len(values))
        added = self._connection.execute(f"INSERT INTO article ({ARTICLE_COLUMNS}) VALUES ({marks})", values)
        self._connection.executemany(
            "INSERT INTO chunk VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                (row, added.lastrowid, c.ordinal, c.start_char, c.end_char, c.token_count, text_key(article, c))
                for row, c in enumerate(chunks, self.chunk_count)
            ),
        )
        sketch = _stored(sketch_of(article))
        self._connection.execute("INSERT INTO sketch VALUES (?, ?, ?, ?)", (added.lastrowid, *sketch[:3]))
        self._connection.execute("INSERT INTO sketch_runs VALUES (?, ?, ?)", (added.lastrowid, *sketch[3:]))
        self.chunk_count += len(chunks)
        self._connection.executemany(
            "INSERT INTO revision VALUES (?, ?, ?, ?, ?)",
            (
                (added.lastrowid, ordinal, each.changed_at, each.is_stated, _to_json([*map(astuple, each.edits)]))
                for ordinal, each in enumerate(history)
            ),
        )
        if corrects_another(article):
            self._connection.execute("INSERT INTO correcting VALUES (?)", (added.lastrowid,))

    def copy(self, catalog: Path, without: Iterable[str]) -> NDArray[np.int64]:
        """Copy the articles of a closed catalogue, but for those with these ids; return the rows of their chunks."""
        self._connection.commit()
        self._connection.execute("ATTACH ? AS old", (f"{catalog.absolute().as_uri()}?mode=ro&immutable=1",))
        first = self._connection.execute("SELECT coalesce(max(row), 0) + 1 FROM main.article").fetchone()[0]
        self._connection.execute(
            f"""INSERT INTO main.article (row, {ARTICLE_COLUMNS}) SELECT row + ?, {ARTICLE_COLUMNS} FROM old.article
            WHERE article_id NOT IN {_LISTED}""",
            (first, json.dumps(list(without))),
        )
        kept = "old.chunk AS c JOIN main.article AS a ON a.row = c.article + ? ORDER BY c.row"
        rows = [row for (row,) in self._connection.execute(f"SELECT c.row FROM {kept}", (first,))]
        self._connection.execute(
            f"""INSERT INTO main.chunk SELECT row_number() OVER (ORDER BY c.row) - 1 + ?, a.row, ordinal, start_char,
            end_char, token_count, text_key FROM {kept}""",
            (self.chunk_count, first),
        )
        for table, columns in _OF_ARTICLES.items():
            self._connection.execute(
                f"""INSERT INTO main.{table} SELECT a.row{columns} FROM old.{table} AS r
                JOIN main.article AS a ON a.row = r.article + ? ORDER BY a.row""",
                (first,),
            )
        self._connection.commit()
        self._connection.execute("DETACH old")
        self.chunk_count += len(rows)
        return np.array(rows, dtype=np.int64)

    def discard(self, article_id: str) -> None:
        """Remove an article; its rows stay empty until `number_rows`."""
        row = "SELECT row FROM article WHERE article_id = ?"
        for table in ("chunk", *_OF_ARTICLES):
            self._connection.execute(f"DELETE FROM {table} WHERE article = ({row})", (article_id,))
        self._connection.execute("DELETE FROM article WHERE article_id = ?", (article_id,))

    def commit(self) -> None:
        """Store everything so far, so that a killed run leaves it."""
        self._connection.commit()

    def rows(self) -> NDArray[np.int64]:
        """Return the rows in use, in order."""
        return np.array([row for (row,) in self._connection.execute("SELECT row FROM chunk ORDER BY row")], np.int64)

    def number_rows(self) -> None:
        """Renumber the rows from 0 without gaps, all or none."""
        # In ascending order every new number is free.
        renumbered = ((new, old) for new, old in enumerate(self.rows().tolist()) if new != old)
        self._connection.executemany("UPDATE chunk SET row = ? WHERE row = ?", renumbered)
        self._connection.execute("UPDATE build SET numbered = 1")
        self._connection.commit()

    def close(self) -> None:
        """Close the file; what was not committed is lost."""
        self._connection.close()


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
    for condition, moment in (
        (f"{_PUBLISHED} >=", filters.published_after),
        (f"{_PUBLISHED} <", filters.published_before),
        (f"{_PUBLISHED} <=", filters.as_of),
        (f"{_UPDATED} <=", filters.as_of),
    ):
        if moment is not None:
            conditions.append(f"{condition} rtrim(?, 'Z')")
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
