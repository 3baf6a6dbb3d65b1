"""Copies: articles of the same text, verbatim, cut, put in another order or lightly rewritten; the stories they make.

An article is compared by its sketch, which has hashes and no words. Two articles whose texts share a run of 20 words
have a mark in common, so that copies are found without comparing every article with every other one. Then the sketches
are compared: most runs of words of the shorter text must be in the longer one, and no number may have taken the place
of another, but for one in a text that is otherwise equal: the next report of a series repeats the words of the last one
with other numbers. The reasons are in `docs/decisions/0011-copies.md`.

A story is the copies of a text in a generation, whatever segments they are in. It is computed from the sketches of the
living articles alone, when a generation opens. So an update, a removal or a rollback changes it without anything being
written, and a takedown leaves nothing of it. The versions of a story are ordered from the best: the fullest; of equally
full ones those with an address, then the earliest, then by id. In this order each article joins the story whose best
version it is a copy of, or begins one: a chain of weak likenesses does not join what is not alike.
"""

import hashlib
import json
import re
import zlib
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from index.records import Article
from index.text import words

if TYPE_CHECKING:
    from index.catalog import Catalog

SHORT = 30
"""Words of a body below which the title belongs to the text: "More to follow." is not a story."""

RUN = 3
"""Words of a run whose hash is in the sketch. Longer runs are lost where every few words are replaced."""

MARK_RUN = 5
"""Words of a run whose hash may be a mark. Shorter runs are common phrases."""

WINDOW = 16
"""The least hash of every so many runs is a mark, as in winnowing (Schleimer, Wilkerson, Aiken 2003)."""

MOST_RUNS = 1024
"""Hashes that a sketch keeps, the least ones: of a longer text they are a sample, the same in each of its copies."""

LEAST_SHARED = 0.62
"""The share of the shorter text's runs that a copy has: on the open pairs copies have .65 or more, others up to .59."""

CORRECTED = 0.9
"""The share from which one number in the place of another is a correction of the same text, not the next report."""

PLACES_OF_NUMBER = 2
"""The hashes of one number in a sketch."""

MOST_WITH_MARK = 8
"""Stories up to which a mark is looked up: one of more is a phrase, such as a newsroom puts under each article."""

MOST_COMPARED = 8
"""Stories that an article is compared with, those with most of its marks first."""

Compared = dict[tuple[int, int], bool]
"""The results of comparisons by the digests of both sketches, so that the next generation compares only what is new."""

Hashes = NDArray[np.uint32]

_NUMBER_WORDS = frozenset(
    " ".join(json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))["numbers"].values()).split()
)
_END = re.compile(r"(?<=[.!?])[\"'”’)]*\s+|\n+|(?<=[。！？])")
_FACTOR = np.uint64(0x9E3779B97F4A7C15)
_SHIFT = np.uint64(29)
_HALF = np.uint64(32)


class Sketch(NamedTuple):
    """The hashes by which an article is compared: all sorted, each once.

    `digest` is equal for texts of equal words; `words` is their number. `numbers` are those of the text, each with the
    words around it in the upper half of its hash.
    """

    digest: int
    words: int
    marks: Hashes
    runs: Hashes
    numbers: NDArray[np.uint64]


class Sketches(NamedTuple):
    """The sketches of a catalogue's articles without their runs: one value of `rows`, `digests` and `words` for each.

    `marks` are those of all articles, `owners` the places in `rows` of the article that each belongs to.
    """

    rows: NDArray[np.int64]
    digests: NDArray[np.int64]
    words: NDArray[np.int64]
    marks: Hashes
    owners: NDArray[np.int32]


class Standing(NamedTuple):
    """Sort key of articles with equal texts: those with an address first, then the earliest, then by id."""

    has_no_url: int
    published: str
    article_id: str


def sketch_of(article: Article) -> Sketch:
    """Return the sketch of an article."""
    sentences = [words(sentence) for sentence in _END.split(article.body)]
    if sum(map(len, sentences)) < SHORT:
        sentences.insert(0, words(article.title or ""))
    text = [word for sentence in sentences for word in sentence]
    encoded = (" ".join(text) or article.body).encode("utf-8", "surrogatepass")
    codes = _codes(text)
    return Sketch(
        int.from_bytes(hashlib.sha256(encoded).digest()[:8], signed=True),
        len(text),
        _marks(_hashes(codes, MARK_RUN)),
        np.unique(_hashes(codes, RUN))[:MOST_RUNS],
        _numbers(sentences),
    )


def is_number(word: str) -> bool:
    """Return whether a word is a number in digits or letters."""
    return word[:1].isdigit() or word in _NUMBER_WORDS


def is_copy(one: Sketch, other: Sketch) -> bool:
    """Return whether two articles have the same text, or one has a part of the other's."""
    if one.digest == other.digest:
        return True
    shorter, longer = sorted((one, other), key=lambda sketch: sketch.words)
    runs, others = _comparable(shorter.runs, longer.runs)
    share = len(np.intersect1d(runs, others, assume_unique=True)) / max(1, len(runs))
    if share < LEAST_SHARED:
        return False
    return _differing(shorter.numbers, longer.numbers) <= (PLACES_OF_NUMBER if share >= CORRECTED else 0)


