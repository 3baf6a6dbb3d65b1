"""The number of another measure or thing does not answer: the reader quotes the asked one or abstains."""

from dataclasses import replace

import pytest

from index.records import Span
from service.readers.answerability import Calibration
from service.readers.evidence import Evidence, ScoredSentence
from service.readers.extractive import quoted
from service.readers.measures import is_of_another, lacks_role
from tests.service.passages import make_passage

BODY = (
    "The Sorrel Bridge is 210 metres long and stands on nine piers. Drivers may go at 30 kilometres an hour on it."
    " The town adopted a budget of €131 million on Monday. It leaves a shortfall of €3.8 million, the treasurer said."
    " Lorcan Tew won the cup of the town. Iwan Strake headed in the only goal. The museum has 45,000 visitors."
)
ARTICLE = make_passage("k1", BODY, title="News of the town")


def sentence(answer: str, score: float = 20.0) -> ScoredSentence:
    """Return the sentence of the article with an answer."""
    at = BODY.index(answer)
    start, end = BODY.rfind(". ", 0, at) + 2 if ". " in BODY[:at] else 0, BODY.index(". ", at) + 1
    return ScoredSentence(ARTICLE, Span(start, end), BODY[start:end], score, answer=Span(at, at + len(answer)))


LONG, BUDGET, GAP = sentence("210 metres"), sentence("€131 million"), sentence("€3.8 million", 9.0)
WON, SCORED = sentence("Lorcan Tew", 18.0), sentence("Iwan Strake", 15.0)


@pytest.mark.parametrize(
    ("question", "answer", "is_other"),
    [
        ("How long is the Sorrel Bridge?", "210 metres", False),
        ("How wide is the Sorrel Bridge?", "210 metres", True),
        ("What is the height of the Sorrel Bridge?", "210 metres", True),
        ("How tall is the Sorrel Bridge?", "nine", True),
        ("How high is the Sorrel Bridge?", "30 kilometres", False),
        ("How high is the Sorrel Bridge?", "nine", True),
        ("How high is the hole in the budget?", "€131 million", True),
        ("How large is the hole in the budget?", "€3.8 million", False),
        ("How large is the budget of the town?", "€131 million", False),
        ("What is the shortfall in the budget?", "€3.8 million", False),
        ("What is the population of the town?", "€131 million", True),
        ("How many piers does it have?", "nine", False),
    ],
)
def test_a_number_is_of_what_is_asked(question: str, answer: str, *, is_other: bool) -> None:
    """The word beside a number says of what it is; "how high" may ask for an amount."""
    assert is_of_another(question, sentence(answer)) is is_other


def test_the_amount_that_is_asked_for_is_quoted() -> None:
    """The hole is quoted and not the budget, however well that one scores; the budget is if it is asked for."""
    found = Evidence((BUDGET, GAP), 0.7, 16.0)
    assert [each.text for each in quoted("How large is the hole in the budget?", found)] == [GAP.text]
    assert quoted("How large is the budget?", found)[0] == BUDGET


def test_another_measure_alone_is_no_answer() -> None:
    """There is nothing to quote: the service abstains, however certain the reader is."""
    found = Evidence((LONG,), 0.7, 20.0)
    assert Calibration.read().answerability("How wide is the Sorrel Bridge?", found) == "abstain"
    assert Calibration.read().answerability("How long is the Sorrel Bridge?", found) == "answered"


def test_a_sentence_with_the_words_that_ask_comes_first() -> None:
    """The goal is asked for and not the cup; a far lower score is too low."""
    question = "Who scored the goal?"
    assert [each.text for each in quoted(question, Evidence((WON, SCORED), 0.7, 16.0))] == [SCORED.text]
    assert quoted(question, Evidence((WON, replace(SCORED, score=1.0)), 0.7, 16.0))[0] == WON


def test_an_article_without_the_role_has_no_holder_of_it() -> None:
    """If no answer is found and the role is not named, the people of an article do not count."""
    unread = replace(WON, answer=None)
    assert lacks_role("Who was the referee of the final?", unread)
    assert not lacks_role("Who is the treasurer of the town?", unread)
    assert not lacks_role("Who was the referee of the final?", WON)
