"""Floors and ceilings of a gold set's own take the place of the gate's."""

from typing import get_args

import pytest

from eval.gate import CEILINGS, FLOORS, TYPE_FLOORS, Decision, Measured, decide
from eval.questions import GoldSet, Limited
from eval.records import GoldItem, Header, Provenance, Turn, Verdict

COUNT = 12


def decided(figures: dict[str, float], limits: dict[str, float]) -> Decision:
    """The gate's decision on a run as good as its baseline, each of its questions with these figures."""
    items = tuple(
        GoldItem(
            schema_=1,
            id=f"who-{number:03}",
            type="who",
            turns=(Turn(role="user", content=f"Who is {number}?"),),
            expect="abstain",
            provenance=Provenance(made="by hand", checked="2026-01-05"),
        )
        for number in range(COUNT)
    )
    gold = GoldSet(items, {}, (), "gold", "corpus", limits)
    header = Header(lane="offline", gold="gold", corpus="corpus", fingerprint="", questions=COUNT)
    verdicts = tuple(Verdict(id=item.id, type="who", outcome="refused_ok", figures=figures) for item in items)
    return decide(gold, Measured(header, verdicts), Measured(header, verdicts))


def test_every_floor_and_ceiling_may_be_set() -> None:
    """What the manifest may name is what the gate asks."""
    assert set(get_args(Limited)) == FLOORS.keys() | CEILINGS.keys()
    assert TYPE_FLOORS.keys() <= FLOORS.keys()


@pytest.mark.parametrize("metric", sorted(FLOORS))
def test_a_floor_of_ones_own_is_asked_instead(metric: str) -> None:
    """Below the gate's floor and at one's own a run passes; below one's own it fails, above the gate's or not."""
    low = round(FLOORS[metric] - 0.3, 2)

    assert decided({metric: low}, {}).exit_code == 1
    assert decided({metric: low}, {metric: low}).exit_code == 0
    assert decided({metric: round(low - 0.01, 2)}, {metric: low}).exit_code == 1
    assert decided({metric: FLOORS[metric]}, {metric: FLOORS[metric] + 0.01}).exit_code == 1


@pytest.mark.parametrize("metric", sorted(CEILINGS))
def test_a_ceiling_of_ones_own_is_asked_instead(metric: str) -> None:
    """Above the gate's ceiling and at one's own a run passes; above one's own it fails."""
    high = round(CEILINGS[metric] + 0.2, 2)

    assert decided({metric: high}, {}).exit_code == 1
    assert decided({metric: high}, {metric: high}).exit_code == 0
    assert decided({metric: round(high + 0.01, 2)}, {metric: high}).exit_code == 1


@pytest.mark.parametrize("metric", sorted(TYPE_FLOORS))
def test_a_stricter_floor_is_of_all_questions_and_not_of_each_type(metric: str) -> None:
    """A floor over all that is above the gate's leaves the floor of the types where it is."""
    breaches = decided({metric: 0.97}, {metric: 0.98}).breaches

    assert [breach.detail.split(" is ")[0] for breach in breaches] == [f"{metric} of all"]
