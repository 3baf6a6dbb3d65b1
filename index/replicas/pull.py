"""Pull a generation: bring the data folder of a replica to the generation that the newest pointer names.

Read `Replica.pull` first. What is read from the store counts for nothing before its digest is verified, and readers see
nothing of a generation before all of it is on the disk. A pull that is killed leaves files from which the next one
continues.
"""

import logging
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from uuid import uuid4

from index.chroma_server import ChromaServer
from index.errors import ConfigurationError, IndexDamaged, PublishFailed, StoreUnavailable
from index.layout import (
    BUILDING,
    CURRENT,
    REPLICA,
    SEGMENT,
    SEGMENTS,
    current_name,
    generation_names,
    ingest_lock,
    manifest_path,
    segment_folder,
    segment_names,
    sync,
    unfinished,
    write_synced,
)
from index.publishing import copy_to, make_current, remove_segment, retire, sweep
from index.records import Manifest, SegmentEntry, Stored, StoredFile, isoformat
from index.replicas.objects import (
    Pointer,
    Report,
    blob_name,
    damaged,
    missing,
    newest_pointer,
    read_manifest,
    read_pointer,
    read_segment,
    report_name,
)
from index.replicas.store import Store
from index.segment import digest_of, file_faults, read_record, verify_in_child

logger = logging.getLogger("dateline.replica")


@dataclass(frozen=True, slots=True)
class Mark(Stored):
    """The content of `replica.json`: the store that fills a data folder, and the pointer that it is at."""

    store: str
    id: str
    name: str
    pointer: int


@dataclass(slots=True)
class PullReport:
    """The result of a pull: the generation and its pointer, whether it `is_new` here, and what was copied."""

    generation: str | None
    pointer: int
    is_new: bool = False
    segments: list[str] = field(default_factory=list)
    objects: int = 0
    bytes: int = 0
    seconds: float = 0.0


@contextmanager
def replica_of(
    data: Path, store: Store, name: str, *, keep: int = 3, server: ChromaServer | None = None
) -> Iterator["Replica"]:
    """Open a data folder as a replica and lock it.

    Raises IngestRunning if another pull has it, and ConfigurationError if it has an index of its own.
    """
    with ingest_lock(data, of_replica=True):
        yield Replica(data, store, _marked(data, store.url, name), keep, server)


