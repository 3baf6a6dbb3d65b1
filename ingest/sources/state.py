"""Fetched addresses of earlier runs, in `fetched.db` of the data folder: a cache, which may be deleted.

An address is fetched only if it changed as long as the index has the article that it led to, as it was then. So the
file is right after a killed run, a rollback and a takedown, whenever it was written.
"""

import json
import sqlite3
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from ingest.sources.taken_down import TakenDown
from ingest.sources.web import Validators

FILE = "fetched.db"
_VERSION = 2
"""The version of the tables; a file of another one starts empty."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS page (
    url TEXT PRIMARY KEY, etag TEXT, last_modified TEXT, changed TEXT, origin TEXT NOT NULL, content_hash TEXT NOT NULL,
    dated REAL NOT NULL, asked REAL NOT NULL, published TEXT
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS listing (
    url TEXT PRIMARY KEY, etag TEXT, last_modified TEXT, since TEXT, articles TEXT NOT NULL, leads TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS page_origin ON page (origin);
"""


@dataclass(frozen=True, slots=True)
class Page:
    """A fetched page: its validators, when its sitemap says that it changed, and the article that it led to.

    `published` is the date that a listing states of it. `dated` is when the article was first seen as it
    is, and `asked` when the page was last asked for, in seconds since 1970.
    """

    validators: Validators
    changed: str | None
    origin: str
    content_hash: str
    dated: float
    asked: float
    published: str | None = None


class Lead(NamedTuple):
    """An address that a listing leads to, and what the listing says of it; `is_listing` of a sitemap.

    `changed` is the time of its last change as written, or a digest of its entry, `published` the date of its
    publication, ISO 8601. A listing `vouches` for a page if an equal `changed` means that the page did not change.
    """

    url: str
    changed: str | None = None
    published: str | None = None
    is_listing: bool = False
    vouches: bool = False


@dataclass(slots=True)
class Listing:
    """A listing: its validators, the content hashes of the articles that it contains by origin, and its leads.

    `since` is the latest change of its articles.
    """

    validators: Validators
    articles: dict[str, str] = field(default_factory=dict)
    leads: list[Lead] = field(default_factory=list)
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
        known = (page.changed, page.origin, page.content_hash, page.dated, page.asked, page.published)
        self._save("page", (url, stated.etag, stated.last_modified, *known))

    def listing(self, url: str) -> Listing | None:
        """Return what is known of a listing."""
        row = self._database.execute("SELECT * FROM listing WHERE url = ?", (url,)).fetchone()
        if row is None:
            return None
        leads = [Lead(*lead) for lead in json.loads(row[5])]
        return Listing(Validators(row[1], row[2]), json.loads(row[4]), leads, row[3])

    def save_listing(self, url: str, listing: Listing) -> None:
        """Replace what is known of a listing."""
        stated = listing.validators
        known = (listing.since, json.dumps(listing.articles), json.dumps(listing.leads))
        self._save("listing", (url, stated.etag, stated.last_modified, *known))

    def forget(self, origins: Collection[str]) -> None:
        """Erase every line of some articles."""
        with self._database:
            for origin in origins:
                rows = self._database.execute("SELECT url FROM page WHERE origin = ?", (origin,)).fetchall()
                for address in {origin, *(url for (url,) in rows)}:
                    stated = json.dumps(address)
                    self._database.execute(
                        "DELETE FROM listing WHERE instr(articles, ?) OR instr(leads, ?)", (stated, stated)
                    )
                    self._database.execute("DELETE FROM page WHERE url = ?", (address,))

    def _save(self, table: str, values: tuple[str | float | None, ...]) -> None:
        # A disk that is full costs a fetch in the next run, and no article.
        with suppress(sqlite3.OperationalError), self._database:
            marks = ", ".join("?" * len(values))
            self._database.execute(f"INSERT OR REPLACE INTO {table} VALUES ({marks})", values)  # noqa: S608 - our names

    def _opened(self) -> sqlite3.Connection:
        """Open the file; replace a corrupt one."""
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
        if database.execute("PRAGMA user_version").fetchone() != (_VERSION,):
            database.executescript("DROP TABLE IF EXISTS page; DROP TABLE IF EXISTS listing;")
            database.executescript(f"PRAGMA user_version = {_VERSION};")
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
