"""Stories: the articles of a generation grouped by copies, whatever segments they are in.

A story is computed from the sketches of the living articles alone, when a generation opens. So an update, a removal or
a rollback changes it without anything being written, and a takedown leaves nothing of it.

The versions of a story are ordered from the best: the fullest; of equally full ones those with an address, then the
earliest, then by id. In this order each article joins the story whose best version it is a copy of, or begins one: a
chain of weak likenesses does not join what is not alike.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from index.catalog import Catalog
from index.copies import is_copy
from index.records import Article

MOST_WITH_MARK = 32
"""Stories that are looked up by one mark: a mark of more is a phrase that a newsroom puts under each article."""

MOST_COMPARED = 8
"""Stories that an article is compared with, those with most of its marks first."""

Compared = dict[tuple[int, int], bool]
"""The results of comparisons by the digests of both sketches, so that the next generation compares only what is new."""


class Place(NamedTuple):
    """An article in a generation: the number of its segment, and its row in the catalogue of it."""

    part: int
    row: int


class Stories:
    """The stories of a generation that have more than one article, each with its best version first."""

    def __init__(self, catalogs: Sequence[Catalog], stories: Sequence[Sequence[Place]]) -> None:
        self.members = [tuple(story) for story in stories]
        self._catalogs = catalogs
        places = [(part, row, number) for number, story in enumerate(self.members) for part, row in story]
        counts = [catalog.chunk_count for catalog in catalogs]
        self._first = np.cumsum([0, *counts])
        of_chunks = [np.empty(0, dtype=np.int64)]
        for at, catalog in enumerate(catalogs):
            numbers = {row: number for part, row, number in places if part == at}
            of_chunks.append(_looked_up(catalog.article_of_row, numbers) if numbers else _none(catalog.chunk_count))
        self.of_chunks: NDArray[np.int64] = np.concatenate(of_chunks)
        """The number of the story of every chunk of the generation; -1 if its article has no copy."""

    def rows_of(self, story: int) -> list[NDArray[np.int64]]:
        """Return the rows of the chunks of each of a story's articles, the best version first."""
        return [
            self._first[part] + np.flatnonzero(self._catalogs[part].article_of_row == row)
            for part, row in self.members[story]
        ]

    def articles(self, story: int) -> list[Article]:
        """Return the articles of a story without their bodies, the best version first."""
        found: dict[Place, Article] = {}
        for part in {part for part, _ in self.members[story]}:
            rows = [place.row for place in self.members[story] if place.part == part]
            listed = self._catalogs[part].listed(rows, 0)
            found |= {Place(part, row): each.article for row, each in listed.items()}
        return [found[place] for place in self.members[story]]

    def ids(self) -> list[tuple[str, ...]]:
        """Return the ids of the articles of each story, the best version first."""
        return [tuple(self._catalogs[part].standings[row][2] for part, row in story) for story in self.members]


class _Living(NamedTuple):
    """The living articles of a generation, in no order: places, digests, words, and marks with their owners."""

    places: list[Place]
    digests: NDArray[np.int64]
    words: NDArray[np.int64]
    marks: NDArray[np.uint32]
    owners: NDArray[np.int64]


def stories_of(catalogs: Sequence[Catalog], dead: Sequence[Collection[str]], compared: Compared) -> Stories:
    """Return the stories of the articles that are in some catalogues and not dead there.

    `compared` has results of earlier generations; those of this one replace them.
    """
    living = _living(catalogs, dead)
    # Equal texts are compared once: each digest stands for its articles.
    _, first, text_of = np.unique(living.digests, return_index=True, return_inverse=True)
    articles = np.argsort(text_of, kind="stable")
    by_text = np.split(articles, np.cumsum(np.bincount(text_of))[:-1]) if len(articles) else []
    marked = _shared_marks(living, first, text_of)

    def standing(article: int) -> tuple[int, tuple[bool, str, str]]:
        part, row = living.places[article]
        return -int(living.words[article]), catalogs[part].standings[row]

    involved = [text for text, owned in enumerate(by_text) if len(owned) > 1 or text in marked]
    versions = {text: sorted(by_text[text].tolist(), key=standing) for text in involved}
    order = sorted(involved, key=lambda text: standing(versions[text][0]))
    used: Compared = {}

    def same(one: int, other: int) -> bool:
        places = [living.places[versions[text][0]] for text in (one, other)]
        digests = (int(living.digests[first[one]]), int(living.digests[first[other]]))
        if digests not in used:
            known = compared.get(digests)
            used[digests] = known if known is not None else is_copy(*(catalogs[at].sketch(row) for at, row in places))
        return used[digests]

    groups = [
        sorted((article for text in group for article in versions[text]), key=standing)
        for group in _grouped(order, marked, same)
    ]
    compared.clear()
    compared.update(used)
    return Stories(catalogs, [[living.places[each] for each in group] for group in groups if len(group) > 1])


