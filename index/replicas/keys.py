"""The keys of a publisher in its store: replicas accept what the publisher's services accept.

The object has digests of random texts, so a reader of it cannot use a key. It is replaced with each change, and
replicas look at it every few seconds, also while they pull. What a key permits is the service's: here it is a text.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from index.errors import DatelineError, PublisherConflict
from index.records import Stored, isoformat
from index.replicas.objects import newest_pointer, read, reports
from index.replicas.pull import Replica
from index.replicas.push import identity_of
from index.replicas.store import Store

KEYS = "keys.json"

logger = logging.getLogger("dateline.replicas")


@dataclass(frozen=True, slots=True)
class SharedKeys(Stored):
    """All keys of a publisher, revoked ones too; `publisher` is the id of its data folder."""

    publisher: str
    keys: str
    shared_at: str


def digest_of(keys: str) -> str:
    """Return the SHA-256 of exported keys, by which a replica reports what it has."""
    return sha256(keys.encode()).hexdigest()


class KeyPublisher:
    """Stores the keys of a publisher's data folder; `file` changes when they do, `export` returns them."""

    def __init__(self, data: Path, store: Store, file: Path, export: Callable[[], str]) -> None:
        self._data = data
        self._store = store
        self._file = file
        self._export = export
        self._shared = b""

    def look(self) -> bool:
        """Store the keys if the file changed since the last look; return whether it did. Without a file, do nothing."""
        if not self._file.exists():
            return False
        content = sha256(self._file.read_bytes()).digest()
        if content == self._shared:
            return False
        self.share()
        self._shared = content
        return True

    def share(self) -> str:
        """Store the keys, if the store has others; return their digest.

        They are exported again after each write, so that of two commands that store keys at the same time the later
        change stays. Raises PublisherConflict if another data folder publishes to the store, StoreUnavailable and
        StoreDamaged.
        """
        publisher = identity_of(self._data).id
        newest = newest_pointer(self._store)
        if newest is not None and newest.publisher != publisher:
            raise PublisherConflict(
                f"{newest.host} publishes to {self._store.url}, so its keys are those of the replicas",
                "Create and revoke keys there; or let this data folder publish, with `dateline push --take-over`.",
            )
        while True:
            keys, found = self._export(), read(self._store, KEYS, SharedKeys)
            if found is not None and (found.publisher, found.keys) == (publisher, keys):
                return digest_of(keys)
            shared = SharedKeys(publisher, keys, isoformat(datetime.now(UTC), "milliseconds"))
            self._store.replace(KEYS, shared.to_json().encode())


def replicas_without(store: Store, digest: str) -> tuple[list[str], int]:
    """Return the names of the replicas that do not report these keys, and the number of all replicas."""
    known = list(reports(store))
    return sorted(each.name for each in known if each.keys != digest), len(known)


class KeyFollower:
    """Brings the keys of a store to a replica; `take` gets them whenever they changed."""

    def __init__(self, replica: Replica, take: Callable[[str], None]) -> None:
        self._replica = replica
        self._take = take
        self._failure = ""

    def look(self) -> bool:
        """Take the keys if they changed, and report that; return whether they did. A store without keys changes none.

        Raises StoreUnavailable, StoreDamaged, and what `take` raises.
        """
        found = read(self._replica.store, KEYS, SharedKeys)
        if found is None or self._replica.keys == digest_of(found.keys):
            return False
        self._take(found.keys)
        self._replica.take_keys(digest_of(found.keys))
        return True

    def try_to_look(self) -> None:
        """Look, and log an error once instead of raising it: the folder keeps the keys that it has."""
        failure = ""
        try:
            if self.look():
                logger.info("the keys of the publisher were taken over")
        except DatelineError as error:
            failure = str(error.args[0])
            if failure != self._failure:
                logger.warning("the keys may be old: %s", failure)
        self._failure = failure
