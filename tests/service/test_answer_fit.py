"""The kind of answer that a question asks for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.readers.question_kind import (
    asks_latest,
    fits_time,
    has_time_of_day,
    says_nothing_new,
    states_cause,
)


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
