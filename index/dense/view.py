"""A private view of a Chroma folder: a temporary folder for Chroma to write to.

Chroma writes to its SQLite file whenever it opens a folder, also to query, but a generation is immutable. So every
process opens a temporary folder with a copy of the small SQLite file and links to the large HNSW files.
"""

import fcntl
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from index.errors import IndexDamaged

SQLITE = "chroma.sqlite3"
VIEW_PREFIX = "dateline-chroma-"
"""Not the prefix of the first release: its views have no lock, so a sweep would remove those of a running service."""


@dataclass(frozen=True, slots=True)
class PrivateView:
    """A temporary folder that Chroma may write to, locked by the kernel while this process has it open.

    A process number would not say whether its owner is running: containers that share a temporary folder have process
    numbers of their own.
    """

    folder: Path
    lock: int

    def close(self) -> None:
        """Remove the folder and release the lock."""
        shutil.rmtree(self.folder, ignore_errors=True)
        os.close(self.lock)


def private_view(chroma: Path) -> PrivateView:
    """Open a view of a Chroma folder: its SQLite file copied, its HNSW files linked."""
    sweep_views()
    view = _locked_folder()
    try:
        shutil.copyfile(chroma / SQLITE, view.folder / SQLITE)
        for segment in (path for path in chroma.iterdir() if path.is_dir()):
            (view.folder / segment.name).mkdir()
            for file in segment.iterdir():
                (view.folder / segment.name / file.name).symlink_to(file.resolve())
    except OSError as error:
        view.close()
        raise IndexDamaged(
            f"{chroma} cannot be opened: {error}", "Run `dateline doctor` to see what is corrupt."
        ) from error
    return view


def sweep_views() -> None:
    """Remove the private views that no process has open."""
    for folder in Path(tempfile.gettempdir()).glob(f"{VIEW_PREFIX}*"):
        lock = _lock(folder)
        if lock is not None:
            PrivateView(folder, lock).close()


def _locked_folder() -> PrivateView:
    while True:
        folder = Path(tempfile.mkdtemp(prefix=f"{VIEW_PREFIX}{os.getpid()}-"))
        lock = _lock(folder)
        if lock is None:
            # Another process sweeps the new folder, which was not locked yet.
            continue
        if folder.is_dir():
            return PrivateView(folder, lock)
        os.close(lock)


def _lock(folder: Path) -> int | None:
    """Lock a folder; None if another process has locked it, or it cannot be opened."""
    try:
        lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        return None
    return lock
