"""A later report of the same story answers for the present, however little it sounds like the question."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from index.records import Span
from service.readers.answerability import Calibration
from service.readers.evidence import Evidence, Latest, ScoredSentence
from service.readers.extractive import quoted
from tests.service.passages import make_passage

DAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
LEAD = "The barge Patience lay under the Galt bridge in Kelm harbour."


def report(text: str, answer: str | None, hours: float, score: float, *, lead: str = LEAD) -> ScoredSentence:
    """Return the second sentence of a report of so many hours after the first one."""
    body, published = f"{lead} {text}", DAY + timedelta(hours=hours)
    passage = make_passage(f"k{abs(hash((text, hours))) % 1000}", body, source="Post", published_at=published)
    span, at = Span(len(lead) + 1, len(body)), body.find(answer) if answer else -1
    return ScoredSentence(passage, span, text, score, answer=Span(at, at + len(answer or "")) if answer else None)


def evidence(*sentences: ScoredSentence, latest: Latest | None = "state") -> Evidence:
    """Return sentences as evidence, the best first."""
    ranked = tuple(sorted(sentences, key=lambda each: -each.score))
    return Evidence(ranked, 0.8, 20.0, latest=latest, now=DAY + timedelta(days=300))


STUCK = report("The barge has been stuck in the mud since Sunday.", "The barge", 0, 25.0)
FREE = report("A tug pulled it out of the mud at noon.", None, 30, 3.0)
QUESTION = "Is the barge Patience still stuck?"


def first(question: str, found: Evidence) -> str:
    """Return the sentence that is quoted, which must be the only one."""
    (chosen,) = quoted(question, found)
    return chosen.text


def test_a_state_is_that_of_the_later_report() -> None:
    """Its best sentence is quoted alone; so far below the best score it is weak."""
    found = evidence(STUCK, FREE)
    assert first(QUESTION, found) == FREE.text
    assert Calibration.read().answerability(QUESTION, found) == "weak"


@pytest.mark.parametrize(
    "later",
    [
        report("A tug pulled it out of the mud at noon.", None, 2, 3.0),
        report("A tug pulled it out of the mud at noon.", None, 30, -1.0),
        report("Ina Farr was elected mayor.", None, 30, 3.0, lead="Brisk has voted on Sunday."),
    ],
    ids=["of the same hours", "of another matter", "of another story"],
)
def test_what_tells_nothing_new_replaces_nothing(later: ScoredSentence) -> None:
    """A report of the same hours, a sentence that does not fit the question, another story."""
    assert quoted(QUESTION, evidence(STUCK, later))[0] == STUCK


def test_only_the_present_is_replaced() -> None:
    """A question about another time, or one that asks neither whether nor how many, keeps the best sentence."""
    assert quoted(QUESTION, evidence(STUCK, FREE, latest=None))[0] == STUCK
    assert quoted("Where does the barge Patience lie?", evidence(STUCK, FREE))[0] == STUCK


def test_a_number_is_replaced_by_one_of_its_unit() -> None:
    """The later sentence has a word of the question or of the best one, and a number of the same unit."""
    planned = report("A ticket for adults will cost €9.", "€9", 0, 20.0)
    question = "How much is a ticket for the barge now?"
    paid, loss = report("Adults pay €11.", None, 90, 1.0), report("The insurer lost €310.", None, 90, 2.0)
    seats = report("It has eleven seats for adults.", None, 90, 2.0)
    assert first(question, evidence(planned, paid, loss, seats)) == paid.text
    assert quoted(question, evidence(planned, loss, seats))[0] == planned


def test_a_price_to_come_is_not_that_of_now() -> None:
    """A report whose value begins after the question replaces nothing, nor does another value in it."""
    paid = report("A ticket for adults costs €9.", "€9", 0, 20.0)
    text = "From 1 March 2027 adults pay €11. A ticket for the day will cost adults €30."
    to_come = report(text, None, 90, 3.0)
    ahead, beside = Span(to_come.span.start, to_come.span.start + 33), Span(to_come.span.start + 34, to_come.span.end)
    body = to_come.passage.article.body
    sentences = [replace(to_come, span=each, text=body[slice(*each)]) for each in (ahead, beside)]
    assert first("How much is a ticket for the barge now?", evidence(paid, *sentences)) == paid.text
