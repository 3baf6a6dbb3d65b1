"""The sentences that an answer has quoted: a follow-up asks for something new."""

import pytest

from service.readers.evidence import Evidence, ScoredSentence, statements_of
from service.readers.told import untold
from service.records import Message, Question
from tests.service.passages import make_passage

FOUND = "A boy of nine found a bell on the moor on Monday."
ASKED_FOR = "Ott Farr has asked for a drum."
TALK = (
    Message("user", "Who found the bell?"),
    Message("assistant", "A boy of nine found a bell on the moor on Monday [1]."),
)


def left(turn: str, *sentences: str, standalone: str = "What of the bell?") -> list[str]:
    """Return the sentences that are left for a turn after the answer."""
    statements = statements_of([make_passage("k1f2", " ".join(sentences or (FOUND, ASKED_FOR)))])
    scored = tuple(ScoredSentence(each.passage, each.span, each.text, 1.0, each.quote) for each in statements)
    found = untold(Question(turn, messages=TALK), standalone, Evidence(scored, 0.9))
    return [each.text for each in found.sentences]


@pytest.mark.parametrize("turn", ["What does he want for it?", "Did anybody help him?", "What else?"])
def test_a_sentence_that_was_told_does_not_answer_the_next_turn(turn: str) -> None:
    """It is left out if it has no word of the turn, and nothing of the type that is asked for."""
    assert left(turn) == [ASKED_FOR]


@pytest.mark.parametrize("turn", ["When was that?", "Where was it found?", "Who is he?", "Why?"])
def test_a_sentence_that_may_answer_stays(turn: str) -> None:
    """A word of the turn, a date for "when", and a turn without words of its own keep the sentence."""
    assert left(turn) == [FOUND, ASKED_FOR]


def test_a_question_of_its_own_may_be_asked_again() -> None:
    """Nothing is left out for a question that takes nothing from the conversation, nor if nothing would be left."""
    assert left("What does he want?", standalone="What does he want?") == [FOUND, ASKED_FOR]
    assert left("What does he want?", FOUND) == [FOUND]
