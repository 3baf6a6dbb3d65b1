"""The process that parses files for a `Loader`: `python -m ingest.load.child FD CPU_S MEMORY`."""

import logging
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from multiprocessing.connection import Connection

from ingest.load import ArticleFile, Item, Task, too_expensive
from ingest.report import ArticleRejected


def main() -> None:
    """Run the tasks that the parent sends until it closes the connection or ends; the CPU limit bounds an orphan."""
    descriptor, cpu_s, memory = map(int, sys.argv[1:])
    # The parent handles Ctrl-C.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # A rejection says more than the messages that parsers log.
    logging.disable()
    _limit("RLIMIT_AS", memory)
    _limit("RLIMIT_CORE", 0)
    with Connection(descriptor) as connection, suppress(EOFError, OSError):
        while True:
            task, file, now = connection.recv()
            for item in _run(task, file, now, (cpu_s, memory)):
                connection.send(item)
            connection.send(None)


def _run(
    task: Task[Item], file: ArticleFile, now: datetime, limits: tuple[int, int]
) -> Iterator[Item | ArticleRejected]:
    cpu_s, memory = limits
    _renew_cpu(cpu_s)
    try:
        for item in task(file, now):
            yield item
            _renew_cpu(cpu_s)
    except ArticleRejected as rejection:
        yield rejection
    except MemoryError:
        yield too_expensive(file, f"needs more than {memory / 1e9:g} GB of memory")
    except Exception as error:  # noqa: BLE001 - an error of a parser rejects the file and no other
        yield ArticleRejected(file.origin, f"it cannot be parsed ({type(error).__name__}: {error})"[:300], "unreadable")


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
