from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index import segment as segments
from index.catalog import Catalog, text_key
from index.embedding import Matrix
from index.errors import EmbeddingFailed, PublishFailed
from index.layout import (
    BUILDING,
    CATALOG,
    LEXICAL,
    SEGMENT,
    SEGMENTS,
    VECTORS,
    segment_folder,
    segment_names,
    sync,
    unfinished,
)
from index.lexical import COUNTS, LENGTHS, ROWS, STARTS, TERMS, WORDS
from index.records import Article, indexed_text
from index.segment import Segment, SegmentWriter, faults_of, read_record, stored_files
from tests.fakes import HashedEmbedder, article, configuration, newsroom, segment_of, sentence_chunks

EMBEDDER = HashedEmbedder(dimension=16)
MADE = configuration(EMBEDDER)
ARTICLES = newsroom(8, sentences=3)
IDS = [f"a{number}" for number in range(6)]


def vectors_of(each: Article) -> Matrix:
    return EMBEDDER.embed_texts([indexed_text(each.title, chunk.text) for chunk in sentence_chunks(each)])


def added(writer: SegmentWriter, *articles: Article) -> None:
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


def test_a_closed_segment_has_all_its_parts(tmp_path: Path) -> None:
    """Catalogue, vectors, postings and Chroma have the same rows, and the record names every file."""
    with SegmentWriter(tmp_path, MADE) as writer:
        added(writer, *ARTICLES)
        assert writer.chunk_count == 24
        assert segment_names(tmp_path) == []
        record = writer.close()
    assert record is not None
    assert segment_names(tmp_path) == [record.segment]
    assert unfinished(tmp_path) == []
    folder = segment_folder(tmp_path, record.segment)
    assert contents(folder) == expected(*ARTICLES)
    assert (record.article_count, record.chunk_count, record.configuration) == (8, 24, MADE)
    assert record.segment.startswith(record.created_at.translate(str.maketrans("", "", "-:.")))
    assert read_record(folder) == record
    assert record.files == stored_files(folder)
    assert {path.name for path in folder.iterdir()} == {CATALOG, VECTORS, "chroma", LEXICAL, SEGMENT}
    assert faults_of(folder, record) == []
    for row, (chunk, each) in enumerate(zip(contents(folder), expected(*ARTICLES), strict=True)):
        assert chunk == each, row


def test_a_segment_is_in_place_only_after_it_is_verified_and_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every file is synced after the verification and before the folder is renamed."""
    done: list[str] = []

    def spy_verify(*values: Any) -> list[str]:  # noqa: ANN401 - passed on
        done.append("verify")
        return faults_of(*values)

    def spy_sync(path: Path) -> None:
        done.append(f"sync {path.name}")
        assert path.exists()
        sync(path)

    monkeypatch.setattr(segments, "faults_of", spy_verify)
    monkeypatch.setattr(segments, "sync", spy_sync)
    segment_of(tmp_path, ARTICLES[:1])
    (name,) = segment_names(tmp_path)
    files = {f"sync {path.name}" for path in segment_folder(tmp_path, name).rglob("*")}
    assert done[0] == "verify"
    assert done[1].startswith(f"sync {BUILDING}")
    assert set(done[2:-1]) == files
    assert done[-1] == f"sync {SEGMENTS}"


@pytest.mark.parametrize(
    "spoil",
    [
        lambda rows: rows[:-1],
        lambda rows: rows[:, :-1],
        lambda rows: rows * 1.01,
        lambda rows: np.where(rows == rows[1, 3], np.nan, rows),
        lambda rows: rows[0],
    ],
    ids=["too few", "another dimension", "too long", "not a number", "one row"],
)
def test_other_vectors_are_refused(tmp_path: Path, spoil: Callable[[Matrix], Matrix]) -> None:
    """Vectors of another shape, or that are not finite unit vectors, are an error, and the article is not added."""
    first, second = ARTICLES[:2]
    with SegmentWriter(tmp_path, MADE) as writer:
        added(writer, first)
        with pytest.raises(EmbeddingFailed, match="expected 3 unit vectors of dimension 16") as raised:
            writer.add(second, sentence_chunks(second), spoil(vectors_of(second)))
        assert "same model" in raised.value.hint
        assert writer.chunk_count == 3
        writer.abandon()


def test_a_segment_without_articles_is_not_kept(tmp_path: Path) -> None:
    """Neither an empty segment nor one whose articles were all discarded is stored."""
    for articles in ([], ARTICLES[:2]):
        with SegmentWriter(tmp_path, MADE) as writer:
            added(writer, *articles)
            for each in articles:
                writer.discard(each.article_id)
            assert writer.close() is None
    assert list((tmp_path / SEGMENTS).iterdir()) == []


def test_an_article_without_chunks_is_stored(tmp_path: Path) -> None:
    """An article may have no sentence."""
    empty = article("empty", "…")
    with SegmentWriter(tmp_path, MADE) as writer:
        writer.add(empty, [], np.empty((0, 16), np.float32))
        record = writer.close()
    assert record is not None
    assert (record.article_count, record.chunk_count) == (1, 0)
    assert faults_of(segment_folder(tmp_path, record.segment), record) == []


def test_a_block_that_raises_leaves_nothing(tmp_path: Path) -> None:
    """The folder of the segment is removed."""

    def fail() -> None:
        with SegmentWriter(tmp_path, MADE) as writer:
            added(writer, *ARTICLES)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert list((tmp_path / SEGMENTS).iterdir()) == []


def test_an_invalid_segment_is_not_moved_into_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error has the faults and says that the index is unchanged; the segment is removed."""
    monkeypatch.setattr(segments, "faults_of", lambda *_: ["row 7 is wrong", "and row 9"])
    with pytest.raises(PublishFailed, match="row 7 is wrong; and row 9") as raised:
        segment_of(tmp_path, ARTICLES)
    assert "is unchanged" in raised.value.hint
    assert list((tmp_path / SEGMENTS).iterdir()) == []


