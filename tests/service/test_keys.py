"""Keys: what is stored of them, which of them are live, and what a running service knows."""

import hmac
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.errors import ConfigurationError
from index.records import Filters
from service.errors import KeysUnavailable
from service.keys import BUSY_S, FILE, FRESH_S, Grant, Key, KeyRing, KeyStore

NEWS = "https://news.example"
WIDGET: dict[str, Any] = {"scopes": frozenset({"ask"}), "kind": "publishable", "origins": (NEWS,)}


@dataclass
class Clock:
    """The time of day and the ticks of a machine; tests move both."""

    now: datetime = field(default_factory=lambda: datetime(2026, 6, 20, 12, tzinfo=UTC))
    ticks: float = 0.0

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)
        self.ticks += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> KeyStore:
    return KeyStore(tmp_path, lambda: clock.now)


@pytest.fixture
def ring(store: KeyStore, clock: Clock) -> KeyRing:
    return KeyRing(store, lambda: clock.ticks)


def test_the_file_has_no_key_and_only_its_owner_may_read_it(store: KeyStore) -> None:
    """It has the digest, and the first characters for lists and logs."""
    text, key = store.create(Grant("CMS"))
    published, shown = store.create(Grant("widget", **WIDGET))

    assert (text.startswith("dl_"), published.startswith("dlp_")) == (True, True)
    assert (len(text), len(key.id), len(shown.id)) == (55, 11, 12)
    assert text.startswith(key.id)
    assert store.path.stat().st_mode & 0o777 == 0o600
    content = store.path.read_bytes()
    assert text[len(key.id) :].encode() not in content
    assert key.digest.encode() in content


def test_what_a_key_permits_is_read_as_it_was_written(store: KeyStore, clock: Clock) -> None:
    """All of it, whatever kind of value."""
    bounds = Filters(sources=("A",), tags=("b", "c"), published_after=clock.now, article_ids=("x",))
    grant = Grant("desk", frozenset({"search"}), bounds, clock.now + timedelta(days=1))
    _, made = store.create(grant)

    assert store.keys() == (made,)
    assert made.caller.bounds == bounds
    assert made.caller.scopes == {"search"}


@given(st.text(max_size=80))
def test_no_other_text_is_a_key(text: str) -> None:
    """A text that is not a key is found nowhere, whatever it begins with."""
    ring = KeyRing(KeyStore(Path("/nowhere")))

    assert ring.find(text) is ring.find("dl_" + text) is None


def test_keys_are_compared_in_constant_time(store: KeyStore, ring: KeyRing, monkeypatch: pytest.MonkeyPatch) -> None:
    """Digests of one length are compared by `compare_digest`, once for a known beginning and for an unknown one."""
    text, key = store.create(Grant("CMS"))
    compared: list[tuple[str, str]] = []
    compare: Callable[[str, str], bool] = hmac.compare_digest

    def watched(given: str, known: str) -> bool:
        compared.append((given, known))
        return compare(given, known)

    monkeypatch.setattr("service.keys.hmac.compare_digest", watched)
    other = text[:-1] + ("a" if text[-1] != "a" else "b")
    found = [ring.find(each) for each in (text, other, "dl_unknown", "")]

    assert found == [key, None, None, None]
    assert len(compared) == 4
    assert {len(digest) for pair in compared for digest in pair} == {64}
    assert [known == key.digest for _, known in compared] == [True, True, False, False]


def test_a_revoked_key_stops_within_five_seconds(store: KeyStore, ring: KeyRing, clock: Clock) -> None:
    """A service that runs notices it, and also a new key; keys of one name do not know of each other."""
    old, key = store.create(Grant("CMS"))
    assert ring.find(old) == key
    new, _ = store.create(Grant("CMS"))
    store.revoke(key.id)
    clock.sleep(FRESH_S)

    assert FRESH_S < 5
    assert ring.find(old) is None
    assert ring.find(new) is not None
    assert ring.is_used


