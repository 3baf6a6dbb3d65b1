"""The spool: articles that a CMS has pushed and that the writer has not published yet.

spool/NUMBER-put-HASH-ID.json      an article to publish: its fields, as a JSON object
spool/NUMBER-delete-HASH-ID.json   an article to remove
spool/rejected/ID.json             why the last push of an id was not published
writer.lock                        held by the process that publishes the spool

An entry is on the disk before its push is accepted, and is removed only once the generation with it is current. So an
accepted push survives a crash of the service, of the writer and of the machine. Entries are read in the order of their
numbers, and the last one of an id counts.
"""

import fcntl
import hashlib
import json
import os
import re
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

from index.errors import IngestRunning, PublishFailed, SpoolFull
from index.layout import sync, took, write_synced

SPOOL = "spool"
REJECTED = "rejected"
WRITER_LOCK = "writer.lock"

MOST_ENTRIES = 10_000
MOST_BYTES = 1_000_000_000
"""Limits of what waits for the writer; further pushes are refused until it has published some."""

MOST_REJECTED = 1_000
"""Reasons that are kept; the oldest are removed."""

PATIENCE_S = 2.0
"""Seconds that a new writer waits: a service that checks for a writer takes the lock for a moment."""

Action = Literal["put", "delete"]

_NAME = re.compile(r"(?P<number>[0-9]{12})-(?P<action>put|delete)-(?P<hash>[0-9a-f]{16})-(?P<id>.+)\.json")


