"""The object store: what every kind of it does."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from index.errors import ConfigurationError, StoreUnavailable
from index.replicas.store import Store


@pytest.fixture(params=["folder", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """A store in a folder that does not exist yet, or in memory."""
    return Store("memory:///" if request.param == "memory" else f"file://{tmp_path}/made/here")


def test_an_object_is_created_once(store: Store, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"first")
    assert store.create("a/b", file)
    assert not store.create("a/b", b"second")
    assert store.read("a/b") == b"first"
    assert b"".join(store.pieces("a/b")) == b"first"
    store.replace("a/b", b"third")
    assert store.read("a/b") == b"third"


def test_one_of_many_creates_an_object(store: Store) -> None:
    with ThreadPoolExecutor(8) as threads:
        for number in range(20):
            done = list(threads.map(lambda who: store.create(f"n/{number}", bytes([who])), range(8)))  # noqa: B023
            assert sum(done) == 1
            assert store.read(f"n/{number}") == bytes([done.index(True)])


def test_names_are_those_under_a_prefix(store: Store) -> None:
    for name in ("pointers/1", "pointers/2", "pointers/3", "pointers-of/1", "blobs/ab/abc"):
        store.create(name, b"")
    assert sorted(store.names("pointers/")) == ["pointers/1", "pointers/2", "pointers/3"]
    assert sorted(store.names("pointers/", after="pointers/1")) == ["pointers/2", "pointers/3"]
    assert sorted(store.names("nothing/")) == []
    store.remove("pointers/2")
    store.remove("pointers/2")
    assert sorted(store.names("pointers/")) == ["pointers/1", "pointers/3"]


def test_a_missing_object(store: Store) -> None:
    assert store.read("nothing") is None
    with pytest.raises(FileNotFoundError):
        list(store.pieces("nothing"))


@pytest.mark.parametrize("url", ["bucket", "/srv/store", "http://store.example/x", "ftp://x", "s3://", ""])
def test_an_invalid_address(url: str) -> None:
    with pytest.raises(ConfigurationError):
        Store(url)


def test_a_store_that_refuses(tmp_path: Path) -> None:
    """A folder whose parent is a file cannot be made; a name that is a folder is not an object."""
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ConfigurationError):
        Store(f"file://{tmp_path}/file/store")
    store = Store(f"file://{tmp_path}/store")
    store.create("a/b/c", b"")
    with pytest.raises(StoreUnavailable) as caught:
        store.replace("a/b", b"")
    assert "\n\n" not in str(caught.value)
