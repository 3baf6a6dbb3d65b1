"""A second ingest while one runs: `python -m tests.faults.second_ingest` prints how soon it was told."""

import os
import signal
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from tests.faults.newsdesk import Newsdesk, manifest_of

DURING = ("subprocess.Popen", r"index\.verification", "1")
"""Where the first stands while the second comes: all is built, nothing published."""


@dataclass(frozen=True, slots=True)
class Told:
    """What the second ingest was told, how soon, and who holds the lock."""

    holder: int
    exit_code: int
    words: str
    seconds: float


def second_while_first_runs(desk: Newsdesk, times: int) -> list[Told]:
    """Start ingests beside one that stands still, then let it go on; raises AssertionError where it was disturbed."""
    told = []
    command = ("ingest", str(desk.articles), "--data", str(desk.data))
    with desk.start(*command, module=("tests.faults.stopping", *DURING)) as first:
        os.waitpid(first.pid, os.WUNTRACED)
        for _ in range(times):
            began = time.monotonic()
            second = desk.run(*command)
            told.append(Told(first.pid, second.returncode, second.stderr, time.monotonic() - began))
        os.kill(first.pid, signal.SIGCONT)
        _, err = first.communicate(timeout=100)
    assert first.returncode == 0, err
    assert desk.left_behind() == []
    return told


def main() -> None:
    """Try five times and print what was said."""
    with tempfile.TemporaryDirectory() as place:
        desk = Newsdesk(Path(place), articles=400)
        told = second_while_first_runs(desk, 5)
        manifest = manifest_of(desk.data)
    for each in told:
        sys.stdout.write(f"exit {each.exit_code} after {each.seconds:.2f} s: {each.words}")
    sys.stdout.write(f"the first, process {told[0].holder}, published {manifest.article_count} articles\n")


if __name__ == "__main__":
    main()
