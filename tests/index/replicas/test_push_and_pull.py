"""Push and pull: a replica serves the generation that was pushed, and refuses everything else."""

import json
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from shutil import copytree, rmtree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.admin import prune, roll_back
from index.errors import (
    ConfigurationError,
    IndexDamaged,
    IndexNotFound,
    IngestRunning,
    PublisherConflict,
    PublishFailed,
    StoreDamaged,
    StoreUnavailable,
)
from index.layout import (
    PUBLISHER,
    REPLICA,
    SEGMENT,
    SEGMENTS,
    VECTORS,
    current_name,
    generation_names,
    ingest_lock,
    segment_folder,
    segment_names,
    store_lock,
)
from index.records import Manifest, SegmentEntry, SegmentRecord, StoredFile
from index.replicas import push as pushing
from index.replicas.follow import LONGEST_WAIT_S, Follower
from index.replicas.objects import (
    POINTERS,
    blob_name,
    is_file_name,
    manifest_name,
    newest_pointer,
    numbers,
    pointer_name,
    read_manifest,
    read_segment,
    reports,
)
from index.replicas.pull import PULL_S, PullReport, replica_of
from index.replicas.push import Publisher, push
from index.replicas.store import Store
from index.segment import read_record
from tests.fakes import article, built, grown, opened
from tests.index.replicas.stores import FailingStore, LaxStore, Steps

OUTSIDE = ("../x", "/etc/x", "a/../../x", "..", "", ".", "a//b", "./a", "a\\b", "a\0b", "a\n", SEGMENT, f"{SEGMENT}/a")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with two generations and two segments, the newer one current."""
    data = tmp_path_factory.mktemp("made")
    built(data, [article("a", "Crews left the harbour.")])
    grown(data, [article("b", "The roof of the museum leaks.")])
    return data


@pytest.fixture
def publisher(made: Path, tmp_path: Path) -> Path:
    """The data folder of a publisher, with the older generation current."""
    return older(copytree(made, tmp_path / "publisher", copy_function=os.link))


@pytest.fixture
def store() -> Store:
    """A store in memory."""
    return Store("memory:///")


@pytest.fixture
def replica(tmp_path: Path) -> Path:
    """The data folder of a replica, which does not exist yet."""
    return tmp_path / "replica"


def older(data: Path) -> Path:
    """Make the older generation current."""
    roll_back(data, min(generation_names(data)))
    return data


def newer(data: Path) -> Path:
    """Make the newer generation current."""
    roll_back(data, max(generation_names(data)))
    return data


def pull(data: Path, store: Store) -> PullReport:
    """Pull once."""
    with replica_of(data, store, "east") as opened_replica:
        return opened_replica.pull()


def articles(data: Path) -> list[str]:
    """Return the ids of the articles that a data folder serves."""
    with opened(data) as generation:
        return sorted(generation.hashes())


def last_segment(store: Store) -> tuple[SegmentEntry, SegmentRecord]:
    """Return the last segment of the newest generation in a store."""
    pointer = newest_pointer(store)
    assert pointer is not None
    entry = read_manifest(store, pointer)[1].segments[-1]
    return entry, read_segment(store, entry)[1]


def forge(
    store: Store,
    change: Callable[[SegmentRecord], SegmentRecord] = lambda record: record,
    rename: Callable[[str], str] = lambda segment: segment,
    manifest_change: Callable[[Manifest], Manifest] = lambda manifest: manifest,
) -> None:
    """Publish a copy of the newest generation with changes, every digest of which is right."""
    pointer = newest_pointer(store)
    assert pointer is not None
    _, manifest = read_manifest(store, pointer)
    entry, record = last_segment(store)
    content = change(replace(record, segment=rename(record.segment))).to_json().encode()
    digest = sha256(content).hexdigest()
    store.create(blob_name(digest), content)
    changed = SegmentEntry(rename(entry.segment), digest)
    manifest = manifest_change(replace(manifest, segments=(*manifest.segments[:-1], changed)))
    name = f"20990101T000000000Z-{manifest.digest}"
    content = replace(manifest, generation=name).to_json().encode()
    store.create(manifest_name(name), content)
    forged = replace(pointer, number=pointer.number + 1, generation=name, sha256=sha256(content).hexdigest())
    store.create(pointer_name(forged.number), forged.to_json().encode())


def no_file(size: int) -> StoredFile:
    """Return a file that no store has."""
    return StoredFile(size, "0" * 64)


def test_a_replica_serves_what_was_pushed(publisher: Path, replica: Path, tmp_path: Path) -> None:
    """Only what is new moves; a rollback moves nothing but the pointer."""
    store = Store(f"file://{tmp_path}/store")
    first = push(publisher, store)
    assert (first.pointer, first.is_new, len(first.segments)) == (1, True, 1)
    assert pull(replica, store).is_new
    assert articles(replica) == ["a"]
    second = push(newer(publisher), store)
    pulled = pull(replica, store)
    assert second.pointer == pulled.pointer == 2
    assert pulled.segments == second.segments == [max(segment_names(publisher))]
    assert current_name(replica) == current_name(publisher) == pulled.generation
    assert articles(replica) == ["a", "b"]
    assert (push(publisher, store).is_new, pull(replica, store).is_new) == (False, False)
    third = push(older(publisher), store)
    assert (third.pointer, third.segments, third.objects) == (3, [], 1)
    assert (pull(replica, store).objects, articles(replica)) == (0, ["a"])
    (report,) = reports(store)
    assert (report.name, report.pointer, report.generation) == ("east", 3, current_name(replica))
    assert set(report.segments) == set(segment_names(replica))


def test_equal_files_are_linked(publisher: Path, store: Store, replica: Path) -> None:
    """Chroma's small files are equal in many segments: they are not copied twice."""
    push(newer(publisher), store)
    pull(replica, store)
    both = [read_record(segment_folder(replica, name)).files for name in segment_names(replica)]
    shared = [name for name, file in both[1].items() if file in both[0].values()]
    assert shared
    second = segment_folder(replica, segment_names(replica)[1])
    assert all((second / name).stat().st_nlink > 1 for name in shared if (second / name).stat().st_size)


