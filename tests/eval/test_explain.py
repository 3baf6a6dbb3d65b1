"""The explanation of one question's outcome."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.errors import GoldInvalid
from eval.explain import explain
from eval.gold import GoldSet
from eval.records import Prediction, Run, Turn
from tests.eval.report_pieces import (
    ARTICLES,
    BAD,
    COMPASSES,
    GOLD,
    HIDDEN,
    LENGTH,
    NO_ANSWER,
    RISE,
    question,
    reply,
    run_of,
)


def explained(id_: str, answer: dict[str, Any] | str) -> str:
    """Return the explanation of a question with this answer."""
    return explain(GOLD, id_, run_of({id_: answer}))


def test_a_wrong_answer_is_explained_in_full() -> None:
    """Question, facts, evidence, passages, answer, forbidden statements, citations, grade, stage, figures."""
    answer = reply(
        "It ended after 9 days.", "museum-theft", "ferry-strike", quote="It ended", withheld=["It rose by 5."]
    )
    lines = explained(RISE, answer).splitlines()

    assert lines[0] == f"{RISE} (how_many, critical)"
    assert "question: By how much did the pay of the crews rise?" in lines
    assert "  ✗ [vital] the number 4.5" in lines
    assert "  ferry-strike: “Crews won a rise of 4.5 percent.”" in lines
    assert "  1. museum-theft [1]  1.000 (dense 0.500, lexical 4.25)" in lines
    assert "  2. ferry-strike  GOLD  0.500 (dense 0.500, lexical 4.25)" in lines
    assert "answer: answered" in lines
    assert "  It ended after 9 days [1]." in lines
    assert "  ✗ stated, forbidden: the length of the strike" in lines
    assert "withheld sentences:" in lines
    assert "  number_not_in_source: It rose by 5." in lines
    assert "outcome: wrong at the stage reader: makes a forbidden statement: the length of the strike" in lines
    assert "fact_recall 0," in " ".join(lines)


def test_a_correct_answer_names_no_stage() -> None:
    """A correct answer has its facts ticked, an exact citation, and no failed stage."""
    text = explained(COMPASSES, reply("Thieves took 12 compasses from the museum.", "museum-theft"))

    assert "  ✓ [vital] the number 12" in text
    assert "[1] museum-theft: exact; verified (exact, 1.00)" in text
    assert "outcome: correct\n" in text
    assert "at the stage" not in text
    assert "withheld" not in text


def test_a_moment_is_named_and_a_copy_of_the_evidence_is_not_missing() -> None:
    """A copy stands for the article that the evidence names."""
    item = next(item for item in GOLD.items if item.id == COMPASSES)
    copied = item.model_copy(update={"copies": (("ferry-strike", "museum-theft"),), "as_of": "2026-03-01T00:00:00Z"})
    gold = replace(GOLD, items=(copied,))
    text = explain(gold, COMPASSES, run_of({COMPASSES: reply("Thieves took 12 compasses.", "ferry-strike")}))

    assert text.startswith(f"{COMPASSES} (how_many, as of 2026-03-01T00:00:00Z)\n")
    assert "not retrieved" not in text


def test_a_quote_to_compare_and_the_answers_words_are_named() -> None:
    """A partial citation reads as users read it; the highlight is a part of the quote."""
    answer = reply("Thieves took 12 compasses from the museum.", "museum-theft")
    answer["citations"][0] |= {
        "verification": {"status": "partial", "method": "coverage", "score": 0.71},
        "highlight": {"start_char_index": 13, "end_char_index": 25},
    }
    text = explained(COMPASSES, answer)

    assert "[1] museum-theft: exact; wording differs: compare (coverage, 0.71)" in text
    assert "answer:   12 compasses" in text


def test_a_false_quote_is_shown_beside_the_true_words() -> None:
    """If the article has other words at the cited offsets, these are shown."""
    answer = reply("Thieves took 12 compasses.", "museum-theft", quote="Thieves stole 12")
    text = explained(COMPASSES, answer)

    assert "museum-theft: NOT EXACT; verified" in text
    assert "quote:    Thieves stole 12" in text
    assert "article:  Thieves took 12" in text


def test_a_dangling_citation_is_named() -> None:
    """A citation of a source that was not shown is marked, also if no such article exists."""
    answer = reply("Thieves took 12 compasses.", "museum-theft", quote="Thieves took")
    answer["citations"][0]["article_id"] = "nowhere"
    text = explained(COMPASSES, answer)

    assert "nowhere: NOT EXACT, DANGLING; verified" in text
    assert "article:  not in the corpus" in text


def test_evidence_that_was_not_retrieved_is_named() -> None:
    """An evidence article outside the passages is listed below them."""
    text = explained(LENGTH, reply("", "museum-theft"))

    assert "  –  ferry-strike  GOLD, not retrieved" in text
    assert "answer: not_in_sources (low_relevance)" in text
    assert "outcome: over_refused at the stage retrieval: low_relevance" in text


def test_the_tempting_article_is_named() -> None:
    """The near miss of a question that cannot be answered is marked among the passages."""
    text = explained(NO_ANSWER, reply("", "museum-theft"))

    assert "expected: abstain" in text
    assert "1. museum-theft  NEAR MISS  " in text


def test_an_error_is_shown_instead_of_an_answer() -> None:
    """A question without a reply shows the error, with no fact ticked or crossed."""
    text = explained(COMPASSES, "TimeoutError: nothing after 120 s")

    assert "error: TimeoutError: nothing after 120 s" in text
    assert "  – [vital] the number 12" in text
    assert "outcome: error: TimeoutError" in text


def test_a_conversation_is_shown_from_its_beginning() -> None:
    """Earlier turns and paraphrases with their answers are shown."""
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
    text = explain(gold, item.id, run.model_copy(update={"predictions": (asked,)}))

    assert "user: Was there a strike?\nassistant: Yes, on the ferries.\nquestion: How long was it?" in text
    assert "paraphrase: For how many days did it go on?\n  not_in_sources: The articles" in text


def test_an_unknown_id_is_refused_with_those_near_it() -> None:
    """An unknown id is an error with similar ids, without those of the holdout."""
    with pytest.raises(GoldInvalid, match=r"no question has the id 'how_many-01'") as caught:
        explain(GOLD, "how_many-01", run_of())

    assert RISE in str(caught.value)
    assert HIDDEN not in str(caught.value)


def test_a_question_of_the_holdout_is_refused() -> None:
    """A question of the holdout is not shown; the error gives the reason and no part of the question."""
    with pytest.raises(GoldInvalid, match=r"whose questions are not shown") as caught:
        explain(GOLD, HIDDEN, run_of())

    assert "tuned to" in str(caught.value)
    assert "keys" not in str(caught.value)


def test_a_run_without_the_question_is_refused() -> None:
    """A question that is not in the run cannot be explained."""
    with pytest.raises(GoldInvalid, match=r"the run did not ask how_many-001"):
        explain(GOLD, RISE, run_of({RISE: None}))


@given(text=st.text(st.characters(codec="utf-8") | st.sampled_from(f"\x1b\r\n\x9b\u202e{BAD}"), max_size=60))
def test_no_answer_commands_the_terminal(text: str) -> None:
    """No control character but the line feed reaches the terminal."""
    answer = reply(f"({text}).", "museum-theft", quote=f"({text})", withheld=[text])
    stories = explained(COMPASSES, answer) + _error(text)

    assert not [char for char in stories if char != "\n" and (char < " " or "\x7f" <= char <= "\x9f")]
    assert "\u202e" not in stories


def _error(text: str) -> str:
    run = run_of()
    failed = Run(header=run.header, predictions=(Prediction(id=RISE, error=f"OSError: {text}"),))
    return explain(GOLD, RISE, failed)
