"""Kinds: what a question asks for, and whether a sentence has it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.readers.kind import kind_match, kind_of

KINDS = {
    "When did the ferry sink?": "when",
    "In which year did the ferry sink?": "when",
    "How many boats were lost?": "number",
    "What percentage of the fleet was lost?": "number",
    "How old is the mayor?": "number",
    "Why did the ferry sink?": "why",
    "What caused the fire?": "why",
    "Where did the ferry sink?": "where",
    "Which port did it leave?": "where",
    "Who owns the mill?": "who",
    "Whose mill burnt?": "who",
    "Which company owns the mill?": "who",
    "What happened at the mill?": None,
    "How did the crew escape?": None,
    "The whole whereabouts": None,
    "": None,
}


@pytest.mark.parametrize("question", KINDS)
def test_a_question_has_a_kind(question: str) -> None:
    """The words of a question tell what it asks for, whatever their case; an open one has no kind."""
    assert kind_of(question) == kind_of(question.upper()) == KINDS[question]


MATCHES = [
    ("When did the ferry sink?", "It sank on Monday.", 1.0),
    ("When did the ferry sink?", "It sank in 1954.", 1.0),
    ("When did the ferry sink?", "It sank in the bay.", 0.0),
    ("When in May did the ferry sink?", "It sank in May.", 0.0),
    ("How many boats were lost?", "Twelve boats were lost.", 1.0),
    ("How many boats were lost?", "The boats were lost.", 0.0),
    ("How many of the 12 boats were lost in 2024?", "Of the 12 boats, 4 were lost.", 1.0),
    ("How many of the 12 boats were lost in 2024?", "All 12 boats were lost in 2024.", 0.0),
    ("Why did it sink?", "It sank because of a storm.", 1.0),
    ("Why did it sink?", "It sank.", 0.3),
    ("Where did it sink?", "It sank off Galt.", 1.0),
    ("Where did it sink?", "The owner is Pell Rusk.", 0.5),
    ("Where did it sink?", "It sank.", 0.0),
    ("Where near Galt did it sink?", "It sank near Galt.", 0.0),
    ("Who owns the mill?", "The mill is owned by Pell Rusk.", 1.0),
    ("Who owns the Brisk mill?", "The owner of the Brisk mill is known.", 0.0),
    ("What happened?", "It sank.", 0.5),
]


@pytest.mark.parametrize(("question", "sentence", "match"), MATCHES)
def test_a_sentence_matches_with_something_new(question: str, sentence: str, match: float) -> None:
    """A sentence matches where it has what is asked for and the question has not."""
    assert kind_match(question, sentence) == match


@given(question=st.sampled_from(list(KINDS)), sentence=st.text(max_size=60))
def test_a_match_is_a_share(question: str, sentence: str) -> None:
    """Every sentence matches every question from 0 to 1, and none answers with what was asked."""
    assert 0 <= kind_match(question, sentence) <= 1
    if kind_of(question) in ("when", "number", "who", "where"):
        assert kind_match(f"{question} {sentence}", sentence) <= 0.5