def test_one_of_eight_publishers_wins(made: Path, store: Store, tmp_path: Path) -> None:
    def try_to_push(number: int) -> bool:
        data = copytree(made, tmp_path / str(number), copy_function=os.link)
        try:
            return push(data, store).is_new
        except PublisherConflict:
            return False

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(try_to_push, range(8))) == 1
    assert list(numbers(store, POINTERS)) == [1]


def test_another_publisher_takes_over_only_if_asked(publisher: Path, made: Path, store: Store, tmp_path: Path) -> None:
    push(publisher, store)
    other = newer(copytree(made, tmp_path / "other", copy_function=os.link))
    with pytest.raises(PublisherConflict):
        push(other, store)
    assert Publisher(other, store, take_over=True).push().pointer == 2
    with pytest.raises(PublisherConflict):
        push(publisher, store)


def test_the_reply_to_a_pointer_is_lost(publisher: Path) -> None:
    """A store answers that the pointer exists if a request was repeated; it is this publisher's own."""

    class Forgetful(Store):
        def create(self, name: str, content: bytes | Path) -> bool:
            return super().create(name, content) and not name.startswith(POINTERS)

    assert push(publisher, Forgetful("memory:///")).is_new


def test_a_pointer_of_another_push(publisher: Path, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A push that finds the number taken, after it looked, does not win."""
    push(publisher, store)
    before = newest_pointer(store)
    monkeypatch.setattr(pushing, "numbers", lambda *_: [0])
    (publisher / PUBLISHER).unlink()
    with pytest.raises(PublisherConflict):
        push(newer(publisher), store)
    assert newest_pointer(store) == before


def test_a_store_that_creates_twice_is_refused(publisher: Path) -> None:
    store = LaxStore("memory:///")
    with pytest.raises(ConfigurationError, match="single-publisher"):
        push(publisher, store)
    assert not list(store.names("probes/"))
    assert push(publisher, store, single_publisher=True).is_new


def test_a_store_that_lost_its_pointers(publisher: Path, store: Store, replica: Path) -> None:
    """A folder that is not mounted looks like an empty store; the publisher stops, the replica serves on."""
    push(publisher, store)
    push(newer(publisher), store)
    pull(replica, store)
    for number in (1, 2):
        store.remove(pointer_name(number))
    with pytest.raises(StoreDamaged):
        push(publisher, store)
    assert (pull(replica, store).is_new, articles(replica)) == (False, ["a", "b"])
    assert Publisher(older(publisher), store, take_over=True).push().pointer == 1
    assert (pull(replica, store).pointer, articles(replica)) == (1, ["a"])


def test_a_corrupt_file_is_not_pushed(publisher: Path, store: Store) -> None:
    path = segment_folder(publisher, segment_names(publisher)[0]) / VECTORS
    content = path.read_bytes()
    path.unlink()
    with pytest.raises(IndexDamaged):
        push(publisher, store)
    path.write_bytes(content[:-1] + b"x")
    with pytest.raises(IndexDamaged):
        push(publisher, store)
    assert not list(store.names("pointers/"))
    assert store.read(blob_name(sha256(path.read_bytes()).hexdigest())) is None


@pytest.mark.parametrize("kind", ["blob", "record", "manifest", "pointer", "missing"])
def test_what_is_corrupt_in_a_store_is_refused_and_repaired(
    publisher: Path, store: Store, replica: Path, kind: str
) -> None:
    push(publisher, store)
    pull(replica, store)
    push(newer(publisher), store)
    entry, record = last_segment(store)
    blob = blob_name(record.files[VECTORS].sha256)
    if kind == "missing":
        store.remove(blob)
    else:
        names = {
            "blob": blob,
            "record": blob_name(entry.sha256),
            "manifest": manifest_name(current_name(publisher) or ""),
            "pointer": pointer_name(2),
        }
        store.replace(names[kind], (store.read(names[kind]) or b"") + b" x")
    with pytest.raises(StoreDamaged):
        pull(replica, store)
    assert articles(replica) == ["a"]
    Publisher(publisher, store).push(repair=True)
    pull(replica, store)
    assert articles(replica) == ["a", "b"]
    repaired = Publisher(publisher, store).push(repair=True)
    assert (repaired.objects, repaired.bytes, repaired.is_new) == (0, 0, False)


@pytest.mark.parametrize("name", ["../20260101T000000000Z-00000000", "/tmp/x", "x", "a/b"])
def test_a_manifest_cannot_name_another_folder(publisher: Path, store: Store, replica: Path, name: str) -> None:
    push(publisher, store)
    forge(store, rename=lambda _: name)
    with pytest.raises(StoreDamaged):
        pull(replica, store)
    assert current_name(replica) is None


@pytest.mark.parametrize(
    ("size", "error"), [(-1, StoreDamaged), (10**18, PublishFailed), (10**40, PublishFailed)], ids=str
)
def test_an_absurd_size_is_refused(
    publisher: Path, store: Store, replica: Path, size: int, error: type[Exception]
) -> None:
    push(publisher, store)
    forge(store, lambda record: replace(record, files={**record.files, "x": no_file(size)}))
    with pytest.raises(error):
        pull(replica, store)
    assert current_name(replica) is None


@pytest.mark.parametrize(
    "change",
    [
        lambda manifest: replace(manifest, configuration=replace(manifest.configuration, schema=99)),
        lambda manifest: replace(manifest, segments=manifest.segments * 2),
    ],
    ids=["schema", "twice"],
)
def test_a_manifest_that_cannot_be_served_is_refused(
    publisher: Path, store: Store, replica: Path, change: Callable[[Manifest], Manifest]
) -> None:
    push(publisher, store)
    pull(replica, store)
    forge(store, manifest_change=change)
    with pytest.raises(StoreDamaged):
        pull(replica, store)
    assert articles(replica) == ["a"]


@given(st.sampled_from(OUTSIDE) | st.text("./ab\\\0\n~: é", max_size=8))
def test_a_file_stays_in_its_segment(path: str) -> None:
    """A name that is accepted is a file in the folder of the segment, and not its record."""
    folder = Path("/data/segments/x")
    accepted = is_file_name(path)
    assert not (accepted and path in OUTSIDE)
    if accepted:
        assert Path(os.path.normpath(folder / path)) == folder / path
        assert (folder / path).is_relative_to(folder)
        assert path.isprintable()


@pytest.mark.parametrize("names", [["../x"], ["a", "a/b"], [f"{SEGMENT}/a"]], ids=str)
def test_names_of_files_are_checked(publisher: Path, store: Store, replica: Path, names: list[str]) -> None:
    """Nothing is written for a record with an invalid name, nor for a file that is also a folder."""
    push(publisher, store)
    forge(store, lambda record: replace(record, files=dict.fromkeys(names, no_file(1))))
    with pytest.raises(StoreDamaged):
        pull(replica, store)
    assert not (replica / SEGMENTS).exists()


def test_a_segment_that_does_not_open_here_is_not_served(publisher: Path, store: Store, replica: Path) -> None:
    push(publisher, store)
    forge(store, lambda record: replace(record, chunk_count=99))
    with pytest.raises(PublishFailed, match="did not pass verification"):
        pull(replica, store)
    assert (current_name(replica), segment_names(replica)) == (None, [])


def test_a_corrupt_file_is_pulled_again(publisher: Path, store: Store, replica: Path) -> None:
    """The first pull of a process compares digests, the others sizes."""
    push(publisher, store)
    pull(replica, store)
    path = segment_folder(replica, segment_names(replica)[0]) / VECTORS
    size = path.stat().st_size
    path.unlink()
    path.write_bytes(bytes(size))
    report = pull(replica, store)
    assert (len(report.segments), report.objects, articles(replica)) == (1, 2, ["a"])
    with replica_of(replica, store, "east") as following:
        following.pull()
        path.unlink()
        assert following.pull().objects == 2
    assert articles(replica) == ["a"]


def test_a_folder_is_a_replica_or_has_an_index_of_its_own(publisher: Path, store: Store, replica: Path) -> None:
    push(publisher, store)
    with pytest.raises(ConfigurationError):
        pull(publisher, store)
    pull(replica, store)
    for write in (
        lambda: ingest_lock(replica).__enter__(),
        lambda: prune(replica, 1),
        lambda: roll_back(replica, "2"),
        lambda: push(replica, store),
    ):
        with pytest.raises(ConfigurationError):
            write()
    (replica / REPLICA).write_text("{}")
    with pytest.raises(ConfigurationError):
        pull(replica, store)


def test_an_empty_store_makes_no_replica(store: Store, replica: Path) -> None:
    assert pull(replica, store).generation is None
    assert not (replica / REPLICA).exists()
    with pytest.raises(IndexNotFound):
        push(replica, store)


def test_pulls_and_pushes_exclude_each_other(publisher: Path, store: Store, replica: Path) -> None:
    push(publisher, store)
    with replica_of(replica, store, "east"), pytest.raises(IngestRunning):
        pull(replica, store)
    with store_lock(publisher), pytest.raises(IngestRunning), store_lock(publisher, patience_s=0.05):
        pass


def test_the_remains_of_a_killed_pull_are_used(publisher: Path, store: Store, replica: Path) -> None:
    """A pull that is cut short after some files continues with the others."""
    push(publisher, store)
    complete = pull(replica, store).objects
    rmtree(replica)
    with pytest.raises(StoreUnavailable):
        pull(replica, FailingStore(store, Steps(12, StoreUnavailable("away"))))
    assert [path.name[:9] for path in (replica / SEGMENTS).iterdir()] == ["building-"]
    assert 1 < pull(replica, store).objects < complete
    assert articles(replica) == ["a"]


def test_a_replica_looks_cheaply_and_pulls_once_a_minute(publisher: Path, store: Store, replica: Path) -> None:
    push(publisher, store)
    now = time.monotonic()
    with replica_of(replica, store, "east") as following:
        following.clock = lambda: now
        assert (following.look() or PullReport(None, 0)).is_new
        assert following.look() is None
        push(newer(publisher), store)
        assert (following.look() or PullReport(None, 0)).pointer == 2
        following.store = FailingStore(store, Steps(1, StoreUnavailable("away")))
        with pytest.raises(StoreUnavailable):
            following.look()
        now += PULL_S
        assert following.look() is not None


def test_a_publisher_follows_current(publisher: Path, store: Store, tmp_path: Path) -> None:
    following = Publisher(publisher, store, take_over=True)
    assert [report and report.pointer for report in (following.look(), following.look())] == [1, None]
    newer(publisher)
    assert [report and report.pointer for report in (following.look(), following.look())] == [2, None]
    assert not following.take_over
    assert Publisher(tmp_path / "empty", store).look() is None


def test_a_follower_waits_longer_after_each_failure() -> None:
    results = [StoreUnavailable("away")] * 9 + [None, IngestRunning("busy"), ConfigurationError("wrong")]

    def look() -> None:
        result = results.pop(0)
        if result is not None:
            raise result

    follower = Follower(look, 2.0)
    waits = [follower.step() for _ in range(11)]
    assert waits == [1, 2, 4, 8, 16, 32, LONGEST_WAIT_S, LONGEST_WAIT_S, LONGEST_WAIT_S, 2, 1]
    with pytest.raises(ConfigurationError):
        follower.step()


def test_the_vectors_go_to_a_chroma_server_before_the_switch(publisher: Path, store: Store, replica: Path) -> None:
    class Server:
        """A server without a segment, which notes what is served when it gets one."""

        def __init__(self) -> None:
            self.got: list[tuple[str, str | None]] = []

        def has(self, segment: str, rows: int) -> bool:
            return False

        def put(self, segment: str, vectors: object) -> None:
            self.got.append((segment, current_name(replica)))

    push(publisher, store)
    server = Server()
    with replica_of(replica, store, "east", server=server) as following:  # type: ignore[arg-type]
        following.pull()
    assert server.got == [(segment_names(replica)[0], None)]


def test_a_mark_belongs_to_a_store(publisher: Path, store: Store, replica: Path, tmp_path: Path) -> None:
    """A replica can move to another store, whose numbers are others."""
    push(publisher, store)
    push(newer(publisher), store)
    pull(replica, store)
    before = json.loads((replica / REPLICA).read_text())
    moved = Store(f"file://{tmp_path}/moved")
    push(older(publisher), moved)
    pull(replica, moved)
    after = json.loads((replica / REPLICA).read_text())
    assert (before["pointer"], after["pointer"], before["id"] == after["id"]) == (2, 1, True)
    assert articles(replica) == ["a"]


def test_a_replica_that_leaves_is_not_waited_for(publisher: Path, store: Store, replica: Path) -> None:
    """Its report is removed, and a pull that still runs makes no other."""
    push(publisher, store)
    with replica_of(replica, store, "east") as leaving:
        leaving.pull()
        assert [each.name for each in reports(store)] == ["east"]
        leaving.leave()
        leaving.pull()
    assert list(reports(store)) == []
