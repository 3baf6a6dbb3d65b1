"""Run a command that stops itself: `python -m tests.faults.stopping EVENT PATTERN NTH COMMAND…`.

Before the nth event of the interpreter (`open`, `os.rename`, …) whose arguments match the pattern, it sends itself
SIGSTOP, so that its parent can inspect and kill it.
"""

import os
import re
import signal
import sys

from dateline.__main__ import main


def stop_at(event: str, pattern: str, nth: int) -> None:
    """Stop this process before that event."""
    wanted = re.compile(pattern)
    seen = 0

    def hook(name: str, arguments: tuple[object, ...]) -> None:
        nonlocal seen
        if name == event and wanted.search(" ".join(map(str, arguments))):
            seen += 1
            if seen == nth:
                os.kill(os.getpid(), signal.SIGSTOP)

    sys.addaudithook(hook)


if __name__ == "__main__":
    _, event, pattern, nth, *command = sys.argv
    stop_at(event, pattern, int(nth))
    sys.argv[1:] = command
    main()
