"""Answerability: whether quotes may count as an answer."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.records import Article, Chunk, Span
from service.readers.answerability import AROUND, Calibration, missing_entities
from service.readers.evidence import Evidence, ScoredSentence
from service.records import Passage
from tests.service.passages import make_passage

CALIBRATION = Calibration(abstain=0.4, answered=0.6, off_topic=0.2, certain_abstain=5.0, certain_answered=10.0)
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


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("How many votes were counted?", "answered"),
        ("Who counted nine votes?", "weak"),
        ("At what time were nine votes counted?", "weak"),
    ],
)
def test_an_answer_of_another_kind_is_weak(question: str, expected: str) -> None:
    """A number does not answer a question for a name or a time of day, even at high certainty."""
    text = "They counted nine votes."
    sentence = ScoredSentence(make_passage("k", text), Span(0, len(text)), text, 1.0, answer=Span(13, 23))
    assert CALIBRATION.answerability(question, Evidence((sentence,), 0.9, 30.0)) == expected


@given(strengths)
def test_certainty_keeps_no_question_about_somebody_unknown(strength: float) -> None:
    """The span reader may be sure of what another person did: with a name missing, only strength keeps a question."""
    evidence = replace(evidence_of(strength), certainty=30.0)
    assert CALIBRATION.answerability("Who counted in Ravensby?", evidence) == "answered"
    found = CALIBRATION.answerability("Who counted in Tolmere?", evidence)
    assert found == ("abstain" if strength < CALIBRATION.abstain else "weak")


@given(strengths)
def test_complete_evidence_is_quoted(strength: float) -> None:
    """A sentence with all that is asked is weak evidence at least, however short the question."""
    evidence = replace(evidence_of(strength), complete=True)
    levels = CALIBRATION.answerability("Who counted?", evidence), CALIBRATION.answerability("Tolmere?", evidence)
    assert "abstain" not in levels


def test_the_shipped_thresholds_are_in_order() -> None:
    """The thresholds are in order: off-topic, abstain, answered."""
    shipped = Calibration.read()
    assert 0 < shipped.off_topic < shipped.abstain < shipped.answered < 1
    assert shipped.certain_abstain < shipped.certain_answered


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
    ("body", "day", "missing"),
    [
        ("It opened on 1 May 2024, for 300 guests.", 9, []),
        ("It opened on Wednesday.", 3, []),
        ("It opened at last.", 4, []),
        ("It opened on 2 May 2024. By 1 June, 900 came.", 9, ["1 may"]),
        ("It opens 1 hour earlier.", 9, ["1 may"]),
    ],
)
def test_a_day_that_no_article_tells_of_is_missing(body: str, day: int, missing: list[str]) -> None:
    """A date, a weekday or a report of the days after it tells of a day; its numbers alone may be of another day."""
    known = quote(body, published_at=datetime(2024, 5, day, tzinfo=UTC))
    assert missing_entities("Who came when it opened on 1 May 2024?", [known]) == missing


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
        ("Who met Malmö's mayor?", "Malmo has a mayor."),
        ("What did Siri Sorensen say?", "Siri Sørensen spoke."),
        ("What did ONeill say?", "O’Neill spoke."),
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
