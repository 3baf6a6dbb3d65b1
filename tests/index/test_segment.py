"""A closed segment: its files are checked before anything is opened, and it is searched exactly or through Chroma."""

import logging
import os
import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from index import segment as segments
from index.catalog import text_key
from index.embedding import Vector
from index.errors import IndexDamaged
from index.layout import CATALOG, CHROMA, LEXICAL, SEGMENT, VECTORS, segment_folder, segment_names
from index.records import Article
from index.segment import Segment, faults_of, file_faults, read_record, stored_files
from index.vectors import VIEW_PREFIX, Collection
from tests.fakes import HashedEmbedder, article, built, newsroom, opened, sentence_chunks

EMBEDDER = HashedEmbedder(dimension=16)
FILES = [CATALOG, VECTORS, f"{CHROMA}/chroma.sqlite3", f"{LEXICAL}/rows.npy"]


def views() -> set[Path]:
    return set(Path(tempfile.gettempdir()).glob(f"{VIEW_PREFIX}{os.getpid()}-*"))


def flip(file: Path) -> None:
    """Change one byte of a file, and leave its size."""
    held = bytearray(file.read_bytes())
    held[-1] ^= 1
    file.write_bytes(held)


@pytest.fixture
def approximate(monkeypatch: pytest.MonkeyPatch) -> None:
    """Search segments of any size through Chroma."""
    monkeypatch.setattr(segments, "EXACT_ROWS", 0)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return the numbers of rows that Chroma is asked for while a test runs."""
    counts: list[int] = []
    search = Collection.nearest

    def spy(collection: Collection, vector: Vector, count: int) -> NDArray[np.int64]:
        counts.append(count)
        return search(collection, vector, count)

    monkeypatch.setattr(Collection, "nearest", spy)
    return counts


def nearest(segment: Segment, vector: Vector, count: int, allowed: NDArray[np.bool_] | None, dead: int) -> list[int]:
    """Return the rows that a segment finds, nearest first."""
    rows, scores = segment.nearest(vector, count, allowed, dead)
    assert segment.vectors[rows] @ vector == pytest.approx(scores, abs=1e-6)
    return [int(row) for _, row in sorted(zip(-scores, rows, strict=True))][:count]


def exact(segment: Segment, vector: Vector, count: int, allowed: NDArray[np.bool_] | None = None) -> list[int]:
    scores = segment.vectors @ vector
    rows = np.arange(len(scores)) if allowed is None else np.flatnonzero(allowed)
    return sorted(rows.tolist(), key=lambda row: (-float(scores[row]), row))[:count]


@pytest.mark.parametrize("name", FILES)
def test_a_changed_file_is_named_before_anything_is_opened(copied_segment: Path, name: str) -> None:
    """A changed or missing file makes a segment corrupt, and the error names the file."""
    before = views()
    flip(copied_segment / name)
    with pytest.raises(IndexDamaged, match=f"segment {copied_segment.name} is corrupt: {name} has changed"):
        Segment(copied_segment)
    with (copied_segment / name).open("ab") as file:
        file.write(b"\0")
    for checked in (True, False):
        with pytest.raises(IndexDamaged, match=f"{name} has changed"):
            Segment(copied_segment, checked=checked)
    (copied_segment / name).unlink()
    for checked in (True, False):
        with pytest.raises(IndexDamaged, match=f"{name} is missing"):
            Segment(copied_segment, checked=checked)
    assert views() == before


def test_an_ingest_compares_sizes_only(copied_segment: Path) -> None:
    """A changed byte is not noticed without reading the file; it is found before the segment is copied or served."""
    flip(copied_segment / VECTORS)
    Segment(copied_segment, checked=False).close()
    with pytest.raises(IndexDamaged, match=r"vectors\.npy has changed"):
        Segment(copied_segment)


@pytest.mark.parametrize("text", [None, "", "{", "{}", '{"segment": 1}'])
def test_a_segment_without_a_valid_record_is_corrupt(copied_segment: Path, text: str | None) -> None:
    """The error names the segment and its record."""
    if text is None:
        (copied_segment / SEGMENT).unlink()
    else:
        (copied_segment / SEGMENT).write_text(text)
    with pytest.raises(IndexDamaged, match=rf"segment {copied_segment.name} has no readable segment\.json"):
        Segment(copied_segment)


def test_the_digests_are_those_of_all_files_but_the_record(whole: Path) -> None:
    """Each file has its size and its digest by its path; the record's own digest is in the manifest."""
    files = {path.relative_to(whole).as_posix() for path in whole.rglob("*") if path.is_file()}
    record = read_record(whole)
    assert record.files.keys() == files - {SEGMENT}
    assert record.files == stored_files(whole)
    assert file_faults(whole, record) == []