def test_a_copy_is_what_a_new_segment_would_be(tmp_path: Path) -> None:
    """Articles, vectors, postings and words of segments that are copied are those of a segment of their articles."""
    one, two = (segment_of(tmp_path, part, EMBEDDER, MADE).segment for part in (ARTICLES[:5], ARTICLES[5:]))
    left = [*ARTICLES[1:4], *ARTICLES[5:]]
    old: list[Segment] = []
    with SegmentWriter(tmp_path, MADE) as writer:
        for name, without in ((one, ["news-0000", "news-0004", "unknown"]), (two, [])):
            old.append(Segment(segment_folder(tmp_path, name)))
            writer.copy(old[-1], without)
        record = writer.close()
    for segment in old:
        segment.close()
    assert record is not None
    copied = segment_folder(tmp_path, record.segment)
    fresh = segment_folder(tmp_path, segment_of(tmp_path, left, EMBEDDER, MADE).segment)
    assert contents(copied) == contents(fresh) == expected(*left)
    for name in (STARTS, ROWS, COUNTS, LENGTHS, TERMS, WORDS):
        assert (copied / LEXICAL / name).read_bytes() == (fresh / LEXICAL / name).read_bytes(), name


STEPS = st.lists(
    st.tuples(st.sampled_from(["add", "add", "add", "discard", "store"]), st.sampled_from(IDS), st.integers(0, 3)),
    max_size=25,
)
folders = count()


@given(STEPS)
@settings(max_examples=60)
def test_any_order_of_changes_gives_the_articles_that_are_left(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, str, int]]
) -> None:
    """Rows, vectors and hashes are those of the articles that were added and not discarded."""
    data = tmp_path_factory.getbasetemp() / f"changes-{next(folders)}"
    left: dict[str, Article] = {}
    with pytest.MonkeyPatch.context() as patch, SegmentWriter(data, MADE) as writer:
        patch.setattr(segments, "build_collection", lambda folder, _: folder.mkdir())
        patch.setattr(segments, "faults_of", lambda *_: [])
        for change, article_id, number in steps:
            if change == "add" and article_id not in left:
                left[article_id] = replace(ARTICLES[number], article_id=article_id, title=article_id)
                added(writer, left[article_id])
            elif change == "discard":
                left.pop(article_id, None)
                writer.discard(article_id)
            elif change == "store":
                writer.store()
        record = writer.close()
    if record is None:
        assert not left
        return
    folder = segment_folder(data, record.segment)
    assert sorted(contents(folder)) == sorted(expected(*left.values()))
    with closing(Catalog(folder / CATALOG)) as catalog:
        assert catalog.hashes() == {article_id: each.content_hash for article_id, each in left.items()}
        assert catalog.is_numbered
        for chunk, each in catalog.chunks(range(catalog.chunk_count)):
            assert catalog.rows_of_texts([text_key(each, chunk)])
