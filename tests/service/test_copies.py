"""Copies among the passages: a story counts once, its best version stands for it, no article fills the passages."""

import random
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.generation import Generation
from index.records import Article, Filters, Span
from service.answer import Composition, independent_stories
from service.records import DraftSentence, Mode, Passage, Quote
from service.retrieve import MOST_OF_STORY, NEARLY, retrieve, spread
from tests.fakes import TOPICS, HashedEmbedder, built, grown, newsroom, opened, sentence
from tests.index.test_copies import sentences

EMBEDDER = HashedEmbedder()
RNG = random.Random(11)
WIRE = replace(newsroom(1, sentences=8, seed=21)[0], article_id="wire", url="https://echo.example/wire", source="Echo")
SPECIAL = sentence(RNG, "lighthouse keeper lantern fog")
FLOOD = [
    replace(WIRE, article_id=f"copy-{number:03}", url=None, source=f"Paper {number % 7}", title=f"Headline {number}")
    for number in range(24)
]
CUT = replace(WIRE, article_id="cut", url=None, source="Cutter", body=" ".join(sentences(WIRE.body)[:6]))
LOCAL = replace(CUT, article_id="local", source="Local", body=f"{CUT.body} {SPECIAL}")
OTHERS = newsroom(40, sentences=4, seed=22)
ALL = [WIRE, CUT, LOCAL, *FLOOD, *OTHERS]


