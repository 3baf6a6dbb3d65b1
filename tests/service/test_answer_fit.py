"""The kind of answer that a question asks for."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.records import Span
from service.readers.answer_fit import (
    SAME_DAYS,
    asks_latest,
    disagree,
    fits_time,
    has_time_of_day,
    says_nothing_new,
    states_cause,
)
from service.readers.evidence import ScoredSentence
from tests.service.passages import make_passage

MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)


def answered(key: str, text: str, answer: str, published: datetime | None = MONDAY) -> ScoredSentence:
    """Return the sentence of an article, with its answer."""
    passage = make_passage(key, text)
    passage = replace(passage, article=replace(passage.article, published_at=published))
    start = text.index(answer)
    return ScoredSentence(passage, Span(0, len(text)), text, 1.0, answer=Span(start, start + len(answer)))


@pytest.mark.parametrize(
    ("question", "answer", "is_nothing"),
    [
        ("What are the names of the boats that Galt sold?", "two boats", True),
        ("Which diver found the bell?", "one diver", True),
        ("Who were the nine divers?", "Nine", True),
        ("Which diver found the bell?", "diver Ines Farr", False),
        ("Who found the bell?", "Ines Farr", False),
        ("In which year did Galt sell two boats?", "1987", False),
        ("On which floor is the bell?", "second", False),
        ("How fast was the boat whose bell they found?", "20", False),
        ("How many boats did Galt sell, and which?", "two", False),
        ("What did Galt sell?", "two boats", False),
    ],
)
def test_a_name_is_no_number_and_no_word_of_the_question(question: str, answer: str, *, is_nothing: bool) -> None:
    """If a name is asked for, numbers and the question's own words are none; other questions may have such answers."""
    assert says_nothing_new(question, answer) is is_nothing


@given(st.text(max_size=40))
def test_any_answer_with_a_word_of_its_own_says_something(answer: str) -> None:
    """An answer with a name that the question lacks says something new."""
    assert not says_nothing_new("Who found the bell?", f"{answer} Farr")


TIMES = {
    "At what time did the boat leave?": ("It left at 07:31.", "It left on Monday."),
    "What time will the boat leave?": ("It will leave at noon.", "It will leave on Monday."),
    "When will the bridge open again?": ("It will open on 2 March.", "It was closed on 4 December."),
    "On what date is the mine expected to reopen?": ("It is to reopen on 2 March.", "It fell in on 3 February."),
    "Until when can the firm appeal?": ("The deadline is 19 May.", "The court ruled on 21 April."),
}


@pytest.mark.parametrize("question", TIMES)
def test_a_time_to_come_and_a_time_of_day_have_their_words(question: str) -> None:
    """The first sentence has what the question asks for, the second has not."""
    assert [fits_time(question, text) for text in TIMES[question]] == [True, False]


@given(st.sampled_from([text for texts in TIMES.values() for text in texts]))
def test_other_questions_fit_any_time(sentence: str) -> None:
    """A question about the past, or about no time, fits every sentence."""
    for question in ("When did the boat leave?", "When is the match?", "Who left?", "In what time of year was it?"):
        assert fits_time(question, sentence)
        assert has_time_of_day(question, sentence)


@pytest.mark.parametrize(
    ("sentence", "is_cause"),
    [
        ("She left because the council cut the budget.", True),
        ("A shortage of eels is the likeliest reason.", True),
        ("Salt water caused the cracks.", True),
        ("She is giving up her post on 15 November.", False),
        ("It has been closed since Monday.", False),
    ],
)
def test_a_cause_has_its_words(sentence: str, *, is_cause: bool) -> None:
    """Words for a cause are distinguished from words for a time."""
    assert states_cause(sentence) is is_cause


@pytest.mark.parametrize(
    ("question", "is_latest"),
    [
        ("What is the latest price of wool?", True),
        ("What is the final, corrected number of homes?", True),
        ("Who currently leads the council?", True),
        ("Who won the final of the cup?", False),
        ("What did the council decide now that the mill is shut?", False),
        ("What was the last price of 2025?", False),
    ],
)
def test_the_latest_state_is_asked_for_in_plain_words(question: str, *, is_latest: bool) -> None:
    """Only words for the present state count: the final of a cup is not one."""
    assert asks_latest(question) is is_latest


SIGNED = answered("k2f2", "The petition has 14,200 signatures.", "14,200")


@pytest.mark.parametrize(
    ("text", "answer", "is_other"),
    [
        ("It carried 11,400 signatures on Saturday.", "11,400", True),
        ("About 14,200 signatures were counted.", "14,200", False),
        ("Nineteen signatures were false.", "Nineteen", True),
        ("The march had 3,000 people.", "3,000", False),
        ("The Post counted the signatures.", "The Post", False),
    ],
)
def test_articles_disagree_on_the_number_of_one_thing(text: str, answer: str, *, is_other: bool) -> None:
    """Different numbers with the same word behind them disagree, whichever article comes first."""
    other = answered("k3f2", text, answer)
    assert disagree(SIGNED, other) is disagree(other, SIGNED) is is_other


def test_amounts_are_compared_by_their_unit() -> None:
    """€3.1 million and €3.7 million disagree, €3.1 million and 37 minutes do not."""
    cost = answered("k2f2", "The bridge cost €3.1 million, the office says.", "€3.1 million")
    assert disagree(cost, answered("k3f2", "It came to €3.7 million in the end.", "€3.7 million"))
    assert not disagree(cost, answered("k3f2", "It took 37 minutes.", "37 minutes"))


def test_a_later_number_is_an_update() -> None:
    """Only articles of the same days disagree; without a date nothing is known, and an article agrees with itself."""
    text, number = "It carried 11,400 signatures.", "11,400"
    assert disagree(SIGNED, answered("k3f2", text, number, MONDAY + SAME_DAYS))
    assert not disagree(SIGNED, answered("k3f2", text, number, MONDAY + SAME_DAYS + timedelta(seconds=1)))
    assert not disagree(SIGNED, answered("k3f2", text, number, None))
    assert not disagree(SIGNED, answered("k2f2", text, number))
