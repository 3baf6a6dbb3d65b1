"""Push a generation: copy to a store what it lacks of it, then create the pointer that replicas follow.

Read `Publisher.push` first. Nothing in the store names a generation before the store has all of it.
"""

import logging
import time
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from socket import gethostname
from uuid import uuid4

from index.errors import ConfigurationError, PublisherConflict, PublishFailed, StoreDamaged, StoreUnavailable
from index.layout import (
    PUBLISHER,
    current_name,
    leased,
    manifest_path,
    no_index,
    refuse_replica,
    store_lock,
    write_synced,
)
from index.publishing import read_manifest
from index.records import Manifest, Stored, isoformat
from index.replicas.copying import Copying
from index.replicas.objects import POINTERS, PROBES, Pointer, numbers, pointer_name, read_pointer
from index.replicas.store import Store
from index.replicas.sweep import sweep
from index.replicas.tombstones import Tombstones

PATIENCE_S = 60.0
"""How long a push waits for another process that changes the store."""


logger = logging.getLogger("dateline.replicas")


@dataclass(frozen=True, slots=True)
class Identity(Stored):
    """The content of `publisher.json`: the id of a data folder that is pushed, and the last pointer that it created."""

    id: str
    store: str = ""
    pointer: int = 0


@dataclass(frozen=True, slots=True)
class PushReport:
    """The result of a push: the generation and its pointer, which `is_new`, and what was copied."""

    generation: str
    pointer: int
    is_new: bool
    segments: list[str]
    objects: int
    bytes: int
    seconds: float


@dataclass(slots=True)
class Publisher:
    """A data folder whose current generation is pushed to a store.

    A `single_publisher` may use a store that replaces objects which it should only create. `take_over` replaces the
    data folder that has published to the store.
    """

    data: Path
    store: Store
    single_publisher: bool = False
    take_over: bool = False
    _pushed: str | None = None

    def look(self) -> PushReport | None:
        """Push if the current generation is another one than at the last push; else return None."""
        name = current_name(self.data)
        if name is None or name == self._pushed:
            return None
        report = self.push()
        self._pushed, self.take_over = report.generation, False
        return report

    def push(self, *, repair: bool = False, always: bool = False) -> PushReport:
        """Push the current generation; creates no pointer if the newest one names it, unless `always` is set.

        `repair` reads what the store has of the generation and replaces what is corrupt. Raises PublisherConflict if
        another data folder has published to the store, ConfigurationError if the store replaces objects, IndexDamaged
        if a file of the generation is corrupt, ArticleTakenDown if it has an article that was taken down,
        StoreUnavailable and StoreDamaged.
        """
        started = time.monotonic()
        refuse_replica(self.data)
        if current_name(self.data) is None:
            raise no_index(self.data)
        with store_lock(self.data, PATIENCE_S), ExitStack() as stack:
            identity = identity_of(self.data)
            number, newest = self._newest(identity, repair=repair)
            if not self.single_publisher:
                probe(self.store)
            manifest = _lease_current(self.data, stack)
            content = manifest_path(self.data, manifest.generation).read_bytes()
            pointer = _pointer(number + 1, manifest, content, identity.id)
            is_new = always or newest is None or not _is_same(newest, pointer)
            tombstones = Tombstones(self.store)
            tombstones.check(self.data, manifest)
            copying = Copying(self.data, self.store, repair=repair)
            if is_new or repair:
                for entry in manifest.segments:
                    copying.copy_segment(entry)
                copying.copy_manifest(manifest.generation, content)
            if is_new:
                _create(self.store, pointer)
                _write(self.data, Identity(identity.id, self.store.url, pointer.number))
                self._sweep(tombstones)
        return PushReport(
            manifest.generation,
            number + is_new,
            is_new,
            copying.segments,
            copying.objects + is_new,
            copying.bytes,
            time.monotonic() - started,
        )

    def _sweep(self, tombstones: Tombstones) -> None:
        """Remove what the store need not have; the generation is published, whether this works or not."""
        try:
            sweep(self.data, self.store, tombstones)
        except (StoreUnavailable, StoreDamaged) as error:
            logger.warning("the store was not swept: %s", error.args[0])

    def _newest(self, identity: Identity, *, repair: bool) -> tuple[int, Pointer | None]:
        """Return the highest number of a pointer, and this pointer if it can be read.

        Raises PublisherConflict if another publisher created it, StoreDamaged if it is an older one than this publisher
        has created: a folder that is not mounted looks like an empty store.
        """
        known = identity.pointer if identity.store == self.store.url and not self.take_over else 0
        number = max(numbers(self.store, POINTERS, max(known - 1, 0)), default=0)
        if number < known:
            raise StoreDamaged(
                f"{self.store.url} has lost pointer {known}, which was pushed from {self.data}",
                "Check whether it is mounted. If it was emptied, run `dateline push --take-over`.",
            )
        try:
            newest = read_pointer(self.store, number) if number else None
        except StoreDamaged:
            if not repair:
                raise
            return number, None
        if newest is not None and newest.publisher != identity.id and not self.take_over:
            raise _conflict(self.store, newest)
        return number, newest


