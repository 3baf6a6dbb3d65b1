"""After any kill or outage, a pointer names a complete generation, and so does the CURRENT of each replica."""

import shutil
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from index.errors import StoreUnavailable
from index.layout import PUBLISHER, SEGMENTS, current_name, generation_names, unfinished
from index.publishing import make_current, named_segments, read_manifest
from index.replicas import copying, fetch, objects, pull
from index.replicas.objects import POINTERS, blob_name, numbers, read_pointer, read_segment
from index.replicas.pull import replica_of
from index.replicas.push import push
from index.replicas.store import Store
from index.segment import file_faults, read_record
from tests.fakes import article, built, grown
from tests.index.replicas.stores import FailingStore, Killed, Steps

REPLICAS = ("east", "west")
DISK = ((pull, "write_synced"), (pull, "make_current"), (pull, "retire"), (fetch, "_move"), (fetch, "verify_in_child"))
"""Steps on the disk of a replica at which a pull may be killed."""

ERRORS = (Killed(), StoreUnavailable("away"))


def faults(folder: Path, **_: object) -> list[str]:
    """Return which files have changed; their contents are valid."""
    return file_faults(folder, read_record(folder))


class Replication(RuleBasedStateMachine):
    """A publisher that goes back and forth between its generations, and two replicas."""

    folder: Path
    publisher: Path

    @initialize()
    def begin(self) -> None:
        """Begin with an empty store, and without replicas."""
        self.store = Store("memory:///")
        self.names = sorted(generation_names(self.publisher))
        make_current(self.publisher, self.names[0])
        (self.publisher / PUBLISHER).unlink(missing_ok=True)
        for name in REPLICAS:
            shutil.rmtree(self.folder / name, ignore_errors=True)

    @rule(number=st.integers(0, 2))
    def publish(self, number: int) -> None:
        """Make a generation current: a new one, or an old one as a rollback does."""
        make_current(self.publisher, self.names[number])

    @rule(at=st.integers(1, 60), error=st.sampled_from(ERRORS), after=st.booleans())
    def push(self, at: int, error: BaseException, after: bool) -> None:
        """Push, and fail at a step if there are so many."""
        with suppress(Killed, StoreUnavailable):
            push(self.publisher, FailingStore(self.store, Steps(at, error, after=after)))

    @rule(name=st.sampled_from(REPLICAS), at=st.integers(1, 90), error=st.sampled_from(ERRORS), after=st.booleans())
    def pull(self, name: str, at: int, error: BaseException, after: bool) -> None:
        """Pull, and fail at a step if there are so many."""
        steps = Steps(at, error, after=after)
        with pytest.MonkeyPatch.context() as patch, suppress(Killed, StoreUnavailable):
            for module, step in DISK:
                patch.setattr(module, step, steps.counted(getattr(module, step)))
            with replica_of(self.folder / name, FailingStore(self.store, steps), name) as replica:
                replica.pull()

    @precondition(lambda self: hasattr(self, "store"))
    @invariant()
    def every_pointer_names_a_complete_generation(self) -> None:
        """The store has all that a pointer vouches for; numbers have no gap."""
        found = sorted(numbers(self.store, POINTERS))
        assert found == list(range(1, len(found) + 1))
        self.pushed = set[str]()
        for pointer in (read_pointer(self.store, number) for number in found):
            assert pointer is not None
            if pointer.generation not in self.pushed:
                self.pushed.add(pointer.generation)
                for entry in objects.read_manifest(self.store, pointer)[1].segments:
                    for file in read_segment(self.store, entry)[1].files.values():
                        assert sha256(self.store.read(blob_name(file.sha256)) or b"").hexdigest() == file.sha256

    @precondition(lambda self: hasattr(self, "pushed"))
    @invariant()
    def every_replica_has_what_it_serves(self) -> None:
        """CURRENT names a generation that was pushed, and all of it is there."""
        for data in (self.folder / name for name in REPLICAS):
            name = current_name(data)
            if name is not None:
                assert name in self.pushed
                for entry in read_manifest(data, name).segments:
                    assert fetch.has_segment(data, entry, by_size=False)

    def teardown(self) -> None:
        """Once nothing fails, everything arrives, and nothing else is left."""
        if hasattr(self, "store"):
            push(self.publisher, self.store)
            for data in (self.folder / name for name in REPLICAS):
                with replica_of(data, self.store, data.name, keep=1) as replica:
                    replica.pull()
                assert current_name(data) == current_name(self.publisher)
                assert not unfinished(data)
                assert {path.name for path in (data / SEGMENTS).iterdir()} == named_segments(data)


@pytest.fixture(scope="module")
def publisher(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of a publisher with three generations, which share segments."""
    data = tmp_path_factory.mktemp("publisher")
    built(data, [article("a", "Crews left the harbour.")])
    grown(data, [article("b", "The roof of the museum leaks.")])
    grown(data, [article("c", "The bridge is open again.")], removed=["a"])
    return data


def test_interrupted_pushes_and_pulls(publisher: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "sync", lambda _: None)
    monkeypatch.setattr(fetch, "verify_in_child", faults)
    for module in (fetch, copying):
        # One file after the other, so that a failure repeats itself.
        monkeypatch.setattr(module, "AT_ONCE", 1)

    class Machine(Replication):
        folder = tmp_path

    Machine.publisher = publisher
    run_state_machine_as_test(Machine, settings=settings(max_examples=4, stateful_step_count=10, deadline=None))
