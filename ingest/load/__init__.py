"""Load article files: find them, parse each format, and make valid articles or rejections.

A `Loader` parses in a child process with limits, so that a hostile page or PDF does not affect other files.
"""

import re
import signal
import subprocess
import sys
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Self, TypeVar

from ingest.load.article import LoadedArticle, RawArticle, to_article
from ingest.load.data import JSON_SUFFIXES, XML_SUFFIXES, parse_data
from ingest.load.files import ArticleFile, find, open_file
from ingest.load.page import parse_page
from ingest.load.pdf import parse_pdf
from ingest.load.pushed import PushedFile, is_plain_push, parse_pushed
from ingest.load.text import parse_markdown, parse_text
from ingest.report import ArticleRejected

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

__all__ = ["IN_CHILD", "PARSERS", "ArticleFile", "Limits", "LoadedArticle", "Loader", "find", "load", "too_expensive"]

# File systems allow these characters; databases and terminals do not.
_UNNAMEABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")

Loaded = LoadedArticle | ArticleRejected
Item = TypeVar("Item")
Task = Callable[[ArticleFile, datetime], Iterator[Item]]
Parser = Callable[[ArticleFile], Iterator[RawArticle | ArticleRejected]]

PARSERS: dict[str, Parser] = {
    ".txt": parse_text,
    ".md": parse_markdown,
    ".markdown": parse_markdown,
    ".html": parse_page,
    ".htm": parse_page,
    ".pdf": parse_pdf,
    **dict.fromkeys((*JSON_SUFFIXES, *XML_SUFFIXES), parse_data),
}
IN_CHILD = PARSERS.keys() - {".txt", ".md", ".markdown"}
"""The extensions of files that a child process parses."""


def load(file: ArticleFile, now: datetime | None = None) -> Iterator[Loaded]:
    """Yield the articles of a file in order, with a rejection in place of each invalid one.

    Nothing in a file raises: an invalid article does not affect the others, and an unreadable file yields one
    rejection. An article scheduled for a time after `now`, by default the time of the call, is rejected as unpublished.
    """
    now = now or datetime.now(UTC)
    try:
        for raw in _parser(file)(file):
            try:
                item = raw if isinstance(raw, ArticleRejected) else to_article(raw, now)
            except ArticleRejected as rejection:
                item = rejection
            yield item
    except ArticleRejected as rejection:
        yield rejection
    except OSError as error:
        yield ArticleRejected(file.origin, f"it cannot be read: {error.strerror or error}", "unreadable")


def _parser(file: ArticleFile) -> Parser:
    """Return the parser of a file by its extension; raises ArticleRejected if it has none, or OSError."""
    if _UNNAMEABLE.search(file.origin):
        shown = file.origin.encode("unicode_escape").decode()
        raise ArticleRejected(shown, "its name contains control characters or is not UTF-8: rename it", "unreadable")
    if file.leads_to is not None:
        reason = (
            f"it is a link to {file.leads_to}, outside of the ingested folders: give that path as well,"
            " or follow such links with --follow-links"
        )
        raise ArticleRejected(file.origin, reason, "link_outside")
    if isinstance(file, PushedFile):
        return parse_pushed
    parser = PARSERS.get(file.path.suffix.lower())
    if parser is None:
        open_file(file).close()
        expected = ", ".join(PARSERS)
        found = f"files ending in {file.path.suffix}" if file.path.suffix else "files without an extension"
        raise ArticleRejected(file.origin, f"{found} are not supported; expected one of {expected}", "unsupported")
    return parser


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits on loading one article: seconds of CPU time and of waiting, and bytes of address space.

    A feed of 19 MB takes 3 s of CPU time, a PDF of 800 pages 2 s; but one hostile page, in a PDF of 12 kB, takes 7 s.
    Without `setrlimit` on the system, only the waiting time is limited.
    """

    cpu_s: int = 10
    wall_s: float = 120.0
    memory: int = 3_000_000_000


@dataclass(slots=True)
class Loader:
    """A loader that runs parsers in a child process; close it to end the child.

    One child loads many files, because a start takes half a second; a child that a file ends is replaced.
    """

    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    limits: Limits = field(default_factory=Limits)
    _process: subprocess.Popen[bytes] | None = None
    _connection: "Connection | None" = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the child at once."""
        if self._connection is not None:
            self._connection.close()
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._process = self._connection = None

    def load(self, file: ArticleFile) -> Iterator[Loaded]:
        """Yield the articles and rejections of a file as `load` does; a file above the limits is `too_expensive`."""
        is_plain = isinstance(file, PushedFile) and is_plain_push(file)
        if not is_plain and file.path.suffix.lower() in IN_CHILD:
            yield from self.run(load, file)
        else:
            yield from load(file, self.now)

    def run(self, task: Task[Item], file: ArticleFile) -> Iterator[Item | ArticleRejected]:
        """Yield what a task, a function of a module, yields for a file in the child; a failure is a rejection."""
        is_free = False
        try:
            is_free = yield from self._replies(task, file)
        finally:
            if not is_free:
                self.close()

    def _replies(self, task: Task[Item], file: ArticleFile) -> Generator[Item | ArticleRejected, None, bool]:
        """Run a task in the child; return whether the child can run another."""
        connection = self._started()
        try:
            connection.send((task, file, self.now))
            while connection.poll(self.limits.wall_s):
                item = connection.recv()
                if item is None:
                    return True
                yield item
        except (EOFError, OSError):
            yield self._ended(file)
            return False
        yield too_expensive(file, f"took more than {self.limits.wall_s:g} s")
        return False

    def _started(self) -> "Connection":
        """Return the connection to a child that runs."""
        from multiprocessing.connection import Pipe

        if self._process is not None and self._process.poll() is not None:
            self.close()
        if self._connection is None:
            self._connection, theirs = Pipe()
            with theirs:
                limits = (str(self.limits.cpu_s), str(self.limits.memory))
                self._process = subprocess.Popen(  # noqa: S603 - our own interpreter on our own module
                    [sys.executable, "-m", "ingest.load.child", str(theirs.fileno()), *limits],
                    pass_fds=[theirs.fileno()],
                    cwd=Path(__file__).parents[2],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                )
        return self._connection

    def _ended(self, file: ArticleFile) -> ArticleRejected:
        """Return the rejection of the file that ended the child."""
        code = self._process.wait() if self._process else 0
        if code == -signal.SIGXCPU:
            return too_expensive(file, f"took more than {self.limits.cpu_s} s of CPU time")
        if code == -signal.SIGKILL:
            return too_expensive(file, "was killed by the system, probably for lack of memory")
        name = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        reason = f"parsing it ended the child process ({name}): save it in another format"
        return ArticleRejected(file.origin, reason, "unreadable")


def too_expensive(file: ArticleFile, cost: str) -> ArticleRejected:
    """Return the rejection of a file that is above the limits."""
    return ArticleRejected(file.origin, f"parsing it {cost}: split it, or save it as plain text", "too_expensive")