@pytest.fixture(scope="module", autouse=True)
def few_candidates() -> Iterator[None]:
    """Retrieve from ten candidates a side, and leave out the Chroma collections, which small segments do not use."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("service.retrieve.CANDIDATES", 10)
        patch.setattr("index.segment.build_collection", lambda folder, _: folder.mkdir())
        patch.setattr("index.segment.faults_of", lambda *_: [])
        yield


@pytest.fixture(scope="module")
def generation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Generation]:
    """Return a generation of a story with 26 copies in two segments, and of forty other articles."""
    data = tmp_path_factory.mktemp("copies")
    built(data, ALL[::2], EMBEDDER)
    grown(data, ALL[1::2], embedder=EMBEDDER)
    with opened(data) as generation:
        yield generation


def found(
    generation: Generation, question: str, filters: Filters | None = None, mode: Mode = "hybrid", count: int = 8
) -> tuple[Passage, ...]:
    return retrieve(generation, EMBEDDER, question, filters=filters or Filters(), mode=mode, count=count).passages


@pytest.mark.parametrize("mode", ["hybrid", "dense", "lexical"])
def test_a_story_counts_once_and_others_take_its_places(generation: Generation, mode: Mode) -> None:
    """More copies than there are candidates: the version with an address stands for them all."""
    question = sentences(WIRE.body)[0]
    passages = found(generation, question, mode=mode)
    assert passages[0].article == WIRE
    assert passages[0].chunk.text == question
    assert {each.article_id for each in passages[0].copies} == {each.article_id for each in [CUT, LOCAL, *FLOOD]}
    assert [each.article.article_id for each in passages].count("wire") <= MOST_OF_STORY
    assert {each.article.article_id for each in passages} <= {"wire", *(each.article_id for each in OTHERS)}
    assert independent_stories(passages) == len({each.article.article_id for each in passages})


def test_a_passage_that_only_a_copy_has_stays(generation: Generation) -> None:
    """The best version lacks the local sentence, so the local paper is cited, and the story still counts once."""
    passages = found(generation, SPECIAL)
    assert (passages[0].article.article_id, passages[0].chunk.text) == ("local", SPECIAL)
    assert "wire" in {each.article_id for each in passages[0].copies}
    of_story = [each for each in passages if {"wire", "local"} & {each.article.article_id}]
    assert independent_stories(of_story) == 1


@settings(max_examples=25)
@given(sources=st.sets(st.sampled_from(["Echo", "Cutter", "Local", "Paper 1", "Paper 2", "Courier"]), min_size=1))
def test_a_version_outside_the_filters_stands_for_nothing(generation: Generation, sources: set[str]) -> None:
    """Neither a passage nor its copies are of a source that is filtered out, and the story is still there."""
    passages = found(generation, sentences(WIRE.body)[0], Filters(sources=tuple(sorted(sources))))
    shown = [each for passage in passages for each in (passage.article, *passage.copies)]
    assert {each.source for each in shown} <= sources
    is_story = [each.chunk.text == sentences(WIRE.body)[0] for each in passages]
    assert is_story.count(True) == bool(sources - {"Courier"})


@pytest.mark.parametrize("mode", ["hybrid", "lexical"])
def test_the_headline_of_a_copy_is_found(generation: Generation, mode: Mode) -> None:
    """A story is as good a match as the best of its versions, although another one is shown."""
    for passage in found(generation, "Headline 13", mode=mode)[:1]:
        assert passage.article == WIRE
        assert passage.lexical > 0
        assert "Headline 13" in {each.title for each in passage.copies}


@pytest.mark.parametrize(
    ("old", "new"), [("14", "15"), ("nine", "ten"), ("Marta Keel", "Marta Holm"), ("Skelhaven", "Lissay")]
)
def test_another_fact_is_not_lost(tmp_path: Path, old: str, new: str) -> None:
    """One other number, person or place in an equal passage is seen."""
    body = "The 14 boats of Marta Keel left Skelhaven at noon with nine crews, who fish for herring, she said."
    articles = [
        Article(id_, body.replace(was, new), f"/{id_}.txt") for id_, was in (("a", "-"), ("b", old), ("c", "-"))
    ]
    built(tmp_path, [*articles, *OTHERS], EMBEDDER)
    with opened(tmp_path) as generation:
        shown = [each.chunk.text for each in found(generation, body, count=3)]
        assert shown.count(body) == 1
        assert body.replace(old, new) in shown


def test_articles_that_are_asked_for_are_given(generation: Generation) -> None:
    wanted = ("copy-003", "copy-010", "wire")
    passages = found(generation, sentences(WIRE.body)[0], Filters(article_ids=wanted), count=3)
    assert {each.article.article_id for each in passages} == {*wanted}
    assert all({each.article.article_id, *(copy.article_id for copy in each.copies)} == {*wanted} for each in passages)
    assert independent_stories(passages) == 1


def test_a_corrected_number_is_seen_beside_the_old_one(tmp_path: Path) -> None:
    """Both articles have the same story, but neither passage stands for the other."""
    question = sentences(WIRE.body)[0]
    number = re.findall(r"[\d,]+", question)[0]
    corrected = replace(FLOOD[0], body=WIRE.body.replace(number, "17"))
    built(tmp_path, [WIRE, corrected, *OTHERS], EMBEDDER)
    with opened(tmp_path) as generation:
        passages = found(generation, question)
        assert [{number, "17"} & {*each.chunk.text.split()} for each in passages[:2]] == [{number}, {"17"}]
        assert independent_stories(passages[:2]) == 1
        cited = Composition(passages)
        cited.add(
            DraftSentence(("It did.", (passages[0].key, passages[1].key))), [quoted(each) for each in passages[:2]]
        )
        assert cited.independent_sources() == 1
        assert [each.article_id for each in cited.sources()[0].duplicates] == [corrected.article_id]


def quoted(passage: Passage) -> Quote:
    """Return the complete passage as a quote."""
    chunk = passage.chunk
    return Quote(passage, Span(chunk.start_char, chunk.end_char), chunk.text, "verified", "exact", 1.0)


def test_without_its_best_version_a_story_has_another(tmp_path: Path) -> None:
    early = replace(FLOOD[1], published_at=datetime(2020, 1, 1, tzinfo=UTC))
    built(tmp_path, [WIRE, FLOOD[0], early, *OTHERS], EMBEDDER)
    question = sentences(WIRE.body)[0]
    for best in (WIRE, early, FLOOD[0]):
        with opened(tmp_path) as generation:
            passages = found(generation, question)
            assert passages[0].article == best
            assert len(passages[0].copies) == len(generation.stories.members[0]) - 1 if passages[0].copies else True
        grown(tmp_path, removed=[best.article_id], embedder=EMBEDDER)


def test_one_article_does_not_fill_the_passages(tmp_path: Path) -> None:
    """Articles that score nearly as well are seen; without them, the article has every place."""
    rng = random.Random(5)
    long = Article("long", " ".join(sentence(rng, TOPICS[0]) for _ in range(12)), "/long.txt", source="Echo")
    near = [Article(f"near-{at}", sentence(rng, TOPICS[0]), f"/{at}.txt", source="Courier") for at in range(4)]
    built(tmp_path, [long, *near], EMBEDDER)
    with opened(tmp_path) as generation:
        passages = found(generation, TOPICS[0])
        assert [each.article.article_id for each in passages].count("long") < 8
        alone = found(generation, TOPICS[0], Filters(article_ids=("long",)))
        assert [each.article.article_id for each in alone] == ["long"] * 8


@given(
    scores=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 3), st.sampled_from([None, "Echo", "Courier"]))).map(
        lambda each: sorted(each, reverse=True, key=lambda one: one[0])
    ),
    count=st.integers(1, 9),
)
def test_places_are_filled_by_what_scores_nearly_as_well(
    scores: list[tuple[float, int, str | None]], count: int
) -> None:
    """As many as there are, in rank order; the first stays, and nothing much worse takes a place."""
    values = [score for score, _, _ in scores]
    places = spread(values, [story for _, story, _ in scores], [source for _, _, source in scores], count)
    assert places == sorted({*places})
    assert len(places) == min(count, len(scores))
    if places:
        assert places[0] == 0
        left_out = [values[at] for at in range(len(scores)) if at not in places]
        assert all(values[at] >= NEARLY * max(left_out, default=0) for at in places)
