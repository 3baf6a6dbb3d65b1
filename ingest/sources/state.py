"""What earlier runs know of fetched addresses, in `fetched.db` of the data folder: a cache, which may be deleted.

An address is fetched only if it changed as long as the index has the article that it led to, as it was then. So the
file is right after a killed run, a rollback and a takedown, whenever it was written.
"""

import json
import sqlite3
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ingest.sources.taken_down import TakenDown
from ingest.sources.web import Validators

FILE = "fetched.db"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS page (
    url TEXT PRIMARY KEY, etag TEXT, last_modified TEXT, changed TEXT, origin TEXT NOT NULL, content_hash TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS listing (
    url TEXT PRIMARY KEY, etag TEXT, last_modified TEXT, since TEXT, articles TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS page_origin ON page (origin);
"""


@dataclass(frozen=True, slots=True)
class Page:
    """A fetched page: its validators, when its sitemap says that it changed, and the article that it led to."""

    validators: Validators
    changed: str | None
    origin: str
    content_hash: str


@dataclass(frozen=True, slots=True)
class Listing:
    """A listing that was read to its end: its validators, the content hashes of its articles by origin.

    `since` is the latest change that a WordPress site has stated.
    """

    validators: Validators
    articles: Mapping[str, str]
    since: str | None = None


class FetchState:
    """The file of a data folder, and the ids that were taken down; close it. A dry run writes to neither."""

    def __init__(self, data: Path, *, dry_run: bool = False) -> None:
        self._path = data / FILE
        self.taken_down = TakenDown(data, dry_run=dry_run)
        self._database = self._in_memory() if dry_run else self._opened()

    def close(self) -> None:
        self._database.close()

    def page(self, url: str) -> Page | None:
        """Return what is known of a page."""
        row = self._database.execute("SELECT * FROM page WHERE url = ?", (url,)).fetchone()
        return Page(Validators(row[1], row[2]), *row[3:]) if row else None

    def save_page(self, url: str, page: Page) -> None:
        """Replace what is known of a page."""
        stated = page.validators
        values = (url, stated.etag, stated.last_modified, page.changed, page.origin, page.content_hash)
        self._save("INSERT OR REPLACE INTO page VALUES (?, ?, ?, ?, ?, ?)", values)

    def listing(self, url: str) -> Listing | None:
        """Return what is known of a listing."""
        row = self._database.execute("SELECT * FROM listing WHERE url = ?", (url,)).fetchone()
        return Listing(Validators(row[1], row[2]), json.loads(row[4]), row[3]) if row else None

    def save_listing(self, url: str, listing: Listing) -> None:
        """Replace what is known of a listing."""
        stated = listing.validators
        values = (url, stated.etag, stated.last_modified, listing.since, json.dumps(dict(listing.articles)))
        self._save("INSERT OR REPLACE INTO listing VALUES (?, ?, ?, ?, ?)", values)

    def forget(self, origins: Collection[str]) -> None:
        """Erase every line of some articles."""
        with self._database:
            for origin in origins:
                self._database.execute("DELETE FROM page WHERE origin = ? OR url = ?", (origin, origin))
                self._database.execute("DELETE FROM listing WHERE instr(articles, ?)", (json.dumps(origin),))

    def _save(self, statement: str, values: tuple[str | None, ...]) -> None:
        # A disk that is full costs a fetch in the next run, and no article.
        with suppress(sqlite3.OperationalError), self._database:
            self._database.execute(statement, values)

    def _opened(self) -> sqlite3.Connection:
        """Open the file; one that is corrupt is made anew."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        try:
            return _prepared(sqlite3.connect(self._path, timeout=5.0))
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError:
            for name in (self._path, self._path.with_name(f"{FILE}-journal")):
                with suppress(FileNotFoundError):
                    name.unlink()
            return _prepared(sqlite3.connect(self._path, timeout=5.0))

    def _in_memory(self) -> sqlite3.Connection:
        """Return a copy in memory, so that a dry run sees what is known and writes nothing."""
        copy = _prepared(sqlite3.connect(":memory:"))
        if self._path.exists():
            with suppress(sqlite3.DatabaseError):
                stored = sqlite3.connect(f"{self._path.resolve().as_uri()}?mode=ro", uri=True)
                stored.backup(copy)
                stored.close()
        return copy


def _prepared(database: sqlite3.Connection) -> sqlite3.Connection:
    try:
        # Erased lines are overwritten, for takedowns.
        database.execute("PRAGMA secure_delete = ON")
        database.executescript(_SCHEMA)
    except sqlite3.Error:
        database.close()
        raise
    return database


def forget(data: Path, origins: Collection[str]) -> None:
    """Erase every line of some articles from the file of a data folder, if there is one."""
    if (data / FILE).exists():
        state = FetchState(data)
        try:
            state.forget(origins)
        finally:
            state.close()
