import errno
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from index.errors import ConfigurationError, IngestRunning, PublishFailed
from index.layout import LOCK, exclusive, ingest_lock, is_leased, leased

ROOT = Path(__file__).parents[2]
HOLDER = """
import sys
from pathlib import Path
from index.layout import ingest_lock
with ingest_lock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def held_elsewhere(data: Path) -> Iterator[subprocess.Popen[str]]:
    """Run another process that holds the lock of a data folder until the block ends."""
    command = [sys.executable, "-c", HOLDER, str(data)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        yield holder


def test_a_second_ingest_names_the_first(tmp_path: Path) -> None:
    """While one process holds the lock, another does not wait but gets an error with the id of the first."""
    with (
        held_elsewhere(tmp_path) as holder,
        pytest.raises(IngestRunning, match=rf"process {holder.pid} on .+, since 20") as raised,
        ingest_lock(tmp_path),
    ):
        pass
    assert "Wait" in raised.value.hint


def test_a_process_that_was_killed_holds_nothing(tmp_path: Path) -> None:
    """The lock ends with its process, even if the file with its holder stays."""
    with held_elsewhere(tmp_path) as holder:
        holder.kill()
    assert (tmp_path / LOCK).is_file()
    with ingest_lock(tmp_path):
        assert json.loads((tmp_path / LOCK).read_text())["pid"] == os.getpid()


def test_the_lock_is_free_again_after_the_block(tmp_path: Path) -> None:
    """An ingest releases the lock on success and on failure; a missing folder is created."""
    data = tmp_path / "not" / "yet"
    with pytest.raises(ZeroDivisionError), ingest_lock(data):
        raise ZeroDivisionError
    with ingest_lock(data), pytest.raises(IngestRunning), ingest_lock(data):
        pass


@pytest.mark.parametrize("written", ["", "{", "[]", "{}", "null", "\x00" * 5000])
def test_an_unknown_holder_holds_the_lock(tmp_path: Path, written: str) -> None:
    """The lock is held even if its file does not name the holder."""
    with ingest_lock(tmp_path):
        (tmp_path / LOCK).write_text(written)
        with pytest.raises(IngestRunning, match="holder unknown"), ingest_lock(tmp_path):
            pass


def test_a_data_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    """A file in place of the data folder is an error that names the folder and the option."""
    (tmp_path / "file").touch()
    with (
        pytest.raises(ConfigurationError, match=r"file cannot be written(.|\n)*--data"),
        ingest_lock(tmp_path / "file"),
    ):
        pass


def test_a_lease_ends_with_its_last_reader(tmp_path: Path) -> None:
    """A generation is leased until its last reader releases it; the check does not lease it."""
    path = tmp_path / "generation.json"
    path.touch()
    assert not is_leased(path)
    with leased(path):
        with leased(path):
            assert is_leased(path)
        assert is_leased(path)
    assert not is_leased(path)
    assert not is_leased(path)


def test_a_manifest_that_is_gone_has_no_lease(tmp_path: Path) -> None:
    """A manifest that another process removes meanwhile is not leased, and cannot be leased."""
    assert not is_leased(tmp_path / "generation.json")
    with pytest.raises(FileNotFoundError), leased(tmp_path / "generation.json"):
        pass


def test_readers_and_removal_exclude_each_other(tmp_path: Path) -> None:
    """A leased manifest is not free to be removed; a free one is, and its lock ends with the block."""
    path = tmp_path / "generation.json"
    path.touch()
    with leased(path), exclusive(path) as free:
        assert not free
    for _ in range(2):
        with exclusive(path) as free:
            assert free
            assert is_leased(path)


def test_a_manifest_that_is_removed_while_a_reader_waits_is_not_leased(tmp_path: Path) -> None:
    """A reader that opened the manifest before its removal, and locks it after, gets FileNotFoundError."""
    path = tmp_path / "generation.json"
    path.touch()
    failures: list[BaseException] = []

    def read() -> None:
        try:
            with leased(path):
                pass
        except FileNotFoundError as error:
            failures.append(error)

    waiting = threading.Thread(target=read)
    with exclusive(path) as free:
        assert free
        waiting.start()
        waiting.join(0.1)
        assert waiting.is_alive()
        path.unlink()
        path.touch()
    waiting.join(10)
    assert len(failures) == 1


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EDQUOT, errno.EIO])
def test_a_disk_that_refuses_fails_the_publish(tmp_path: Path, code: int) -> None:
    """A full or read-only disk is PublishFailed with the reason; the lock is released."""
    with (
        pytest.raises(PublishFailed, match=f"could not be written: .*{os.strerror(code)}") as raised,
        ingest_lock(tmp_path),
    ):
        raise OSError(code, os.strerror(code))
    assert "is unchanged" in raised.value.hint
    with pytest.raises(FileNotFoundError), ingest_lock(tmp_path):
        raise FileNotFoundError
