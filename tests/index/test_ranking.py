"""One segment, or the same articles in up to seven segments with dead rows: every score and every list is the same."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index import segment as segments
from index.generation import Generation
from index.records import Article, Edit, Filters, Revision
from service import retrieve
from service.readers.catalogue import count_articles
from service.records import Mode
from tests.fakes import HashedEmbedder, article, built, grown, opened

EMBEDDER = HashedEmbedder(dimension=8)
VOCABULARY = "ferry harbour pier storm council mayor ballot museum gallery the of".split()
SPELT = "fery harbuor piers strom coucnil mayro balot musem gallrey".split()
NOON = datetime(2026, 2, 9, 12, tzinfo=UTC)
DATES = [None, NOON, NOON + timedelta(seconds=0.5), NOON + timedelta(seconds=1), NOON - timedelta(days=400)]
SENTENCES = st.lists(st.sampled_from(VOCABULARY), min_size=1, max_size=6).map(
    lambda words: f"{' '.join(words).capitalize()}."
)
ARTICLES = st.builds(
    article,
    st.sampled_from([f"a{number}" for number in range(8)]),
    st.lists(SENTENCES, min_size=1, max_size=3).map(" ".join),
    title=st.none() | st.sampled_from([*VOCABULARY[:9], "Correction"]),
    source=st.sampled_from([None, "Courier", "Echo"]),
    section=st.sampled_from([None, "News", "Émission"]),
    tags=st.sampled_from([(), ("budget",), ("Budget", "strike")]),
    published_at=st.sampled_from(DATES),
)
STEPS = st.lists(
    st.tuples(
        st.lists(ARTICLES, min_size=1, max_size=4, unique_by=lambda each: each.article_id),
        st.sets(st.sampled_from([f"a{number}" for number in range(8)]), max_size=2),
    ),
    min_size=1,
    max_size=7,
)
"""Each step adds a segment with some articles, new or changed, and removes some."""

FILTERS = st.builds(
    Filters,
    sources=st.sampled_from([(), ("courier",), ("Echo",)]),
    exclude_sources=st.sampled_from([(), (), ("Echo",)]),
    article_ids=st.sampled_from([(), (), ("a1", "a2", "a3")]),
    published_after=st.sampled_from([None, None, NOON]),
)
BOUNDS = st.builds(
    Filters,
    sources=st.sampled_from([(), ("courier",), ("Echo", "Gazette")]),
    exclude_sources=st.sampled_from([(), (), ("Echo",)]),
    sections=st.sampled_from([(), (), ("ÉMISSION",), ("news", "Émission")]),
    tags=st.sampled_from([(), (), ("budget",), ("Strike",)]),
    published_after=st.sampled_from([None, None, NOON]),
    published_before=st.sampled_from([None, None, NOON + timedelta(seconds=1)]),
)
HISTORIES = {
    f"a{number}": (Revision("2026-02-10T00:00:00Z", False, (Edit(f"It was {number}.", "It was not."),)),)
    for number in range(8)
}
QUESTIONS = st.lists(st.sampled_from([*VOCABULARY, "submarine"]), max_size=5).map(" ".join)
folders = count()


@pytest.fixture(scope="module", autouse=True)
def without_chroma() -> Iterator[None]:
    """Leave out the Chroma collections, which small segments do not use: a hundred segments take a second then."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(segments, "build_collection", lambda folder, _: folder.mkdir())
        patch.setattr(segments, "faults_of", lambda *_: [])
        patch.setattr(segments, "sync", lambda _: None)
        yield


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("ranking")


def passes(article: Article, bounds: Filters) -> bool:
    """Return whether an article is within bounds."""

    def among(values: Sequence[str | None], wanted: Sequence[str]) -> bool:
        return bool({each.casefold() for each in values if each} & {each.casefold() for each in wanted})

    date = article.published_at
    return (
        all(
            not wanted or among(values, wanted)
            for values, wanted in (
                ([article.source], bounds.sources),
                ([article.section], bounds.sections),
                (article.tags, bounds.tags),
            )
        )
        and not among([article.source], bounds.exclude_sources)
        and (bounds.published_after is None or (date is not None and date >= bounds.published_after))
        and (bounds.published_before is None or (date is not None and date < bounds.published_before))
    )


def both(
    place: Path, steps: list[tuple[list[Article], set[str]]], bounds: Filters | None = None
) -> tuple[AbstractContextManager[Generation], AbstractContextManager[Generation]]:
    """Return an index that grew step by step, and one built at once with the articles that were left within bounds."""
    once, many = place / f"once-{next(folders)}", place / f"many-{next(folders)}"
    left: dict[str, Article] = {}
    for folder in (once, many):
        folder.mkdir()
    built(many, [], EMBEDDER)
    for articles, removed in steps:
        grown(many, articles, removed - {each.article_id for each in articles}, EMBEDDER, HISTORIES)
        left = {id_: each for id_, each in left.items() if id_ not in removed}
        left |= {each.article_id: each for each in articles}
    within = [left[article_id] for article_id in sorted(left) if bounds is None or passes(left[article_id], bounds)]
    built(once, within, EMBEDDER, histories=HISTORIES)
    return opened(many), opened(once)


