"""The time that a question asks about: sentences of other days are left out if one of these days answers."""

from dataclasses import replace
from datetime import UTC, date, datetime

from hypothesis import given
from hypothesis import strategies as st

from index.records import Span
from service.date_words import Period
from service.readers.asked_time import NEAR, of_asked_days, on_another_day, states_other_days
from service.readers.evidence import Evidence, ScoredSentence
from tests.service.passages import make_passage

AUGUST = Period(date(2026, 8, 1), date(2026, 9, 1))

MAY, BARE, STATED = (
    "It was 88 percent full on 11 May 2026.",
    "It is 43 percent full.",
    "In August it was 50 percent full.",
)


def told(text: str, month: int, score: float) -> ScoredSentence:
    """Return the sentence of an article of this month, with an answer."""
    passage = make_passage(text, text, published_at=datetime(2026, month, 18, tzinfo=UTC))
    return ScoredSentence(passage, Span(0, len(text)), text, score, answer=Span(0, len(text)))


def kept(*sentences: ScoredSentence, days: Period | None = AUGUST) -> list[str]:
    """Return the texts of the evidence of these days."""
    return [
        each.text for each in of_asked_days("How full was it?", Evidence(sentences, 0.9, 20.0, days=days)).sentences
    ]


def test_a_sentence_of_other_days_is_left_out() -> None:
    """A date in the sentence counts, or else the day of its article."""
    assert kept(told(MAY, 8, 9.0), told(BARE, 8, 8.0)) == [BARE]
    assert kept(told(BARE, 5, 9.0), told(STATED, 10, 8.0)) == [STATED]


def test_a_state_of_a_year_is_told_in_it_or_with_it() -> None:
    """A date without a year is of its article's year, and a comparison with another year is of its own."""
    year = Period(date(2026, 1, 1), date(2027, 1, 1))
    older = "It was 88 percent full in 2025."
    dated = "It is 43 percent full, and not as we wrote on 19 April."
    compared = "It was 50 percent full, less than in 2025."
    assert kept(told(compared, 8, 9.0), told(BARE, 8, 8.0), days=year) == [compared, BARE]
    before = Period(date(2025, 1, 1), date(2026, 1, 1))
    assert kept(told(dated, 8, 9.0), told(older, 8, 8.0), days=before) == [older]


def test_another_report_may_answer_alone() -> None:
    """Without an answer of these days, all are kept; so they are if no days are asked for."""
    assert kept(told(MAY, 5, 9.0), told(BARE, 6, 8.0)) == [MAY, BARE]
    assert kept(told(MAY, 5, 9.0), told(BARE, 8, 8.0), days=None) == [MAY, BARE]


@given(distance=st.floats(0, 30))
def test_an_unlikely_answer_leaves_out_none(distance: float) -> None:
    """A sentence of these days has to answer about as well as the best one, or to have another number of the same."""
    first, second = "Ada Orme was the mayor on 11 May 2026.", "The mayor of Galt is Iwan Strake."
    is_near = 9.0 - distance >= 9.0 - NEAR
    assert len(kept(told(first, 5, 9.0), told(second, 8, 9.0 - distance))) == (1 if is_near else 2)
    number = replace(told(BARE, 8, 9.0 - distance), answer=None)
    assert kept(told(MAY, 5, 9.0), told(second, 8, -30.0), number) == [BARE]


def test_a_sentence_of_other_days_makes_an_answer_weak() -> None:
    """It counts what it states, and not the day of its article."""
    evidence = Evidence((), 0.9, 20.0, days=AUGUST)
    assert states_other_days(told(MAY, 8, 9.0), evidence)
    assert not states_other_days(told(BARE, 5, 9.0), evidence)
    assert not states_other_days(told(STATED, 5, 9.0), evidence)
    assert not states_other_days(told(MAY, 8, 9.0), replace(evidence, days=None))


def test_what_happened_on_another_day_is_told() -> None:
    """The latest report with the verb of a dated question says on which day it was; a plan does not."""
    opened, plan = "The Galt museum opened on 4 September 2026.", "The Galt museum is to open on 12 June 2026."
    asked = "How many came when the Galt museum opened on 1 May 2026?"
    other = "The museum in Brack opened on 3 May 2026."

    def day(question: str, *texts: str) -> str | None:
        found = on_another_day(question, Evidence(tuple(told(text, 9, 1.0) for text in texts), 0.9), told(BARE, 9, 9.0))
        return found.text if found else None

    assert day(asked, plan, opened, other) == opened
    assert day(asked, plan, other) is None
    assert day(asked.replace("1 May", "4 September"), opened) is None
    assert day("How many came to the Galt museum?", opened) is None
