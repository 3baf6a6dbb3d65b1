"""What an answer states, and what it must not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.metrics.facts import context_of, fact_figures, said_forbidden, ticks
from tests.eval.pieces import fact, item, saying, unanswerable

TWO = item(facts=[fact("f0", "blue", "okay"), fact("f1", "Corrand"), fact("f2", "ribbon")], max_words=10)


def _answer(text: str) -> dict[str, float]:
    return fact_figures(TWO, {"answer": text, "sources": [{"snippet": "Corrand"}, {"snippet": "and Lind"}]})


def test_recall_is_the_share_of_vital_facts() -> None:
    """Recall counts vital facts alone, each whole or not at all."""
    recalls = [_answer(text)["fact_recall"] for text in ("Corrand cut a ribbon.", "Corrand did.", "It was blue.", "")]
    assert recalls == [1.0, 0.5, 0.0, 0.0]


def test_context_holds_what_the_reader_saw() -> None:
    """Answer in context is the same share over the passages together."""
    assert _answer("")["answer_in_context"] == 0.5
    assert context_of({"sources": [{"snippet": "one"}, {"snippet": "two"}]}) == "one\ntwo"


def test_length_is_words_over_words_allowed() -> None:
    """Markers are no words; an answer at its limit is at 1."""
    assert _answer("one two three four five six seven eight nine ten [1] [2].")["length"] == 1.0
    assert _answer("one two three [1].")["length"] == pytest.approx(0.3)


def test_a_forbidden_thing_said_is_the_first_of_them() -> None:
    """Must-not is 1 where any forbidden thing is said, and the first is named."""
    forbidden = [
        {"id": f"x{at}", "why": word, "match": [{"text": [word]}]} for at, word in enumerate(("Lind", "Reyes"))
    ]
    strict = item(must_not=forbidden)
    said = said_forbidden(strict, "Olm Reyes and Oskar Lind")
    assert said is not None
    assert said.why == "Lind"
    assert said_forbidden(strict, "Ines Corrand") is None
    assert fact_figures(strict, saying("Ines Corrand cut the ribbon."))["must_not"] == 0
    assert fact_figures(strict, {"answer": "Reyes", "sources": []})["must_not"] == 1


def test_a_question_without_vital_facts_has_no_figure() -> None:
    """What cannot be measured is absent, not 0."""
    assert fact_figures(unanswerable(), saying("Ines Corrand cut the ribbon.")) == {}
    assert fact_figures(item(facts=[fact("f0", "blue", "okay")]), saying("Ines Corrand cut the ribbon.")) == {}


def test_ticks_put_vital_facts_first() -> None:
    """Every fact has a tick, the vital ones first, in their order."""
    assert [(tick.fact, tick.stated) for tick in ticks(TWO, "a blue ribbon")] == [
        ("f1", False),
        ("f2", True),
        ("f0", True),
    ]


@given(st.lists(st.sampled_from(["Corrand", "ribbon", "blue", "and", "Lind"]), max_size=12))
def test_more_words_never_state_less(words: list[str]) -> None:
    """Recall lies in [0, 1], does not depend on order, and never falls when something is added."""
    found = _answer(" ".join(words))["fact_recall"]
    assert 0 <= found <= 1
    assert _answer(" ".join(reversed(words)))["fact_recall"] == found
    assert _answer(" ".join([*words, "ribbon"]))["fact_recall"] >= found