def by_chunk(generation: Generation, values: np.ndarray) -> dict[str, float]:
    """Return the values of the live rows by chunk id, rounded to six digits; dead rows have none."""
    alive = generation.allowed_rows(Filters())
    rows = np.arange(len(values)) if alive is None else np.flatnonzero(alive)
    ids = [chunk.chunk_id for chunk, _ in generation.chunks(rows)]
    assert len(set(ids)) == len(ids) == generation.manifest.chunk_count
    return dict(zip(ids, np.round(values[rows].astype(float), 6).tolist(), strict=True))


def allowed(generation: Generation, filters: Filters) -> dict[str, float]:
    mask = generation.allowed_rows(filters)
    rows = sum(part.segment.record.chunk_count for part in generation.parts)
    return by_chunk(generation, np.ones(rows) if mask is None else mask)


def retrieved(generation: Generation, question: str, filters: Filters, shown: int = 5) -> list[object]:
    """Return what a question finds in each mode, in rank order."""
    modes: tuple[Mode, ...] = ("hybrid", "dense", "lexical")
    found = [
        retrieve.retrieve(generation, EMBEDDER, question, filters=filters, mode=mode, count=shown) for mode in modes
    ]
    return [(each.passages, each.candidates, each.reason) for each in found]


@given(steps=STEPS, question=QUESTIONS, filters=FILTERS)
@settings(max_examples=40)
def test_an_index_in_segments_ranks_as_one(
    place: Path, steps: list[tuple[list[Article], set[str]]], question: str, filters: Filters
) -> None:
    """Fingerprint, exact cosines, BM25, filters and lists depend on the articles alone."""
    grown_one, fresh_one = both(place, steps)
    with grown_one as many, fresh_one as one:
        assert len(many.parts) <= 7
        assert_alike(many, one, question, filters)


@given(steps=STEPS, question=QUESTIONS, filters=FILTERS, bounds=BOUNDS)
@settings(max_examples=40)
def test_a_view_is_an_index_of_its_articles(
    place: Path, steps: list[tuple[list[Article], set[str]]], question: str, filters: Filters, bounds: Filters
) -> None:
    """Articles outside the bounds change nothing: no count, score, story, list, correction or known word."""
    grown_one, fresh_one = both(place, steps, bounds)
    with grown_one as many, fresh_one as one:
        view = many.restricted(bounds)
        assert view.name == many.name
        assert view is many.restricted(bounds)
        assert (view is many) == (bounds == Filters())
        assert_alike(view, one, question, filters)


def assert_alike(many: Generation, one: Generation, question: str, filters: Filters) -> None:
    """Everything that a generation tells of its articles, and what it finds, is equal in both."""
    assert many.manifest.fingerprint == one.manifest.fingerprint
    assert many.manifest.article_count == one.manifest.article_count == len(many.hashes())
    assert (many.hashes(), many.origins()) == (one.hashes(), one.origins())

    scores = many.lexical.scores(question)
    assert by_chunk(many, scores) == by_chunk(one, one.lexical.scores(question))
    alive = many.allowed_rows(Filters())
    assert alive is None or not scores[~alive].any()
    vector = EMBEDDER.embed_query(question)
    rows = [np.arange(sum(part.segment.record.chunk_count for part in each.parts)) for each in (many, one)]
    assert by_chunk(many, many.cosines(vector, rows[0])) == by_chunk(one, one.cosines(vector, rows[1]))
    assert allowed(many, filters) == allowed(one, filters)
    for word in [*VOCABULARY, "submarine"]:
        (term,) = many.lexical.terms.of(word) or [word]
        assert many.lexical.has(word) == one.lexical.has(word)
        assert many.lexical.inverse_document_frequency(term) == one.lexical.inverse_document_frequency(term)
    for word in SPELT:
        assert many.lexical.spelling.corrected(word) == one.lexical.spelling.corrected(word)

    assert many.listed(0, 50) == one.listed(0, 50)
    assert [many.listed(offset, 2, 5) for offset in range(9)] == [one.listed(offset, 2, 5) for offset in range(9)]
    assert many.dates() == one.dates()
    assert sorted(many.articles(), key=lambda each: each.article_id) == list(one.articles())
    for number in range(8):
        assert many.article(f"a{number}") == one.article(f"a{number}")

    assert retrieved(many, question, filters) == retrieved(one, question, filters)
    assert sorted(map(sorted, many.stories.ids())) == sorted(map(sorted, one.stories.ids()))
    ids = [f"a{number}" for number in range(8)]
    assert many.known(ids) == one.known(ids) == one.hashes().keys()
    assert many.histories(ids) == one.histories(ids)
    assert many.lexical.coverage(question) == one.lexical.coverage(question)
    assert count_articles(many, question, filters) == count_articles(one, question, filters)
    for each in one.articles():
        later = [{found.article_id for _, found in of.chunks(of.correcting_rows(each))} for of in (many, one)]
        assert later[0] == later[1]


@given(steps=STEPS, question=QUESTIONS)
@settings(max_examples=25)
def test_equal_scores_are_cut_alike(place: Path, steps: list[tuple[list[Article], set[str]]], question: str) -> None:
    """If more chunks score alike than may be candidates, the same ones are, wherever their rows are."""
    grown_one, fresh_one = both(place, steps)
    with pytest.MonkeyPatch.context() as patch, grown_one as many, fresh_one as one:
        patch.setattr(retrieve, "CANDIDATES", 3)
        assert retrieved(many, question, Filters(), 3) == retrieved(one, question, Filters(), 3)
