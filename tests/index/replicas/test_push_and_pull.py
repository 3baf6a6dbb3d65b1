"""Push and pull: a replica serves the generation that was pushed, and only that."""

from pathlib import Path

import pytest

from index.layout import current_name
from index.replicas.objects import reports
from index.replicas.pull import PullReport, replica_of
from index.replicas.push import push
from index.replicas.store import Store
from tests.fakes import article, built, grown, opened


@pytest.fixture
def publisher(tmp_path: Path) -> Path:
    """The data folder of a publisher with one article."""
    data = tmp_path / "publisher"
    built(data, [article("a", "Crews left the harbour.")])
    return data


def pulled(data: Path, store: Store) -> PullReport:
    """Pull once."""
    with replica_of(data, store, "east") as replica:
        return replica.pull()


def test_a_replica_serves_what_was_pushed(publisher: Path, tmp_path: Path) -> None:
    store, replica = Store(f"file://{tmp_path}/store"), tmp_path / "replica"
    first = push(publisher, store)
    assert (first.pointer, first.is_new) == (1, True)
    assert pulled(replica, store).is_new
    with opened(replica) as generation:
        assert list(generation.hashes()) == ["a"]
    grown(publisher, [article("b", "The roof of the museum leaks.")])
    second = push(publisher, store)
    report = pulled(replica, store)
    assert (second.pointer, report.pointer) == (2, 2)
    assert report.segments == second.segments
    assert current_name(replica) == current_name(publisher) == report.generation
    with opened(replica) as generation:
        assert sorted(generation.hashes()) == ["a", "b"]
    assert (push(publisher, store).is_new, pulled(replica, store).is_new) == (False, False)


def test_a_replica_that_leaves_is_not_waited_for(publisher: Path, tmp_path: Path) -> None:
    """Its report is removed, and a pull that still runs makes no other."""
    store = Store("memory:///")
    push(publisher, store)
    with replica_of(tmp_path / "replica", store, "east") as replica:
        replica.pull()
        assert [each.name for each in reports(store)] == ["east"]
        replica.leave()
        replica.pull()
    assert list(reports(store)) == []
