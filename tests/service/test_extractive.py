"""The extractive reader: sentences word for word."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.records import Span
from service.citations.verify import normalised
from service.readers.base import Reading
from service.readers.evidence import Evidence, ScoredSentence
from service.readers.extractive import NEAR_BEST, QUOTED, ExtractiveReader, quoted
from service.records import DraftSentence
from tests.service.passages import make_passage

TEXTS = [
    "It rained.",
    "It  RAINED.",
    "“It sank,” she said.",
    "Who paid?",
    "The end…",
    "No stop",
    "雨が降った。",
    "He left.”",
]


@st.composite
def evidence(draw: st.DrawFn) -> Evidence:
    """Scored sentences of a few articles, the best first."""
    sentences = []
    for article in range(draw(st.integers(0, 4))):
        texts = draw(st.lists(st.sampled_from(TEXTS), min_size=1, max_size=4, unique=True))
        passage = make_passage(f"k{article}f2", " ".join(texts))
        for text in texts:
            start = passage.chunk.text.index(text)
            score = draw(st.floats(0.01, 1.3))
            sentences.append(ScoredSentence(passage, Span(start, start + len(text)), text, score))
    return Evidence(tuple(sorted(sentences, key=lambda sentence: -sentence.score)), 0.7)


@given(found=evidence())
def test_a_few_near_the_best_are_quoted(found: Evidence) -> None:
    """One to three sentences are quoted: the best one, and others with a score close to it."""
    chosen = quoted(found)
    assert min(1, len(found.sentences)) <= len(chosen) <= QUOTED
    assert not found.sentences or found.sentences[0] in chosen
    assert all(sentence.score >= NEAR_BEST * found.sentences[0].score for sentence in chosen)


@pytest.mark.parametrize(("score", "count"), [(NEAR_BEST, 2), (NEAR_BEST - 0.01, 1), (1.0, 2)])
def test_a_sentence_at_the_limit_is_near(score: float, count: int) -> None:
    """A sentence with exactly the minimum share of the best score is quoted; one below it is not."""
    passage = make_passage("k7f2", "It rained. It sank.")
    sentences = (
        ScoredSentence(passage, Span(0, 10), "It rained.", 1.0),
        ScoredSentence(passage, Span(11, 19), "It sank.", score),
    )
    assert len(quoted(Evidence(sentences, 0.7))) == count


@given(found=evidence())
def test_the_same_words_are_quoted_once(found: Evidence) -> None:
    """A sentence in several articles is quoted once, from its best position, regardless of case and spaces."""
    chosen = quoted(found)
    texts = [normalised(sentence.text) for sentence in chosen]
    assert len(set(texts)) == len(texts)
    for sentence in chosen:
        assert sentence.score == max(
            s.score for s in found.sentences if normalised(s.text) == normalised(sentence.text)
        )


@given(found=evidence())
def test_the_sentences_of_an_article_stay_together(found: Evidence) -> None:
    """The article of the best sentence comes first, and in each article its sentences are in order."""
    chosen = quoted(found)
    articles = [sentence.passage.article.article_id for sentence in chosen]
    assert not chosen or articles[0] == found.sentences[0].passage.article.article_id
    for article in set(articles):
        places = [at for at, other in enumerate(articles) if other == article]
        assert places == list(range(places[0], places[0] + len(places)))
        spans = [chosen[at].span for at in places]
        assert spans == sorted(spans)


def drafts(found: Evidence) -> list[DraftSentence]:
    """Return the drafts of the reader."""

    async def listen() -> list[DraftSentence]:
        reading = Reading("Did it rain?", [s.passage for s in found.sentences], found, "2026-01-01")
        return [draft async for draft in ExtractiveReader().read(reading) if isinstance(draft, DraftSentence)]

    return asyncio.run(listen())


@given(found=evidence())
def test_a_draft_is_the_sentence_with_its_marker(found: Evidence) -> None:
    """Each draft is a quoted sentence word for word, and cites its passage."""
    assert [(draft.text, draft.keys, draft.invented) for draft in drafts(found)] == [
        (sentence.text, (sentence.passage.key,), ()) for sentence in quoted(found)
    ]


MARKED = {
    "It rained.": ("It rained", ("k7f2",), "."),
    "Who paid?!": ("Who paid", ("k7f2",), "?!"),
    "The end…": ("The end", ("k7f2",), "…"),
    "“It sank.”": ("“It sank.”", ("k7f2",)),
    "No stop": ("No stop", ("k7f2",)),
    "The **Oyan** has [80 seats](https://oyan.example/a), says *Vane*.[^1]": (
        "The Oyan has 80 seats, says Vane", ("k7f2",), "."
    ),
    "> It rained in `1926`.": ("It rained in 1926", ("k7f2",), "."),
    "It rained [3].[1][4]": ("It rained", ("k7f2",), "."),
}  # fmt: skip


@pytest.mark.parametrize("text", MARKED)
def test_the_marker_comes_before_the_stop(text: str) -> None:
    """The marker follows the visible words, before the last stop or after a closing quotation mark."""
    found = Evidence((ScoredSentence(make_passage("k7f2", text), Span(0, len(text)), text, 1.0),), 0.7)
    assert [draft.parts for draft in drafts(found)] == [MARKED[text]]


def test_it_needs_no_model() -> None:
    """The reader has a name and a version, and neither model nor prompt."""
    assert (ExtractiveReader.name, ExtractiveReader.model, ExtractiveReader.prompt) == ("extractive@2", None, None)
