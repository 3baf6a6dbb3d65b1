import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from index import segment as segments
from index.catalog import Catalog, CatalogWriter, text_key
from index.embedding import Matrix
from index.errors import EmbeddingFailed, IndexDamaged, PublishFailed
from index.layout import (
    BUILDING,
    CATALOG,
    SEGMENT,
    SEGMENTS,
    VECTORS,
    segment_folder,
    segment_names,
    unfinished,
)
from index.records import Article, indexed_text
from index.segment import COLLECTED, SegmentWriter
from index.vectors import VectorFile
from ingest import new_segments
from ingest.known_vectors import UnfinishedSegment
from ingest.new_segments import NewSegments
from tests.fakes import HashedEmbedder, article, configuration, newsroom, sentence_chunks

EMBEDDER = HashedEmbedder(dimension=16)
MADE = configuration(EMBEDDER)
ARTICLES = newsroom(8, sentences=3)
IDS = [f"a{number}" for number in range(6)]


def vectors_of(each: Article) -> Matrix:
    return EMBEDDER.embed_texts([indexed_text(each.title, chunk.text) for chunk in sentence_chunks(each)])


def added(writer: SegmentWriter | NewSegments, *articles: Article) -> None:
    for each in articles:
        writer.add(each, sentence_chunks(each), vectors_of(each))


def contents(folder: Path) -> list[tuple[str, str, bytes]]:
    """Return chunk id, text and vector of every row of a closed segment."""
    vectors = np.load(folder / VECTORS)
    with closing(Catalog(folder / CATALOG)) as catalog:
        chunks = catalog.chunks(range(catalog.chunk_count))
    assert len(chunks) == len(vectors)
    return [(chunk.chunk_id, chunk.text, vectors[row].tobytes()) for row, (chunk, _) in enumerate(chunks)]


def expected(*articles: Article) -> list[tuple[str, str, bytes]]:
    return [
        (chunk.chunk_id, chunk.text, vector.tobytes())
        for each in articles
        for chunk, vector in zip(sentence_chunks(each), vectors_of(each), strict=True)
    ]