def _marked(data: Path, url: str, name: str) -> Mark:
    """Return the mark of a replica, which is written if the folder has no index."""
    path = data / REPLICA
    if not path.exists():
        if (data / CURRENT).exists() or generation_names(data) or segment_names(data):
            raise ConfigurationError(
                f"{data} has an index of its own, which a pull would replace",
                "Choose another folder with --data, or remove this one.",
            )
        mark = Mark(url, uuid4().hex, name, 0)
    else:
        try:
            found = Mark.from_json(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise ConfigurationError(
                f"{path} cannot be read: {error}", "Remove the data folder, then pull again."
            ) from error
        # Numbers of one store mean nothing in another.
        mark = replace(found, store=url, name=name, pointer=found.pointer if found.store == url else 0)
    write_synced(path, mark.to_json())
    return mark


@dataclass(slots=True)
class Replica:
    """A data folder that follows the pointers of a store; the caller has its lock."""

    data: Path
    store: Store
    mark: Mark
    keep: int = 3
    server: ChromaServer | None = None

    def pull(self) -> PullReport:
        """Bring the folder to the newest pointer, and report that to the store.

        The generation that is current stays so until the new one is complete and verified. Raises StoreUnavailable,
        StoreDamaged, PublishFailed and ChromaUnavailable.
        """
        started = time.monotonic()
        report = PullReport(current_name(self.data), self.mark.pointer)
        pointer = self._newest()
        if pointer is not None:
            content, manifest = read_manifest(self.store, pointer)
            for entry in manifest.segments:
                if not self._has(entry):
                    self._fetch(entry, report)
            if report.segments or report.generation != pointer.generation:
                self._publish(content, manifest)
                report.is_new = True
            self._remember(pointer.number)
            report.generation, report.pointer = pointer.generation, pointer.number
            self._clear_up()
        self.tell()
        report.seconds = time.monotonic() - started
        return report

    def has_news(self) -> bool:
        """Return whether there is a pointer after the one that the folder is at; one cheap request."""
        return read_pointer(self.store, self.mark.pointer + 1) is not None

    def tell(self) -> None:
        """Report to the store what this replica serves and has on its disk; a store that is away is told later."""
        try:
            self.store.replace(report_name(self.mark.id), self._state().to_json().encode())
        except StoreUnavailable as error:
            logger.warning("the store was not told the state of this replica: %s", error.args[0])

    def _state(self) -> Report:
        there = [*segment_names(self.data), *(folder.name for folder in unfinished(self.data))]
        return Report(
            id=self.mark.id,
            name=self.mark.name,
            pointer=self.mark.pointer,
            generation=current_name(self.data),
            generations=tuple(generation_names(self.data)),
            segments=tuple(sorted({name.removeprefix(BUILDING).removeprefix("removed-") for name in there})),
            reported_at=isoformat(datetime.now(UTC), "milliseconds"),
        )

    def _newest(self) -> Pointer | None:
        newest = newest_pointer(self.store, self.mark.pointer - 1 if self.mark.pointer else 0)
        if newest is None and self.mark.pointer:
            newest = newest_pointer(self.store)
            logger.warning("%s has no pointer %d any more", self.store.url, self.mark.pointer)
        return newest

    def _has(self, entry: SegmentEntry) -> bool:
        """Return whether a segment is complete, as far as the sizes of its files tell."""
        folder = segment_folder(self.data, entry.segment)
        try:
            is_same = digest_of(folder / SEGMENT) == entry.sha256
            return is_same and not file_faults(folder, read_record(folder), by_size=True)
        except (OSError, IndexDamaged):
            return False

    def _fetch(self, entry: SegmentEntry, report: PullReport) -> None:
        """Bring a segment into the folder, verified."""
        content, record = read_segment(self.store, entry)
        building = self.data / SEGMENTS / f"{BUILDING}{entry.segment}"
        building.mkdir(parents=True, exist_ok=True)
        lacking = {name: file for name, file in record.files.items() if not _is_file(building / name, file)}
        self._check_space(sum(file.size for file in lacking.values()), entry)
        for name, file in lacking.items():
            (building / name).parent.mkdir(parents=True, exist_ok=True)
            _download(self.store, building / name, file)
            report.objects += 1
            report.bytes += file.size
        (building / SEGMENT).write_bytes(content)
        report.objects += 1
        report.bytes += len(content)
        faults = verify_in_child(building)
        if faults:
            raise PublishFailed(
                f"segment {entry.segment} did not pass verification: {'; '.join(faults)}",
                "The current generation is unchanged. Check this machine's memory, and whether it has the versions of"
                " the publisher.",
            )
        for path in (building, *building.rglob("*")):
            sync(path)
        remove_segment(self.data, entry.segment, None)
        building.rename(segment_folder(self.data, entry.segment))
        sync(self.data / SEGMENTS)
        report.segments.append(entry.segment)

    def _check_space(self, needed: int, entry: SegmentEntry) -> None:
        free = shutil.disk_usage(self.data).free
        if needed > free:
            raise PublishFailed(
                f"segment {entry.segment} needs {needed / 1e6:,.0f} MB, {self.data} has {free / 1e6:,.0f} MB free",
                "The current generation is unchanged. Free space on the disk.",
            )

    def _publish(self, content: bytes, manifest: Manifest) -> None:
        if self.server is not None:
            copy_to(self.server, self.data, manifest)
        path = manifest_path(self.data, manifest.generation)
        path.parent.mkdir(exist_ok=True)
        if not path.exists() or path.read_bytes() != content:
            write_synced(path, content.decode())
        make_current(self.data, manifest.generation)

    def _remember(self, number: int) -> None:
        if number != self.mark.pointer:
            self.mark = replace(self.mark, pointer=number)
            write_synced(self.data / REPLICA, self.mark.to_json())

    def _clear_up(self) -> None:
        retire(self.data, self.keep, self.server)
        sweep(self.data, self.server)


def _is_file(path: Path, file: StoredFile) -> bool:
    return path.is_file() and path.stat().st_size == file.size and digest_of(path) == file.sha256


def _download(store: Store, path: Path, file: StoredFile) -> None:
    """Download a file of a segment; raises StoreDamaged if it is missing or is not what its digest says."""
    name = blob_name(file.sha256)
    part = path.with_name(f".{path.name}.part")
    digest, size = sha256(), 0
    try:
        with part.open("wb") as written:
            for piece in store.pieces(name):
                size += len(piece)
                if size > file.size:
                    raise damaged(store, name, f"it has more than {file.size} bytes")
                digest.update(piece)
                written.write(piece)
            written.flush()
            os.fsync(written.fileno())
        if (size, digest.hexdigest()) != (file.size, file.sha256):
            raise damaged(store, name, f"it has {size} bytes of another content")
    except FileNotFoundError as error:
        raise missing(store, name) from error
    else:
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
