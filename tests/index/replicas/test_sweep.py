"""A sweep removes what no kept generation names, after a grace by the store's clock."""

import os
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from index.admin import roll_back
from index.layout import CATALOG, current_name, generation_names, segment_folder
from index.publishing import read_manifest, retire
from index.replicas.objects import BLOBS, DOOMED, GENERATIONS, blob_name, doomed_name, manifest_name
from index.replicas.pull import replica_of
from index.replicas.push import push
from index.replicas.store import Store, StoredObject
from index.replicas.sweep import sweep
from index.replicas.tombstones import Tombstones
from index.segment import read_record
from tests.fakes import article, built, grown

DAY = timedelta(hours=24)


class WatchedStore(Store):
    """A store that remembers what was listed and removed."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.folder = Path(url.removeprefix("file://"))
        self.lists: list[str] = []
        self.removals: list[str] = []

    def listed(self, prefix: str) -> Iterator[StoredObject]:
        self.lists.append(prefix)
        return super().listed(prefix)

    def remove(self, name: str) -> None:
        self.removals.append(name)
        super().remove(name)

    def age(self, seconds: float, prefix: str = "") -> None:
        """Let the objects under a prefix be so much older."""
        for each in self.listed(prefix):
            os.utime(self.folder / each.name, (each.modified.timestamp() - seconds,) * 2)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A publisher and a store with two generations; the second one shares no segment with the first."""
    folder = tmp_path_factory.mktemp("made")
    data, store = folder / "publisher", Store(f"file://{folder}/store")
    built(data, [article("a", "Crews left the harbour.")])
    push(data, store)
    built(data, [article("b", "The roof of the museum leaks.")])
    push(data, store)
    return folder


@pytest.fixture
def data(made: Path, tmp_path: Path) -> Path:
    """The publisher, which does not keep the first generation."""
    data = shutil.copytree(made, tmp_path / "made") / "publisher"
    retire(data, 1)
    return data


@pytest.fixture
def store(data: Path) -> WatchedStore:
    return WatchedStore(f"file://{data.parent}/store")


def swept(data: Path, store: Store) -> int:
    return sweep(data, store, Tombstones(store))


def generations(store: Store) -> list[str]:
    return sorted(name.removeprefix(GENERATIONS).removesuffix(".json") for name in store.names(GENERATIONS))


def test_a_generation_stays_for_the_grace(made: Path, data: Path, store: WatchedStore) -> None:
    """Then it goes with the blobs that only it names, the record of a segment first; the others can be pulled."""
    old, current = generation_names(made / "publisher")[::-1]
    entry = read_manifest(made / "publisher", old).segments[0]
    files = read_record(segment_folder(made / "publisher", entry.segment)).files
    assert swept(data, store) == 0
    assert list(store.names(DOOMED)) == [doomed_name(old)]
    assert BLOBS not in store.lists
    store.age(DAY.total_seconds() - 60)
    grown(data, [article("c", "The storm broke the pier.")])
    push(data, store)
    assert old in generations(store)
    assert BLOBS not in store.lists

    store.age(61, DOOMED)
    store.age(61, BLOBS)
    swept(data, store)
    assert generations(store) == [current, current_name(data)]
    assert store.removals[-1] == doomed_name(old)
    removed = [name for name in store.removals if name.startswith(BLOBS)]
    of_old = {blob_name(entry.sha256), *(blob_name(file.sha256) for file in files.values())}
    assert set(removed) == of_old - set(store.names(BLOBS))
    order = [
        store.removals.index(name)
        for name in (manifest_name(old), blob_name(entry.sha256), blob_name(files[CATALOG].sha256))
    ]
    assert order == sorted(order)
    with replica_of(data.parent / "replica", store, "east") as replica:
        assert replica.pull().generation == current_name(data)


@pytest.mark.parametrize("skew", [-1e6, 1e6])
def test_clocks_of_machines_do_not_count(data: Path, store: WatchedStore, skew: float) -> None:
    """A store whose clock is days ahead or behind keeps a generation as long."""
    store.age(skew)
    swept(data, store)
    store.age(skew, DOOMED)
    assert swept(data, store) == 0
    assert len(generations(store)) == 2


def test_a_generation_that_is_served_again_is_kept(made: Path, data: Path, store: WatchedStore) -> None:
    """A rollback ends the time for which it was not kept."""
    swept(data, store)
    shutil.copytree(made / "publisher" / "generations", data / "generations", dirs_exist_ok=True)
    shutil.copytree(made / "publisher" / "segments", data / "segments", dirs_exist_ok=True)
    roll_back(data, generation_names(data)[1])
    push(data, store)
    store.age(2 * DAY.total_seconds())
    assert list(store.names(DOOMED)) == []
    assert swept(data, store) == 0


def test_remains_of_killed_pushes_go_with_the_next_generation(data: Path, store: WatchedStore) -> None:
    """Young ones stay: another publisher may be about to name them."""
    for digest in ("0" * 64, "1" * 64):
        store.create(blob_name(digest), digest.encode())
    swept(data, store)
    store.age(DAY.total_seconds(), DOOMED)
    store.age(DAY.total_seconds(), blob_name("0" * 64).rpartition("/")[0] + "/")
    store.create(doomed_name("unknown"), b"")
    swept(data, store)
    assert blob_name("0" * 64) not in set(store.names(BLOBS))
    assert blob_name("1" * 64) in set(store.names(BLOBS))
