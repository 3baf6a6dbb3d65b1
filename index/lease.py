"""Locks between processes: one writer a data folder, and readers that keep a generation from being removed."""

import fcntl
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from index.errors import ConfigurationError, IngestRunning
from index.layout import LOCK


@contextmanager
def ingest_lock(data: Path) -> Iterator[None]:
    """Be the only ingest of this data folder; raises IngestRunning naming the holder.

    The lock is the kernel's (flock), so it ends with the process, however that ends. Local file systems only.
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
    finally:
        os.close(descriptor)


def check_free(data: Path) -> None:
    """Raise IngestRunning where another ingest is at it: to say so before anything that takes long is begun."""
    with ingest_lock(data):
        pass


def _take(descriptor: int, data: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise IngestRunning(
            f"another ingest is writing to {data}: {_holder(descriptor)}", "Wait for it to end, then run this again."
        ) from error


def _holder(descriptor: int) -> str:
    try:
        holder = json.loads(os.pread(descriptor, 4096, 0))
        return f"process {holder['pid']} on {holder['host']}, since {holder['since']}"
    except (ValueError, KeyError, TypeError):
        return "a process that has not yet said its name"


class Lease:
    """A reader's hold on a generation: while it is held, the generation is not removed."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_RDONLY)
        fcntl.flock(self._descriptor, fcntl.LOCK_SH)

    def release(self) -> None:
        """Let the generation go."""
        os.close(self._descriptor)


@contextmanager
def exclusive(path: Path) -> Iterator[bool]:
    """Keep new readers from a generation while it is removed; False where one is reading it."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        # Without a lease nobody can open it.
        yield True
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        yield False
    else:
        yield True
    finally:
        os.close(descriptor)


def unleased(path: Path) -> bool:
    """Whether no reader holds this lease now; a lease that is missing cannot be held."""
    with exclusive(path) as free:
        return free
