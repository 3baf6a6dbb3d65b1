"""Article files: find them in folders, each once, and read their bytes."""

import stat
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from os import DirEntry, path, scandir
from pathlib import Path
from typing import BinaryIO, NamedTuple

from index.errors import ConfigurationError
from ingest.errors import ArticleRejected, megabytes

_KINDS = {stat.S_IFIFO: "a named pipe", stat.S_IFSOCK: "a socket", stat.S_IFCHR: "a device", stat.S_IFBLK: "a device"}


@dataclass(frozen=True, slots=True)
class ArticleFile:
    """A file that may contain articles, and the folder that its ids are relative to; both paths are absolute.

    `root` is the ingested folder, or the file's own folder if the file itself was given. Loading also rejects a folder
    that cannot be listed, and a link to a target outside of the ingested folders (`leads_to`).
    """

    path: Path
    root: Path
    leads_to: str | None = None

    @property
    def origin(self) -> str:
        """The origin of an article of this file."""
        return self.path.as_posix()


class _Found(NamedTuple):
    real: str
    linked: bool
    file: ArticleFile

    @property
    def rank(self) -> tuple[int, bool, Path]:
        return len(self.file.root.parts), self.linked, self.file.path


def find(paths: Sequence[Path], *, follow_links: bool = False) -> list[ArticleFile]:
    """List the files under the paths, sorted by path, each file once.

    Hidden files and folders (a leading dot) inside a folder are skipped. A link is followed if it is one of the paths
    or leads to a target under them; any other only with `follow_links`, because a user who may create a link may lack
    the right to publish its target. A file that is found twice gets the outermost root, and its real path rather than
    a link. Files that are not regular are listed too, so that loading rejects them.

    Raises:
        ConfigurationError: A path does not exist or is not accessible.
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
        hint = "Give files or folders of articles that this user may read."
        raise ConfigurationError(f"{named} cannot be ingested: {error.strerror}.", hint) from error
    # Links stay unresolved: a folder that links to the latest one keeps its name in ids and origins.
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
                # Linked folders come after all real ones, so that loops end and real paths come first.
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
        # A link to an inaccessible folder or to itself: loading it reports which.
        return False


def _real(real_folder: str, entry: DirEntry[str]) -> str:
    return path.realpath(entry.path) if entry.is_symlink() else f"{real_folder}/{entry.name}"


def open_file(file: ArticleFile) -> BinaryIO:
    """Open a file for reading bytes.

    Raises:
        ArticleRejected: It is not a regular file; reading a pipe or a device may never end.
        OSError: It cannot be opened.
    """
    mode = file.path.stat().st_mode
    if stat.S_ISDIR(mode):
        # `find` returns only folders that it cannot list: repeat the error.
        next(file.path.iterdir(), None)
    if not stat.S_ISREG(mode):
        kind = _KINDS.get(stat.S_IFMT(mode), "a folder")
        raise ArticleRejected(file.origin, f"it is {kind}; expected a regular file", "unreadable")
    return file.path.open("rb")


def read_bytes(file: ArticleFile, limit: int) -> bytes:
    """Read all bytes of a file.

    Raises:
        ArticleRejected: The file is empty, or larger than `limit` bytes.
        OSError: It cannot be read.
    """
    with open_file(file) as stream:
        data = stream.read(limit + 1)
    if not data:
        raise ArticleRejected(file.origin, "the file is empty", "empty")
    if len(data) > limit:
        raise ArticleRejected(file.origin, f"the file is larger than {megabytes(limit)}: split it", "too_large")
    return data
