"""What was lost and won between two runs."""

from itertools import product
from typing import get_args

import pytest

from eval.compare import RANK, Flip, flips
from eval.records import Outcome
from tests.eval.pieces import verdict


@pytest.mark.parametrize(("before", "after"), list(product(get_args(Outcome), repeat=2)))
def test_a_flip_is_lost_or_won_by_rank(before: Outcome, after: Outcome) -> None:
    """A reader who is served worse lost something, one who is served better won; two bad answers are neither."""
    flip = Flip(id="who-001", before=before, after=after)
    assert (flip.lost, flip.won) == (RANK[before] > RANK[after], RANK[before] < RANK[after])
    assert not (flip.lost and flip.won)


def test_only_questions_of_both_runs_whose_verdicts_differ_are_flips() -> None:
    """A new question, a gone one and one that stays as it was are no flips."""
    before = [verdict("who-001"), verdict("who-002"), verdict("who-003", "wrong")]
    after = [verdict("who-002", "wrong"), verdict("who-003", "wrong"), verdict("who-004", "wrong")]
    assert [flip.model_dump() for flip in flips(before, after)] == [
        {"id": "who-002", "before": "correct", "after": "wrong"}
    ]


def test_lost_questions_come_first() -> None:
    """Lost, then won, then the others; each by id."""
    changes: dict[str, tuple[Outcome, Outcome]] = {
        "a": ("wrong", "unsupported"),
        "b": ("wrong", "correct"),
        "c": ("correct", "wrong"),
        "d": ("partial", "refused_ok"),
        "e": ("correct", "partial"),
    }
    before = [verdict(name, change[0]) for name, change in reversed(changes.items())]
    after = [verdict(name, change[1]) for name, change in reversed(changes.items())]
    assert [flip.id for flip in flips(before, after)] == ["c", "e", "b", "d", "a"]
