"""Decide whether a sentence contains the answer, and compute how well a score separates two kinds of questions.

A sentence contains an answer if it has the answer's words in sequence, from the beginning of a word; the last word may
be longer if the answer has four characters or more ("Republican" is in "Republicans"). Articles, case, punctuation
and currency signs are ignored. If a set marks complete sentences instead, more than three quarters of a sentence's
words must be in one of them. String matching understates: an answer in other words is a miss.
"""

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from benchmarks.sets import Asked
from index.terms import words

SUFFIX_FROM = 4
SHARED = 0.75
ARTICLES = frozenset(["a", "an", "the"])


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
