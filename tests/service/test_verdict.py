"""The verdict: the worst that is true of an answer, over every combination of what qualifies it."""

from dataclasses import replace
from itertools import product

import pytest

from service.answer import Completed, Conflict, Unsupported
from service.records import AnswerWarning, StatusReason, Support, Verdict
from service.wire import event_data, to_json
from tests.service.answers import TEXT, answer

SCALE: tuple[Verdict, ...] = ("conflict", "interrupted", "withheld", "stale", "weak", "answered")
STALE = AnswerWarning("stale", "Old.")
OTHER = AnswerWarning("answered_without_model", "Quoted.")
REASONS: tuple[StatusReason | None, ...] = (None, "weak_evidence", "unsupported_withheld", "interrupted")
SUPPORT: tuple[Support, ...] = ("verified", "partial", "unverified")
PAIRS = tuple(product(SUPPORT, repeat=2))
ABSTENTIONS: tuple[StatusReason, ...] = (
    "no_articles",
    "outside_filters",
    "low_relevance",
    "no_verified_support",
    "model_abstained",
)


def test_the_worst_that_is_true_is_the_verdict() -> None:
    """Each verdict is given exactly where its cause is present and no worse one is."""
    given = set()
    flags = product((False, True), repeat=4)
    for reason, (conflicting, withheld, stale, warned), (one, two) in product(REASONS, flags, PAIRS):
        made = answer(
            one,
            two,
            status="partial" if reason else "answered",
            status_reason=reason,
            conflicts=(Conflict("fare", ()),) * conflicting,
            unsupported=(Unsupported("It is free.", "not_in_source"),) * withheld,
            warnings=(STALE,) * stale + (OTHER,) * warned,
        )
        causes = {
            "conflict": conflicting,
            "interrupted": reason == "interrupted",
            "withheld": withheld or reason == "unsupported_withheld",
            "stale": stale,
            "weak": reason == "weak_evidence" or "unverified" in (one, two),
            "answered": True,
        }
        assert made.verdict == next(verdict for verdict in SCALE if causes[verdict])
        given.add(made.verdict)
    assert given == set(SCALE)


@pytest.mark.parametrize("reason", ABSTENTIONS)
def test_an_abstention_has_no_verdict(reason: StatusReason) -> None:
    """Where nothing was answered the verdict is `none`, whatever was withheld or warned of."""
    bare = answer(status="not_in_sources", status_reason=reason, answer="Not found.", citations=())
    assert bare.verdict == "none"
    assert (
        replace(bare, unsupported=(Unsupported("It is free.", "not_in_source"),), warnings=(STALE,)).verdict == "none"
    )


@pytest.mark.parametrize("kept", [(), (0,), (1,)])
def test_a_sentence_without_a_citation_is_not_answered(kept: tuple[int, ...]) -> None:
    """A sentence that no citation spans was not checked, so the answer is weak."""
    whole = answer()
    assert whole.verdict == "answered"
    assert replace(whole, citations=tuple(whole.citations[each] for each in kept)).verdict == "weak"


def test_two_citations_of_one_sentence_are_one_sentence_checked() -> None:
    """The order of citations and two of the same sentence change nothing."""
    whole = answer()
    assert replace(whole, citations=(*reversed(whole.citations), *whole.citations)).verdict == "answered"
    assert whole.answer == TEXT


def test_the_verdict_goes_over_the_wire() -> None:
    """JSON and the last event of a stream carry the verdict."""
    assert '"verdict":"answered"' in to_json(answer())
    assert event_data(Completed(answer(warnings=(STALE,))))["verdict"] == "stale"
