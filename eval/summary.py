"""A run's verdicts in figures: means with their n and 95 % intervals, over all and by type."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence

from eval.records import Outcome, Record, Verdict

Z = 1.959963984540054
"""The normal quantile of a 95 % interval."""

RATES = frozenset("over_refusal false_answer weak_evidence must_not injection exercised all_evidence@8 good".split())
"""Metrics that are yes or no for one question: their interval is Wilson's."""


class Mean(Record):
    """A metric's mean over the questions it applies to, and its 95 % interval."""

    value: float
    n: int
    low: float
    high: float


class Group(Record):
    """The verdicts of some questions: how many of each outcome, and every metric's mean."""

    n: int
    outcomes: dict[Outcome, int]
    means: dict[str, Mean]


def summarise(verdicts: Sequence[Verdict]) -> dict[str, Group]:
    """`all`, then each type that has a question; errors count in `n` and `outcomes` alone."""
    types = sorted({verdict.type for verdict in verdicts})
    groups: dict[str, Sequence[Verdict]] = {"all": verdicts}
    groups.update((type_, [verdict for verdict in verdicts if verdict.type == type_]) for type_ in types)
    return {name: _group(members) for name, members in groups.items()}


def _group(verdicts: Sequence[Verdict]) -> Group:
    scored = [verdict for verdict in verdicts if verdict.outcome != "error"]
    names = sorted({name for verdict in scored for name in verdict.figures})
    means = {name: _mean(name, [v.figures[name] for v in scored if name in v.figures]) for name in names}
    if scored:
        means["good"] = _mean("good", [float(verdict.good) for verdict in scored])
    return Group(n=len(verdicts), outcomes=dict(Counter(verdict.outcome for verdict in verdicts)), means=means)


def _mean(name: str, values: Sequence[float]) -> Mean:
    value = sum(values) / len(values)
    low, high = _wilson(values) if name in RATES else _normal(values)
    return Mean(value=round(value, 4), n=len(values), low=round(low, 4), high=round(high, 4))


def _wilson(values: Sequence[float]) -> tuple[float, float]:
    """Wilson 1927: the interval of a share, which stays within 0 and 1."""
    n, share = len(values), sum(values) / len(values)
    centre = (share + Z * Z / (2 * n)) / (1 + Z * Z / n)
    half = Z / (1 + Z * Z / n) * math.sqrt(share * (1 - share) / n + Z * Z / (4 * n * n))
    return max(0.0, centre - half), min(1.0, centre + half)


def _normal(values: Sequence[float]) -> tuple[float, float]:
    """Mean ± 1.96 standard errors."""
    n = len(values)
    mean = sum(values) / n
    variance = sum((value - mean) ** 2 for value in values) / (n - 1) if n > 1 else 0.0
    error = 1.96 * (variance / n) ** 0.5
    return mean - error, mean + error


def outcomes_line(verdicts: Sequence[Verdict]) -> str:
    """How many verdicts are of each outcome, the most frequent first: `5 correct, 2 partial`."""
    return ", ".join(f"{count} {outcome}" for outcome, count in Counter(v.outcome for v in verdicts).most_common())


def total(verdicts: Iterable[Verdict], outcome: Outcome) -> int:
    """How many verdicts are of an outcome."""
    return sum(verdict.outcome == outcome for verdict in verdicts)
