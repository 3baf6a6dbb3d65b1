"""Run a command that stops itself: `python -m tests.faults.stopping EVENT PATTERN NTH AFTER COMMAND…`.

Before the nth event of the interpreter (`open`, `os.rename`, …) whose arguments match the pattern, it sends itself
SIGSTOP, so that its parent can inspect and kill it. Events are counted once CURRENT has been replaced if AFTER is
`published`, and from the start if it is `started`.
"""

import os
import re
import signal
import sys

from dateline.__main__ import main
from index.layout import CURRENT
from tests.faults.vectors import replace_embedder


def stop_at(event: str, pattern: str, nth: int, after: str) -> None:
    """Stop this process before that event."""
    wanted, published = re.compile(pattern), re.compile(rf"/{CURRENT}\.\d+\.new ")
    seen, counting = 0, after == "started"

    def hook(name: str, arguments: tuple[object, ...]) -> None:
        nonlocal seen, counting
        words = " ".join(map(str, arguments))
        if not counting:
            counting = name == "os.rename" and bool(published.search(words))
        elif name == event and wanted.search(words):
            seen += 1
            if seen == nth:
                os.kill(os.getpid(), signal.SIGSTOP)

    sys.addaudithook(hook)


if __name__ == "__main__":
    _, event, pattern, nth, after, *command = sys.argv
    stop_at(event, pattern, int(nth), after)
    sys.argv[1:] = command
    replace_embedder()
    main()
