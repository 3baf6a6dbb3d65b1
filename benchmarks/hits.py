"""Does a sentence hold the answer? The rule by which readers are measured here, and how well a score separates.

An answer is in a sentence where its words stand in it, one after another, from the beginning of a word on; the last
word may go on where the answer has four characters or more ("Republican" is in "Republicans"). Articles, case,
punctuation and currency signs do not count. Where a set marks whole sentences instead, more than three quarters of a
sentence's words must be in one of them. String matching understates: an answer said in other words is a miss.
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
    """Whether a sentence answers an answerable question."""
    if question.sentences:
        return any(_shares(sentence, marked) for marked in question.sentences)
    text = f" {_plain(sentence)} "
    return any(_stands_in(_plain(answer), text) for answer in question.answers)


def _stands_in(answer: str, text: str) -> bool:
    if not answer:
        return False
    return f" {answer} " in text or (len(answer) >= SUFFIX_FROM and f" {answer}" in text)


def _plain(text: str) -> str:
    return " ".join(word for word in words(text) if word not in ARTICLES)


def _shares(sentence: str, marked: str) -> bool:
    said = Counter(words(sentence))
    return (said & Counter(words(marked))).total() > SHARED * said.total()


def auroc(answerable: Sequence[float], unanswerable: Sequence[float]) -> float:
    """How often an answerable question scores above an unanswerable one, ties counting half; nan without either."""
    if not answerable or not unanswerable:
        return math.nan
    scores = np.concatenate([answerable, unanswerable])
    ranks = _mean_ranks(scores)[: len(answerable)].sum() - len(answerable) * (len(answerable) + 1) / 2
    return float(ranks / (len(answerable) * len(unanswerable)))


def _mean_ranks(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """The rank of each score from 1, equal scores sharing the mean of theirs."""
    _, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    means: NDArray[np.float64] = (last - (counts - 1) / 2)[inverse]
    return means