def test_every_fault_is_named(copied_segment: Path) -> None:
    """Not only the first."""
    flip(copied_segment / CATALOG)
    (copied_segment / VECTORS).unlink()
    record = read_record(copied_segment)
    assert file_faults(copied_segment, record) == ["catalog.db has changed", "vectors.npy is missing"]
    assert file_faults(copied_segment, record, by_size=True) == ["vectors.npy is missing"]


def test_numbers_that_disagree_are_found_when_it_is_opened(copied_segment: Path) -> None:
    """Vectors of another number than the record states make a segment corrupt, whatever their digest is."""
    np.save(copied_segment / VECTORS, np.load(copied_segment / VECTORS)[:-1])
    with closing(_unchecked(copied_segment)) as segment:
        with pytest.raises(IndexDamaged, match="numbers of chunks disagree"):
            segment.open()
        (copied_segment / LEXICAL / "rows.npy").write_bytes(b"")
        segment.__dict__.pop("postings", None)
        with pytest.raises(IndexDamaged, match="cannot be opened"):
            segment.open()


def _unchecked(folder: Path) -> Segment:
    """Return a segment whose files are not compared with its record."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(segments, "file_faults", lambda *_, **__: [])
        return Segment(folder)


def test_a_small_segment_is_searched_exactly(whole: Path, asked: list[int]) -> None:
    """Chroma is neither opened nor asked; with a filter or without, the nearest rows are found."""
    before = views()
    allowed = np.random.default_rng(3).random(read_record(whole).chunk_count) < 0.3
    with closing(Segment(whole)) as segment:
        segment.open()
        assert segment.collection is None
        for row in (7, 400, 1200):
            vector = np.array(segment.vectors[row])
            assert nearest(segment, vector, 5, None, 0) == exact(segment, vector, 5)
            assert nearest(segment, vector, 5, allowed, 0) == exact(segment, vector, 5, allowed)
    assert asked == []
    assert views() == before


@pytest.mark.usefixtures("approximate")
def test_a_large_segment_is_searched_through_chroma(whole: Path, asked: list[int]) -> None:
    """A filtered search is exact; dead rows are passed over, and the view is removed when the segment is closed."""
    before = views()
    with closing(Segment(whole)) as segment:
        segment.open()
        assert len(views() - before) == 1
        count = segment.record.chunk_count
        vector = np.array(segment.vectors[77])
        assert nearest(segment, vector, 5, None, 0) == exact(segment, vector, 5)
        assert asked.pop() == 5
        alive = np.arange(count) % 50 != 27
        dead = int((~alive).sum())
        assert not alive[77]
        assert nearest(segment, vector, 5, alive, dead) == exact(segment, vector, 5, alive)
        assert asked.pop() == 10
        filtered = alive & (np.arange(count) % 3 == 0)
        assert nearest(segment, vector, 5, filtered, dead) == exact(segment, vector, 5, filtered)
        assert asked == []
    assert views() == before


@pytest.mark.usefixtures("approximate")
def test_a_search_among_dead_rows_is_exact(whole: Path, asked: list[int]) -> None:
    """If the rows that Chroma finds are dead, all live rows are searched: none is missed, and Chroma is asked once."""
    with closing(Segment(whole)) as segment:
        vector = np.array(segment.vectors[77])
        order = np.argsort(-(segment.vectors @ vector))
        alive = np.ones(len(order), dtype=bool)
        alive[order[:30]] = False
        assert nearest(segment, vector, 5, alive, 30) == exact(segment, vector, 5, alive)
        assert asked == [10]
        del asked[:]
        alive[:] = False
        alive[order[[40, 50]]] = True
        assert nearest(segment, vector, 5, alive, len(order) - 2) == order[[40, 50]].tolist()
        assert nearest(segment, vector, 5, ~alive | True, 0) == exact(segment, vector, 5)


class Server:
    """A Chroma server that finds given rows, or does not answer."""

    def __init__(self, found: NDArray[np.int64] | None) -> None:
        self._found = found
        self.asked: list[tuple[str, int]] = []

    def nearest(self, segment: str, vector: Vector, count: int) -> NDArray[np.int64] | None:
        self.asked.append((segment, count))
        return None if self._found is None else self._found[:count]


@pytest.mark.usefixtures("approximate")
def test_a_large_segment_is_searched_on_the_server(whole: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The server is asked in place of the embedded Chroma, which is not opened; while it is away, search is exact."""
    before = views()
    caplog.set_level(logging.WARNING)
    away, there = Server(None), Server(np.array([3, 77, 5, 9], dtype=np.int64))
    foreign = Server(np.array([3, 10**9, -4], dtype=np.int64))
    servers: Any = (away, there, foreign)
    for server, expected in zip(servers, (None, [3, 77], None), strict=True):
        with closing(Segment(whole, server)) as segment:
            segment.open()
            assert segment.collection is None
            vector = np.array(segment.vectors[77])
            found = nearest(segment, vector, 2, None, 0)
            assert sorted(found) == (expected or sorted(exact(segment, vector, 2)))
        assert server.asked == [(whole.name, 2)]
    assert views() == before


