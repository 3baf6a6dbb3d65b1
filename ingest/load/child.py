"""Load files in a child process with limits, so that a hostile page or PDF does not affect other files.

The child is `python -m ingest.load.child FD CPU_S MEMORY`. One child loads many files, because a start takes half a
second; a child that a file ends is replaced. Plain text, Markdown and unsupported files are loaded in this process.
"""

import logging
import os
import signal
import subprocess
import sys
from collections.abc import Generator, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from ingest.errors import ArticleRejected
from ingest.load import ArticleFile, LoadedArticle, load

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

PARSED = frozenset((".html", ".htm", ".pdf", ".rss", ".xml", ".atom", ".json", ".jsonl"))


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits on loading one article: seconds of CPU time and of waiting, and bytes of address space.

    On one core a feed of 19 MB takes 3 s of CPU time and a PDF of 800 pages 2 s. A page with 4 MB of text operators,
    which fit in a PDF of 12 kB, takes 7 s; a PDF may have many such pages. Without `setrlimit` on the system, only the
    waiting time is limited.
    """

    cpu_s: int = 10
    wall_s: float = 120.0
    memory: int = 3_000_000_000


@dataclass(slots=True)
class Loader:
    """A loader that runs parsers in a child process; close it to end the child."""

    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    limits: Limits = field(default_factory=Limits)
    _process: subprocess.Popen[bytes] | None = None
    _connection: "Connection | None" = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End the child at once."""
        if self._connection is not None:
            self._connection.close()
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._process = self._connection = None

    def load(self, file: ArticleFile) -> Iterator[LoadedArticle | ArticleRejected]:
        """Yield the articles and rejections of a file as `load` does; a file above the limits is `too_expensive`."""
        if file.path.suffix.lower() not in PARSED:
            yield from load(file, self.now)
            return
        is_free = False
        try:
            is_free = yield from self._answers(file)
        finally:
            if not is_free:
                self.close()

    def _answers(self, file: ArticleFile) -> Generator[LoadedArticle | ArticleRejected, None, bool]:
        """Load a file in the child; return whether the child can load another."""
        connection = self._started()
        try:
            connection.send((file, self.now))
            while connection.poll(self.limits.wall_s):
                item = connection.recv()
                if item is None:
                    return True
                yield item
        except (EOFError, OSError):
            yield self._ended(file)
            return False
        yield _too_expensive(file, f"took more than {self.limits.wall_s:g} s")
        return False

    def _started(self) -> "Connection":
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
            return _too_expensive(file, f"took more than {self.limits.cpu_s} s of CPU time")
        if code == -signal.SIGKILL:
            return _too_expensive(file, "was killed by the system, probably for lack of memory")
        name = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        return ArticleRejected(
            file.origin, f"parsing it ended the child process ({name}): save it in another format", "unreadable"
        )


def main() -> None:
    """Load the files that the parent sends until it closes the connection or ends; the CPU limit bounds an orphan."""
    from multiprocessing.connection import Connection

    descriptor, cpu_s, memory = map(int, sys.argv[1:])
    # The parent handles Ctrl-C.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # A rejection says more than the messages that parsers log.
    logging.disable()
    _limit("RLIMIT_AS", memory)
    _limit("RLIMIT_CORE", 0)
    with Connection(descriptor) as connection, suppress(EOFError, OSError):
        while True:
            file, now = connection.recv()
            for item in _load(file, now, cpu_s, memory):
                connection.send(item)
            connection.send(None)


def _load(file: ArticleFile, now: datetime, cpu_s: int, memory: int) -> Iterator[LoadedArticle | ArticleRejected]:
    _renew_cpu(cpu_s)
    try:
        for item in load(file, now):
            yield item
            _renew_cpu(cpu_s)
    except MemoryError:
        yield _too_expensive(file, f"needs more than {memory / 1e9:g} GB of memory")
    except Exception as error:  # noqa: BLE001 - an error of a parser rejects the file and no other
        yield ArticleRejected(file.origin, f"it cannot be parsed ({type(error).__name__}: {error})"[:300], "unreadable")


def _too_expensive(file: ArticleFile, cost: str) -> ArticleRejected:
    return ArticleRejected(file.origin, f"parsing it {cost}: split it, or save it as plain text", "too_expensive")


def _renew_cpu(seconds: int) -> None:
    used = os.times()
    _limit("RLIMIT_CPU", int(used.user + used.system) + 1 + seconds)


def _limit(name: str, value: int) -> None:
    """Set a soft limit if the system supports and allows it."""
    with suppress(ImportError, AttributeError, ValueError, OSError):
        import resource

        which = getattr(resource, name)
        hard = resource.getrlimit(which)[1]
        resource.setrlimit(which, (value if hard == resource.RLIM_INFINITY else min(value, hard), hard))


if __name__ == "__main__":
    main()
