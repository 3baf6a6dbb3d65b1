"""Paired statistics: which differences between two runs of the same questions are more than chance.

A language model answers differently each time, so one lost question says little. Each question counts once, with the
mean of its repeats. The sign test asks whether more questions became worse than better (for yes or no it is McNemar's
exact test); the interval of the mean difference is from a bootstrap of the stories, because questions on one story fall
together (Miller 2024). Three metrics are tested, named beforehand and corrected for being three (Holm 1979).
"""

from collections.abc import Mapping, Sequence
from math import comb

import numpy as np

from eval.gold import GoldSet
from eval.records import Grade, Record

TESTED = ("fact_recall", "citation_recall", "false_answer")
"""The metrics that can break the rule."""

SHOWN = (*TESTED, "truthfulness", "over_refusal")

LESS_IS_BETTER = frozenset({"false_answer", "over_refusal"})

ALPHA = 0.05
"""Chance that two runs of the same system break the rule."""

SMALL_LOSS = 0.02
"""A smaller loss does not count, however sure."""

LARGE_LOSS = 0.05
LARGE_N = 60
"""A larger loss than `LARGE_LOSS` on this many questions counts in any case."""

RESAMPLES = 10_000
SEED = 20260101
DIGITS = 6


class Paired(Record):
    """A metric of the questions of both runs: its means, the interval of the difference, and the sign test.

    `better` and `worse` count questions; `p` is the chance of so many worse ones if nothing has changed.
    """

    metric: str
    n: int
    before: float
    now: float
    low: float
    high: float
    better: int
    worse: int
    p: float

    @property
    def change(self) -> float:
        """The difference of the means."""
        return self.now - self.before

    @property
    def loss(self) -> float:
        """How much worse the mean is; negative if it is better."""
        return self.change if self.metric in LESS_IS_BETTER else -self.change


def pair_up(gold: GoldSet, before: Sequence[Grade], now: Sequence[Grade]) -> tuple[Paired, ...]:
    """Compare the metrics of `SHOWN` on the questions that both runs have a figure of."""
    stories = {item.id: item.cluster or item.id for item in gold.items}
    old = {grade.id: grade.figures for grade in before}
    pairs = []
    for metric in SHOWN:
        both = [
            (stories[grade.id], old[grade.id][metric], grade.figures[metric])
            for grade in now
            if metric in grade.figures and metric in old.get(grade.id, {})
        ]
        if both:
            pairs.append(_paired(metric, both))
    return tuple(pairs)


def losses(pairs: Sequence[Paired]) -> tuple[Paired, ...]:
    """Return the tested metrics that are worse by more than chance, or by very much."""
    tested = sorted((pair for pair in pairs if pair.metric in TESTED), key=lambda pair: pair.p)
    sure: set[str] = set()
    for number, pair in enumerate(tested):
        if pair.p >= ALPHA / (len(tested) - number):
            break
        sure.add(pair.metric)
    return tuple(
        pair
        for pair in tested
        if (pair.metric in sure and pair.loss > SMALL_LOSS) or (pair.n >= LARGE_N and pair.loss > LARGE_LOSS)
    )


def sign_test(better: int, worse: int) -> float:
    """Return the chance of at least so many worse ones of the questions that differ, if both are as likely."""
    differing = better + worse
    return sum(comb(differing, count) for count in range(worse, differing + 1)) / float(2**differing)


def _paired(metric: str, both: Sequence[tuple[str, float, float]]) -> Paired:
    changes: dict[str, list[float]] = {}
    for story, old, new in both:
        changes.setdefault(story, []).append(new - old)
    gains = [(old - new if metric in LESS_IS_BETTER else new - old) for _, old, new in both]
    better, worse = sum(gain > 0 for gain in gains), sum(gain < 0 for gain in gains)
    low, high = _interval(changes)
    count = len(both)
    return Paired(
        metric=metric,
        n=count,
        before=round(sum(old for _, old, _ in both) / count, DIGITS),
        now=round(sum(new for _, _, new in both) / count, DIGITS),
        low=low,
        high=high,
        better=better,
        worse=worse,
        p=sign_test(better, worse),
    )


def _interval(changes: Mapping[str, Sequence[float]]) -> tuple[float, float]:
    """Return the 95 % interval of the mean change, from resampled stories; the same for the same changes."""
    sums, counts = (np.array([of(each) for each in changes.values()], dtype=float) for of in (sum, len))
    drawn = np.random.default_rng(SEED).multinomial(len(sums), np.full(len(sums), 1 / len(sums)), RESAMPLES)
    low, high = np.percentile((drawn @ sums) / (drawn @ counts), [2.5, 97.5])
    return round(float(low), DIGITS), round(float(high), DIGITS)
