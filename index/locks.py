"""Locks between processes: one writer for a data folder, and leases that keep segments from being removed."""

import errno
import fcntl
import json
import os
import socket
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from index.errors import ConfigurationError, IngestRunning, PublishFailed
from index.layout import LOCK

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


@contextmanager
def ingest_lock(data: Path) -> Iterator[None]:
    """Lock a data folder for the only writer; raises IngestRunning with the holder, if there is one.

    The lock is the kernel's (flock), so it ends with the process. Local file systems only. Errors of the disk in the
    block become PublishFailed.
    """
    try:
        data.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(data / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise ConfigurationError(
            f"the data folder {data} cannot be written: {error.strerror}",
            "Choose another with --data or DATELINE_DATA.",
        ) from error
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