def _comparable(one: Hashes, other: Hashes) -> tuple[Hashes, Hashes]:
    """Return the hashes of two texts up to the greatest one that both sketches would have kept."""
    limit = min(int(runs[-1]) if len(runs) == MOST_RUNS else 2**32 for runs in (one, other))
    return one[one <= limit], other[other <= limit]


def _differing(one: NDArray[np.uint64], other: NDArray[np.uint64]) -> int:
    """Return how many places two texts have in common at which they have other numbers."""
    places = np.intersect1d(one >> _HALF, other >> _HALF)
    equal = np.intersect1d(one, other, assume_unique=True) >> _HALF
    return int(np.count_nonzero(~np.isin(places, equal)))


def _numbers(sentences: Sequence[Sequence[str]]) -> NDArray[np.uint64]:
    """Return two hashes for each number: with two words before it and one after it, and the other way round.

    Words of other sentences do not count, so that their order does not.
    """
    padded = [word for sentence in sentences for word in ("", "", *sentence, "", "")]
    at = np.array([at for at, word in enumerate(padded) if is_number(word)], dtype=np.int64)
    codes = _codes(padded)
    around = [_hashes_of([codes[at + step] for step in steps]) for steps in ((-2, -1, 1), (-1, 1, 2))]
    return np.unique(np.concatenate([hashes.astype(np.uint64) << _HALF | codes[at] for hashes in around]))


def _codes(text: Iterable[str]) -> NDArray[np.uint64]:
    return np.array([zlib.crc32(word.encode("utf-8", "surrogatepass")) for word in text], dtype=np.uint64)


def _hashes(codes: NDArray[np.uint64], length: int) -> Hashes:
    """Return a hash of each run of so many words; of a shorter text, one of all its words."""
    length = min(length, len(codes))
    if not length:
        return np.empty(0, dtype=np.uint32)
    count = len(codes) - length + 1
    return _hashes_of([codes[at : at + count] for at in range(length)])


def _hashes_of(columns: Sequence[NDArray[np.uint64]]) -> Hashes:
    """Return a hash of the values at each place of some columns."""
    total = np.zeros(len(columns[0]), dtype=np.uint64)
    for codes in columns:
        total = (total ^ codes) * _FACTOR
        total ^= total >> _SHIFT
    return (total * _FACTOR >> _HALF).astype(np.uint32)


def _marks(hashes: Hashes) -> Hashes:
    """Return the least hash of every window of runs."""
    if len(hashes) <= WINDOW:
        return np.unique(hashes)[:1]
    return np.unique(np.lib.stride_tricks.sliding_window_view(hashes, WINDOW).min(axis=1))


class Place(NamedTuple):
    """An article in a generation: the number of its segment, and its row in the catalogue of it."""

    part: int
    row: int


class Stories:
    """The stories of a generation that have more than one article, each with its best version first."""

    def __init__(self, catalogs: Sequence["Catalog"], stories: Sequence[Sequence[Place]]) -> None:
        self.members = [tuple(story) for story in stories]
        self._catalogs = catalogs
        self._rows: dict[int, list[NDArray[np.int64]]] = {}
        self._first = np.cumsum([0, *(catalog.chunk_count for catalog in catalogs)])
        self.of_chunks = np.full(self._first[-1], -1, dtype=np.int64)
        """The number of the story of every chunk of the generation; -1 if its article has no copy."""
        places = {place: number for number, story in enumerate(self.members) for place in story}
        for part, catalog in enumerate(catalogs):
            table = {row: number for (of, row), number in places.items() if of == part}
            if table:
                numbers = np.full(max(*table, int(catalog.article_of_row.max(initial=0))) + 1, -1, dtype=np.int64)
                numbers[[*table]] = [*table.values()]
                self.of_chunks[self._first[part] : self._first[part + 1]] = numbers[catalog.article_of_row]

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


def stories_of(catalogs: Sequence["Catalog"], dead: Sequence[Collection[str]], compared: Compared) -> Stories:
    """Return the stories of the articles that are in some catalogues and not dead there.

    `compared` has results of earlier generations; those of this one replace them.
    """
    used: Compared = {}
    stories = _stories(catalogs, _living(catalogs, dead), compared, used)
    compared.clear()
    compared.update(used)
    return Stories(catalogs, stories)


def count_copies(catalogs: Sequence["Catalog"], dead: Sequence[Collection[str]], article_ids: Collection[str]) -> int:
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


def _stories(catalogs: Sequence["Catalog"], living: _Living, compared: Compared, used: Compared) -> list[list[Place]]:
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


def _living(catalogs: Sequence["Catalog"], dead: Sequence[Collection[str]]) -> _Living:
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
