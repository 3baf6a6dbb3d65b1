"""An embedding job: planned, embedded by several workers, taken in."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.catalog import key_of
from index.errors import ConfigurationError, EmbeddingFailed
from index.layout import ingest_lock
from index.replicas.store import Store
from ingest.embed.by_key import ByKey
from ingest.embed.plan import Planned, plan
from ingest.embed.shards import Job, JobModel
from ingest.embed.take_in import take_in
from ingest.embed.work import Share, embed_shard, to_do, work
from ingest.errors import JobIncomplete, ShardInvalid
from ingest.job import Ingest, run
from ingest.report import IngestReport, Progress
from tests.fakes import HashedEmbedder, newsroom, opened
from tests.ingest.article_files import write

QUIET = Progress(quiet=True)
EMBEDDER = HashedEmbedder()
MODEL = JobModel(EMBEDDER.name, EMBEDDER.graph, EMBEDDER.dimension)
TEXTS = [f"The council met for the {number}th time." for number in range(23)]
EXPECTED = {text: EMBEDDER.embed_query(text).tobytes() for text in TEXTS}


class Killed(BaseException):
    """The end of a process at some point."""


class MortalStore(Store):
    """A store in memory that kills its user at the `dies_at`-th operation, before or after it took effect."""

    def __init__(self) -> None:
        super().__init__("memory:///")
        self.dies_at, self.dies_before = 0, False

    def create(self, name: str, content: bytes | Path) -> bool:
        self._tick(before=True)
        created = super().create(name, content)
        self._tick(before=False)
        return created

    def read(self, name: str) -> bytes | None:
        self._tick(before=True)
        return super().read(name)

    def names(self, prefix: str, after: str = "") -> Iterator[str]:
        self._tick(before=True)
        return super().names(prefix, after)

    def _tick(self, *, before: bool) -> None:
        self.dies_at -= before
        if self.dies_at == 0 and self.dies_before == before:
            self.dies_at = -1
            raise Killed

    def objects(self) -> dict[str, bytes]:
        """Return the content of every object by name."""
        self.dies_at = 0
        names = [name for prefix in ("texts/", "vectors/", "plans/") for name in self.names(prefix)]
        return {name: self.read(name) or b"" for name in names}


def job_in(store: Store) -> Job:
    """Open the job in a store, as a new process does."""
    job = Job("memory:///", store=store)
    job.refresh()
    return job


def planned_job(store: Store) -> None:
    """Plan the texts as five shards."""
    job = job_in(store)
    job.add_plan(MODEL, [job.add_texts(*MODEL[:2], TEXTS[at : at + 5])[0] for at in range(0, len(TEXTS), 5)])


def vectors_by_text(job: Job) -> dict[str, bytes]:
    """Return the vector of every text of a job; no text is in two shards."""
    found: dict[str, bytes] = {}
    for shard in job.shards:
        texts = job.texts(shard)
        assert not found.keys() & set(texts)
        found |= zip(texts, map(np.ndarray.tobytes, job.vectors(shard, len(texts))), strict=True)
    return found


@given(dies_at=st.integers(1, 20), dies_before=st.booleans(), worker=st.integers(1, 2))
@settings(max_examples=40)
def test_every_text_has_its_vector_once_if_a_worker_is_killed(dies_at: int, dies_before: bool, worker: int) -> None:
    """One of two workers is killed at any operation of the store; a third embeds only what is left."""
    store = MortalStore()
    planned_job(store)
    for number in (1, 2):
        store.dies_at, store.dies_before = dies_at if number == worker else 0, dies_before
        try:
            for _ in work(job_in(store), EMBEDDER, Share(number, 2)):
                pass
        except Killed:
            assert number == worker
    store.dies_at = 0
    left = to_do(job_in(store), Share())
    assert set(left) <= set(Share(worker, 2).of(job_in(store).shards))
    assert [each.shard for each in work(job_in(store), EMBEDDER, Share())] == left
    assert vectors_by_text(job_in(store)) == EXPECTED
    assert list(work(job_in(store), HashedEmbedder(fails_after=0), Share())) == []


def test_a_second_writer_of_vectors_is_harmless() -> None:
    store = MortalStore()
    planned_job(store)
    one, other = job_in(store), job_in(store)
    for shard in one.shards:
        assert embed_shard(one, EMBEDDER, shard)[:2] == embed_shard(other, EMBEDDER, shard)[:2]
    assert vectors_by_text(one) == EXPECTED


@given(shards=st.lists(st.uuids().map(str), max_size=40), workers=st.integers(1, 9))
@settings(max_examples=30)
def test_every_shard_belongs_to_one_worker(shards: list[str], workers: int) -> None:
    """The shares differ by one shard at most."""
    shares = [Share.parse(f"{worker}/{workers}").of(shards) for worker in range(1, workers + 1)]
    assert sorted(shard for share in shares for shard in share) == sorted(shards)
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


@pytest.mark.parametrize("text", ["0/2", "3/2", "2", "1/", "a/b", "-1/2", "1/2/3", ""])
def test_an_invalid_share(text: str) -> None:
    with pytest.raises(ConfigurationError):
        Share.parse(text)


def test_a_worker_writes_no_invalid_vector() -> None:
    store = MortalStore()
    planned_job(store)
    for rows in (np.ones((5, 64)), np.zeros((5, 64)), np.full((5, 64), np.nan), np.eye(64)[:4], np.eye(65)[:5]):
        job = job_in(store)
        with pytest.raises(EmbeddingFailed):
            job.add_vectors(job.shards[0], 5, rows.astype(np.float32))
    assert job_in(store).embedded() == set()


@pytest.mark.parametrize(
    "other", [HashedEmbedder("fake:other"), HashedEmbedder(graph="other"), HashedEmbedder(dimension=63)]
)
def test_a_worker_with_another_model_is_refused(other: HashedEmbedder, tmp_path: Path) -> None:
    """It is refused before it embeds, and so is a take-in."""
    store = MortalStore()
    planned_job(store)
    with pytest.raises(ConfigurationError):
        next(work(job_in(store), other, Share()))
    with pytest.raises(ConfigurationError):
        take_in(job_in(store), Ingest((), tmp_path / "data", "english"), other, QUIET)
    assert other.batches == 0


class Desk:
    """A folder of articles, the index that is made of them, and a job."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.articles = place / "articles"
        self.store = MortalStore()
        self.write(8)

    def write(self, count: int) -> None:
        """Write the first `count` articles of a series; the last one repeats the text of the first."""
        for each in (made := newsroom(count)):
            write(self.articles / f"{each.article_id}.txt", f"{each.title}\n\n{each.body}")
        write(self.articles / "again.txt", f"{made[0].title}\n\n{made[0].body}")

    def order(self, data: str = "data", *, rebuild: bool = False) -> Ingest:
        return Ingest((self.articles,), self.place / data, "english", rebuild=rebuild)

    def plan(self, store: Store | None = None, *, rebuild: bool = False) -> Planned:
        order = self.order(rebuild=rebuild)
        return plan(Job("memory:///", store=store or self.store), order, HashedEmbedder(), QUIET, shard_texts=3)

    def work(self) -> None:
        for _ in work(job_in(self.store), HashedEmbedder(), Share()):
            pass

    def take_in(self, embedder: HashedEmbedder, *, rebuild: bool = False) -> IngestReport:
        return take_in(job_in(self.store), self.order(rebuild=rebuild), embedder, QUIET)

    def vectors(self, data: str) -> dict[str, bytes]:
        """Return the vector of every chunk of the current generation by its id."""
        with opened(self.place / data) as generation:
            parts = [np.asarray(part.segment.vectors) for part in generation.parts]
            rows = np.arange(generation.manifest.chunk_count)
            found = [chunk.chunk_id for chunk, _ in generation.chunks(rows)]
            return dict(zip(found, map(np.ndarray.tobytes, np.concatenate(parts)), strict=True))


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_an_ingest_with_a_job_embeds_nothing_and_has_equal_vectors(desk: Desk) -> None:
    """Every text that the ingest needs is in the job once; its vectors are those of an ingest without a job."""
    planned = desk.plan()
    desk.work()
    embedder = HashedEmbedder()
    report = desk.take_in(embedder)
    assert (report.added, report.embedded) == (9, 0)
    assert planned.texts < report.chunks
    assert (len(embedder.texts), planned.shards) == (planned.shards, -(-planned.texts // 3))
    without = run(desk.order("without"), HashedEmbedder(), QUIET)
    assert without.embedded == planned.texts
    assert desk.vectors("data") == desk.vectors("without")
    assert desk.plan().texts == 0


def test_a_plan_is_determined_by_articles_and_index(desk: Desk) -> None:
    """The same plan gives the same objects; a plan of more articles adds only theirs, and changes no object."""
    first = desk.plan()
    again = desk.plan(other := MortalStore())
    before = desk.store.objects()
    assert other.objects() == before
    assert (first.texts, first.shards, first.written) == (again.texts, again.shards, again.written)
    assert desk.plan().shards == 0
    assert desk.store.objects() == before
    assert not (desk.place / "data" / "CURRENT").exists()
    desk.write(10)
    more = desk.plan()
    assert 0 < more.texts < first.texts
    assert before.items() < desk.store.objects().items()
    assert job_in(desk.store).model == MODEL


def test_a_killed_plan_is_completed_by_the_next(desk: Desk) -> None:
    """Killed before or after any operation of the store, it leaves nothing that the next plan would not write."""
    desk.plan()
    expected = desk.store.objects()
    kills = 0
    for dies_at in range(2, 8):
        store = MortalStore()
        store.dies_at, store.dies_before = dies_at, bool(dies_at % 2)
        try:
            desk.plan(store)
        except Killed:
            kills += 1
            assert store.objects().items() <= expected.items()
            desk.plan(store)
        assert store.objects() == expected
    assert kills >= 5


def test_a_plan_of_a_rebuild_has_every_text(desk: Desk) -> None:
    """A plan of an index that has all vectors has none, one of its rebuild has all."""
    report = run(desk.order(), HashedEmbedder(), QUIET)
    assert desk.plan().texts == 0
    assert job_in(desk.store).model is None
    assert desk.plan(rebuild=True).texts == report.embedded
    desk.work()
    taken = desk.take_in(HashedEmbedder(), rebuild=True)
    assert (taken.embedded, taken.chunks) == (0, report.chunks)


def test_a_plan_holds_the_lock_and_keeps_to_one_model(desk: Desk) -> None:
    """A plan of another model in the same job is refused: it needs a job of its own."""
    desk.plan()
    with pytest.raises(ConfigurationError):
        plan(Job("memory:///", store=desk.store), desk.order(), HashedEmbedder("fake:other"), QUIET)
    with ingest_lock(desk.place / "data"), pytest.raises(Exception, match="lock"):
        desk.plan(MortalStore())


def _flip(content: bytes) -> bytes:
    return content[:-100] + bytes([content[-100] ^ 1]) + content[-99:]


def _short(content: bytes) -> bytes:
    return content[:-4]


def _empty(_: bytes) -> bytes:
    return b""


def _header(**fields: object) -> Callable[[bytes], bytes]:
    def change(content: bytes) -> bytes:
        line, _, numbers = content.partition(b"\n")
        return json.dumps({**json.loads(line), **fields}).encode() + b"\n" + numbers

    return change


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "flipped": _flip,
    "short": _short,
    "empty": _empty,
    "no header": lambda content: content.partition(b"\n")[2],
    "another model": _header(model="fake:other"),
    "another graph": _header(graph="other"),
    "another dimension": _header(dimension=32),
    "another count": _header(count=2),
    "another shard": _header(shard="0" * 64),
}


@pytest.fixture(scope="module")
def embedded() -> dict[str, bytes]:
    """Return the objects of a job whose shards have vectors."""
    store = MortalStore()
    planned_job(store)
    for _ in work(job_in(store), EMBEDDER, Share()):
        pass
    return store.objects()


def store_of(objects: dict[str, bytes]) -> MortalStore:
    store = MortalStore()
    for name, content in objects.items():
        store.create(name, content)
    return store


@pytest.mark.parametrize("damage", DAMAGES)
def test_vectors_that_fail_a_check_are_refused_by_name(embedded: dict[str, bytes], damage: str, tmp_path: Path) -> None:
    """The index is not touched; once the object is deleted, a worker embeds the shard again."""
    name = next(name for name in embedded if name.startswith("vectors/"))
    store = store_of({**embedded, name: DAMAGES[damage](embedded[name])})
    with pytest.raises(ShardInvalid, match=name):
        take_in(job_in(store), Ingest((), tmp_path / "data", "english"), EMBEDDER, QUIET)
    assert not list(tmp_path.iterdir())
    store.remove(name)
    with pytest.raises(JobIncomplete):
        take_in(job_in(store), Ingest((), tmp_path / "data", "english"), EMBEDDER, QUIET)
    assert [each.shard for each in work(job_in(store), EMBEDDER, Share())] == [name.removeprefix("vectors/")]
    assert store.objects() == embedded


def test_vectors_that_differ_from_those_of_this_machine_are_refused(embedded: dict[str, bytes], tmp_path: Path) -> None:
    """A model that changed under the same name is found by a sample of each shard."""
    changed = HashedEmbedder()
    changed.embed_query("council met")
    changed._directions["council"] = changed._directions["met"]
    with pytest.raises(ShardInvalid, match="cosine"):
        take_in(job_in(store_of(embedded)), Ingest((), tmp_path / "data", "english"), changed, QUIET)


@pytest.mark.parametrize("damage", [_flip, _empty, lambda content: content + b'\n"More."'])
def test_texts_that_are_not_those_of_the_plan_are_refused(
    embedded: dict[str, bytes], damage: Callable[[bytes], bytes]
) -> None:
    """A worker refuses them by name, and a plan of the same texts writes them again once they are deleted."""
    name = next(name for name in embedded if name.startswith("texts/"))
    objects = {key: content for key, content in embedded.items() if not key.startswith("vectors/")}
    store = store_of({**objects, name: damage(embedded[name])})
    with pytest.raises(ShardInvalid, match=name):
        list(work(job_in(store), EMBEDDER, Share()))
    store.remove(name)
    with pytest.raises(ShardInvalid, match="missing"):
        list(work(job_in(store), EMBEDDER, Share()))
    planned_job(store)
    list(work(job_in(store), EMBEDDER, Share()))
    assert store.objects() == embedded


def test_deleted_texts_are_planned_again(desk: Desk) -> None:
    """A shard whose texts were deleted is written again, under the same name."""
    desk.plan()
    before = desk.store.objects()
    name = next(name for name in before if name.startswith("texts/"))
    desk.store.remove(name)
    assert desk.plan().written == 1
    assert before.items() <= desk.store.objects().items()


def test_a_place_without_a_plan_is_a_wrong_argument(tmp_path: Path) -> None:
    """A place that does not exist is not made by a worker."""
    for place in (tmp_path, tmp_path / "missing", "memory:///"):
        with pytest.raises(ConfigurationError):
            list(work(Job(str(place)), EMBEDDER, Share()))
    assert not (tmp_path / "missing").exists()


@given(st.dictionaries(st.text(max_size=8), st.binary(max_size=8), max_size=30), st.integers(1, 7))
@settings(max_examples=10)
def test_values_by_key(values: dict[str, bytes], size: int) -> None:
    """Values are found by key, and listed in the order of their keys; the first value of a key counts."""
    keyed = {key_of(text): value for text, value in values.items()}
    by_key = ByKey()
    by_key.add(keyed.items())
    by_key.add((key, b"later") for key in keyed)
    assert len(by_key) == len(keyed)
    assert by_key.of([*keyed, b"unknown"]) == keyed
    assert [value for page in by_key.pages(size) for value in page] == [keyed[key] for key in sorted(keyed)]
    by_key.close()


@given(st.lists(st.text(st.characters(codec=None, exclude_categories=()), max_size=20), max_size=5))
@settings(max_examples=30)
def test_texts_come_back_as_they_were(texts: list[str]) -> None:
    """Line breaks, control characters and half a surrogate pair included."""
    job = job_in(MortalStore())
    shard, created = job.add_texts("model", "graph", texts)
    assert created
    assert job.texts(shard) == texts
    assert job.add_texts("model", "graph", texts) == (shard, False)
    assert job.add_texts("model", "other", texts)[0] != shard
