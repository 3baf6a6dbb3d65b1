"""The data folder: the names of its files, how they are replaced, and the locks of those who write and read.

CURRENT                  name of the generation that is served
generations/NAME.json    manifest: the segments of a generation, and the articles in them that are dead
segments/ID/             catalog.db  vectors.npy  chroma/  lexical/  segment.json: closed, never changed
ingest.lock              held by the only writer
replica.json             marks a replica: only `dateline pull` writes its index
publisher.json, push.lock  the id of a publisher; held while it changes the store
"""

import errno
import fcntl
import json
import os
import socket
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from index.errors import ConfigurationError, IndexNotFound, IngestRunning, PublishFailed

CURRENT = "CURRENT"
GENERATIONS = "generations"
SEGMENTS = "segments"
LOCK = "ingest.lock"
REPLICA = "replica.json"
PUBLISHER = "publisher.json"
STORE_LOCK = "push.lock"

CATALOG = "catalog.db"
CHROMA = "chroma"
LEXICAL = "lexical"
VECTORS = "vectors.npy"
SEGMENT = "segment.json"

BUILDING = "building-"
"""Prefix of a segment that is being written, or that a killed run left."""

REMOVED = "removed-"
"""Prefix of a segment that is being removed."""

FIRST_RELEASE_VECTORS = "embeddings.db"

_REFUSALS = {
    errno.EACCES,
    errno.EDQUOT,
    errno.EFBIG,
    errno.EIO,
    errno.EMFILE,
    errno.ENOSPC,
    errno.EPERM,
    errno.EROFS,
}
"""Errors of a disk that is full, read-only or failing."""


def manifest_path(data: Path, name: str) -> Path:
    """Return the path of a generation's manifest."""
    return data / GENERATIONS / f"{name}.json"


def segment_folder(data: Path, segment: str) -> Path:
    """Return the folder of a segment."""
    return data / SEGMENTS / segment


def generation_names(data: Path) -> list[str]:
    """Return the names of the published generations, newest first."""
    return sorted((path.stem for path in (data / GENERATIONS).glob("*.json")), reverse=True)


def segment_names(data: Path) -> list[str]:
    """Return the ids of the closed segments, oldest first; an id begins with a date."""
    return sorted(path.name for path in (data / SEGMENTS).glob("[0-9]*"))


def unfinished(data: Path) -> list[Path]:
    """Return the folders of segments that a run is writing or removing, or that a killed run left."""
    return sorted(path for prefix in (BUILDING, REMOVED) for path in (data / SEGMENTS).glob(f"{prefix}*"))


def current_name(data: Path) -> str | None:
    """Return the name in CURRENT, which may be invalid; None if the file is missing or empty."""
    try:
        return (data / CURRENT).read_text(encoding="utf-8", errors="replace").strip() or None
    except FileNotFoundError:
        return None


def first_release_folders(data: Path) -> list[Path]:
    """Return the folders of generations that the first release wrote, each with an index of its own."""
    return sorted(path for path in (data / GENERATIONS).glob("*") if path.is_dir())


def is_of_first_release(data: Path) -> bool:
    """Return whether a data folder has an index of the first release only, which had no segments."""
    return bool(first_release_folders(data)) and not generation_names(data)


def no_index(data: Path) -> IndexNotFound:
    """Return the error for a data folder without an index, or with one of the first release only."""
    if is_of_first_release(data):
        return IndexNotFound(
            f"{data} has an index of the first release",
            "Run `dateline ingest --rebuild PATH` with the folders of all your articles: it replaces the index.",
        )
    return IndexNotFound(f"{data} has no index", "Build one with `dateline ingest PATH`.")


def write_synced(path: Path, text: str) -> None:
    """Write a file so that readers see the old text or the new one, also after a loss of power."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}.new")
    with temporary.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    sync(path.parent)


def sync(path: Path) -> None:
    """Wait until a file or the entries of a folder are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def ingest_lock(data: Path, *, of_replica: bool = False) -> Iterator[None]:
    """Lock a data folder for the only writer; raises IngestRunning with the holder, if there is one.

    The lock is the kernel's (flock), so it ends with the process. Local file systems only. Errors of the disk in the
    block become PublishFailed. Raises ConfigurationError for a replica, unless `of_replica` is set.
    """
    if not of_replica:
        refuse_replica(data)
    descriptor = _open_lock(data, LOCK)
    try:
        _take(descriptor, data)
        holder = {
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "since": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps(holder).encode(), 0)
        yield
    except (OSError, sqlite3.OperationalError) as error:
        if isinstance(error, OSError) and error.errno not in _REFUSALS:
            raise
        raise PublishFailed(
            f"{data} could not be written: {error}",
            "The current generation is unchanged. Check the disk's free space and permissions, then run this again.",
        ) from error
    finally:
        os.close(descriptor)


def _open_lock(data: Path, name: str) -> int:
    try:
        data.mkdir(parents=True, exist_ok=True)
        return os.open(data / name, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise ConfigurationError(
            f"the data folder {data} cannot be written: {error.strerror}",
            "Choose another with --data or DATELINE_DATA.",
        ) from error


def _take(descriptor: int, data: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        try:
            fields = json.loads(os.pread(descriptor, 4096, 0))
            holder = f"process {fields['pid']} on {fields['host']}, since {fields['since']}"
        except (ValueError, KeyError, TypeError):
            holder = "holder unknown"
        raise IngestRunning(
            f"another ingest holds the lock on {data} ({holder})", "Wait for it to end, then run this again."
        ) from error


def refuse_replica(data: Path) -> None:
    """Raise ConfigurationError if the index of a data folder comes from a store."""
    if (data / REPLICA).exists():
        raise ConfigurationError(
            f"{data} is a replica: `dateline pull` fills it from a store",
            "Run this on the publisher, or choose another folder with --data.",
        )


@contextmanager
def store_lock(data: Path, patience_s: float = 0.0) -> Iterator[None]:
    """Lock a publisher's store against other processes that use the same data folder.

    Raises IngestRunning if one has the lock for longer than `patience_s` seconds.
    """
    descriptor = _open_lock(data, STORE_LOCK)
    deadline = time.monotonic() + patience_s
    try:
        while not took(descriptor, fcntl.LOCK_EX):
            if time.monotonic() >= deadline:
                raise IngestRunning(
                    f"another process changes the store of {data}", "Wait for it to end, then run this again."
                )
            time.sleep(0.1)
        yield
    finally:
        os.close(descriptor)


def took(descriptor: int, kind: int) -> bool:
    """Lock an open file without waiting, shared or exclusive; return False if another process has it."""
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def leased(manifest: Path) -> Iterator[None]:
    """Lock a generation's manifest for reading: while a process has this lease, its segments are not removed.

    Raises FileNotFoundError if the manifest is removed meanwhile.
    """
    descriptor = os.open(manifest, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        if os.fstat(descriptor).st_ino != manifest.stat().st_ino:
            raise FileNotFoundError(errno.ENOENT, "replaced by another manifest", str(manifest))
        yield
    finally:
        os.close(descriptor)


@contextmanager
def exclusive(manifest: Path) -> Iterator[bool]:
    """Lock a generation's manifest against new readers while it is removed; yield False if it is leased."""
    descriptor = os.open(manifest, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        yield False
    else:
        yield True
    finally:
        os.close(descriptor)


def is_leased(manifest: Path) -> bool:
    """Return whether a reader has this lease now; a manifest that was removed has none."""
    try:
        with exclusive(manifest) as free:
            return not free
    except FileNotFoundError:
        return False
