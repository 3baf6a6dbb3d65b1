"""Means, their intervals, and what is counted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.records import Verdict
from eval.summary import RATES, summarise, total
from tests.eval.pieces import verdict


def _wilson(hits: int, n: int) -> tuple[float, float]:
    """Wilson's interval in its closed form, at 95 %."""
    z, p = 1.959963984540054, hits / n
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * (p * (1 - p) / n + z * z / (4 * n * n)) ** 0.5 / (1 + z * z / n)
    return middle - half, middle + half


@given(st.integers(1, 80).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_rates_have_the_interval_of_wilson(counts: tuple[int, int]) -> None:
    """A rate of any count has the interval of the closed formula."""
    hits, n = counts
    verdicts = [verdict(f"who-{at:03}", over_refusal=float(at < hits)) for at in range(n)]
    mean = summarise(verdicts)["all"].means["over_refusal"]
    assert (mean.value, mean.n) == (round(hits / n, 4), n)
    assert (mean.low, mean.high) == pytest.approx(_wilson(hits, n), abs=1e-4)


def test_zero_of_many_is_not_certainly_zero() -> None:
    """No false answer in 60 still allows 6 percent."""
    mean = summarise([verdict(f"who-{at:03}", false_answer=0.0) for at in range(60)])["all"].means["false_answer"]
    assert (mean.low, mean.high) == (0.0, 0.0602)


@pytest.mark.parametrize("name", sorted(RATES - {"good"}))
def test_every_rate_stays_in_bounds(name: str) -> None:
    """What is yes or no for one question has an interval within 0 and 1."""
    mean = summarise([Verdict(id="who-001", type="who", outcome="correct", figures={name: 1.0})])["all"].means[name]
    assert (mean.low, mean.high) == (0.2065, 1.0)


def test_other_means_have_a_normal_interval() -> None:
    """A mean of shares is given with 1.96 standard errors."""
    verdicts = [verdict(f"who-{at:03}", fact_recall=value) for at, value in enumerate((0.0, 0.5, 1.0, 1.0))]
    mean = summarise(verdicts)["all"].means["fact_recall"]
    assert (mean.value, mean.n, mean.low, mean.high) == (0.625, 4, 0.1559, 1.0941)
    two = summarise(verdicts[:2])["all"].means["fact_recall"]
    assert (two.value, two.low, two.high) == (0.25, -0.24, 0.74)


def test_one_value_has_no_spread() -> None:
    """The interval of a single share is that share."""
    mean = summarise([verdict(fact_recall=0.5)])["all"].means["fact_recall"]
    assert (mean.value, mean.low, mean.high) == (0.5, 0.5, 0.5)


def test_groups_are_all_and_each_type() -> None:
    """Every type that has a question is a group; a figure counts where it applies."""
    verdicts = [
        verdict("who-001", fact_recall=1.0),
        verdict("when-001", "wrong", "when", fact_recall=0.0),
        verdict("unanswerable-001", "refused_ok", "unanswerable", false_answer=0.0),
    ]
    groups = summarise(verdicts)
    assert list(groups) == ["all", "unanswerable", "when", "who"]
    assert groups["all"].n == 3
    assert groups["all"].outcomes == {"correct": 1, "wrong": 1, "refused_ok": 1}
    assert (groups["all"].means["fact_recall"].n, groups["all"].means["fact_recall"].value) == (2, 0.5)
    assert groups["who"].means["fact_recall"].value == 1.0
    assert groups["all"].means["good"].value == 0.6667
    assert (groups["when"].n, groups["when"].means["good"].value) == (1, 0.0)


def test_errors_are_counted_and_in_no_mean() -> None:
    """An error is in `n` and in the outcomes, in no numerator and no denominator."""
    group = summarise([verdict(fact_recall=1.0), verdict("who-002", "error", fact_recall=0.0)])["all"]
    assert (group.n, group.outcomes) == (2, {"correct": 1, "error": 1})
    assert (group.means["fact_recall"].n, group.means["good"].n, group.means["good"].value) == (1, 1, 1.0)
    assert summarise([verdict(outcome="error")])["all"].means == {}


def test_no_verdict_has_a_group_without_means() -> None:
    """Nothing measured is nothing claimed."""
    assert summarise([])["all"].model_dump() == {"n": 0, "outcomes": {}, "means": {}}


def test_a_total_counts_one_outcome() -> None:
    """Others are not counted."""
    verdicts: list[Verdict] = [verdict(), verdict(outcome="wrong"), verdict(outcome="wrong")]
    assert [total(verdicts, outcome) for outcome in ("wrong", "correct", "error")] == [2, 1, 0]