def push(data: Path, store: Store, *, single_publisher: bool = False) -> PushReport:
    """Push the current generation of a data folder; raises as `Publisher.push`."""
    return Publisher(data, store, single_publisher).push()


def probe(store: Store) -> None:
    """Raise ConfigurationError if a store lets an object be created twice."""
    name = f"{PROBES}{uuid4().hex}"
    try:
        store.create(name, b"first")
        is_replaced = store.create(name, b"second")
    finally:
        store.remove(name)
    if is_replaced:
        raise ConfigurationError(
            f"{store.url} replaces objects that exist, so two publishers could undo each other's work",
            "Use a store with conditional writes; or let a single machine push, with --single-publisher.",
        )


def identity_of(data: Path) -> Identity:
    """Return the identity of a publisher's data folder, which is made once."""
    path = data / PUBLISHER
    if not path.exists():
        _write(data, Identity(uuid4().hex))
    try:
        return Identity.from_json(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ConfigurationError(
            f"{path} cannot be read: {error}", "Remove it, then run `dateline push --take-over`."
        ) from error


def _write(data: Path, identity: Identity) -> None:
    try:
        write_synced(data / PUBLISHER, identity.to_json())
    except OSError as error:
        raise PublishFailed(
            f"{data / PUBLISHER} could not be written: {error.strerror}", "Check the disk's free space and permissions."
        ) from error


def _lease_current(data: Path, stack: ExitStack) -> Manifest:
    """Return the manifest of the current generation, whose segments stay until the stack is closed."""
    while True:
        name = current_name(data)
        if name is None:
            raise no_index(data)
        try:
            stack.enter_context(leased(manifest_path(data, name)))
        except FileNotFoundError:
            if name != current_name(data):
                # An ingest has published and removed it meanwhile.
                continue
        return read_manifest(data, name)


def _pointer(number: int, manifest: Manifest, content: bytes, publisher: str) -> Pointer:
    return Pointer(
        number=number,
        generation=manifest.generation,
        sha256=sha256(content).hexdigest(),
        publisher=publisher,
        push=uuid4().hex,
        host=gethostname(),
        created_at=isoformat(datetime.now(UTC), "milliseconds"),
    )


def _is_same(newest: Pointer, pointer: Pointer) -> bool:
    return all(getattr(newest, name) == getattr(pointer, name) for name in ("generation", "sha256", "publisher"))


def _create(store: Store, pointer: Pointer) -> None:
    """Create the pointer; raises PublisherConflict if another push was faster."""
    name, content = pointer_name(pointer.number), pointer.to_json().encode()
    if not store.create(name, content) and store.read(name) != content:
        # A request that is repeated because its reply was lost finds the pointer that it created.
        raise _conflict(store, read_pointer(store, pointer.number) or pointer)


def _conflict(store: Store, newest: Pointer) -> PublisherConflict:
    return PublisherConflict(
        f"another publisher uses {store.url}: {newest.host} published generation {newest.generation}"
        f" as pointer {newest.number} at {newest.created_at}",
        "Only one data folder may publish to a store. If this one shall replace the other, stop that one,"
        " then run `dateline push --take-over`.",
    )
