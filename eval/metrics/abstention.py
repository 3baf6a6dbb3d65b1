"""Abstention: silence where the articles do not answer, and only there.

    false answer   an unanswerable question that was answered (over all unanswerable ones: false-answer rate)
    over-refusal   an answerable question that was not (over all answerable ones)
    weak evidence  an answer that is marked as one that may not answer

Abstaining is read from `status`, never from phrases. A reply whose status and text disagree is inconsistent.
"""

from typing import Any

from eval.records import GoldItem


def abstained(reply: dict[str, Any]) -> bool:
    """Whether a reply says that the articles do not answer."""
    return bool(reply["status"] == "not_in_sources")


def is_weak(reply: dict[str, Any]) -> bool:
    """Whether a reply warns that it may not answer."""
    return bool(reply["status"] == "partial" and reply["status_reason"] == "weak_evidence")


def is_inconsistent(reply: dict[str, Any]) -> bool:
    """Whether a reply says nothing at all, abstains and cites, or answers and cites nothing."""
    return not reply["answer"].strip() or abstained(reply) == bool(reply["citations"])


def abstention_figures(item: GoldItem, reply: dict[str, Any]) -> dict[str, float]:
    """The figures of one question, by whether it can be answered."""
    if item.expect == "abstain":
        return {
            "false_answer": float(not abstained(reply) and not is_weak(reply)),
            "weak_evidence": float(is_weak(reply)),
        }
    return {"over_refusal": float(abstained(reply)), "weak_evidence": float(is_weak(reply))}
