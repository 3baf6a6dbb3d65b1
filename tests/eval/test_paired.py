"""Paired statistics: the sign test, the interval, and the rule for a model that answers differently each time."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from eval.paired import ALPHA, LARGE_LOSS, SMALL_LOSS, TESTED, Paired, losses, pair_up, sign_test
from eval.records import Grade
from tests.eval.pieces import gold_of, grade, item

GOLD = gold_of(*(item(id=f"who-{at:03}", cluster=f"story-{at // 2}") for at in range(12)))
VALUES = st.lists(st.sampled_from([0.0, 1 / 3, 0.5, 1.0]), min_size=12, max_size=12)


def grades(values: list[float]) -> tuple[Grade, ...]:
    return tuple(
        grade(one.id, fact_recall=value, false_answer=1 - value) for one, value in zip(GOLD.items, values, strict=True)
    )


@given(st.integers(0, 40), st.integers(0, 40))
def test_the_sign_test_is_exact(better: int, worse: int) -> None:
    """Both tails sum to one; more worse ones are less likely; none is certain."""
    p = sign_test(better, worse)
    assert 0 < p <= 1
    assert not worse or abs(p + sign_test(worse - 1, better + 1) - 1) < 1e-12
    assert sign_test(better, worse + 1) < p
    assert sign_test(better, 0) == 1


@given(VALUES, VALUES)
def test_a_pair_compares_the_same_questions(before: list[float], now: list[float]) -> None:
    """The change is that of the means and lies in its interval; a metric of which less is better is the mirror."""
    more, less = pair_up(GOLD, grades(before), grades(now))
    assert (more.metric, less.metric, more.n) == ("fact_recall", "false_answer", 12)
    assert abs(more.change - (sum(now) - sum(before)) / 12) < 1e-5
    assert more.low - 1e-5 <= more.change <= more.high + 1e-5 or more.low == more.high
    assert (more.better, more.worse, more.p) == (less.better, less.worse, less.p)
    assert abs(more.loss - less.loss) < 1e-5


@given(VALUES)
def test_the_same_figures_are_no_loss(values: list[float]) -> None:
    """No question differs, so nothing is lost; figures of one run alone are not compared."""
    pairs = pair_up(GOLD, grades(values), grades(values))
    assert [(pair.better, pair.worse, pair.p, pair.low, pair.high) for pair in pairs] == [(0, 0, 1, 0, 0)] * 2
    assert losses(pairs) == ()
    assert pair_up(GOLD, grades(values), [grade("who-999", fact_recall=1.0)]) == ()


def pair(metric: str, n: int, better: int, worse: int) -> Paired:
    """Return the pair of a metric that is yes or no."""
    before = 0.85
    loss = (worse - better) / n * (-1 if metric == "false_answer" else 1)
    return Paired(
        metric=metric, n=n, before=before, now=before - loss, low=0, high=0, better=better, worse=worse,
        p=sign_test(better, worse),
    )  # fmt: skip


def test_a_loss_must_be_sure_and_of_some_size() -> None:
    """Three metrics share the chance of an error; a large loss on many questions needs no test."""
    calm = [pair(metric, 200, 3, 3) for metric in TESTED[1:]]
    assert losses([pair("fact_recall", 200, 1, 9), *calm]) == (pair("fact_recall", 200, 1, 9),)
    assert losses([pair("fact_recall", 200, 2, 8), *calm]) == ()
    assert losses([pair("fact_recall", 1000, 0, 19), *calm]) == ()
    assert losses([pair("fact_recall", 60, 5, 9), *calm])
    assert losses([pair("fact_recall", 40, 5, 9), *calm]) == ()
    assert losses([pair("truthfulness", 200, 0, 60), *calm]) == ()
    assert losses([pair("false_answer", 30, 0, 8), *calm])


def test_the_rule_seldom_cries_wolf_and_sees_a_large_loss() -> None:
    """With 200 questions of which 6 % differ by chance: a false alarm in at most 5 % of runs, a loss of 10 points seen.

    Simulated: three metrics of two runs of one system, and of two whose second answers a tenth less well.
    """
    random = np.random.default_rng(7)

    def alarms(lost: float) -> float:
        worse, better = random.binomial(200, 0.03 + lost, (500, 3)), random.binomial(200, 0.03, (500, 3))
        found = [
            losses([pair(metric, 200, int(b), int(w)) for metric, b, w in zip(TESTED, bs, ws, strict=True)])
            for bs, ws in zip(better, worse, strict=True)
        ]
        return sum(map(bool, found)) / len(found)

    assert alarms(0.0) <= ALPHA
    assert alarms(0.10) >= 0.8
    assert 0 < SMALL_LOSS < LARGE_LOSS
