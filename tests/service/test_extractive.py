"""The extractive reader: sentences word for word, and their answerability."""

import asyncio
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.records import Article, Chunk, Span
from service.citations.verify import normalised
from service.readers.base import Reading
from service.readers.evidence import Evidence, ScoredSentence
from service.readers.extractive import (
    AROUND,
    NEAR_BEST,
    QUOTED,
    Calibration,
    ExtractiveReader,
    missing_entities,
    quoted,
)
from service.records import DraftSentence, Passage
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
    assert (ExtractiveReader.name, ExtractiveReader.model, ExtractiveReader.prompt) == ("extractive@1", None, None)


CALIBRATION = Calibration(abstain=0.4, answered=0.6, off_topic=0.2)
ORDER = ("abstain", "weak", "answered")
TEXT = "Ravensby counted the votes."
strengths = st.floats(0, 1.5)


def evidence_of(strength: float) -> Evidence:
    """One sentence about Ravensby, and evidence of that strength."""
    passage = make_passage("k", TEXT)
    return Evidence((ScoredSentence(passage, Span(0, len(TEXT)), TEXT, 1.0),), strength)


@given(strengths, strengths)
def test_stronger_evidence_never_answers_less(one: float, other: float) -> None:
    """Answerability rises with the strength, from abstain to weak to answered."""
    lower, higher = (
        ORDER.index(CALIBRATION.answerability("Who counted in Ravensby?", evidence_of(g))) for g in sorted((one, other))
    )
    assert lower <= higher


def test_each_threshold_is_inclusive() -> None:
    """Evidence of exactly a threshold has reached it."""
    found = [CALIBRATION.answerability("Who counted in Ravensby?", evidence_of(g)) for g in (0.39, 0.4, 0.59, 0.6)]
    assert found == ["abstain", "weak", "weak", "answered"]


@given(strengths)
def test_quotes_about_others_are_no_answer(strength: float) -> None:
    """If no quoted article has a name of the question, quotes are weak at best."""
    found = CALIBRATION.answerability("Who counted in Tolmere?", evidence_of(strength))
    assert found == ("abstain" if strength < CALIBRATION.abstain else "weak")


def test_no_sentence_at_all_is_an_abstention() -> None:
    """Passages without a statement are no evidence."""
    assert CALIBRATION.answerability("Who counted in Tolmere?", Evidence((), 0.0)) == "abstain"


def test_the_shipped_thresholds_are_in_order() -> None:
    """The thresholds are in order: off-topic, abstain, answered."""
    shipped = Calibration.read()
    assert 0 < shipped.off_topic < shipped.abstain < shipped.answered < 1


KNOWN = ("Ardmore", "Bellweather", "Carrick", "Dunmore", "Eastlake")
UNKNOWN = ("Quillon", "Ravensby", "Sutterworth", "Tolmere", "Vasterhall")
START = Span(0, 1)


def quote(
    body: str, *, title: str | None = None, published_at: datetime | None = None, span: Span = START
) -> ScoredSentence:
    """A quote from an article with this body."""
    article = Article("a", body, "/a.txt", title=title, published_at=published_at)
    chunk = Chunk("a:0", "a", 0, body, 0, len(body), len(body.split()))
    return ScoredSentence(Passage("k7f2", chunk, article, 1.0, 0.5, 2.0), span, body, 1.0)


@given(st.lists(st.sampled_from(KNOWN), min_size=1, unique=True), st.integers(13, 9999))
def test_an_entity_of_an_article_is_never_missing(names: list[str], number: int) -> None:
    """Names and numbers in a quoted article are not missing."""
    known = quote(f"{', '.join(KNOWN)} were there with {number} others.")
    question = f"What did {' and '.join(names)} say of the {number} others?"
    assert missing_entities(question, [known]) == []


@given(st.lists(st.sampled_from(KNOWN + UNKNOWN), unique=True), st.integers(1900, 2020), st.integers(1900, 2020))
def test_an_entity_of_no_article_is_missing(names: list[str], asked: int, published: int) -> None:
    """Names and years in no quoted article are missing, in the order of the question."""
    question = f"what was said by {' and '.join(names)} in {asked}?"
    quotes = [quote(f"{', '.join(KNOWN)} met in {published}.")]
    expected = [name.casefold() for name in names if name in UNKNOWN] + [str(asked)] * (asked != published)
    assert missing_entities(question, quotes) == expected


def test_one_article_is_enough() -> None:
    """A name in any of the quoted articles is not missing."""
    quotes = [quote("Nothing happened."), quote("Ravensby voted.")]
    assert missing_entities("Who voted in Ravensby?", quotes) == []
    assert missing_entities("Who voted in Ravensby?", quotes[:1]) == ["ravensby"]


def test_title_and_date_count() -> None:
    """The title counts, and so do the year and the day of publication."""
    known = quote("The vote was close.", title="Ravensby votes", published_at=datetime(2024, 5, 3, tzinfo=UTC))
    assert missing_entities("Who won in Ravensby on 3 May 2024?", [known]) == []


@pytest.mark.parametrize(
    ("question", "body"),
    [
        ("who met with quillon?", "Ten ships came."),
        ("WHO MET QUILLON IN TOLMERE?", "Ten ships came."),
        ("Who Met Quillon?", "Ten ships came."),
        ("Quillon met whom?", "Ten ships came."),
        ("The port is closed. Ships wait where?", "Ten ships came."),
        ("What did President Carrick say on Monday?", "Carrick, the leader, spoke."),
        ("What did the United Nations say?", "The UN said no."),
        ("What did the IMF say?", "The International Monetary Fund said no."),
        ("What did the U.S. envoy say?", "The United States sent one."),
        ("Who spoke for Russia?", "A Russian envoy spoke."),
        ("Who was Malmo's mayor?", "Malmö has a mayor."),
        ("Who were the 3 envoys?", "Three envoys came."),
        ("Who came 2nd?", "The second was Carrick."),
        ("Who owes 1,200 euros?", "She owes 1200 euros."),
        ("What happened in the 1980s?", "It began in 1980."),
        ("Who flew the F-16?", "A jet was flown."),
    ],
)
def test_other_forms_and_common_words_are_not_missing(question: str, body: str) -> None:
    """Openings, headlines, lower case, titles and days are not names; initials, accents and other forms match."""
    assert missing_entities(question, [quote(body)]) == []


def test_only_the_surroundings_of_a_quote_are_read() -> None:
    """In a very long article, a name far from the quote is missing, and one close to it is not."""
    body = "Quillon came." + " and so on" * (AROUND // 5)
    end = Span(len(body) - 1, len(body))
    assert missing_entities("When did Quillon come?", [quote(body, span=end)]) == ["quillon"]
    assert missing_entities("When did Quillon come?", [quote(body)]) == []
