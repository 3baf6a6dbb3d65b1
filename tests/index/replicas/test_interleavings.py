"""A publisher and two replicas whose steps interrupt each other and are killed at any request to the store."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.admin import roll_back
from index.errors import DatelineError
from index.layout import GENERATIONS, SEGMENTS, current_name, generation_names, store_lock
from index.publishing import read_manifest
from index.records import fingerprint
from index.replicas import copying, takedown
from index.replicas import push as push_module
from index.replicas.objects import blob_name, newest_pointer, read_segment
from index.replicas.objects import read_manifest as manifest_in
from index.replicas.pull import replica_of
from index.replicas.push import push
from index.replicas.store import Store, StoredObject
from index.replicas.sweep import sweep
from index.replicas.takedown import announced_take_down, reach
from index.replicas.tombstones import Tombstones
from tests.fakes import article, built, grown, opened

SECRET = b"Quentin Varga lives at 9 Mill Lane."


class Killed(BaseException):
    """The end of a process at a request."""


@dataclass
class Interruption:
    """An event at a request of a step: another step runs, or the process is killed."""

    at: int
    step: str


class InterruptedStore(Store):
    """A store in memory that calls `interrupt` before each request."""

    def __init__(self) -> None:
        super().__init__("memory:///")
        self.interrupt: Callable[[], None] = lambda: None

    def create(self, name: str, content: bytes | Path) -> bool:
        self.interrupt()
        return super().create(name, content)

    def replace(self, name: str, content: bytes | Path) -> None:
        self.interrupt()
        super().replace(name, content)

    def read(self, name: str) -> bytes | None:
        self.interrupt()
        return super().read(name)

    def size(self, name: str) -> int | None:
        self.interrupt()
        return super().size(name)

    def pieces(self, name: str) -> Iterator[bytes]:
        self.interrupt()
        return super().pieces(name)

    def names(self, prefix: str, after: str = "") -> Iterator[str]:
        self.interrupt()
        return super().names(prefix, after)

    def listed(self, prefix: str) -> Iterator[StoredObject]:
        self.interrupt()
        return super().listed(prefix)

    def remove(self, name: str) -> None:
        self.interrupt()
        super().remove(name)


@dataclass
class World:
    """A publisher, its store, and two replicas."""

    folder: Path
    backup: Path
    store: InterruptedStore = field(default_factory=InterruptedStore)
    published: int = 0
    is_complete: bool = False

    @property
    def publisher(self) -> Path:
        return self.folder / "publisher"

    def run(self, step: str, interruption: Interruption | None) -> None:
        """Run a step; an error is its result."""
        count, is_dead = 0, False

        def interrupt() -> None:
            nonlocal count, is_dead
            if is_dead:
                raise Killed
            count += 1
            if interruption is not None and count == interruption.at:
                if interruption.step == "kill":
                    is_dead = True
                    raise Killed
                outer, self.store.interrupt = self.store.interrupt, lambda: None
                self.run(interruption.step, None)
                self.store.interrupt = outer

        self.store.interrupt = interrupt
        with suppress(DatelineError, Killed):
            getattr(self, step)()
        self.store.interrupt = lambda: None

    def publish(self) -> None:
        self.published += 1
        grown(self.publisher, [article(f"new-{self.published}", f"The ferry left pier {self.published}.")])

    def push(self) -> None:
        push(self.publisher, self.store)

    def take_down(self) -> None:
        local = announced_take_down(self.publisher, self.store, ["gone"], patience_s=0.0)
        self.is_complete |= reach(self.publisher, self.store, 0.0).complete and local.complete

    def sweep(self) -> None:
        with store_lock(self.publisher):
            sweep(self.publisher, self.store, Tombstones(self.store), timedelta(0))

    def restore(self) -> None:
        for folder in (SEGMENTS, GENERATIONS):
            shutil.copytree(self.backup / folder, self.publisher / folder, dirs_exist_ok=True)
        roll_back(self.publisher, generation_names(self.backup)[0])

    def pull_east(self) -> None:
        self.pull("east")

    def pull_west(self) -> None:
        self.pull("west")

    def pull(self, name: str) -> None:
        with replica_of(self.folder / name, self.store, name) as replica:
            replica.patience_s = 0.0
            replica.pull()

    def check(self) -> None:
        """No generation is incomplete, and nothing of the article is left once that was said."""
        pointer = newest_pointer(self.store)
        if pointer is not None:
            for entry in manifest_in(self.store, pointer)[1].segments:
                files = read_segment(self.store, entry)[1].files.values()
                assert all(self.store.size(blob_name(file.sha256)) == file.size for file in files)
        replicas = [path for path in (self.folder / "east", self.folder / "west") if current_name(path)]
        for data in replicas:
            with opened(data) as generation:
                manifest = read_manifest(data, generation.name)
                assert fingerprint(generation.hashes().items(), manifest.configuration) == manifest.fingerprint
        if self.is_complete:
            for stored in self.store.listed(""):
                assert SECRET not in (self.store.read(stored.name) or b""), stored.name
            for path in (self.folder / "east", self.folder / "west"):
                assert not [each for each in path.rglob("*") if each.is_file() and SECRET in each.read_bytes()]


STEPS = ("publish", "push", "take_down", "sweep", "restore", "pull_east", "pull_west")
INTERRUPTIONS = st.none() | st.builds(
    Interruption, st.integers(1, 60), st.sampled_from(["kill", "push", "take_down", "sweep", "pull_east", "pull_west"])
)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with the article that is taken down."""
    data = tmp_path_factory.mktemp("made")
    built(data, [article("a", "Crews left."), article("gone", f"It rained. {SECRET.decode()}")])
    return data


@settings(max_examples=6)
@given(st.lists(st.tuples(st.sampled_from(STEPS), INTERRUPTIONS), min_size=3, max_size=8))
def test_any_order_and_any_kill(made: Path, steps: list[tuple[str, Interruption | None]]) -> None:
    """After "complete" no object and no file has the article, and no sweep takes what the newest pointer needs."""
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        # The order of requests decides where a step is interrupted.
        patch.setattr(copying, "AT_ONCE", 1)
        for module in (push_module, takedown):
            patch.setattr(module, "PATIENCE_S", 0.0)
        world = World(Path(folder), made)
        shutil.copytree(made, world.publisher)
        world.push()
        for step, interruption in steps:
            world.run(step, interruption)
            world.check()
