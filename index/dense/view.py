"""A private view of a Chroma folder: what Chroma may write to, while the generation stays as it is."""

import os
import shutil
import tempfile
from pathlib import Path

from index.errors import IndexDamaged

SQLITE = "chroma.sqlite3"
VIEW_PREFIX = "dateline-view-"


def private_view(chroma: Path) -> Path:
    """A temporary folder that Chroma may write to: its SQLite file copied, its HNSW files linked."""
    sweep_views()
    view = Path(tempfile.mkdtemp(prefix=f"{VIEW_PREFIX}{os.getpid()}-"))
    try:
        shutil.copyfile(chroma / SQLITE, view / SQLITE)
        for segment in (path for path in chroma.iterdir() if path.is_dir()):
            (view / segment.name).mkdir()
            for file in segment.iterdir():
                (view / segment.name / file.name).symlink_to(file.resolve())
    except OSError as error:
        shutil.rmtree(view, ignore_errors=True)
        raise IndexDamaged(
            f"{chroma} cannot be opened: {error}", "Run `dateline doctor` to see what is damaged."
        ) from error
    return view


def sweep_views() -> None:
    """Remove the private views of processes that are gone."""
    for view in Path(tempfile.gettempdir()).glob(f"{VIEW_PREFIX}*"):
        owner = view.name.removeprefix(VIEW_PREFIX).partition("-")[0]
        if owner.isdigit() and not _alive(int(owner)):
            shutil.rmtree(view, ignore_errors=True)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
