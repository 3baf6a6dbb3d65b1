"""Push a generation: copy to a store what it lacks of it, then create the pointer that replicas follow.

Read `push` first. Nothing in the store names a generation before the store has all of it.
"""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from pathlib import Path
from socket import gethostname
from uuid import uuid4

from index.errors import ConfigurationError, IndexDamaged, PublisherConflict, reason_of
from index.layout import (
    PUBLISHER,
    SEGMENT,
    current_name,
    leased,
    manifest_path,
    no_index,
    refuse_replica,
    segment_folder,
    store_lock,
    write_synced,
)
from index.publishing import read_manifest
from index.records import Manifest, SegmentEntry, Stored, StoredFile, isoformat
from index.replicas.objects import PROBES, Pointer, blob_name, manifest_name, newest_pointer, pointer_name
from index.replicas.store import SINGLE_REQUEST, Store
from index.segment import HINT, digest_of, read_record

AT_ONCE = 4
"""Files of a segment that are copied at the same time."""

PATIENCE_S = 60.0
"""How long a push waits for another process that changes the store."""


@dataclass(frozen=True, slots=True)
class Publisher(Stored):
    """The identity of a data folder that is pushed."""

    id: str


@dataclass(slots=True)
class PushReport:
    """The result of a push: the generation and its pointer, which `is_new`, and what was copied."""

    generation: str
    pointer: int = 0
    is_new: bool = False
    segments: list[str] = field(default_factory=list)
    objects: int = 0
    bytes: int = 0
    seconds: float = 0.0


def push(data: Path, store: Store, *, single_publisher: bool = False, take_over: bool = False) -> PushReport:
    """Push the current generation; creates no pointer if the newest one names it.

    Raises PublisherConflict if another data folder has published to the store, unless this one shall `take_over`;
    ConfigurationError if the store replaces objects that it should only create, unless there is a `single_publisher`;
    IndexDamaged if a file of the generation is corrupt, StoreUnavailable and StoreDamaged.
    """
    started = time.monotonic()
    refuse_replica(data)
    if current_name(data) is None:
        raise no_index(data)
    with store_lock(data, PATIENCE_S), ExitStack() as stack:
        if not single_publisher:
            probe(store)
        publisher = publisher_of(data)
        manifest = _lease_current(data, stack)
        report = PushReport(manifest.generation)
        newest = newest_pointer(store)
        if newest is not None and newest.publisher != publisher and not take_over:
            raise _conflict(store, newest)
        if newest is not None and (newest.generation, newest.publisher) == (manifest.generation, publisher):
            report.pointer = newest.number
        else:
            for entry in manifest.segments:
                _push_segment(data, store, entry, report)
            content = manifest_path(data, manifest.generation).read_bytes()
            _create(store, manifest_name(manifest.generation), content, report)
            number = 1 if newest is None else newest.number + 1
            _point(store, _pointer(number, manifest, content, publisher), report)
    report.seconds = time.monotonic() - started
    return report


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


def publisher_of(data: Path) -> str:
    """Return the id of a publisher's data folder, which is made once."""
    path = data / PUBLISHER
    if not path.exists():
        write_synced(path, Publisher(uuid4().hex).to_json())
    try:
        return Publisher.from_json(path.read_text(encoding="utf-8")).id
    except ValueError as error:
        raise ConfigurationError(
            f"{path} cannot be read: {error}", "Remove it, then run `dateline push --take-over`."
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


def _push_segment(data: Path, store: Store, entry: SegmentEntry, report: PushReport) -> None:
    """Copy a segment, unless the store has it; its record comes last and tells that the rest is there."""
    if store.size(blob_name(entry.sha256)) is not None:
        return
    folder = segment_folder(data, entry.segment)
    try:
        record = folder / SEGMENT
        itself = StoredFile(record.stat().st_size, entry.sha256)
        files = read_record(folder).files
        with ThreadPoolExecutor(AT_ONCE) as threads:
            copied = threads.map(partial(_push_file, store), [folder / name for name in files], files.values())
            report.bytes += sum(_counted(copied, report))
        report.bytes += sum(_counted(iter([_push_file(store, record, itself)]), report))
    except OSError as error:
        file = Path(error.filename or folder).name
        raise IndexDamaged(f"segment {entry.segment} cannot be read: {reason_of(error)} ({file})", HINT) from error
    report.segments.append(entry.segment)


def _counted(copied: Iterator[int], report: PushReport) -> Iterator[int]:
    for size in copied:
        report.objects += size > 0
        yield size


def _push_file(store: Store, path: Path, file: StoredFile) -> int:
    """Copy a file, unless the store has it; return the number of bytes. Raises IndexDamaged if it is corrupt."""
    name = blob_name(file.sha256)
    if file.size <= SINGLE_REQUEST:
        content = path.read_bytes()
        _check(path, sha256(content).hexdigest(), file)
        return len(content) if store.create(name, content) else 0
    if store.size(name) == file.size:
        return 0
    _check(path, digest_of(path), file)
    # Its name determines its content, so that replacing it does no harm.
    store.replace(name, path)
    return file.size


def _check(path: Path, digest: str, file: StoredFile) -> None:
    if digest != file.sha256:
        raise IndexDamaged(f"{path} has changed since it was written; it was not pushed", HINT)


def _create(store: Store, name: str, content: bytes, report: PushReport) -> None:
    if store.create(name, content):
        report.objects += 1
        report.bytes += len(content)


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


def _point(store: Store, pointer: Pointer, report: PushReport) -> None:
    """Create the pointer; raises PublisherConflict if another push was faster, with another generation."""
    name, content = pointer_name(pointer.number), pointer.to_json().encode()
    if not store.create(name, content) and store.read(name) != content:
        # A request that is repeated because its reply was lost finds the pointer that it created.
        newest = newest_pointer(store, pointer.number - 1)
        raise _conflict(store, newest or pointer)
    report.objects += 1
    report.bytes += len(content)
    report.pointer, report.is_new = pointer.number, True


def _conflict(store: Store, newest: Pointer) -> PublisherConflict:
    return PublisherConflict(
        f"another publisher uses {store.url}: {newest.host} published generation {newest.generation}"
        f" as pointer {newest.number} at {newest.created_at}",
        "Only one data folder may publish to a store. If this one shall replace the other, stop that one,"
        " then run `dateline push --take-over`.",
    )
