"""Abstaining, weak evidence and replies that contradict themselves."""

import pytest

from eval.metrics.abstention import abstained, abstention_figures, is_inconsistent, is_weak
from tests.eval.pieces import articles, item, saying, unanswerable
from tests.eval.selftest.replies import refused

ANSWER = saying("Ines Corrand cut the ribbon.")
WEAK = {**ANSWER, "status": "partial", "status_reason": "weak_evidence"}
CUT = {**ANSWER, "status": "partial", "status_reason": "interrupted"}
SILENT = refused(articles(), ["pier"])


def test_status_alone_says_whether_a_reply_abstains() -> None:
    """Words that sound like a refusal are none."""
    assert [abstained(reply) for reply in (ANSWER, WEAK, CUT, SILENT)] == [False, False, False, True]
    assert not abstained({**ANSWER, "answer": "The articles do not say."})


def test_weak_is_partial_for_weak_evidence() -> None:
    """Another reason, or another status, is not weak."""
    assert [is_weak(reply) for reply in (ANSWER, WEAK, CUT, SILENT)] == [False, True, False, False]
    assert not is_weak({**ANSWER, "status_reason": "weak_evidence"})


@pytest.mark.parametrize(
    ("changes", "inconsistent"),
    [
        ({}, False),
        ({"citations": []}, True),
        ({"answer": " \n"}, True),
        ({"status": "not_in_sources"}, True),
        ({"status": "not_in_sources", "citations": []}, False),
        ({"status": "not_in_sources", "citations": [], "answer": ""}, True),
        ({"status": "partial", "citations": []}, True),
    ],
)
def test_status_and_text_must_agree(changes: dict[str, object], inconsistent: bool) -> None:
    """Who answers cites, who abstains does not, and nobody says nothing."""
    assert is_inconsistent({**ANSWER, **changes}) is inconsistent


def test_an_unanswerable_question_has_a_false_answer_or_none() -> None:
    """Only an answer without a warning is false."""
    found = [abstention_figures(unanswerable(), reply) for reply in (ANSWER, WEAK, CUT, SILENT)]
    assert [one["false_answer"] for one in found] == [1, 0, 1, 0]
    assert [one["weak_evidence"] for one in found] == [0, 1, 0, 0]
    assert all("over_refusal" not in one for one in found)


def test_an_answerable_question_is_over_refused_or_not() -> None:
    """Only abstaining is over-refusal; a weak answer is an answer."""
    found = [abstention_figures(item(), reply) for reply in (ANSWER, WEAK, CUT, SILENT)]
    assert [one["over_refusal"] for one in found] == [0, 0, 0, 1]
    assert [one["weak_evidence"] for one in found] == [0, 1, 0, 0]
    assert all("false_answer" not in one for one in found)
