import math
import random
import shutil
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from pathlib import Path

import numpy as np
import pytest

from index import publishing
from index.errors import IndexDamaged, PublishFailed
from index.layout import VECTORS, current_name, generation_names, segment_folder, segment_names
from index.publishing import DEAD_SHARE, MOST_CHUNKS, MOST_SEGMENTS, Sized, choose, merge
from index.records import Edit, Filters, Revision, SegmentEntry
from index.segment import faults_of, read_record
from tests.fakes import HashedEmbedder, article, built, grown, newsroom, opened

EMBEDDER = HashedEmbedder()
ARTICLES = newsroom(30, sentences=4)
NUMBERS = count()
COPY = replace(ARTICLES[7], article_id="copy")
HISTORY = (Revision("2026-05-03T09:00:00Z", is_stated=True, edits=(Edit("It never voted.", ""),)),)


def sized(chunks: int, dead: int = 0) -> Sized:
    """Return a segment of that size."""
    return Sized(SegmentEntry(f"{next(NUMBERS)}", ""), chunks, chunks - dead)


def published(sizes: list[int], parts: list[Sized]) -> tuple[int, list[Sized]]:
    """Add segments of these sizes one by one, and merge after each; return how many chunks were copied."""
    copied = 0
    for size in sizes:
        parts = [*parts, sized(size)]
        while some := choose(parts):
            assert len(some) > 1, "a segment without dead chunks is copied alone"
            total = sum(part.chunks for part in some)
            parts = [*(part for part in parts if part not in some), sized(total)]
            copied += total
        assert len(parts) <= MOST_SEGMENTS
    return copied, parts


@pytest.mark.parametrize("count", [100, 1_000, 4_000])
@pytest.mark.parametrize(
    "size",
    [lambda _: 1, lambda rng: rng.randint(1, 60), lambda rng: rng.choice([1, 1, 1, 400])],
    ids=["1", "60", "400"],
)
def test_a_chunk_is_copied_about_log_n_times(count: int, size: Callable[[random.Random], int]) -> None:
    """While n chunks are published, each is copied at most log2(n) times on average, in at most eight segments."""
    rng = random.Random(5)
    sizes = [size(rng) for _ in range(count)]
    copied, parts = published(sizes, [])
    assert sum(part.chunks for part in parts) == sum(sizes)
    assert copied <= sum(sizes) * math.log2(sum(sizes))


def test_a_large_segment_is_not_copied_for_small_ones() -> None:
    """A thousand publishes of one article beside a large index copy a few thousand chunks, never the index."""
    large = sized(100_000)
    copied, parts = published([1] * 1_000, [large])
    assert large in parts
    assert copied < 8_000


