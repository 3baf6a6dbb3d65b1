"""API keys: what each one permits, in `keys.db` beside the index.

The file has the SHA-256 of each key: keys are random, so a slower hash would protect nothing. A service looks at the
file at most once a second, and accepts no key while it cannot be read. The file of a replica is written by
`dateline pull`, from what its publisher exported.
"""

import base64
import hashlib
import hmac
import json
import math
import os
import re
import secrets
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import TypeAdapter, ValidationError

from index.errors import ConfigurationError
from index.layout import sync
from index.records import Filters, isoformat, parse_moment
from service.caller import Caller, Scope
from service.errors import KeysBusy, KeysUnavailable
from service.settings import exact_origin

FILE = "keys.db"

FRESH_S = 1.0
"""Seconds after which a service reads the file again, at the next request that needs it."""

BUSY_S = 3.0
"""Seconds for which a service uses what it knows while another process writes the file."""

PREFIXES = ("dl_", "dlp_")
"""The first characters of a secret key, and of a publishable key, which page sources show."""

Kind = Literal["secret", "publishable"]

READING = frozenset[Scope](("ask", "search"))
"""The scopes of questions and searches: bounds limit what they find."""

NAME_LENGTH = 100

_WRITE_S = 5.0
_READ_S = 0.05
_SECRET_BYTES = 32
_ID_LENGTH = 8
_KEY = re.compile(r"(dlp?_[a-z2-7]{8})[a-z2-7]{44}")
_NO_DIGEST = "0" * 64
_SCHEMA = """
CREATE TABLE IF NOT EXISTS keys (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, digest TEXT NOT NULL,
    created_at TEXT NOT NULL, revoked_at TEXT, permits TEXT NOT NULL
)
"""
_INSERT = "INSERT INTO keys (id, digest, created_at, revoked_at, permits) VALUES (?, ?, ?, ?, ?)"


@dataclass(frozen=True, slots=True)
class Grant:
    """The name, scopes, bounds and limits of a key; raises ConfigurationError for values that do not fit together.

    Articles outside of `bounds` do not exist for the key. A publishable key works on pages of its `origins` only.
    `per_minute` limits its questions and searches, `tokens_per_day` what it uses of a language model; None: as the
    settings say.
    """

    name: str
    scopes: frozenset[Scope] = READING
    bounds: Filters = field(default_factory=Filters)
    expires_at: datetime | None = None
    kind: Kind = "secret"
    origins: tuple[str, ...] = ()
    per_minute: int | None = None
    tokens_per_day: int | None = None

    def __post_init__(self) -> None:
        """Check the values."""
        if not self.name.strip() or len(self.name) > NAME_LENGTH or not self.name.isprintable():
            raise ConfigurationError(f"the name is {self.name!r}, expected 1 to {NAME_LENGTH} printable characters")
        if not self.scopes:
            raise ConfigurationError("the key has no scope", "Name at least one, such as ask.")
        if self.bounds != Filters() and not self.scopes <= READING:
            raise ConfigurationError(
                f"the scopes are {', '.join(sorted(self.scopes))}, but conditions on articles apply to ask and search",
                "Create one key for reading and another for the rest.",
            )
        if self.kind == "publishable" and self.scopes != {"ask"}:
            raise ConfigurationError(
                f"the scopes are {', '.join(sorted(self.scopes))}, but a publishable key has the scope ask only"
            )
        if bool(self.origins) != (self.kind == "publishable"):
            raise ConfigurationError(
                "a publishable key needs the origins of its pages, and no other key has any",
                "Give --publishable with --origin, or neither.",
            )
        for name, value in (("questions a minute", self.per_minute), ("tokens a day", self.tokens_per_day)):
            if value is not None and value < 1:
                raise ConfigurationError(f"the limit of {name} is {value}, expected at least 1")
        for origin in self.origins:
            try:
                exact_origin(origin)
            except ValueError as error:
                raise ConfigurationError(f"origin: {error}") from error


