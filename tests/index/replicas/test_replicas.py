"""A publisher, a store and two replicas with open libraries: every generation arrives complete, or not at all.

`python -m tests.soak replicas` has the same with processes, a load balancer and users.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from index.errors import StoreDamaged
from index.layout import current_name
from index.library import Library
from index.replicas.objects import blob_name, newest_pointer, read_manifest, read_segment
from index.replicas.pull import replica_of
from index.replicas.push import Publisher, push
from index.replicas.store import Store
from tests.fakes import HashedEmbedder, built, grown, newsroom, opened

ARTICLES = newsroom(24)


class Follower:
    """A replica with a library that is asked, as a service has it."""

    def __init__(self, data: Path, store: Store) -> None:
        self.data, self.store = data, store
        self.library = Library(data, HashedEmbedder().name)

    def pull(self) -> None:
        """Pull, then look for a new generation as a service does."""
        with replica_of(self.data, self.store, self.data.name) as replica:
            replica.pull()
        self.library.refresh()

    def articles(self) -> tuple[str, ...]:
        """Return the bodies that a question finds."""
        with self.library.pinned() as generation:
            return tuple(sorted(each.body for each in generation.articles()))


@pytest.fixture
def store() -> Store:
    """A store in memory."""
    return Store("memory:///")


@pytest.fixture
def publisher(tmp_path: Path, store: Store) -> Path:
    """The data folder of a publisher, whose first generation is pushed."""
    data = tmp_path / "publisher"
    built(data, ARTICLES[:12])
    push(data, store)
    return data


@pytest.fixture
def followers(tmp_path: Path, store: Store, publisher: Path) -> Iterator[list[Follower]]:
    """Two replicas that serve the first generation."""
    both = [Follower(tmp_path / name, store) for name in ("east", "west")]
    for follower in both:
        follower.pull()
    yield both
    for follower in both:
        follower.library.close()


def bodies(data: Path) -> tuple[str, ...]:
    """Return the bodies of the current generation of a data folder."""
    with opened(data) as generation:
        return tuple(sorted(each.body for each in generation.articles()))


def test_both_replicas_follow_three_generations(publisher: Path, store: Store, followers: list[Follower]) -> None:
    for start in (12, 16, 20):
        grown(publisher, ARTICLES[start : start + 4], removed=[ARTICLES[start - 12].article_id])
        push(publisher, store)
        for follower in followers:
            follower.pull()
            assert follower.library.served == current_name(publisher)
            assert follower.articles() == bodies(publisher)
            assert follower.library.error is None


def test_a_question_keeps_the_generation_that_it_began_with(
    publisher: Path, store: Store, followers: list[Follower]
) -> None:
    with followers[0].library.pinned() as generation:
        before = generation.name
        grown(publisher, ARTICLES[12:])
        push(publisher, store)
        for _ in range(2):
            followers[0].pull()
        assert followers[0].library.served != before
        assert len(list(generation.articles())) == 12


def test_a_replica_refuses_a_corrupt_blob_and_goes_on_after_a_repair(
    publisher: Path, store: Store, followers: list[Follower]
) -> None:
    old, served = bodies(publisher), followers[0].library.served
    grown(publisher, ARTICLES[12:])
    push(publisher, store)
    pointer = newest_pointer(store)
    assert pointer is not None
    _, record = read_segment(store, read_manifest(store, pointer)[1].segments[-1])
    largest = max(record.files.values(), key=lambda file: file.size)
    name = blob_name(largest.sha256)
    content = store.read(name) or b""
    store.replace(name, content[:-1] + bytes([content[-1] ^ 1]))
    for follower in followers:
        with pytest.raises(StoreDamaged, match=largest.sha256):
            follower.pull()
        follower.library.refresh()
        assert (follower.library.served, follower.articles()) == (served, old)
    Publisher(publisher, store).push(repair=True)
    for follower in followers:
        follower.pull()
        assert follower.articles() == bodies(publisher)
