"""Copies among what is retrieved: each story counts once, and neither an article nor a source fills all passages.

A chunk of a copy gives way to the chunk of the story's best version that has its words; the best version is the first
that passes the filters. A chunk whose words that version lacks stays.
"""

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from index.generation import Generation
from index.records import Article
from index.terms import words
from service.records import Passage

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


def without_copies(
    generation: Generation, find: Callable[[Mask | None], Rows], allowed: Mask | None, count: int
) -> Rows:
    """Return candidates of which no two have the same text, at least `count` if there are so many.

    `find` returns the best of the rows that are allowed.
    """
    stories = generation.stories
    if not stories.members:
        return find(allowed)
    passing = np.ones(len(stories.of_chunks), dtype=bool) if allowed is None else allowed
    searched, kept = passing.copy(), np.empty(0, dtype=np.int64)
    for _ in range(ROUNDS):
        rows = np.union1d(find(searched if len(kept) else allowed), kept)
        of = stories.of_chunks[rows]
        kept = rows[of < 0]
        for story in np.unique(of[of >= 0]).tolist():
            versions = [own[passing[own]] for own in stories.rows_of(story)]
            best, *others = [own for own in versions if len(own)]
            kept = np.union1d(kept, _collapsed(generation, best, others, rows[of == story]))
            searched[np.concatenate([best[:0], *others])] = False
        gone = len(rows) - len(kept)
        if not gone or (len(kept) >= count and gone <= MOST_COLLAPSED * len(rows)):
            break
    return kept


def _collapsed(generation: Generation, best: Rows, others: Sequence[Rows], rows: Rows) -> Rows:
    """Return the rows that stand for some rows of a story, with those of its best version and of the others."""
    copied = np.concatenate([best[:0], *(np.intersect1d(own, rows) for own in others)])
    if not len(copied):
        return rows
    found = [set(words(chunk.text)) for chunk, _ in generation.chunks(np.concatenate([best, copied]))]
    standing = dict(zip(best.tolist(), found, strict=False))
    kept = set(np.intersect1d(best, rows).tolist())
    for row, own in zip(copied.tolist(), found[len(best) :], strict=True):
        nearest = max(standing, key=lambda each: _share(own, standing[each]))
        if _share(own, standing[nearest]) < SAME:
            standing[row], nearest = own, row
        kept.add(nearest)
    return np.array(sorted(kept), dtype=np.int64)


def _share(own: set[str], others: set[str]) -> float:
    """Return the share of a text's words that another one has as well; 0 if it lacks a number."""
    lacking = own - others
    return 0.0 if any(word[0].isdigit() for word in lacking) else 1 - len(lacking) / max(1, len(own))


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