def test_a_merge_has_a_most() -> None:
    """Segments that are too large together stay apart, even if there are more than eight."""
    parts = [sized(MOST_CHUNKS // 2 + 1) for _ in range(MOST_SEGMENTS + 4)]
    assert choose(parts) == []
    small = [sized(3), sized(4)]
    assert choose([*parts, *small]) == small


@pytest.mark.parametrize(("dead", "copied"), [(0, False), (20, False), (21, True), (99, True)])
def test_dead_rows_are_copied_away_above_a_fifth(dead: int, copied: bool) -> None:
    """A segment is copied alone if more than a fifth of its chunks are dead, whatever the others are."""
    part = sized(100, dead)
    assert dead / 100 <= DEAD_SHARE or copied
    assert choose([sized(5), part, sized(7)]) == ([part] if copied else [])


@pytest.fixture(scope="module")
def nine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an index of nine segments: a large one with a dead article, and eight small ones, one with a dead one.

    Two articles in two segments are copies.
    """
    data = tmp_path_factory.mktemp("nine")
    built(data, ARTICLES[:20], EMBEDDER)
    grown(data, ARTICLES[20:25])
    for number in range(6):
        grown(data, [article(f"one-{number}", f"The ferry sailed {number} times."), *([] if number else [COPY])])
    again = [article("news-0003", "The council voted again."), article("news-0021", "The storm is over.")]
    grown(data, again, histories={"news-0003": HISTORY})
    return data


@pytest.fixture
def data(nine: Path, tmp_path: Path) -> Path:
    return shutil.copytree(nine, tmp_path / "data")


def facts(data: Path) -> dict[str, object]:
    """Return what readers find in an index, whatever its segments are."""
    with opened(data) as generation:
        alive = generation.allowed_rows(Filters())
        rows = np.arange(generation.manifest.chunk_count) if alive is None else np.flatnonzero(alive)
        chunks = generation.chunks(rows)
        scores = generation.lexical.scores("the ferry and the storm cost crowns")[rows]
        cosines = generation.cosines(EMBEDDER.embed_query("ferry storm"), rows)
        order = sorted(range(len(chunks)), key=lambda at: chunks[at][0].chunk_id)
        return {
            "fingerprint": generation.manifest.fingerprint,
            "counts": (generation.manifest.article_count, generation.manifest.chunk_count),
            "listed": generation.listed(0, 99),
            "copies": generation.stories.ids(),
            "histories": generation.histories(generation.hashes()),
            "chunks": [chunks[at] for at in order],
            "scores": [(round(float(scores[at]), 6), round(float(cosines[at]), 6)) for at in order],
            "words": [generation.lexical.spelling.corrected(word) for word in ("tiems", "corwns", "saild")],
        }


def test_a_merge_changes_no_answer(data: Path) -> None:
    """Articles, scores and fingerprint stay; the merged segment is valid and has no dead row."""
    before, large, name = facts(data), segment_names(data)[0], current_name(data)
    (manifest,) = merge(data)
    assert current_name(data) == manifest.generation != name
    assert [entry.segment for entry in manifest.segments] == [large, segment_names(data)[-1]]
    assert [entry.dead for entry in manifest.segments] == [("news-0003",), ()]
    assert facts(data) == before
    assert before["histories"] == {"news-0003": HISTORY}
    assert before["copies"] == [("copy", "news-0007")]
    merged = segment_folder(data, manifest.segments[1].segment)
    assert faults_of(merged, read_record(merged)) == []
    assert read_record(merged).article_count == 4 + 7 + 2


def test_the_old_generation_stays_and_nothing_is_merged_twice(data: Path) -> None:
    """The generation before the merge can still be opened; an index that needs no merge is not published again."""
    before, name = facts(data), current_name(data)
    merge(data)
    assert name in generation_names(data)
    with opened(data, name) as generation:
        assert len(generation.parts) == 9
        assert generation.manifest.fingerprint == before["fingerprint"]
    names = generation_names(data)
    assert merge(data) == []
    assert generation_names(data) == names


def test_the_dead_are_left_behind(data: Path) -> None:
    """Segments that are mostly dead are copied without them, one after the other."""
    grown(data, removed=[*(each.article_id for each in ARTICLES[:6]), "one-1", "one-2"])
    before = facts(data)
    manifests = merge(data)
    assert [len(manifest.segments) for manifest in manifests] == [7, 7]
    assert facts(data) == before
    with opened(data) as generation:
        assert all(part.alive is None or part.alive.mean() >= 1 - DEAD_SHARE for part in generation.parts)


def test_an_index_without_articles_needs_no_merge(data: Path, tmp_path: Path) -> None:
    """If every article is removed, no segment is left, and merging does nothing; nor without an index."""
    with opened(data) as generation:
        names = list(generation.hashes())
    manifest = grown(data, removed=names)
    assert (manifest.segments, manifest.article_count, manifest.chunk_count) == ((), 0, 0)
    assert merge(data) == []
    assert merge(tmp_path / "nowhere") == []


def test_a_corrupt_segment_is_not_copied(data: Path) -> None:
    """A segment with a changed byte is not merged into one with valid digests; the old generation stays current."""
    before, segments = current_name(data), segment_names(data)
    vectors = segment_folder(data, segments[4]) / VECTORS
    vectors.write_bytes(vectors.read_bytes()[:-1] + b"\x01")
    with pytest.raises(IndexDamaged, match=rf"segment {segments[4]} is corrupt: vectors\.npy has changed"):
        merge(data)
    assert (current_name(data), segment_names(data)) == (before, segments)
    assert not list((data / "segments").glob("building-*"))


def test_a_merge_that_fails_leaves_nothing(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the merged segment is not valid, no generation is published, and the segment is removed."""
    before, segments = current_name(data), segment_names(data)
    monkeypatch.setattr("index.segment.faults_of", lambda *_: ["it is wrong"])
    with pytest.raises(PublishFailed, match="it is wrong"):
        merge(data)
    assert (current_name(data), segment_names(data)) == (before, segments)
    assert not list((data / "segments").glob("building-*"))


def test_a_thousand_changes_of_one_article_keep_the_index_small(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its old versions disappear with their segments, without any merge."""
    monkeypatch.setattr(publishing, "_merged", lambda *_: pytest.fail("a merge"))
    built(tmp_path, ARTICLES[:6], EMBEDDER)
    for number in range(4):
        manifest = grown(tmp_path, [article("often", f"It is version {number}.")])
        assert merge(tmp_path) == []
    assert len(manifest.segments) == 2
    assert [entry.dead for entry in manifest.segments] == [(), ()]
