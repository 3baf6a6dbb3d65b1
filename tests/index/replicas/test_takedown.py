"""A takedown reaches the store and every replica, whatever is killed, late or restored meanwhile."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from index.admin import Takedown, roll_back
from index.errors import ArticleTakenDown, ConfigurationError, StoreUnavailable
from index.layout import current_name, generation_names, segment_names
from index.publishing import retire
from index.replicas import objects
from index.replicas.pull import Replica, replica_of
from index.replicas.push import push
from index.replicas.store import Store
from index.replicas.takedown import Reached, announce, announced_take_down, forget_replica, list_replicas, reach
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


class AwayStore(Store):
    """A store that creates no tombstone."""

    def create(self, name: str, content: bytes | Path) -> bool:
        if name.startswith(objects.TOMBSTONES):
            raise StoreUnavailable("the store is away")
        return super().create(name, content)


class SlowStore(Store):
    """A store that calls `meanwhile` before it serves the first blob."""

    def __init__(self, url: str, meanwhile: Callable[[], object]) -> None:
        super().__init__(url)
        self.meanwhile: Callable[[], object] | None = meanwhile

    def pieces(self, name: str) -> Iterator[bytes]:
        if name.startswith(objects.BLOBS) and self.meanwhile is not None:
            meanwhile, self.meanwhile = self.meanwhile, None
            meanwhile()
        return super().pieces(name)


class BrokenStore(Store):
    """A store that serves no blob."""

    def pieces(self, name: str) -> Iterator[bytes]:
        if name.startswith(objects.BLOBS):
            raise StoreUnavailable("the store is away")
        return super().pieces(name)


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


def test_nothing_is_removed_before_the_store_knows(publisher: Path, store: Store) -> None:
    """The command can be run again, on the complete data folder."""
    push(publisher, store)
    before = generation_names(publisher), segment_names(publisher)
    with pytest.raises(StoreUnavailable):
        announced_take_down(publisher, AwayStore(store.url), ["gone-to-court"])
    assert (generation_names(publisher), segment_names(publisher)) == before
    with pytest.raises(ConfigurationError):
        announced_take_down(publisher, store, ["unknown"])
    assert objects.tombstones(store) == []


def test_a_takedown_that_was_killed_is_run_again(publisher: Path, store: Store, east: Replica) -> None:
    """The article is gone from the data folder already; the tombstone tells that it was there."""
    push(publisher, store)
    east.pull()
    announced_take_down(publisher, store, ["gone-to-court"])
    assert not taken_down(publisher, store)[1].complete
    east.pull()
    takedown, reached = taken_down(publisher, store)
    assert (takedown.complete, takedown.rewritten_segments, reached.complete) == (True, 0, True)
    assert traces(east.data) == traces(Path(store.url.removeprefix("file://"))) == []


def test_a_replica_that_was_away_removes_what_the_publisher_no_longer_knew(
    publisher: Path, store: Store, east: Replica
) -> None:
    """Its segment with the first version was not in the publisher's folder at the takedown."""
    roll_back(publisher, generation_names(publisher)[1])
    push(publisher, store)
    east.pull()
    roll_back(publisher, generation_names(publisher)[1])
    retire(publisher, 1)
    push(publisher, store)
    taken_down(publisher, store)
    east.pull()
    assert traces(east.data) == []
    assert reach(publisher, store, 0.0).complete


def test_a_service_that_reads_the_article_delays_the_acknowledgement(
    publisher: Path, store: Store, east: Replica
) -> None:
    """The replica looks again without a new pointer, until the service has switched."""
    push(publisher, store)
    east.pull()
    with opened(east.data):
        taken_down(publisher, store)
        assert east.look() is not None
        assert not reach(publisher, store, 0.0).complete
        east.pull()
        assert east.has_news()
        assert east.mark.tombstone == 0
    assert east.look() is not None
    assert (east.mark.tombstone, east.has_news(), traces(east.data)) == (1, False, [])
    assert reach(publisher, store, 0.0).complete


def test_a_restored_backup_is_not_pushed(made: Path, publisher: Path, store: Store, east: Replica) -> None:
    """The article must be taken down again first."""
    taken_down(publisher, store)
    for folder in ("generations", "segments"):
        shutil.copytree(made / folder, publisher / folder, dirs_exist_ok=True)
    roll_back(publisher, generation_names(made)[0])
    with pytest.raises(ArticleTakenDown, match="taken down since"):
        push(publisher, store)
    east.pull()
    assert traces(east.data) == traces(Path(store.url.removeprefix("file://"))) == []
    taken_down(publisher, store)
    assert push(publisher, store).pointer == 2


def test_a_replica_refuses_the_pointer_of_a_slow_push(publisher: Path, store: Store, east: Replica) -> None:
    """A push that began before the takedown may end after it: a replica serves what it has, or nothing."""
    push(publisher, store)
    for segments in ([], segment_names(publisher)[1:]):
        announce(store, 0, ["gone-to-court"], segments)
        with pytest.raises(ArticleTakenDown):
            east.pull()
        assert (current_name(east.data), traces(east.data)) == (None, [])
    assert [each.report.tombstone for each in list_replicas(store)] == [0]
    taken_down(publisher, store)
    assert east.pull().is_new
    assert reach(publisher, store, 0.0).complete


def test_an_article_can_be_published_again(publisher: Path, store: Store, east: Replica) -> None:
    """Its id does not forbid a version that was written after the takedown."""
    taken_down(publisher, store)
    grown(publisher, [replace(GONE, body="The court allowed this.")])
    push(publisher, store)
    east.pull()
    with opened(east.data) as generation:
        assert "gone-to-court" in generation.hashes()
    grown(publisher, [replace(GONE, body="The court allowed that.")])
    push(publisher, store)
    assert east.pull().is_new
    assert reach(publisher, store, 0.0).complete


def test_a_replica_is_forgotten_by_a_name_that_only_it_has(store: Store, publisher: Path, tmp_path: Path) -> None:
    push(publisher, store)
    for folder, name in (("1", "east"), ("2", "east"), ("3", "west")):
        with replica_of(tmp_path / folder, store, name) as replica:
            replica.pull()
    assert forget_replica(store, "west").name == "west"
    with pytest.raises(ConfigurationError, match="2 replicas match 'east'"):
        forget_replica(store, "east")
    for each in list_replicas(store):
        forget_replica(store, each.report.id)
    assert list_replicas(store) == []


def test_a_replica_reports_before_it_copies(store: Store, publisher: Path, tmp_path: Path) -> None:
    """So a takedown waits for one whose first pull was killed."""
    push(publisher, store)
    with replica_of(tmp_path / "new", BrokenStore(store.url), "new") as replica, pytest.raises(StoreUnavailable):
        replica.pull()
    assert [each.report.name for each in list_replicas(store)] == ["new"]
    assert not taken_down(publisher, store)[1].complete


def test_a_takedown_during_a_pull_stops_it(store: Store, publisher: Path, tmp_path: Path) -> None:
    """A replica does not begin to serve an article that was taken down while it was copied."""
    push(publisher, store)
    slow = SlowStore(store.url, lambda: announce(store, 0, ["gone-to-court"], []))
    with replica_of(tmp_path / "new", slow, "new") as replica:
        with pytest.raises(ArticleTakenDown):
            replica.pull()
        assert (current_name(replica.data), traces(replica.data)) == (None, [])
        taken_down(publisher, store)
        assert replica.pull().is_new
    assert reach(publisher, store, 0.0).complete
