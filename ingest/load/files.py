"""The files an ingest is pointed at: found in folders, each once."""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from os import DirEntry, path, scandir
from pathlib import Path
from typing import NamedTuple

from index.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class ArticleFile:
    """A file that may hold articles, and the folder its ids are relative to; both paths are absolute.

    `root` is the ingested folder, or the file's own folder when the file itself was named. A folder
    that cannot be listed is carried as an ArticleFile as well, so that loading it says so; so is a link
    that leads out of the ingested folders, with `leads_to`, and is not followed.
    """

    path: Path
    root: Path
    leads_to: str | None = None

    @property
    def origin(self) -> str:
        """Where an article of this file comes from, as stored and shown."""
        return self.path.as_posix()


class _Found(NamedTuple):
    real: str
    linked: bool
    file: ArticleFile

    @property
    def rank(self) -> tuple[int, bool, Path]:
        return len(self.file.root.parts), self.linked, self.file.path


def find(paths: Sequence[Path], *, follow_links: bool = False) -> list[ArticleFile]:
    """Every file under the paths, sorted by path, each once even when it can be reached in several ways.

    Hidden files and folders (a leading dot) inside a folder are skipped. Links are followed within the
    paths, and out of them only with `follow_links`: who may put a link into a folder may not be allowed to
    publish what it leads to. A path that is itself a link is followed. A file reached twice counts from the
    outermost folder named, and by its real path before a link. What is not a regular file is listed too:
    loading it names it as rejected.

    Raises:
        ConfigurationError: A path does not exist or may not be looked at.
    """
    best: dict[str, _Found] = {}
    existing = [_existing(named) for named in paths]
    bounds = None if follow_links else [Path(path.realpath(named)) for named in existing]
    for named in existing:
        for found in _reached_from(named, bounds):
            known = best.get(found.real)
            if known is None or found.rank < known.rank:
                best[found.real] = found
    return sorted((found.file for found in best.values()), key=lambda file: file.path)


def _existing(named: Path) -> Path:
    try:
        named.stat()
    except OSError as error:
        hint = "Name files or folders that hold articles and that this user may read."
        raise ConfigurationError(f"{named} cannot be ingested: {error.strerror}.", hint) from error
    # Without resolving links: a folder that is a link to the latest one keeps its name in ids and origins.
    return Path(path.abspath(named))  # noqa: PTH100


def _reached_from(named: Path, bounds: Sequence[Path] | None) -> Iterator[_Found]:
    if not named.is_dir():
        yield _Found(path.realpath(named), linked=False, file=ArticleFile(named, named.parent))
        return
    seen: set[str] = set()
    folders = deque([(named, False)])
    while folders:
        folder, linked = folders.popleft()
        real = path.realpath(folder)
        if real in seen:
            continue
        seen.add(real)
        try:
            entries = _visible(folder)
        except OSError:
            yield _Found(real, linked, ArticleFile(folder, named))
            continue
        for entry in entries:
            target = path.realpath(entry.path) if bounds is not None and entry.is_symlink() else None
            if target and not _is_within(Path(target), bounds or ()):
                yield _Found(entry.path, linked=True, file=ArticleFile(Path(entry.path), named, target))
            elif not _is_folder(entry):
                yield _Found(_real(real, entry), linked or entry.is_symlink(), ArticleFile(Path(entry.path), named))
            elif entry.is_symlink():
                # Linked folders wait until all real ones are done: loops end, and real paths come first.
                folders.append((Path(entry.path), True))
            else:
                folders.appendleft((Path(entry.path), linked))


def _is_within(target: Path, bounds: Sequence[Path]) -> bool:
    return any(target.is_relative_to(bound) for bound in bounds)


def _visible(folder: Path) -> list[DirEntry[str]]:
    with scandir(folder) as entries:
        return [entry for entry in entries if not entry.name.startswith(".")]


def _is_folder(entry: DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        # A link into a folder this user may not enter, or round in circles: loading it says which.
        return False


def _real(real_folder: str, entry: DirEntry[str]) -> str:
    return path.realpath(entry.path) if entry.is_symlink() else f"{real_folder}/{entry.name}"