@dataclass(frozen=True, slots=True)
class Key:
    """A key as it is stored; `id` is its public part, shown in lists and logs."""

    id: str
    digest: str
    created_at: datetime
    revoked_at: datetime | None
    grant: Grant

    def is_live(self, now: datetime) -> bool:
        """Return whether the key is neither revoked nor expired."""
        return self.revoked_at is None and (self.grant.expires_at is None or now < self.grant.expires_at)

    @property
    def caller(self) -> Caller:
        """The caller that sends this key."""
        grant = self.grant
        is_publishable = grant.kind == "publishable"
        return Caller(self.id, grant.scopes, grant.bounds, is_publishable, grant.per_minute, grant.tokens_per_day)


def id_of(text: str) -> str:
    """Return the public part of a key, also of one that is invalid."""
    prefix = next(prefix for prefix in PREFIXES if text.startswith(prefix))
    return text[: len(prefix) + _ID_LENGTH]


def digest_of(text: str) -> str:
    """Return the SHA-256 of a key in hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()


class KeyStore:
    """The keys of a data folder; every method raises KeysUnavailable if the file cannot be read or written."""

    def __init__(self, data: Path, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.path = data / FILE
        self.clock = clock

    def create(self, grant: Grant) -> tuple[str, Key]:
        """Store a new key; return the key itself, which cannot be read again, and what is stored."""
        prefix = PREFIXES[grant.kind == "publishable"]
        text = prefix + base64.b32encode(secrets.token_bytes(_SECRET_BYTES)).decode().rstrip("=").lower()
        key = Key(id_of(text), digest_of(text), self.clock(), None, grant)
        with self._for_writing() as connection:
            connection.execute(
                _INSERT, (key.id, key.digest, isoformat(key.created_at), None, _adapter().dump_json(grant).decode())
            )
        return text, key

    def revoke(self, id_: str) -> None:
        """Revoke a key from now on; one that was revoked before stays as it is."""
        with self._for_writing() as connection:
            connection.execute(
                "UPDATE keys SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL", (isoformat(self.clock()), id_)
            )

    def keys(self, wait_s: float = _WRITE_S) -> tuple[Key, ...]:
        """Return all keys, oldest first, revoked ones too; wait for a writer at most `wait_s` seconds.

        Without a file there are none.
        """
        if not self.path.exists():
            return ()
        with self._opened(wait_s) as connection:
            rows = connection.execute("SELECT id, digest, created_at, revoked_at, permits FROM keys ORDER BY number")
            return tuple(_key(*row) for row in rows)

    def exported(self) -> str:
        """Return all keys as they are stored, as one text for `replace`; equal for equal keys. Without a file, none."""
        if not self.path.exists():
            return "[]"
        with self._opened(_WRITE_S) as connection:
            rows = connection.execute("SELECT id, digest, created_at, revoked_at, permits FROM keys ORDER BY number")
            return json.dumps(rows.fetchall())

    def replace(self, exported: str) -> None:
        """Replace all keys by exported ones; those of before stay if one of these is not valid.

        Readers see the old file or the new one. The folder has no other process that writes keys.
        """
        try:
            rows = _rows().validate_json(exported, strict=True)
            for row in rows:
                _key(*row)
            with closing(sqlite3.connect(":memory:")) as connection:
                connection.execute(_SCHEMA)
                connection.executemany(_INSERT, rows)
                connection.commit()
                content = connection.serialize()
        except (ValidationError, ValueError, TypeError, ConfigurationError, sqlite3.Error) as error:
            raise KeysUnavailable(
                f"the keys of the publisher are not valid here: {error}", "Install the version that the publisher has."
            ) from error
        temporary = self.path.with_name(f"{FILE}.new")
        try:
            temporary.unlink(missing_ok=True)
            with os.fdopen(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(self.path)
            sync(self.path.parent)
        except OSError as error:
            raise KeysUnavailable(f"cannot write the keys in {self.path}: {error}", _HINT) from error

    def can(self, scope: Scope) -> bool:
        """Return whether a live key has a scope."""
        now = self.clock()
        return any(key.is_live(now) and scope in key.grant.scopes for key in self.keys())

    @contextmanager
    def _for_writing(self) -> Iterator[sqlite3.Connection]:
        try:
            # SQLite would let others read a file that it makes. The folder is not created, as for feedback.
            os.close(os.open(self.path, os.O_CREAT | os.O_WRONLY, 0o600))
            self.path.chmod(0o600)
        except OSError as error:
            raise KeysUnavailable(f"cannot write the keys in {self.path}: {error}", _HINT) from error
        with self._opened(_WRITE_S) as connection, connection:
            connection.execute(_SCHEMA)
            yield connection

    @contextmanager
    def _opened(self, wait_s: float) -> Iterator[sqlite3.Connection]:
        try:
            with closing(sqlite3.connect(f"{self.path.absolute().as_uri()}?mode=rw", wait_s, uri=True)) as connection:
                yield connection
        except sqlite3.Error as error:
            # Without its high bits an error code of SQLite is one of the few main codes.
            is_busy = getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
            kind = KeysBusy if is_busy else KeysUnavailable
            raise kind(f"cannot read or write the keys in {self.path}: {error}", _HINT) from error
        except (ValidationError, ValueError, TypeError, ConfigurationError) as error:
            raise KeysUnavailable(f"{self.path} has an invalid entry: {error}", _HINT) from error


_HINT = "The service must run as the owner of the file. If it is corrupt, restore it, or remove it and create new keys."


def _key(id_: str, digest: str, created_at: str, revoked_at: str | None, permits: str) -> Key:
    revoked = parse_moment(revoked_at) if revoked_at is not None else None
    return Key(
        id_, digest, parse_moment(created_at), revoked, _adapter().validate_json(permits, strict=True, extra="forbid")
    )


class KeyRing:
    """The keys that a running service knows, at most `FRESH_S` seconds old.

    Every method raises KeysUnavailable while the file cannot be read, and once it is gone. Not for several threads.
    """

    def __init__(self, store: KeyStore, ticks: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._ticks = ticks
        self._keys: dict[str, Key] = {}
        self._has_file = False
        self._content = ""
        self._checked_at = self._read_at = -math.inf
        self._failure = ""

    @property
    def is_used(self) -> bool:
        """Whether a key was ever created: revoking the last one must not open the service."""
        self._refresh()
        return bool(self._keys)

    def find(self, text: str) -> Key | None:
        """Return the live key that this text is, or None."""
        self._refresh()
        parts = _KEY.fullmatch(text)
        found = self._keys.get(parts[1]) if parts else None
        # An unknown key takes as long as a wrong one.
        is_same = hmac.compare_digest(digest_of(text), found.digest if found else _NO_DIGEST)
        return found if found and is_same and found.is_live(self._store.clock()) else None

    def origins(self) -> tuple[str, ...]:
        """Return the origins of all live publishable keys."""
        self._refresh()
        now = self._store.clock()
        live = (key.grant.origins for key in self._keys.values() if key.is_live(now))
        return tuple(dict.fromkeys(origin for origins in live for origin in origins))

    def _refresh(self) -> None:
        """Read the file if it may have changed."""
        now = self._ticks()
        if now - self._checked_at >= FRESH_S:
            self._checked_at = now
            try:
                self._read()
            except KeysBusy as error:
                self._failure = str(error) if now - self._read_at > BUSY_S else ""
            except KeysUnavailable as error:
                self._failure = str(error)
            except OSError as error:
                self._failure = f"cannot read the keys in {self._store.path}: {error}\n  {_HINT}"
            else:
                self._failure, self._read_at = "", now
        if self._failure:
            raise KeysUnavailable(self._failure)

    def _read(self) -> None:
        path = self._store.path
        self._has_file = self._has_file or path.exists()
        if not self._has_file:
            return
        # Reading some kilobytes is cheaper than opening a database, and takes no lock.
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        if content != self._content:
            self._keys = {key.id: key for key in self._store.keys(_READ_S)}
            self._content = content


@cache
def _adapter() -> TypeAdapter[Grant]:
    return TypeAdapter(Grant)


@cache
def _rows() -> TypeAdapter[list[tuple[str, str, str, str | None, str]]]:
    return TypeAdapter(list[tuple[str, str, str, str | None, str]])
