"""Copies among what is retrieved: each story counts once, and neither an article nor a source fills all passages.

A chunk of a copy gives way to the chunk of the story's best version that has its words; the best version is the first
that passes the filters. A chunk whose words, numbers or names that version lacks stays.
"""

import re
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from index.copies import is_number
from index.generation import Generation
from index.records import Article
from index.terms import words
from service.records import Passage

_NAME = re.compile(r"(?<=[^\W\dA-Z_][ ,;:]|[,;:] )[A-ZÄÖÜ]\w+")
"""A word with a capital inside a sentence."""

Rows = NDArray[np.int64]
Mask = NDArray[np.bool_]

SAME = 0.8
"""The share of a chunk's words that are in the chunk which stands for it."""

ROUNDS = 3
"""How often at most candidates are looked for, each time without the copies of the stories that were found."""

MOST_COLLAPSED = 0.25
"""The share of the candidates that may be copies without looking for others in their place."""

MOST_OF_STORY = 3
"""Passages of one story, while other articles score nearly as well."""

SHARE_OF_SOURCE = 0.5
"""The share of the passages of one source, while articles of others score nearly as well."""

NEARLY = 0.8
"""The share of a passage's score from which another one may take its place."""


class Candidates(NamedTuple):
    """Rows of different texts, and the row that stands for each other one that was found."""

    rows: Rows
    stand_ins: dict[int, int]

    def best_of(self, scores: Callable[[Rows], NDArray[np.float64]]) -> NDArray[np.float64]:
        """Return a score for each row: the best of those of its versions, because each has its own headline."""
        found = scores(self.rows)
        if self.stand_ins:
            places = np.searchsorted(self.rows, [*self.stand_ins.values()])
            np.maximum.at(found, places, scores(np.array([*self.stand_ins], dtype=np.int64)))
        return found


def without_copies(
    generation: Generation, find: Callable[[Mask | None], Rows], allowed: Mask | None, count: int
) -> Candidates:
    """Return candidates of which no two have the same text, at least `count` if there are so many.

    `find` returns the best of the rows that are allowed.
    """
    stories, stand_in = generation.stories, dict[int, int]()
    if not stories.members:
        return Candidates(find(allowed), stand_in)
    passing = np.ones(len(stories.of_chunks), dtype=bool) if allowed is None else allowed
    searched, kept = passing.copy(), np.empty(0, dtype=np.int64)
    for _ in range(ROUNDS):
        rows = np.union1d(find(searched), kept)
        of = stories.of_chunks[rows]
        for story in np.unique(of[of >= 0]).tolist():
            versions = [own[passing[own]] for own in stories.rows_of(story)]
            best, *others = [own for own in versions if len(own)]
            copied = np.concatenate([best[:0], *others])
            stand_in |= _stand_ins(generation, best, copied[np.isin(copied, rows)])
            searched[copied] = False
        kept = np.unique(np.array([stand_in.get(row, row) for row in rows.tolist()], dtype=np.int64))
        gone = len(rows) - len(kept)
        if not gone or (len(kept) >= count and gone <= MOST_COLLAPSED * len(rows)):
            break
    return Candidates(kept, {row: other for row, other in stand_in.items() if row != other})


def _stand_ins(generation: Generation, best: Rows, copied: Rows) -> dict[int, int]:
    """Return the row that stands for each row of the other versions of a story: often one of the best version."""
    if not len(copied):
        return {}
    texts = [_Text(chunk.text) for chunk, _ in generation.chunks(np.concatenate([best, copied]))]
    standing = dict(zip(best.tolist(), texts, strict=False))
    found: dict[int, int] = {}
    for row, text in zip(copied.tolist(), texts[len(best) :], strict=True):
        nearest = max(standing, key=lambda each: text.share_in(standing[each]))
        if text.share_in(standing[nearest]) < SAME:
            standing[row], nearest = text, row
        found[row] = nearest
    return found


class _Text:
    """The words of a chunk, and those that must not be lost: numbers and names."""

    def __init__(self, text: str) -> None:
        self.words = set(words(text))
        self.facts = {word for word in self.words if is_number(word)}
        self.facts |= {word for name in _NAME.findall(text) for word in words(name)}

    def share_in(self, other: "_Text") -> float:
        """Return the share of the words that another text has as well; 0 if it lacks a number or a name."""
        return len(self.words & other.words) / max(1, len(self.words)) if self.facts <= other.words else 0.0


def copies_of(generation: Generation, rows: Rows, allowed: Mask | None) -> list[tuple[Article, ...]]:
    """Return the other versions of each row's story that pass the filters, without bodies, the best version first."""
    stories = generation.stories
    found: dict[int, list[Article]] = {}
    for story in np.unique(stories.of_chunks[rows]).tolist():
        if story >= 0:
            versions = zip(stories.articles(story), stories.rows_of(story), strict=True)
            found[story] = [each for each, own in versions if len(own) and (allowed is None or allowed[own].any())]
    ids = [outlet.article_id for outlet in generation.outlets(rows)] if found else [""] * len(rows)
    return [
        tuple(each for each in found.get(story, ()) if each.article_id != own)
        for story, own in zip(stories.of_chunks[rows].tolist(), ids, strict=True)
    ]


def spread(
    scores: Sequence[float], stories: Sequence[Hashable], sources: Sequence[str | None], count: int
) -> list[int]:
    """Return the places of at most `count` candidates of many stories and sources, best first.

    The candidates are in rank order. One that would be too many of its story or source gives way to the next one that
    is not, if that scores nearly as well.
    """
    most = {True: MOST_OF_STORY, False: max(1, round(SHARE_OF_SOURCE * count))}
    left, chosen = list(range(len(scores))), list[int]()
    taken: Counter[tuple[bool, Hashable]] = Counter()

    def groups(place: int) -> list[tuple[bool, Hashable]]:
        of_source = [] if sources[place] is None else [(False, sources[place])]
        return [(True, stories[place]), *of_source]

    while left and len(chosen) < count:
        first = left[0]
        free = (each for each in left if all(taken[group] < most[group[0]] for group in groups(each)))
        better = next(free, first)
        place = better if scores[better] >= NEARLY * scores[first] else first
        left.remove(place)
        chosen.append(place)
        taken.update(groups(place))
    return sorted(chosen)


def independent_stories(passages: Iterable[Passage]) -> int:
    """Return the number of different stories of passages: copies count once."""
    versions = [[each.article_id for each in (passage.article, *passage.copies)] for passage in passages]
    return len({min(ids) for ids in versions})
