"""The whole story of one question."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.errors import GoldInvalid
from eval.explain import explained
from eval.questions import GoldSet
from eval.records import Prediction, Run, Turn
from tests.eval.report_pieces import (
    ARTICLES,
    BAD,
    COMPASSES,
    GOLD,
    HIDDEN,
    LENGTH,
    NOBODY,
    RISE,
    question,
    reply,
    run_of,
)


def told(id_: str, answer: dict[str, Any] | str) -> str:
    """The story of a question that got this answer."""
    return explained(GOLD, id_, run_of({id_: answer}))


def test_the_story_of_a_wrong_answer_is_whole() -> None:
    """Question, facts, evidence, passages, answer, slips, citations, withheld sentences, verdict, stage, figures."""
    answer = reply(
        "It ended after 9 days.", "museum-theft", "ferry-strike", quote="It ended", withheld=["It rose by 5."]
    )
    lines = told(RISE, answer).splitlines()

    assert lines[0] == f"{RISE} (how_many, critical)"
    assert "question: By how much did the pay of the crews rise?" in lines
    assert "  ✗ [vital] the number 4.5" in lines
    assert "  ferry-strike: “Crews won a rise of 4.5 percent.”" in lines
    assert "  1. museum-theft [1]  1.000 (dense 0.500, lexical 4.25)" in lines
    assert "  2. ferry-strike  GOLD  0.500 (dense 0.500, lexical 4.25)" in lines
    assert "answer: answered" in lines
    assert "  It ended after 9 days [1]." in lines
    assert "  ✗ said, must not be: the length of the strike" in lines
    assert "withheld sentences:" in lines
    assert "  number_not_in_source: It rose by 5." in lines
    assert "verdict: wrong, broke at reader: says what must not be said: the length of the strike" in lines
    assert "fact_recall 0," in " ".join(lines)


def test_the_story_of_a_good_answer_names_no_stage() -> None:
    """A correct answer has its facts ticked, its citation exact, and nothing broke."""
    story = told(COMPASSES, reply("Thieves took 12 compasses from the museum.", "museum-theft"))

    assert "  ✓ [vital] the number 12" in story
    assert "[1] museum-theft: exact; verified by exact, 1.00" in story
    assert "verdict: correct\n" in story
    assert "broke at" not in story
    assert "withheld" not in story


def test_a_false_quote_is_shown_beside_the_true_words() -> None:
    """Where cited words do not stand at their place, the words that stand there are told."""
    answer = reply("Thieves took 12 compasses.", "museum-theft", quote="Thieves stole 12")
    story = told(COMPASSES, answer)

    assert "museum-theft: NOT EXACT; verified" in story
    assert "quote: Thieves stole 12" in story
    assert "there: Thieves took 12" in story


def test_a_dangling_citation_is_named() -> None:
    """A citation of what the reader never saw says so, also where there is no such article."""
    answer = reply("Thieves took 12 compasses.", "museum-theft", quote="Thieves took")
    answer["citations"][0]["article_id"] = "nowhere"
    story = told(COMPASSES, answer)

    assert "nowhere: NOT EXACT, DANGLING; verified" in story
    assert "there: no such article" in story


def test_evidence_that_was_not_retrieved_is_named() -> None:
    """An article with evidence that the reader did not see stands below those that it saw."""
    story = told(LENGTH, reply("", "museum-theft"))

    assert "  –  ferry-strike  GOLD, not retrieved" in story
    assert "answer: not_in_sources (low_relevance)" in story
    assert "verdict: over_refused, broke at retrieval: low_relevance" in story


def test_the_tempting_article_is_named() -> None:
    """The near miss of a question that cannot be answered is marked among the passages."""
    story = told(NOBODY, reply("", "museum-theft"))

    assert "expected: abstain" in story
    assert "1. museum-theft  NEAR MISS  " in story


def test_an_error_is_told_in_place_of_an_answer() -> None:
    """A question that got no reply tells the error, with no fact ticked or crossed."""
    story = told(COMPASSES, "TimeoutError: nothing after 120 s")

    assert "error: TimeoutError: nothing after 120 s" in story
    assert "  – [vital] the number 12" in story
    assert "verdict: error: TimeoutError" in story


def test_a_conversation_is_told_from_its_beginning() -> None:
    """Earlier turns and paraphrases with their answers are part of the story."""
    turns = (
        Turn(role="user", content="Was there a strike?"),
        Turn(role="assistant", content="Yes, on the ferries."),
        Turn(role="user", content="How long was it?"),
    )
    quote = "It ended after 9 days."
    item = question("follow_up-001", "", quote, 9, turns=turns, paraphrases=("For how many days did it go on?",))
    gold = GoldSet((item,), ARTICLES, (), "a1", "c0")
    run = run_of({}, gold)
    asked = run.predictions[0].model_copy(update={"paraphrased": (reply("", "ferry-strike"),)})
    story = explained(gold, item.id, run.model_copy(update={"predictions": (asked,)}))

    assert "user: Was there a strike?\nassistant: Yes, on the ferries.\nquestion: How long was it?" in story
    assert "asked otherwise: For how many days did it go on?\n  not_in_sources: The articles" in story


def test_an_unknown_id_is_refused_with_those_near_it() -> None:
    """A mistyped id is named, and ids like it are offered, none of the holdout."""
    with pytest.raises(GoldInvalid, match=r"no question has the id 'how_many-01'") as caught:
        explained(GOLD, "how_many-01", run_of())

    assert RISE in str(caught.value)
    assert HIDDEN not in str(caught.value)


def test_a_question_of_the_holdout_is_refused() -> None:
    """A question of the holdout is not told, and the refusal says why and nothing of the question."""
    with pytest.raises(GoldInvalid, match=r"never shown question by question") as caught:
        explained(GOLD, HIDDEN, run_of())

    assert "tuned to" in str(caught.value)
    assert "keys" not in str(caught.value)


def test_a_run_that_did_not_ask_is_refused() -> None:
    """A question that is not in the run has no story there."""
    with pytest.raises(GoldInvalid, match=r"the run did not ask how_many-001"):
        explained(GOLD, RISE, run_of({RISE: None}))


@given(text=st.text(st.characters(codec="utf-8") | st.sampled_from(f"\x1b\r\n\x9b\u202e{BAD}"), max_size=60))
def test_no_answer_commands_the_terminal(text: str) -> None:
    """Whatever an answer or an error holds, no control but the line feed reaches the terminal."""
    answer = reply(f"({text}).", "museum-theft", quote=f"({text})", withheld=[text])
    stories = told(COMPASSES, answer) + _error(text)

    assert not [char for char in stories if char != "\n" and (char < " " or "\x7f" <= char <= "\x9f")]
    assert "\u202e" not in stories


def _error(text: str) -> str:
    run = run_of()
    failed = Run(header=run.header, predictions=(Prediction(id=RISE, error=f"OSError: {text}"),))
    return explained(GOLD, RISE, failed)
