"""Keys of a publisher and its replicas: a replica accepts what the publisher accepts, and what it revoked nowhere."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.errors import PublisherConflict
from index.replicas.keys import KEYS, KeyFollower, KeyPublisher, digest_of, replicas_without
from index.replicas.pull import replica_of
from index.replicas.push import Publisher
from index.replicas.store import Store
from service.errors import KeysUnavailable
from service.keys import Grant, KeyRing, KeyStore
from tests.fakes import article, built


def publisher_of(data: Path, store: Store) -> KeyPublisher:
    keys = KeyStore(data)
    return KeyPublisher(data, store, keys.path, keys.exported)


@contextmanager
def follower_of(data: Path, store: Store, name: str = "east") -> Iterator[KeyFollower]:
    with replica_of(data, store, name) as replica:
        yield KeyFollower(replica, KeyStore(data).replace)


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path, Store]:
    """The data folders of a publisher and of a replica, and their store."""
    for name in ("publisher", "replica"):
        (tmp_path / name).mkdir()
    return tmp_path / "publisher", tmp_path / "replica", Store("memory:///")


def test_a_key_works_on_a_replica_until_it_is_revoked(folders: tuple[Path, Path, Store]) -> None:
    """The file is replaced with each change, and its owner alone may read it."""
    publisher, replica, store = folders
    text, key = KeyStore(publisher).create(Grant("app"))
    ticks = iter(range(0, 1_000, 10))
    ring = KeyRing(KeyStore(replica), lambda: next(ticks))
    with follower_of(replica, store) as follower:
        assert not follower.look()
        assert publisher_of(publisher, store).look()
        assert (follower.look(), follower.look()) == (True, False)
        assert ring.find(text) == key
        assert KeyStore(replica).path.stat().st_mode & 0o777 == 0o600
        KeyStore(publisher).revoke(key.id)
        publisher_of(publisher, store).share()
        assert follower.look()
    assert ring.find(text) is None
    assert ring.is_used
    assert text.encode() not in (store.read(KEYS) or b"")


def test_a_publisher_knows_which_replicas_have_its_keys(folders: tuple[Path, Path, Store]) -> None:
    """A replica reports the keys that it took."""
    publisher, replica, store = folders
    KeyStore(publisher).create(Grant("app"))
    digest = publisher_of(publisher, store).share()
    with follower_of(replica, store) as follower:
        follower.look()
        assert replicas_without(store, digest) == ([], 1)
        KeyStore(publisher).create(Grant("another"))
        digest = publisher_of(publisher, store).share()
        assert replicas_without(store, digest) == (["east"], 1)
        follower.look()
    assert replicas_without(store, digest) == ([], 1)
    assert digest == digest_of(KeyStore(replica).exported()) == digest_of(KeyStore(publisher).exported())


def test_a_replica_keeps_its_keys_if_those_of_the_store_are_not_valid(folders: tuple[Path, Path, Store]) -> None:
    """An older version of Dateline does not drop the conditions of a key that it does not know."""
    publisher, replica, store = folders
    text, key = KeyStore(publisher).create(Grant("app"))
    publisher_of(publisher, store).share()
    with follower_of(replica, store) as follower:
        follower.look()
        newer = KeyStore(publisher).exported().replace('\\"name\\"', '\\"place\\": 1, \\"name\\"')
        KeyPublisher(publisher, store, KeyStore(publisher).path, lambda: newer).share()
        with pytest.raises(KeysUnavailable):
            follower.look()
    assert KeyStore(replica).keys() == (key,)
    assert KeyRing(KeyStore(replica)).find(text) == key


def test_the_keys_are_those_of_the_folder_that_publishes(folders: tuple[Path, Path, Store], tmp_path: Path) -> None:
    """Another folder does not replace them."""
    publisher, _, store = folders
    built(publisher, [article("a", "Crews left the harbour.")])
    Publisher(publisher, store).push()
    (tmp_path / "other").mkdir()
    KeyStore(tmp_path / "other").create(Grant("app"))
    with pytest.raises(PublisherConflict):
        publisher_of(tmp_path / "other", store).share()
    assert store.read(KEYS) is None


@settings(max_examples=40)
@given(interrupted=st.lists(st.booleans(), max_size=6))
def test_of_commands_at_the_same_time_the_last_change_stays(
    interrupted: list[bool], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The store has the keys of the folder once all have ended, in any order of their steps."""
    store, current, folder = Store("memory:///"), ["0"], tmp_path_factory.getbasetemp()

    def export() -> str:
        keys = current[0]
        if interrupted and interrupted.pop():
            # Another command changes and shares the keys after this one has read them.
            current[0] = str(int(keys) + 1)
            KeyPublisher(folder, store, folder, export).share()
        return keys

    assert KeyPublisher(folder, store, folder, export).share() == digest_of(current[0])
