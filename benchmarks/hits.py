"""Decide whether a sentence contains the answer; compute shares, means and AUROC with their 95 % intervals.

A sentence contains an answer if it has the answer's words in sequence, from the beginning of a word; the last word may
be longer if the answer has four characters or more ("Republican" is in "Republicans"). Articles, case, punctuation
and currency signs are ignored. If a set marks complete sentences instead, more than three quarters of a sentence's
words must be in one of them. String matching understates: an answer in other words is a miss.

Intervals: Wilson for shares, Hanley and McNeil (1982) for AUROC, a percentile bootstrap for means and percentiles.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.sets import Asked
from index.text import words

SUFFIX_FROM = 4
SHARED = 0.75
ARTICLES = frozenset(["a", "an", "the"])
DEVIATIONS = 1.959964
"""Standard deviations on either side of a 95 % interval."""

RESAMPLES = 1_000


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with its 95 % interval and the number of cases that it was computed from."""

    value: float
    low: float
    high: float
    n: int


def holds_answer(question: Asked, sentence: str) -> bool:
    """Return whether a sentence contains the answer to an answerable question."""
    if question.sentences:
        return any(_shares(sentence, marked) for marked in question.sentences)
    text = f" {_plain(sentence)} "
    return any(_contains(_plain(answer), text) for answer in question.answers)


def _contains(answer: str, text: str) -> bool:
    if not answer:
        return False
    return f" {answer} " in text or (len(answer) >= SUFFIX_FROM and f" {answer}" in text)


def _plain(text: str) -> str:
    return " ".join(word for word in words(text) if word not in ARTICLES)


def _shares(sentence: str, marked: str) -> bool:
    said = Counter(words(sentence))
    return (said & Counter(words(marked))).total() > SHARED * said.total()


def auroc(answerable: Sequence[float], unanswerable: Sequence[float]) -> float:
    """Return how often an answerable question scores above an unanswerable one; ties count half, nan without either."""
    if not answerable or not unanswerable:
        return math.nan
    scores = np.concatenate([answerable, unanswerable])
    ranks = _mean_ranks(scores)[: len(answerable)].sum() - len(answerable) * (len(answerable) + 1) / 2
    return float(ranks / (len(answerable) * len(unanswerable)))


def _mean_ranks(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the rank of each score, from 1; equal scores share their mean rank."""
    _, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    means: NDArray[np.float64] = (last - (counts - 1) / 2)[inverse]
    return means


def share_of(true: Iterable[bool]) -> Estimate | None:
    """Return the share of true values; None without values."""
    values = list(true)
    n, found = len(values), sum(values)
    if not n:
        return None
    square = DEVIATIONS**2
    middle = (found + square / 2) / (n + square)
    reach = DEVIATIONS / (n + square) * math.sqrt(found * (n - found) / n + square / 4)
    return Estimate(found / n, max(0.0, middle - reach), min(1.0, middle + reach), n)


def auroc_of(answerable: Sequence[float], unanswerable: Sequence[float]) -> Estimate | None:
    """Return the AUROC; None without one of the kinds."""
    if not answerable or not unanswerable:
        return None
    area = auroc(answerable, unanswerable)
    one, other = area / (2 - area), 2 * area**2 / (1 + area)
    spread = (len(answerable) - 1) * (one - area**2) + (len(unanswerable) - 1) * (other - area**2)
    variance = (area * (1 - area) + spread) / (len(answerable) * len(unanswerable))
    reach = DEVIATIONS * math.sqrt(max(0.0, variance))
    return Estimate(area, max(0.0, area - reach), min(1.0, area + reach), len(answerable) + len(unanswerable))


def figure_of(values: Sequence[float], statistic: Callable[..., NDArray[np.float64]] = np.mean) -> Estimate | None:
    """Return a statistic of the values, which takes `axis`, such as their mean; None without values."""
    if not values:
        return None
    cases = np.array(values, dtype=np.float64)
    drawn = np.random.default_rng(0).integers(0, len(cases), (RESAMPLES, len(cases)))
    low, high = np.percentile(statistic(cases[drawn], axis=1), (2.5, 97.5))
    return Estimate(float(statistic(cases, axis=0)), float(low), float(high), len(cases))