def test_vectors_are_found_by_the_keys_of_their_texts(whole: Path, corpus: list[Article]) -> None:
    """They are copies, so that the segment can be closed; unknown keys are left out."""
    each = corpus[70]
    keys = [text_key(each, chunk) for chunk in sentence_chunks(each)]
    with closing(Segment(whole)) as segment:
        found = segment.vectors_of_texts([*keys, b"unknown"])
        assert segment.vectors_of_texts([]) == {}
    texts = [f"{each.title}\n{chunk.text}" for chunk in sentence_chunks(each)]
    assert np.array_equal(np.stack([found[key] for key in keys]), EMBEDDER.embed_texts(texts))
    assert len(found) == len(keys)


LINES = 300
ROWS: dict[str, Callable[[int], str]] = {
    "filler": lambda _: "Word word word word word word word.",
    "log": lambda number: f"At {number} the pump station reports level ok and flow ok and power ok and door shut.",
    "table": lambda number: (
        f"Runner {number} Harbour Club finished the town race in the open class on time {number % 7}."
    ),
}


def crowd(kind: str) -> list[Article]:
    """Return ordinary articles, and between them by id one of many near-duplicate sentences."""
    return [*newsroom(10), article("news-0005-odd", " ".join(ROWS[kind](number) for number in range(LINES)))]


@pytest.fixture(scope="module", params=ROWS)
def crowded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an index with many near-duplicates, whose segment is large enough for Chroma."""
    data = tmp_path_factory.mktemp("crowd")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(segments, "EXACT_ROWS", 0)
        built(data, crowd(request.param), HashedEmbedder(dimension=32))
    return data


@pytest.mark.usefixtures("approximate")
def test_every_chunk_beside_a_crowd_of_near_duplicates_is_found(crowded: Path, asked: list[int]) -> None:
    """HNSW may miss rows beside a crowd: such a segment is valid, and searched exactly if it misses too many."""
    (name,) = segment_names(crowded)
    folder = segment_folder(crowded, name)
    record = read_record(folder)
    assert faults_of(folder, record) == []
    with opened(crowded) as generation:
        vectors = np.array(generation.parts[0].segment.vectors)
        best = [(vectors[generation.nearest(vector, 5, None)] @ vector).max() for vector in vectors]
    assert sum(score < 1 - 1e-4 for score in best) <= 0.002 * len(vectors)
    assert bool(asked) == (record.search == "chroma")


def test_a_segment_that_hnsw_cannot_search_is_searched_exactly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: list[int]
) -> None:
    """The record says so, and Chroma is not asked; a small segment is searched exactly anyway, and is not tested."""
    monkeypatch.setattr(segments, "misses_too_many", lambda *_: True)
    built(tmp_path, newsroom(3), EMBEDDER)
    assert read_record(segment_folder(tmp_path, segment_names(tmp_path)[-1])).search == "chroma"
    monkeypatch.setattr(segments, "EXACT_ROWS", 0)
    built(tmp_path, newsroom(3), EMBEDDER)
    assert read_record(segment_folder(tmp_path, segment_names(tmp_path)[-1])).search == "exact"
    with opened(tmp_path) as generation:
        generation.open()
        assert len(generation.nearest(EMBEDDER.embed_query("ferry"), 5, None)) >= 5
    assert asked == []


def test_ordinary_articles_are_searched_through_chroma(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without near-duplicates the record leaves the search to Chroma; so does one of equal texts, which find equals."""
    monkeypatch.setattr(segments, "EXACT_ROWS", 0)
    same = [article(f"a{number}", "The ferry left the harbour. " * 20) for number in range(20)]
    for articles in (newsroom(60), same):
        built(tmp_path, articles, HashedEmbedder(dimension=32))
        assert read_record(segment_folder(tmp_path, segment_names(tmp_path)[-1])).search == "chroma"
