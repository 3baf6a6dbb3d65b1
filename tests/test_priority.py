import os
import subprocess
import sys
from pathlib import Path

import pytest

from dateline.priority import NICENESS
from index.layout import LEASE
from index.lease import Lease

LOOK = """
import os, sys
from pathlib import Path
from dateline.priority import stand_aside
stand_aside(Path(sys.argv[1]))
print(os.nice(0), len(os.sched_getaffinity(0)))
"""


def looked(data: Path) -> tuple[int, int]:
    """The niceness and the number of processors that a command has once it stood aside."""
    command = [sys.executable, "-c", LOOK, str(data)]
    said = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[1])
    niceness, processors = said.stdout.split()
    return int(niceness), int(processors)


@pytest.fixture
def generation(tmp_path: Path) -> Path:
    folder = tmp_path / "generations" / "20260101T000000000Z-00000000"
    folder.mkdir(parents=True)
    (folder / LEASE).touch()
    return folder


def test_beside_a_reader_a_command_leaves_a_processor(generation: Path, tmp_path: Path) -> None:
    """While somebody reads a generation, a command is nicer and has one processor less, but never none."""
    reader = Lease(generation / LEASE)
    try:
        niceness, processors = looked(tmp_path)
    finally:
        reader.release()
    assert niceness == min(19, os.nice(0) + NICENESS)
    assert processors == max(1, len(os.sched_getaffinity(0)) - 1)


def test_alone_a_command_takes_all(generation: Path, tmp_path: Path) -> None:
    """Where nobody reads a generation, and where there is none, a command has the whole machine."""
    whole = os.nice(0), len(os.sched_getaffinity(0))
    assert looked(tmp_path) == whole
    assert looked(tmp_path / "no such folder") == whole
