"""A takedown reaches the store and every replica, whatever is killed, late or restored meanwhile."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from index.admin import Takedown, roll_back
from index.layout import current_name, generation_names
from index.replicas import objects
from index.replicas.pull import Replica, replica_of
from index.replicas.push import push
from index.replicas.store import Store
from index.replicas.takedown import Reached, announced_take_down, reach
from tests.fakes import article, built, grown, opened

SECRET = "Quentin Varga lives at 9 Mill Lane."
GONE = article("gone-to-court", f"The ferry left. {SECRET}", title="Varga and the xylophone")
TRACES = (SECRET.encode(), b"Varga", b"xylophon", b"gone-to-court")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three generations: without the article, with its first version, and with its second one."""
    data = tmp_path_factory.mktemp("made")
    built(data, [article("kept", "All were saved.")])
    grown(data, [replace(GONE, body=f"{SECRET} An older wording.")])
    grown(data, [GONE, article("later", "The storm broke the pier.")])
    return data


@pytest.fixture
def publisher(made: Path, tmp_path: Path) -> Path:
    return shutil.copytree(made, tmp_path / "publisher")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(f"file://{tmp_path}/store")


@pytest.fixture
def east(tmp_path: Path, store: Store) -> Iterator[Replica]:
    with replica_of(tmp_path / "east", store, "east") as replica:
        replica.patience_s = 0.0
        yield replica


def taken_down(publisher: Path, store: Store) -> tuple[Takedown, Reached]:
    """Take the article down, without waiting."""
    return announced_take_down(publisher, store, ["gone-to-court"]), reach(publisher, store, 0.0)


def traces(folder: Path) -> list[str]:
    """Return the files that have a trace of the article in their bytes or their names."""
    paths = [path for path in folder.rglob("*") if path.is_file()]
    return [str(path) for path in paths if any(each in path.read_bytes() + str(path).encode() for each in TRACES)]


def test_nothing_is_left_in_the_store_and_on_a_replica(publisher: Path, store: Store, east: Replica) -> None:
    """Generations that are older than the newest pointer go as well, and what killed pushes left."""
    for name in generation_names(publisher)[::-1]:
        roll_back(publisher, name)
        push(publisher, store)
        east.pull()
    left = Path(store.url.removeprefix("file://")) / "blobs" / "abc#1"
    left.write_bytes(SECRET.encode())
    store.create(objects.blob_name("0" * 64), SECRET.encode())
    assert traces(east.data)
    assert traces(Path(store.url.removeprefix("file://")))

    takedown, reached = taken_down(publisher, store)
    assert takedown.complete
    assert [each.report.name for each in reached.waiting] == ["east"]
    assert traces(Path(store.url.removeprefix("file://"))) == []
    assert traces(east.data)

    assert east.look() is not None
    assert traces(east.data) == []
    reached = reach(publisher, store, 0.0)
    assert reached.complete
    with opened(east.data) as generation:
        assert sorted(generation.hashes()) == ["kept", "later"]
    assert current_name(east.data) == current_name(publisher)
