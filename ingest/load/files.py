"""Article files: find them in folders, each once, and read their bytes."""

import stat
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from os import path, scandir
from pathlib import Path
from typing import BinaryIO, NamedTuple

from index.errors import ConfigurationError
from ingest.errors import ArticleRejected, megabytes


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
    """A file, its real path, and whether a link leads to it."""

    file: ArticleFile
    real: str
    linked: bool = False

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
        for found in _below(named, bounds):
            if found.real not in best or found.rank < best[found.real].rank:
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


def _below(named: Path, bounds: Sequence[Path] | None) -> Iterator[_Found]:
    """Yield the files of a folder, or the file itself; links that lead out of `bounds` are not followed."""
    if not named.is_dir():
        yield _Found(ArticleFile(named, named.parent), path.realpath(named))
        return
    seen: set[str] = set()
    folders = deque([(named, False)])
    while folders:
        folder, linked = folders.popleft()
        real_folder = path.realpath(folder)
        if real_folder in seen:
            continue
        seen.add(real_folder)
        try:
            with scandir(folder) as entries:
                visible = [entry for entry in entries if not entry.name.startswith(".")]
        except OSError:
            yield _Found(ArticleFile(folder, named), real_folder, linked)
            continue
        for entry in visible:
            inside, is_link = Path(entry.path), entry.is_symlink()
            real = path.realpath(inside) if is_link else f"{real_folder}/{entry.name}"
            if is_link and bounds is not None and not any(Path(real).is_relative_to(bound) for bound in bounds):
                yield _Found(ArticleFile(inside, named, leads_to=real), entry.path, linked=True)
            elif not path.isdir(inside):  # noqa: PTH112 - Path.is_dir raises if it is inaccessible
                yield _Found(ArticleFile(inside, named), real, linked or is_link)
            elif is_link:
                # Linked folders come after all real ones, so that loops end and real paths come first.
                folders.append((inside, True))
            else:
                folders.appendleft((inside, linked))


def open_file(file: ArticleFile) -> BinaryIO:
    """Open a file for reading bytes.

    Raises:
        ArticleRejected: It is not a regular file; reading a pipe or a device may never end.
        OSError: It cannot be opened.
    """
    if file.path.is_dir():
        # `find` returns only folders that it cannot list: repeat the error.
        next(file.path.iterdir(), None)
    if not stat.S_ISREG(file.path.stat().st_mode):
        raise ArticleRejected(file.origin, "it is a pipe, a device or a folder; expected a regular file", "unreadable")
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
