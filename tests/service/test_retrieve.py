"""Retrieval on an ingested generation: filters, fusion and ranking equal a slow reference."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from index.generation import Generation
from index.records import Article, Filters, isoformat
from ingest.job import Ingest, run
from ingest.report import Progress
from service.citations.stream import Marker, MarkerParser
from service.records import Mode
from service.retrieve import CANDIDATES, NEWEST, favour_new, fuse, passage_keys, retrieve
from tests.fakes import TOPICS, HashedEmbedder, built, newsroom, opened

MODES: tuple[Mode, ...] = ("hybrid", "dense", "lexical")
KEY = re.compile(r"[b-df-hjkmnp-tvwxz][b-df-hjkmnp-tvwxz2-9]{2}[2-9]")
WORDS = st.lists(st.sampled_from([*" ".join(TOPICS).split(), "Aldane", "crowns", "the", "zebra"]), max_size=6)
DAY = datetime(2026, 1, 2, tzinfo=UTC)
TWINS = [f"twin-{letter}" for letter in "cab"]


def in_words(article: Article) -> dict[str, object]:
    """An article as an object of a JSON file."""
    fields = ("article_id", "title", "body", "source", "section")
    found: dict[str, object] = {name: getattr(article, name) for name in fields if getattr(article, name)}
    dates = {"published_at": isoformat(article.published_at), "updated_at": isoformat(article.updated_at)}
    return found | {"id": found.pop("article_id")} | {name: date for name, date in dates.items() if date}


@pytest.fixture(scope="module")
def embedder() -> HashedEmbedder:
    """An embedder that needs no model."""
    return HashedEmbedder()


@pytest.fixture(scope="module")
def articles() -> list[Article]:
    """Return ninety articles on six topics, and three with the same text."""
    same = newsroom(1, seed=7)[0]
    listed = [replace(article, section=f"s{number % 4}") for number, article in enumerate(newsroom(90, sentences=4))]
    listed[::3] = [replace(article, updated_at=DAY + timedelta(days=2)) for article in listed[::3]]
    return [*listed, *(replace(same, article_id=twin, title=None, section="twins") for twin in TWINS)]


@pytest.fixture(scope="module")
def generation(
    tmp_path_factory: pytest.TempPathFactory, articles: list[Article], embedder: HashedEmbedder
) -> Iterator[Generation]:
    """The generation of these articles in three segments, some of their rows dead, that ingests publish."""
    folder = tmp_path_factory.mktemp("retrieve")
    file = folder / "articles.jsonl"
    first = [replace(article, body=f"Once. {article.body}") for article in articles[:5]] + articles[5:50]
    for listed in (first, articles[:70], articles):
        file.write_text("".join(json.dumps(in_words(article)) + "\n" for article in listed), encoding="utf-8")
        run(Ingest((file,), folder / "data", "english"), embedder, Progress(quiet=True))
    with opened(folder / "data") as generation:
        assert [len(part.entry.dead) for part in generation.parts] == [5, 0, 0]
        yield generation


def allowed(article: Article, filters: Filters) -> bool:
    """Return whether an article passes the filters of these tests."""
    return (
        (not filters.sources or article.source in filters.sources)
        and (not filters.exclude_sources or article.source not in filters.exclude_sources)
        and (not filters.sections or article.section in filters.sections)
        and (not filters.article_ids or article.article_id in filters.article_ids)
        and (
            not filters.published_after
            or bool(article.published_at and article.published_at >= filters.published_after)
        )
        and (
            not filters.as_of
            or bool(article.published_at and max(article.published_at, article.updated_at or DAY) <= filters.as_of)
        )
    )


FILTERS = st.builds(
    Filters,
    sources=st.sampled_from([(), ("Courier",), ("Courier", "Echo")]),
    exclude_sources=st.sampled_from([(), ("Echo",)]),
    sections=st.sampled_from([(), ("s1",), ("s2", "twins")]),
    article_ids=st.sampled_from([(), ("news-0003", "news-0007", "news-0010", "twin-b"), ("news-0001",)]),
    published_after=st.sampled_from([None, DAY]),
    as_of=st.sampled_from([None, DAY, DAY + timedelta(days=3), DAY + timedelta(days=400)]),
)


@given(words=WORDS, filters=FILTERS, mode=st.sampled_from(MODES), limit=st.integers(1, 60))
def test_only_allowed_chunks_are_ranked(
    generation: Generation,
    embedder: HashedEmbedder,
    articles: list[Article],
    words: list[str],
    filters: Filters,
    mode: Mode,
    limit: int,
) -> None:
    """The chunks are of articles that pass the filters, by descending score, at most `count`, with scores in range."""
    found = retrieve(generation, embedder, " ".join(words), filters=filters, mode=mode, count=limit)
    passing = {article.article_id for article in articles if allowed(article, filters)}
    assert {passage.article.article_id for passage in found.passages} <= passing
    assert (found.reason == "outside_filters") == (not passing)
    assert [passage.key for passage in found.passages] == passage_keys(p.chunk.chunk_id for p in found.passages)
    assert len(found.passages) == min(limit, found.candidates)
    order = [(-passage.score, passage.chunk.chunk_id) for passage in found.passages]
    assert order == sorted(order)
    for passage in found.passages:
        assert 0 <= passage.score <= 1
        assert -1.001 <= passage.dense <= 1.001
        assert passage.lexical >= 0
        assert passage.chunk.article_id == passage.article.article_id
        assert passage.article.body[passage.chunk.start_char : passage.chunk.end_char] == passage.chunk.text


@given(words=WORDS, sections=st.sampled_from([("s1",), ("s3",), ("twins",)]), mode=st.sampled_from(MODES))
def test_a_filtered_search_is_exact(
    generation: Generation, embedder: HashedEmbedder, words: list[str], sections: tuple[str, ...], mode: Mode
) -> None:
    """The filtered ranking equals that of a slow reference over all allowed chunks, in which a story counts once."""
    question = " ".join(words)
    found = retrieve(generation, embedder, question, filters=Filters(sections=sections), mode=mode, count=CANDIDATES)
    alive = generation.allowed_rows(Filters())
    assert alive is not None
    with_rows = zip(np.flatnonzero(alive), generation.chunks(np.flatnonzero(alive)), strict=True)
    rows = [
        (int(row), chunk.chunk_id)
        for row, (chunk, article) in with_rows
        if article.section in sections and article.article_id not in sorted(TWINS)[1:]
    ]
    vectors = np.concatenate([part.segment.vectors for part in generation.parts])
    dense = vectors.astype("f8") @ embedder.embed_query(question).astype("f8")
    lexical = generation.lexical.scores(question)
    rows = [(row, chunk) for row, chunk in rows if mode != "lexical" or lexical[row] > 0]
    assert len(rows) <= CANDIDATES
    by_hand = sorted((-score, chunk) for score, (_, chunk) in zip(fused(dense, lexical, rows, mode), rows, strict=True))
    assert [passage.chunk.chunk_id for passage in found.passages] == [chunk for _, chunk in by_hand]
    assert [passage.score for passage in found.passages] == pytest.approx([-score for score, _ in by_hand], abs=2e-6)


def fused(
    dense: NDArray[np.float64],
    lexical: NDArray[np.float64],
    rows: list[tuple[int, str]],
    mode: Mode,
) -> list[float]:
    """The fused scores of these rows, one at a time."""
    ours = [(round(float(dense[row]), 6), float(lexical[row])) for row, _ in rows]
    low = min((one for one, _ in ours), default=0.0)
    high = max((one for one, _ in ours), default=0.0)
    most = max((other for _, other in ours), default=0.0)
    weight = {"hybrid": 0.5, "dense": 1.0, "lexical": 0.0}[mode]
    return [
        round(
            weight * ((one - low) / (high - low) if high > low else 0.0)
            + (1 - weight) * (other / most if most else 0.0),
            6,
        )
        for one, other in ours
    ]


def test_equal_chunks_tie_by_their_id(generation: Generation, embedder: HashedEmbedder) -> None:
    """Articles with the same text that are asked for are in the order of their chunk ids, in every mode."""
    question = newsroom(1, seed=7)[0].body
    for mode in MODES:
        found = retrieve(generation, embedder, question, filters=Filters(article_ids=(*TWINS,)), mode=mode, count=3)
        assert [passage.article.article_id for passage in found.passages] == sorted(TWINS)
        assert len({passage.score for passage in found.passages}) == 1


def test_a_mode_asks_one_side_only(generation: Generation, embedder: HashedEmbedder) -> None:
    """Dense ranks by cosine, lexical by BM25 and only what shares a word, hybrid has the candidates of both."""
    question = "ferry harbour strike"
    found = {mode: retrieve(generation, embedder, question, filters=Filters(), mode=mode, count=200) for mode in MODES}
    dense = [passage.dense for passage in found["dense"].passages]
    lexical = [passage.lexical for passage in found["lexical"].passages]
    assert dense == sorted(dense, reverse=True)
    assert lexical == sorted(lexical, reverse=True)
    assert min(lexical) > 0
    ids = {mode: {passage.chunk.chunk_id for passage in found[mode].passages} for mode in MODES}
    assert ids["hybrid"] == ids["dense"] | ids["lexical"]


@pytest.mark.parametrize("question", ["zebra", "the of", "", "?!"])
def test_unknown_words_find_nothing_lexically(generation: Generation, embedder: HashedEmbedder, question: str) -> None:
    """A question without a known word has no lexical candidates, and is ranked by the dense side in hybrid mode."""
    lexical = retrieve(generation, embedder, question, filters=Filters(), mode="lexical", count=8)
    assert (lexical.passages, lexical.candidates, lexical.reason) == ((), 0, None)
    hybrid = retrieve(generation, embedder, question, filters=Filters(), mode="hybrid", count=8)
    dense = retrieve(generation, embedder, question, filters=Filters(), mode="dense", count=8)
    assert [passage.chunk for passage in hybrid.passages] == [passage.chunk for passage in dense.passages]


def test_a_question_brings_its_vector_along(generation: Generation, embedder: HashedEmbedder) -> None:
    """The vector of the question is returned for reuse."""
    found = retrieve(generation, embedder, "ferry", filters=Filters(), mode="hybrid", count=1)
    assert np.array_equal(found.vector, embedder.embed_query("ferry"))


def test_many_chunks_may_be_asked_for(generation: Generation, embedder: HashedEmbedder) -> None:
    """A larger count gets more candidates."""
    found = retrieve(generation, embedder, "ferry", filters=Filters(), mode="dense", count=70)
    assert len(found.passages) == 70
    assert len(retrieve(generation, embedder, "ferry", filters=Filters(), mode="dense", count=1).passages) == 1


def test_nothing_outside_the_filters_is_found(generation: Generation, embedder: HashedEmbedder) -> None:
    """If no article passes the filters, the reason is `outside_filters`."""
    found = retrieve(generation, embedder, "ferry", filters=Filters(sources=("Unknown",)), mode="hybrid", count=8)
    assert (found.passages, found.candidates, found.reason) == ((), 0, "outside_filters")


@pytest.mark.parametrize("filters", [Filters(), Filters(sources=("Courier",))])
def test_an_empty_index_has_no_articles(tmp_path: Path, embedder: HashedEmbedder, filters: Filters) -> None:
    """If the index is empty, the reason is `no_articles`, with any filters."""
    built(tmp_path, [], embedder)
    with opened(tmp_path) as generation:
        found = retrieve(generation, embedder, "ferry", filters=filters, mode="hybrid", count=8)
    assert (found.passages, found.reason) == ((), "no_articles")


SCORES = st.integers(0, 12).flatmap(
    lambda size: st.tuples(
        st.lists(st.floats(-1, 1, width=32), min_size=size, max_size=size),
        st.lists(st.floats(0, 60, width=32), min_size=size, max_size=size),
    )
)


@given(scores=SCORES, weight=st.floats(0, 1))
def test_a_fused_score_is_a_share(scores: tuple[list[float], list[float]], weight: float) -> None:
    """Fused scores are from 0 to 1, one for each candidate, for any scores of the sides."""
    dense, lexical = (np.array(side, dtype=np.float64) for side in scores)
    found = fuse(dense, lexical, weight)
    assert found.shape == dense.shape
    assert np.isfinite(found).all()
    assert ((found >= 0) & (found <= 1)).all()


@given(scores=SCORES, weight=st.floats(0, 1))
def test_better_on_both_sides_is_never_ranked_lower(scores: tuple[list[float], list[float]], weight: float) -> None:
    """Fusion is monotonic: higher scores on both sides give a higher fused score."""
    dense, lexical = (np.array(side, dtype=np.float32) for side in scores)
    found = fuse(dense, lexical, weight)
    pairs = list(zip(*scores, strict=True))
    for one, score in zip(pairs, found, strict=True):
        for other, other_score in zip(pairs, found, strict=True):
            assert score >= other_score or one[0] < other[0] or one[1] < other[1]


@given(dense=st.floats(-1, 1, width=32), lexical=st.floats(0.125, 60, width=32), size=st.integers(1, 9))
def test_a_side_that_says_nothing_counts_nothing(dense: float, lexical: float, size: int) -> None:
    """Equal dense scores and absent words add 0; the best lexical score counts in full, and its floor is 0."""
    same, none = np.full(size, dense), np.zeros(size)
    assert fuse(same, none, 0.5).tolist() == [0.0] * size
    words = np.linspace(0, lexical, size + 1)
    assert fuse(np.full(size + 1, dense), words, 0.5).tolist() == pytest.approx(np.linspace(0, 0.5, size + 1), abs=1e-5)


@given(chunk_ids=st.lists(st.text(max_size=30), max_size=30))
def test_keys_are_short_signs(chunk_ids: list[str]) -> None:
    """A key is a consonant, two consonants or digits, and a digit; it has no 0, 1, l or o."""
    assert all(KEY.fullmatch(key) for key in passage_keys(chunk_ids))


@given(chunk_ids=st.lists(st.text(max_size=30), max_size=30))
def test_keys_are_read_as_markers(chunk_ids: list[str]) -> None:
    """A key in square brackets is a marker of that key."""
    keys = passage_keys(chunk_ids)
    parser = MarkerParser(keys)
    assert [token for key in keys for token in [*parser.feed(f"[{key}]"), *parser.finish()]] == [
        Marker((key,)) for key in keys
    ]


def test_no_two_chunks_share_a_key() -> None:
    """10,000 chunks have unique, repeatable keys, although their first choices collide."""
    chunk_ids = [f"article-{number}:0" for number in range(10_000)]
    keys = passage_keys(chunk_ids)
    assert len(set(keys)) == len(chunk_ids)
    assert len({passage_keys([chunk_id])[0] for chunk_id in chunk_ids}) < len(chunk_ids)
    assert passage_keys(iter(chunk_ids)) == keys


@given(before=st.lists(st.text(max_size=9), max_size=9), after=st.lists(st.text(max_size=9), max_size=9))
def test_a_later_chunk_changes_no_key(before: list[str], after: list[str]) -> None:
    """A chunk's key depends only on the chunks before it."""
    assert passage_keys([*before, *after])[: len(before)] == passage_keys(before)


AGED = st.lists(st.floats(0, 1), min_size=1, max_size=12)


@given(scores=AGED, data=st.data())
def test_a_clear_difference_outweighs_age(scores: list[float], data: st.DataObject) -> None:
    """Scores stay in [0, 1]; an order changes only among candidates that are nearly equal."""
    days = st.none() | st.integers(1, 9).map(lambda number: f"2026-01-0{number}")
    dates = data.draw(st.lists(days, min_size=len(scores), max_size=len(scores)))
    gained = favour_new(np.array(scores), dates)
    assert ((gained >= 0) & (gained <= 1)).all()
    for one in range(len(scores)):
        for other in range(len(scores)):
            if scores[one] - scores[other] > NEWEST + 1e-5:
                assert gained[one] > gained[other]
            if scores[one] == scores[other] and (dates[one] or "") > (dates[other] or ""):
                assert gained[one] > gained[other]