def test_the_file_is_read_only_when_it_changed(
    store: KeyStore, ring: KeyRing, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither a request nor a second costs a query."""
    text, _ = store.create(Grant("CMS"))
    queries: list[float] = []
    read = KeyStore.keys

    def counted(store: KeyStore, wait_s: float = 0.0) -> tuple[Key, ...]:
        queries.append(wait_s)
        return read(store, wait_s)

    monkeypatch.setattr(KeyStore, "keys", counted)
    for _ in range(20):
        assert ring.find(text)
        clock.sleep(FRESH_S / 2)

    assert len(queries) == 1


def test_a_key_expires(store: KeyStore, ring: KeyRing, clock: Clock) -> None:
    """At its moment, not after it."""
    text, _ = store.create(Grant("CMS", expires_at=clock.now + timedelta(seconds=60)))
    clock.sleep(59)
    assert ring.find(text)
    clock.sleep(1)
    assert ring.find(text) is None


def test_only_live_publishable_keys_have_origins(store: KeyStore, ring: KeyRing, clock: Clock) -> None:
    """Each of them once."""
    _, revoked = store.create(Grant("a", **{**WIDGET, "origins": ("https://old.example",)}))
    store.revoke(revoked.id)
    store.create(Grant("b", **WIDGET, expires_at=clock.now + timedelta(days=1)))
    store.create(Grant("c", **{**WIDGET, "origins": ("http://localhost:3000", NEWS)}))
    store.create(Grant("d"))
    assert ring.origins() == (NEWS, "http://localhost:3000")

    clock.sleep(86_400)
    assert ring.origins() == ("http://localhost:3000", NEWS)


def test_without_a_file_there_is_no_key(ring: KeyRing, store: KeyStore, clock: Clock) -> None:
    """The first one that is created is noticed."""
    assert not ring.is_used
    store.create(Grant("CMS"))
    clock.sleep(FRESH_S)
    assert ring.is_used


@pytest.mark.parametrize("harm", ["removed", "text", "empty", "cut", "folder", "entry", "unknown field"])
def test_a_file_that_cannot_be_read_lets_nobody_in(store: KeyStore, ring: KeyRing, clock: Clock, harm: str) -> None:
    """It is an error until the file is repaired; then the keys work again."""
    text, key = store.create(Grant("CMS"))
    assert ring.find(text)
    whole = store.path.read_bytes()
    if harm in ("entry", "unknown field"):
        change = "'{}'" if harm == "entry" else """replace(permits, '{"name"', '{"limit":1,"name"')"""
        with closing(sqlite3.connect(store.path)) as connection, connection:
            connection.execute(f"UPDATE keys SET permits = {change}")
    else:
        store.path.unlink()
        if harm == "folder":
            store.path.mkdir()
        elif harm != "removed":
            store.path.write_bytes({"text": b"keys" * 400, "empty": b"", "cut": whole[:5000]}[harm])
    clock.sleep(FRESH_S)
    for _ in range(2):
        with pytest.raises(KeysUnavailable):
            ring.find(text)
        with pytest.raises(KeysUnavailable):
            assert ring.is_used
        clock.sleep(FRESH_S / 4)

    if harm == "folder":
        store.path.rmdir()
    store.path.write_bytes(whole)
    clock.sleep(FRESH_S)
    assert ring.find(text) == key


def test_a_writer_does_not_interrupt_the_service(store: KeyStore, ring: KeyRing, clock: Clock) -> None:
    """While another process writes, what was known is used, for a few seconds."""
    text, key = store.create(Grant("CMS"))
    assert ring.find(text)
    with closing(sqlite3.connect(store.path, isolation_level=None)) as writer:
        # Changed pages are on the disk, but not committed.
        writer.execute("PRAGMA cache_size = 1")
        writer.execute("BEGIN EXCLUSIVE")
        writer.execute("CREATE TABLE more (text)")
        writer.execute("INSERT INTO more SELECT hex(zeroblob(20000))")
        clock.sleep(FRESH_S)
        assert ring.find(text) == key
        clock.sleep(BUSY_S + FRESH_S)
        with pytest.raises(KeysUnavailable):
            ring.find(text)
        writer.execute("ROLLBACK")
    clock.sleep(FRESH_S)
    assert ring.find(text) == key


def test_the_folder_is_not_made(tmp_path: Path) -> None:
    """A key alone must not look like an index."""
    with pytest.raises(KeysUnavailable):
        KeyStore(tmp_path / "none").create(Grant("CMS"))
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(
    "values",
    [
        {"name": " "},
        {"name": "a\nb"},
        {"name": "a" * 101},
        {"scopes": frozenset()},
        {"scopes": frozenset({"ask", "ingest"}), "bounds": Filters(tags=("x",))},
        {**WIDGET, "scopes": frozenset({"ask", "search"})},
        {**WIDGET, "origins": ()},
        {**WIDGET, "origins": ("https://news.example/",)},
        {"origins": (NEWS,)},
    ],
)
def test_a_key_that_makes_no_sense_is_refused(values: dict[str, Any]) -> None:
    """The error is one of usage."""
    with pytest.raises(ConfigurationError):
        Grant(**{"name": "CMS", **values})


def test_the_file_is_named(tmp_path: Path) -> None:
    """Backups name it."""
    assert KeyStore(tmp_path).path == tmp_path / FILE == tmp_path / "keys.db"
