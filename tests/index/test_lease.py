import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from index.errors import ConfigurationError, IngestRunning
from index.layout import LOCK
from index.lease import Lease, ingest_lock, unleased

ROOT = Path(__file__).parents[2]
HOLDER = """
import sys
from pathlib import Path
from index.lease import ingest_lock
with ingest_lock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def held_elsewhere(data: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock of a data folder until the block ends."""
    command = [sys.executable, "-c", HOLDER, str(data)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        yield holder


def test_a_second_ingest_is_told_who_runs_the_first(tmp_path: Path) -> None:
    """While one process holds the lock, another is refused at once, and told the first one's number."""
    with held_elsewhere(tmp_path) as holder:
        started = time.monotonic()
        with (
            pytest.raises(IngestRunning, match=rf"process {holder.pid} on .+, since 20") as raised,
            ingest_lock(tmp_path),
        ):
            pass
        assert time.monotonic() - started < 2
    assert "Wait" in raised.value.hint


def test_a_process_that_was_killed_holds_nothing(tmp_path: Path) -> None:
    """The lock ends with its process, however that ends, though the file that names it stays."""
    with held_elsewhere(tmp_path) as holder:
        holder.kill()
    assert (tmp_path / LOCK).is_file()
    with ingest_lock(tmp_path):
        assert json.loads((tmp_path / LOCK).read_text())["pid"] == os.getpid()


def test_the_lock_is_free_again_after_the_block(tmp_path: Path) -> None:
    """An ingest that ended, in order or not, leaves the lock free, and the folder is made where it is missing."""
    data = tmp_path / "not" / "yet"
    with pytest.raises(ZeroDivisionError), ingest_lock(data):
        raise ZeroDivisionError
    with ingest_lock(data), pytest.raises(IngestRunning), ingest_lock(data):
        pass


@pytest.mark.parametrize("written", ["", "{", "[]", "{}", "null", "\x00" * 5000])
def test_a_holder_that_has_not_said_its_name_is_still_one(tmp_path: Path, written: str) -> None:
    """Whatever the lock's file holds, the lock is held."""
    with ingest_lock(tmp_path):
        (tmp_path / LOCK).write_text(written)
        with pytest.raises(IngestRunning, match="has not yet said its name"), ingest_lock(tmp_path):
            pass


def test_a_data_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    """A file where the data folder should be is a wrong setting, and the message names the folder and the option."""
    (tmp_path / "file").touch()
    with (
        pytest.raises(ConfigurationError, match=r"file cannot be written(.|\n)*--data"),
        ingest_lock(tmp_path / "file"),
    ):
        pass


def test_a_lease_is_held_by_any_number_of_readers(tmp_path: Path) -> None:
    """A generation is unleased when the last of its readers has let go, and asking does not take it."""
    path = tmp_path / "lease"
    path.touch()
    assert unleased(path)
    leases = [Lease(path), Lease(path)]
    for lease in leases:
        assert not unleased(path)
        lease.release()
    assert unleased(path)
    assert unleased(path)


def test_nobody_holds_a_lease_that_is_missing(tmp_path: Path) -> None:
    """A generation without the file can be removed."""
    assert unleased(tmp_path / "lease")