def _living(catalogs: Sequence[Catalog], dead: Sequence[Collection[str]]) -> _Living:
    places: list[Place] = []
    found: list[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.uint32], NDArray[np.int64]]] = []
    for part, (catalog, hidden) in enumerate(zip(catalogs, dead, strict=True)):
        sketches = catalog.sketches
        alive = ~np.isin(sketches.rows, [*catalog.article_rows(hidden).values()])
        number = np.cumsum(alive) - 1 + len(places)
        marked = alive[sketches.owners]
        found.append(
            (sketches.digests[alive], sketches.words[alive], sketches.marks[marked], number[sketches.owners[marked]])
        )
        places += [Place(part, row) for row in sketches.rows[alive].tolist()]
    if not found:
        none = np.empty(0, dtype=np.int64)
        return _Living([], none, none, none.astype(np.uint32), none)
    digests, counts, marks, owners = (np.concatenate(arrays) for arrays in zip(*found, strict=True))
    return _Living(places, digests, counts, marks, owners)


def _shared_marks(living: _Living, first: NDArray[np.int64], text_of: NDArray[np.int64]) -> dict[int, list[int]]:
    """Return the marks of each text that another text has as well."""
    is_first = np.zeros(len(living.places), dtype=bool)
    is_first[first] = True
    counted = is_first[living.owners]
    pairs = living.marks[counted].astype(np.uint64) << np.uint64(32)
    pairs |= text_of[living.owners[counted]].astype(np.uint64)
    pairs.sort()
    marks = pairs >> np.uint64(32)
    again = marks[1:] == marks[:-1]
    shared = pairs[np.append(again, False) | np.insert(again, 0, False)] if len(pairs) else pairs
    found: dict[int, list[int]] = {}
    for pair in shared.tolist():
        found.setdefault(pair & 0xFFFFFFFF, []).append(pair >> 32)
    return found


def _grouped(
    order: Sequence[int], marked: dict[int, list[int]], same: Callable[[int, int], bool]
) -> Iterator[list[int]]:
    """Yield the texts of each story, the one that begins it first."""
    groups: dict[int, list[int]] = {}
    with_mark: dict[int, list[int]] = {}
    for text in order:
        marks = marked.get(text, ())
        votes = Counter(begun for mark in marks for begun in with_mark.get(mark, ()))
        likely = (begun for begun, _ in votes.most_common(MOST_COMPARED))
        found = next((begun for begun in likely if same(begun, text)), None)
        if found is not None:
            groups[found].append(text)
            continue
        groups[text] = [text]
        for mark in marks:
            known = with_mark.setdefault(mark, [])
            if len(known) < MOST_WITH_MARK:
                known.append(text)
    yield from groups.values()


def _looked_up(articles: NDArray[np.int64], numbers: dict[int, int]) -> NDArray[np.int64]:
    """Return the number of each of these articles, -1 if it has none."""
    table = np.full(int(articles.max(initial=0)) + 1, -1, dtype=np.int64)
    for row, number in numbers.items():
        if row < len(table):
            table[row] = number
    return table[articles]


def _none(count: int) -> NDArray[np.int64]:
    return np.full(count, -1, dtype=np.int64)
