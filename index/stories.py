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

from index.catalog import Catalog, Standing
from index.copies import is_copy
from index.records import Article

MOST_WITH_MARK = 8
"""Stories up to which a mark is looked up: one of more is a phrase, such as a newsroom puts under each article."""

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
        self._rows: dict[int, list[NDArray[np.int64]]] = {}
        numbers: list[dict[int, int]] = [{} for _ in catalogs]
        for number, story in enumerate(self.members):
            for part, row in story:
                numbers[part][row] = number
        counts = [catalog.chunk_count for catalog in catalogs]
        self._first = np.cumsum([0, *counts])
        of_chunks = [np.empty(0, dtype=np.int64)]
        for catalog, own in zip(catalogs, numbers, strict=True):
            of_chunks.append(_looked_up(catalog.article_of_row, own) if own else _none(catalog.chunk_count))
        self.of_chunks: NDArray[np.int64] = np.concatenate(of_chunks)
        """The number of the story of every chunk of the generation; -1 if its article has no copy."""

    def rows_of(self, story: int) -> list[NDArray[np.int64]]:
        """Return the rows of the chunks of each of a story's articles, the best version first."""
        if story not in self._rows:
            self._rows[story] = [
                self._first[part] + np.flatnonzero(self._catalogs[part].article_of_row == row)
                for part, row in self.members[story]
            ]
        return self._rows[story]

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
        return [
            tuple(self._catalogs[part].standings([row])[row].article_id for part, row in story)
            for story in self.members
        ]


class _Living(NamedTuple):
    """The living articles of a generation: their segments, rows, digests and words, and marks with their owners."""

    parts: NDArray[np.int64]
    rows: NDArray[np.int64]
    digests: NDArray[np.int64]
    words: NDArray[np.int64]
    marks: NDArray[np.uint32]
    owners: NDArray[np.int64]

    def place(self, article: int) -> Place:
        """Return where an article is."""
        return Place(int(self.parts[article]), int(self.rows[article]))

    def only(self, kept: NDArray[np.bool_]) -> "_Living":
        """Return some of the articles."""
        owned = kept[self.owners]
        owners = (np.cumsum(kept) - 1)[self.owners[owned]]
        parts, rows, digests, counts = (values[kept] for values in (self.parts, self.rows, self.digests, self.words))
        return _Living(parts, rows, digests, counts, self.marks[owned], owners)


def stories_of(catalogs: Sequence[Catalog], dead: Sequence[Collection[str]], compared: Compared) -> Stories:
    """Return the stories of the articles that are in some catalogues and not dead there.

    `compared` has results of earlier generations; those of this one replace them.
    """
    used: Compared = {}
    stories = _stories(catalogs, _living(catalogs, dead), compared, used)
    compared.clear()
    compared.update(used)
    return Stories(catalogs, stories)


def count_copies(catalogs: Sequence[Catalog], dead: Sequence[Collection[str]], article_ids: Collection[str]) -> int:
    """Return how many of these living articles are copies of others; of a story that is all of these, one is not.

    Only what shares a mark or its words with them is compared.
    """
    living = _living(catalogs, dead)
    wanted = np.zeros(len(living.rows), dtype=bool)
    for part, catalog in enumerate(catalogs):
        rows = [*catalog.article_rows(set(article_ids).difference(dead[part])).values()]
        wanted |= (living.parts == part) & np.isin(living.rows, rows)
    marks = np.unique(living.marks[wanted[living.owners]])
    near = wanted | np.isin(living.digests, living.digests[wanted])
    # Few marks have the upper half of a wanted one, and only these are compared.
    halves = np.zeros(2**16, dtype=bool)
    halves[marks >> 16] = True
    likely = np.flatnonzero(halves[living.marks >> 16])
    near[living.owners[likely[np.isin(living.marks[likely], marks)]]] = True
    given = {Place(*each) for each in zip(living.parts[wanted].tolist(), living.rows[wanted].tolist(), strict=True)}
    stories = _stories(catalogs, living.only(near), {}, {})
    return sum(min(len(given.intersection(story)), len(story) - 1) for story in stories)