class Push(NamedTuple):
    """An article to publish under an id, with its fields; without fields, the id of an article to remove."""

    article_id: str
    fields: Mapping[str, Any] | None

    @property
    def action(self) -> Action:
        """The action of the writer."""
        return "delete" if self.fields is None else "put"

    @property
    def text(self) -> str:
        """The JSON object that is stored; equal fields have equal texts."""
        return json.dumps({"id": self.article_id, **(self.fields or {})}, ensure_ascii=False, sort_keys=True)

    @property
    def content_hash(self) -> str:
        """16 hexadecimal digits of the SHA-256 digest of what is stored."""
        return hashlib.sha256(f"{self.action} {self.text}".encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class SpoolEntry:
    """An accepted push that waits for the writer."""

    number: int
    action: Action
    article_id: str
    content_hash: str
    path: Path


@dataclass(frozen=True, slots=True)
class Spool:
    """The spool of a data folder; any number of services write it, and one writer empties it."""

    data: Path

    @property
    def folder(self) -> Path:
        """The folder of the entries."""
        return self.data / SPOOL

    def entries(self) -> list[SpoolEntry]:
        """Return the entries in the order in which they were accepted; raises PublishFailed if the disk refuses."""
        with self._on_disk(), suppress(FileNotFoundError):
            return sorted(self._read_names(), key=lambda entry: entry.number)
        return []

    def accept(self, pushes: Sequence[Push]) -> list[bool]:
        """Store pushes; return for each whether it is new: False if the last waiting push of its id is the same.

        All are on the disk when this returns. Raises SpoolFull, or PublishFailed if the disk refuses.
        """
        with self._on_disk(), self._locked():
            return self._store(pushes)

    def remove(self, entries: Collection[SpoolEntry]) -> None:
        """Remove entries that are published or rejected; raises PublishFailed if the disk refuses."""
        with self._on_disk():
            for entry in entries:
                entry.path.unlink(missing_ok=True)
            if entries:
                sync(self.folder)

    def reject(self, article_id: str, content_hash: str, reason: str) -> None:
        """Keep why a push was not published, until the next push of its id is."""
        folder = self.folder / REJECTED
        folder.mkdir(parents=True, exist_ok=True)
        write_synced(folder / f"{article_id}.json", json.dumps({"content_hash": content_hash, "reason": reason}))
        kept = sorted(folder.glob("*.json"), key=lambda path: path.stat().st_mtime)
        for path in kept[:-MOST_REJECTED]:
            path.unlink(missing_ok=True)

    def rejection(self, article_id: str) -> str | None:
        """Return why the last push of an id was not published, or None."""
        try:
            return str(json.loads((self.folder / REJECTED / f"{article_id}.json").read_bytes())["reason"])
        except FileNotFoundError:
            return None

    def forget(self, article_ids: Collection[str]) -> int:
        """Remove everything about some articles; return how many waiting entries they had."""
        if not self.folder.exists():
            return 0
        with self._locked():
            found = [entry for entry in self.entries() if entry.article_id in article_ids]
            self.remove(found)
            self.forget_rejections(article_ids)
        return len(found)

    def forget_rejections(self, article_ids: Collection[str]) -> None:
        """Remove the reasons why earlier pushes of some articles were not published."""
        for article_id in article_ids:
            (self.folder / REJECTED / f"{article_id}.json").unlink(missing_ok=True)

    def _read_names(self) -> Iterator[SpoolEntry]:
        for path in self.folder.iterdir():
            if found := _NAME.fullmatch(path.name):
                action: Action = "put" if found["action"] == "put" else "delete"
                yield SpoolEntry(int(found["number"]), action, found["id"], found["hash"], path)

    def _store(self, pushes: Sequence[Push]) -> list[bool]:
        waiting = self.entries()
        last = {entry.article_id: entry.content_hash for entry in waiting}
        is_new: list[bool] = []
        for push in pushes:
            is_new.append(last.get(push.article_id) != push.content_hash)
            last[push.article_id] = push.content_hash
        new = [(push, push.text) for push, each in zip(pushes, is_new, strict=True) if each]
        size = sum(_size(entry.path) for entry in waiting)
        size += sum(len(text.encode()) for _, text in new)
        if new and (len(waiting) + len(new) > MOST_ENTRIES or size > MOST_BYTES):
            raise SpoolFull(
                f"{len(waiting)} pushed articles wait for the writer; the limit is {MOST_ENTRIES:,} and"
                f" {MOST_BYTES:,} bytes",
                "Look at the log of the writer.",
            )
        first = waiting[-1].number + 1 if waiting else 1
        for number, (push, text) in enumerate(new, first):
            self._write(f"{number:012}-{push.action}-{push.content_hash}-{push.article_id}.json", text)
        sync(self.folder)
        return is_new

    def _write(self, name: str, text: str) -> None:
        path = self.folder / name
        # An id may fill a file name, so the temporary name is the number alone.
        temporary = self.folder / f"{name[:12]}.new"
        with temporary.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)

    @contextmanager
    def _on_disk(self) -> Iterator[None]:
        """Raise PublishFailed if the disk refuses: the service replies 503 then, and the writer tries again."""
        try:
            yield
        except OSError as error:
            raise PublishFailed(
                f"{self.folder} could not be read or written: {error}", "Check the disk's free space and permissions."
            ) from error

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Lock the numbers of the entries against other services."""
        if not self.folder.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            sync(self.data)
        descriptor = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


@contextmanager
def writer_lock(data: Path) -> Iterator[None]:
    """Lock a data folder for the only writer of its spool; raises IngestRunning if there is one."""
    data.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(data / WRITER_LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        deadline = time.monotonic() + PATIENCE_S
        while not took(descriptor, fcntl.LOCK_EX):
            if time.monotonic() > deadline:
                raise IngestRunning(
                    f"another process watches for {data}", "Stop it first, or let it publish: one is enough."
                )
            time.sleep(0.05)
        yield
    finally:
        os.close(descriptor)


def has_writer(data: Path) -> bool:
    """Return whether a live process publishes the spool of a data folder."""
    try:
        descriptor = os.open(data / WRITER_LOCK, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        return not took(descriptor, fcntl.LOCK_SH)
    finally:
        os.close(descriptor)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        # The writer has published it meanwhile.
        return 0