@pytest.fixture
def without_chroma(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out the Chroma collection, which takes most of the time."""
    monkeypatch.setattr(segments, "build_collection", lambda folder, _: folder.mkdir())
    monkeypatch.setattr(segments, "faults_of", lambda *_: [])


class Kills:
    """Copies of a data folder as a kill would have left it, one after each step of the writer."""

    def __init__(self, data: Path, to: Path, patch: pytest.MonkeyPatch) -> None:
        self._data = data
        self._to = to
        self.after: dict[str, Path] = {}
        for step, place, name in (
            ("store", CatalogWriter, "commit"),
            ("vectors.npy", VectorFile, "save"),
            ("numbering", CatalogWriter, "number_rows"),
            ("vectors.f32 removed", VectorFile, "remove"),
            ("chroma", segments, "build_collection"),
            ("verification", segments, "faults_of"),
            ("synced", segments, "sync"),
        ):
            patch.setattr(place, name, self._copying(step, getattr(place, name)))

    def _copying(self, step: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*values: Any) -> Any:  # noqa: ANN401 - passed on
            result = call(*values)
            self.take(step)
            return result

        return wrapped

    def take(self, step: str) -> None:
        self.after[step] = self._to / step
        shutil.rmtree(self.after[step], ignore_errors=True)
        shutil.copytree(self._data, self.after[step])


@pytest.fixture(scope="module")
def kills(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return what a kill leaves after each step of writing a segment, with discards between the articles."""
    data = tmp_path_factory.mktemp("killed")
    with pytest.MonkeyPatch.context() as patch:
        taken = Kills(data, tmp_path_factory.mktemp("kills"), patch)
        with SegmentWriter(data, MADE) as writer:
            added(writer, *ARTICLES[:4])
            writer.discard(ARTICLES[1].article_id)
            added(writer, *ARTICLES[4:6])
            writer.discard(ARTICLES[4].article_id)
            writer.store()
            added(writer, ARTICLES[6])
            taken.take("more added")
            writer.discard(ARTICLES[0].article_id)
            taken.take("more discarded")
            writer.store()
            writer.close()
        taken.take("rename")
    return taken.after


STORED_FIRST = [ARTICLES[at] for at in (0, 2, 3, 5)]
STORED_LAST = [ARTICLES[at] for at in (2, 3, 5, 6)]
REMAINS = {
    "more added": STORED_FIRST,
    "more discarded": STORED_FIRST,
    "store": STORED_LAST,
    "vectors.npy": STORED_LAST,
    "numbering": STORED_LAST,
    "vectors.f32 removed": STORED_LAST,
    "chroma": STORED_LAST,
    "verification": STORED_LAST,
    "synced": STORED_LAST,
    "rename": STORED_LAST,
}


@pytest.mark.parametrize("step", REMAINS)
def test_a_killed_writer_leaves_its_vectors(kills: dict[str, Path], step: str) -> None:
    """After each step, every vector of a stored text is found by the text's key, and it is the right one."""
    (folder,) = (kills[step] / SEGMENTS).iterdir()
    assert folder.name.startswith(BUILDING) == (step not in ("rename", "synced"))
    keys = {
        text_key(each, chunk): vector
        for each in REMAINS[step]
        for chunk, vector in zip(sentence_chunks(each), vectors_of(each), strict=True)
    }
    with closing(UnfinishedSegment(folder, EMBEDDER.name, EMBEDDER.graph)) as remains:
        found = remains.vectors_of_texts([*keys, b"unknown"])
        gone = [text_key(ARTICLES[1], chunk) for chunk in sentence_chunks(ARTICLES[1])]
        assert remains.vectors_of_texts(gone) == {}
    assert found.keys() == keys.keys()
    for key, vector in keys.items():
        assert np.array_equal(found[key], vector)


def test_only_complete_and_valid_vectors_are_taken(kills: dict[str, Path], tmp_path: Path) -> None:
    """A file of vectors that is cut short gives the rows that are complete; a row of zeros is not used."""
    (folder,) = (shutil.copytree(kills["more added"], tmp_path / "data") / SEGMENTS).iterdir()
    collected = folder / COLLECTED
    held = bytearray(collected.read_bytes())
    held[64 * 7 : 64 * 8] = bytes(64)
    collected.write_bytes(held[: 64 * 9 - 1])
    first, third = ([text_key(each, chunk) for chunk in sentence_chunks(each)] for each in (ARTICLES[0], ARTICLES[2]))
    with closing(UnfinishedSegment(folder, EMBEDDER.name, EMBEDDER.graph)) as remains:
        assert remains.vectors_of_texts([*first, *third]).keys() == {*first, third[0]}
    collected.write_bytes(b"")
    with closing(UnfinishedSegment(folder, EMBEDDER.name, EMBEDDER.graph)) as remains:
        assert remains.vectors_of_texts(first) == {}


@pytest.mark.parametrize(("name", "graph"), [("fake:other", EMBEDDER.graph), (EMBEDDER.name, "int8")])
def test_vectors_of_another_model_or_graph_are_not_taken(kills: dict[str, Path], name: str, graph: str) -> None:
    """They are not comparable."""
    (folder,) = (kills["store"] / SEGMENTS).iterdir()
    with pytest.raises(IndexDamaged, match="has vectors of another model"):
        UnfinishedSegment(folder, name, graph)


def test_what_cannot_be_read_is_not_taken(kills: dict[str, Path], tmp_path: Path) -> None:
    """A folder without a catalogue, with an empty or corrupt one, or without vectors is an error that names it."""
    (folder,) = (shutil.copytree(kills["store"], tmp_path / "data") / SEGMENTS).iterdir()
    (folder / COLLECTED).rename(folder / "elsewhere")
    with pytest.raises(IndexDamaged, match=f"{folder.name} cannot be read"):
        UnfinishedSegment(folder, EMBEDDER.name, EMBEDDER.graph)
    (folder / "elsewhere").rename(folder / COLLECTED)
    for held in (b"", b"not a database" * 1_000):
        (folder / CATALOG).write_bytes(held)
        with pytest.raises(IndexDamaged):
            UnfinishedSegment(folder, EMBEDDER.name, EMBEDDER.graph)
    (folder / CATALOG).unlink()
    with pytest.raises(IndexDamaged):
        UnfinishedSegment(folder, EMBEDDER.name, EMBEDDER.graph)
    # After a loss of power, a file may be empty that was written before another one.
    (closed,) = (shutil.copytree(kills["rename"], tmp_path / "closed") / SEGMENTS).iterdir()
    (closed / VECTORS).write_bytes(b"")
    with pytest.raises(IndexDamaged, match=f"{closed.name} cannot be read"):
        UnfinishedSegment(closed, EMBEDDER.name, EMBEDDER.graph)
    (tmp_path / "empty").mkdir()
    with pytest.raises(IndexDamaged):
        UnfinishedSegment(tmp_path / "empty", EMBEDDER.name, EMBEDDER.graph)


@pytest.fixture
def new(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, without_chroma: None) -> Iterator[NewSegments]:
    """Return the new segments of a run, which are full with nine chunks."""
    monkeypatch.setattr(new_segments, "SEGMENT_CHUNKS", 9)
    with NewSegments(tmp_path, lambda: MADE) as added_to:
        yield added_to


def test_a_full_segment_is_closed_when_it_is_stored(tmp_path: Path, new: NewSegments) -> None:
    """A kill then costs at most the last batch."""
    added(new, *ARTICLES[:3])
    assert segment_names(tmp_path) == []
    new.store()
    assert len(segment_names(tmp_path)) == 1
    added(new, *ARTICLES[3:8])
    new.store()
    added(new, article("last", "It is over."))
    finished = new.finish()
    assert [record.article_count for record, _ in finished] == [3, 5, 1]
    assert [record.segment for record, _ in finished] == segment_names(tmp_path)
    assert new.article_ids == {*(each.article_id for each in ARTICLES), "last"}


def test_an_article_that_comes_again_replaces_the_earlier_one(tmp_path: Path, new: NewSegments) -> None:
    """In a closed segment the earlier version is dead, in the open one it is removed."""
    again = [replace(each, body="It was corrected.") for each in ARTICLES[:4]]
    added(new, *ARTICLES[:3])
    new.store()
    added(new, ARTICLES[3], again[0], again[3])
    new.discard(ARTICLES[1].article_id)
    new.discard("unknown")
    (first, dead), (second, none) = new.finish()
    assert (dead, none) == ({"news-0000", "news-0001"}, set())
    assert contents(segment_folder(tmp_path, first.segment)) == expected(*ARTICLES[:3])
    assert contents(segment_folder(tmp_path, second.segment)) == expected(again[0], again[3])
    assert new.article_ids == {"news-0000", "news-0002", "news-0003"}


def test_a_run_without_articles_writes_nothing(tmp_path: Path) -> None:
    """The configuration is not asked for: a remote embedder would have to be called."""
    with NewSegments(tmp_path, lambda: pytest.fail("asked")) as new:
        new.store()
        new.discard("unknown")
        assert new.finish() == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("without_chroma")
def test_what_a_failed_run_stored_is_kept_for_the_next_one(tmp_path: Path) -> None:
    """An error leaves the stored vectors, a full disk and a run that ends without `finish` leave nothing."""
    for error, kept in ((EmbeddingFailed("no answer"), True), (OSError(28, "full"), False), (None, False)):
        try:
            with NewSegments(tmp_path, lambda: MADE) as new:
                added(new, ARTICLES[0])
                new.store()
                added(new, ARTICLES[1])
                if error is not None:
                    raise error
        except (EmbeddingFailed, OSError):
            pass
        assert len(unfinished(tmp_path)) == kept
        for folder in unfinished(tmp_path):
            with closing(UnfinishedSegment(folder, EMBEDDER.name, EMBEDDER.graph)) as remains:
                for each, found in ((ARTICLES[0], 3), (ARTICLES[1], 0)):
                    keys = [text_key(each, chunk) for chunk in sentence_chunks(each)]
                    assert len(remains.vectors_of_texts(keys)) == found
            shutil.rmtree(folder)


def test_the_remains_of_a_segment_that_was_not_valid_have_its_vectors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A segment that does not pass verification costs no embedding: its vectors are taken, what is derived is not."""
    monkeypatch.setattr(segments, "faults_of", lambda *_: ["it is wrong"])

    def finish() -> None:
        with NewSegments(tmp_path, lambda: MADE) as new:
            added(new, *ARTICLES[:2])
            new.discard(ARTICLES[0].article_id)
            new.finish()

    with pytest.raises(PublishFailed, match="it is wrong"):
        finish()
    (folder,) = unfinished(tmp_path)
    assert {path.name for path in folder.iterdir()} <= {CATALOG, VECTORS, SEGMENT}
    with closing(UnfinishedSegment(folder, EMBEDDER.name, EMBEDDER.graph)) as remains:
        keys = [text_key(ARTICLES[1], chunk) for chunk in sentence_chunks(ARTICLES[1])]
        assert np.array_equal(np.stack([remains.vectors_of_texts(keys)[key] for key in keys]), vectors_of(ARTICLES[1]))