def _stories(catalogs: Sequence[Catalog], living: _Living, compared: Compared, used: Compared) -> list[list[Place]]:
    """Return the stories of more than one article, each with its best version first."""
    # Equal texts are compared once: each digest stands for its articles.
    _, first, text_of = np.unique(living.digests, return_index=True, return_inverse=True)
    articles = np.argsort(text_of, kind="stable")
    by_text = np.split(articles, np.cumsum(np.bincount(text_of))[:-1]) if len(articles) else []
    marked = _shared_marks(living, first, text_of)

    involved = [text for text, owned in enumerate(by_text) if len(owned) > 1 or text in marked]
    places = [living.place(article) for text in involved for article in by_text[text].tolist()]
    known = [catalog.standings([row for at, row in places if at == part]) for part, catalog in enumerate(catalogs)]

    def standing(article: int) -> tuple[int, Standing]:
        part, row = living.place(article)
        return -int(living.words[article]), known[part][row]

    versions = {text: sorted(by_text[text].tolist(), key=standing) for text in involved}
    order = sorted(involved, key=lambda text: standing(versions[text][0]))

    def same(one: int, other: int) -> bool:
        digests = (int(living.digests[first[one]]), int(living.digests[first[other]]))
        if digests not in used:
            before = compared.get(digests)
            pair = [living.place(versions[text][0]) for text in (one, other)]
            used[digests] = is_copy(*(catalogs[part].sketch(row) for part, row in pair)) if before is None else before
        return used[digests]

    grouped = ([article for text in group for article in versions[text]] for group in _grouped(order, marked, same))
    return [[living.place(each) for each in sorted(group, key=standing)] for group in grouped if len(group) > 1]


def _living(catalogs: Sequence[Catalog], dead: Sequence[Collection[str]]) -> _Living:
    none = np.empty(0, dtype=np.int64)
    found = [_Living(none, none, none, none, none.astype(np.uint32), none)]
    count = 0
    for part, (catalog, hidden) in enumerate(zip(catalogs, dead, strict=True)):
        sketches = catalog.sketches
        parts = np.full(len(sketches.rows), part, dtype=np.int64)
        own = _Living(parts, *sketches[:4], sketches.owners.astype(np.int64))
        if hidden:
            own = own.only(~np.isin(sketches.rows, [*catalog.article_rows(hidden).values()]))
        found.append(own._replace(owners=own.owners + count))
        count += len(own.rows)
    return _Living(*(np.concatenate(arrays) for arrays in zip(*found, strict=True)))


def _shared_marks(living: _Living, first: NDArray[np.int64], text_of: NDArray[np.int64]) -> dict[int, list[int]]:
    """Return the marks of each text that another text has as well, numbered from 0."""
    is_first = np.zeros(len(living.rows), dtype=bool)
    is_first[first] = True
    counted = is_first[living.owners]
    pairs = living.marks[counted].astype(np.uint64) << np.uint64(32)
    pairs |= text_of[living.owners[counted]].astype(np.uint64)
    pairs.sort()
    again = pairs[1:] >> np.uint64(32) == pairs[:-1] >> np.uint64(32)
    shared = pairs[np.append(again, False) | np.insert(again, 0, False)] if len(pairs) else pairs
    numbers = np.cumsum(np.diff(shared >> np.uint64(32), prepend=shared[:1] >> np.uint64(32)) != 0)
    texts = (shared & np.uint64(0xFFFFFFFF)).astype(np.int64)
    by_text = np.argsort(texts, kind="stable")
    listed, starts = np.unique(texts[by_text], return_index=True)
    marks = numbers[by_text].tolist()
    bounds = [*starts.tolist(), len(marks)]
    return {text: marks[bounds[at] : bounds[at + 1]] for at, text in enumerate(listed.tolist())}


def _grouped(
    order: Sequence[int], marked: dict[int, list[int]], same: Callable[[int, int], bool]
) -> Iterator[list[int]]:
    """Yield the texts of each story, the one that begins it first."""
    groups: dict[int, list[int]] = {}
    with_mark: list[list[int]] = [[] for _ in range(1 + max((marks[-1] for marks in marked.values()), default=-1))]
    for text in order:
        known = [with_mark[mark] for mark in marked.get(text, ())]
        votes = Counter(begun for stories in known if len(stories) < MOST_WITH_MARK for begun in stories)
        likely = (begun for begun, _ in votes.most_common(MOST_COMPARED))
        found = next((begun for begun in likely if same(begun, text)), None)
        if found is not None:
            groups[found].append(text)
            continue
        groups[text] = [text]
        for stories in known:
            stories.append(text)
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
