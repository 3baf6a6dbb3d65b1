"""The lexical index: BM25 over title and text, from the integer postings of every segment.

A segment stores which rows have a term, and how often. The statistics that weigh a term (document frequency, number
and average length of chunks) are sums over the segments of a generation less its dead rows, so that articles rank the
same however they are spread over segments. Robertson & Zaragoza 2009, with the inverse document frequency of Lucene.

Terms are lower case and stemmed, without stop words; `U.S.` and `US` are one term, so are `1,200` and `1200`, `Müller`
and `Muller`, `£5` and `5 pounds`, and a possessive is its noun.
"""

import math
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from index.spelling import Spelling
from index.text import folded, words

K1 = 0.9
B = 0.4
TERMS = "terms.txt"
STARTS = "starts.npy"
ROWS = "rows.npy"
COUNTS = "counts.npy"
LENGTHS = "lengths.npy"
WORDS = "words.txt"
"""Words that articles write in lower case, each with its number."""


_NUMBER_PARTS = re.compile(r"(?<=\d)(?:st|nd|rd|th)\b|(?<=\d)[\u00a0\u2009\u202f](?=\d{3}(?!\d))")
_SIGNS = str.maketrans({"£": " pounds ", "€": " euros ", "$": " dollars ", "%": " percent "})
_NOT_STOP_WORDS = frozenset(["won"])  # in the list for "won't", but readers ask who won

_LANGUAGES = "danish dutch french german italian norwegian portuguese russian spanish swedish turkish".split()
STOP_WORD_LISTS = {"english": "STOPWORDS_EN_PLUS", **{each: f"STOPWORDS_{each.upper()}" for each in _LANGUAGES}}
_PLAIN = re.compile(r"(?<![\w'’-])[^\W\d_]{3,40}(?![\w'’])")


class Terms:
    """The terms of texts in one language (a Snowball stemmer's name); safe to share between threads."""

    def __init__(self, language: str) -> None:
        self.language = language
        self.stop_words = stop_words(language)
        self._local = _Stemmer(language)

    def of(self, text: str) -> list[str]:
        """Return the terms of a text, in order, with repeats."""
        found = words(_NUMBER_PARTS.sub("", text).translate(_SIGNS))
        stemmed: list[str] = self._local.stemmer.stemWords([word for word in found if word not in self.stop_words])
        return [folded(term) for term in stemmed]


class _Stemmer(threading.local):
    """One Snowball stemmer a thread, because a stemmer keeps its state in the object."""

    def __init__(self, language: str) -> None:
        import Stemmer

        self.stemmer = Stemmer.Stemmer(language)


def stop_words(language: str) -> frozenset[str]:
    """Return the stop words of a language; empty if bm25s has no list for it."""
    import bm25s.stopwords

    listed: Iterable[str] = getattr(bm25s.stopwords, STOP_WORD_LISTS.get(language, ""), ())
    return frozenset(listed) - _NOT_STOP_WORDS


def stop_word_list(language: str) -> str:
    """Return the name of a language's stop word list, as recorded in the manifest."""
    return f"bm25s.{STOP_WORD_LISTS[language]}" if language in STOP_WORD_LISTS else "none"


class PostingsWriter:
    """The postings of a segment under construction: rows are added in any order, or copied from other segments."""

    def __init__(self, language: str) -> None:
        self._terms = Terms(language)
        self._vocabulary: dict[str, int] = {}
        self._postings: list[NDArray[np.int32]] = []
        self._lengths: dict[int, int] = {}
        self._words: Counter[str] = Counter()

    def add(self, row: int, indexed: str) -> None:
        """Add the text of a row, with its title."""
        counts = Counter(self._terms.of(indexed))
        ids = [self._vocabulary.setdefault(term, len(self._vocabulary)) for term in counts]
        self._postings.append(np.array([ids, [row] * len(ids), list(counts.values())], dtype=np.int32))
        self._lengths[row] = counts.total()

    def copy(self, postings: "Postings", old_rows: NDArray[np.int64], first: int) -> None:
        """Copy rows of another segment; they are numbered from `first` on."""
        new_rows = np.full(postings.row_count, -1, dtype=np.int32)
        new_rows[old_rows] = np.arange(first, first + len(old_rows))
        ids = np.array([self._vocabulary.setdefault(t, len(self._vocabulary)) for t in postings.vocabulary], np.int32)
        rows = new_rows[postings.rows]
        copied = np.stack([np.repeat(ids, np.diff(postings.starts)), rows, postings.counts])
        self._postings.append(copied[:, rows >= 0])
        self._lengths.update(enumerate(postings.lengths[old_rows].tolist(), first))

    def count_words(self, text: str) -> None:
        """Count the words of a text for the correction of mistyped ones."""
        self._words.update(plain_words(text))

    def write(self, folder: Path) -> None:
        """Write the postings into a new folder; a corpus that is empty or only stop words is valid."""
        folder.mkdir()
        ids, rows, counts = np.concatenate([np.empty((3, 0), dtype=np.int32), *self._postings], axis=1)
        names = sorted(term for term, used in zip(self._vocabulary, self._used(ids), strict=True) if used)
        number = np.zeros(len(self._vocabulary), dtype=np.int32)
        number[[self._vocabulary[name] for name in names]] = np.arange(len(names))
        order = np.lexsort((rows, number[ids]))
        frequencies = np.bincount(number[ids], minlength=len(names))
        (folder / TERMS).write_text("\n".join(names), encoding="utf-8")
        np.save(folder / STARTS, np.concatenate([[0], np.cumsum(frequencies)]).astype(np.int64))
        np.save(folder / ROWS, rows[order])
        np.save(folder / COUNTS, counts[order])
        np.save(folder / LENGTHS, np.array([self._lengths[row] for row in range(len(self._lengths))], dtype=np.int32))
        words = (f"{word} {count}" for word, count in sorted(self._words.items()))
        (folder / WORDS).write_text("\n".join(words), encoding="utf-8")

    def _used(self, ids: NDArray[np.int32]) -> NDArray[np.bool_]:
        return np.bincount(ids, minlength=len(self._vocabulary)) > 0


class Postings:
    """The postings of a closed segment, memory-mapped: of term t, `rows` and `counts` from starts[t] to starts[t + 1].

    `lengths` has the number of terms of every row, with repeats.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.starts: NDArray[np.int64] = np.load(folder / STARTS)
        # As plain arrays: a slice of numpy's `memmap` takes ten times as long.
        self.rows: NDArray[np.int32] = np.asarray(np.load(folder / ROWS, mmap_mode="r"))
        self.counts: NDArray[np.int32] = np.asarray(np.load(folder / COUNTS, mmap_mode="r"))
        self.lengths: NDArray[np.int32] = np.load(folder / LENGTHS)
        self.vocabulary = {term: at for at, term in enumerate(self._lines(TERMS))}

    @property
    def row_count(self) -> int:
        """Return the number of rows, also of those without terms."""
        return len(self.lengths)

    @property
    def words(self) -> dict[str, int]:
        """Return the words that the segment writes in lower case, with their numbers."""
        return {word: int(count) for word, _, count in (line.partition(" ") for line in self._lines(WORDS))}

    def of(self, term: str) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Return the rows that have a term, ascending, and how often each has it."""
        at = self.vocabulary.get(term)
        if at is None:
            return self.rows[:0], self.counts[:0]
        span = slice(self.starts[at], self.starts[at + 1])
        return self.rows[span], self.counts[span]

    def _lines(self, name: str) -> list[str]:
        text = (self._folder / name).read_text(encoding="utf-8")
        return text.split("\n") if text else []


class LexicalPart(NamedTuple):
    """The postings of one segment of a generation; `alive` is a mask of its rows, None if all are alive.

    `texts` returns the texts of some rows, given as a mask.
    """

    postings: Postings
    alive: NDArray[np.bool_] | None = None
    texts: Callable[[NDArray[np.bool_]], Iterable[str]] = lambda _: ()

    def words(self) -> Counter[str]:
        """Return the words that the live rows have in lower case, with their numbers; read as few texts as possible."""
        if self.alive is None:
            return Counter(self.postings.words)
        if 2 * int(np.count_nonzero(self.alive)) < len(self.alive):
            return Counter(word for text in self.texts(self.alive) for word in plain_words(text))
        counts = Counter(self.postings.words)
        for text in self.texts(~self.alive):
            counts.subtract(plain_words(text))
        return counts


class LexicalIndex:
    """BM25 over the segments of a generation, whose rows are numbered through; safe to share between threads."""

    def __init__(self, language: str, parts: Sequence[LexicalPart]) -> None:
        self.terms = Terms(language)
        self._parts = parts
        lengths = [part.postings.lengths if part.alive is None else part.postings.lengths[part.alive] for part in parts]
        self.row_count = sum(map(len, lengths))
        average = sum(int(each.sum(dtype=np.int64)) for each in lengths) / max(self.row_count, 1)
        every = np.concatenate([np.empty(0), *(part.postings.lengths for part in parts)])
        self._norms = K1 * (1 - B + B * every / (average or 1.0))

    @cached_property
    def spelling(self) -> Spelling:
        """Return the words that correct mistyped ones, read by the first question with a word that no chunk has."""
        counts: Counter[str] = Counter()
        for part in self._parts:
            counts.update(part.words())
        words = sorted(+counts, key=lambda word: (-counts[word], word))
        return Spelling([*words, *filter(str.isalpha, sorted(self.terms.stop_words))], self.terms.of("\n".join(words)))

    def has(self, text: str) -> bool:
        """Return whether every term of a text is in a chunk."""
        return all(len(self._found(term)[0]) for term in set(self.terms.of(text)))

    def every(self, text: str) -> NDArray[np.bool_]:
        """Return for every row whether it has all terms of a text; none has a text without terms."""
        terms = set(self.terms.of(text))
        found = np.zeros(len(self._norms), dtype=np.int64)
        for term in terms:
            found[self._found(term)[0]] += 1
        return found == len(terms) if terms else found > 0

    def scores(self, text: str) -> NDArray[np.float64]:
        """Return the BM25 score of every row for a text; zero if no term is shared, and for dead rows."""
        scores = np.zeros(len(self._norms))
        for term in sorted(set(self.terms.of(text))):
            rows, counts = self._found(term)
            scores[rows] += self._weight(len(rows)) * counts / (counts + self._norms[rows])
        return scores

    def coverage(self, text: str) -> float:
        """Return the share of a text's terms, by weight, that the best row matches; 0 for a text without terms."""
        weights = sum(self.inverse_document_frequency(term) for term in set(self.terms.of(text)))
        return float(self.scores(text).max(initial=0.0)) / weights if weights else 0.0

    def inverse_document_frequency(self, term: str) -> float:
        """Return ln(1 + (N - n + .5) / (n + .5)) for a term in n of N chunks, ln(1 + N) for an unknown term."""
        return self._weight(len(self._found(term)[0]))

    def _weight(self, found: int) -> float:
        return math.log(1 + ((self.row_count - found + 0.5) / (found + 0.5) if found else self.row_count))

    def _found(self, term: str) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Return the live rows that have a term, ascending, and how often each has it."""
        every: list[tuple[NDArray[np.int32], NDArray[np.int32]]] = []
        first = 0
        for postings, alive, _ in self._parts:
            rows, counts = postings.of(term)
            if alive is not None:
                rows, counts = rows[alive[rows]], counts[alive[rows]]
            every.append((rows + np.int32(first), counts))
            first += postings.row_count
        if len(every) == 1:
            return every[0]
        return np.concatenate([_NONE, *(rows for rows, _ in every)]), np.concatenate([_NONE, *(c for _, c in every)])


_NONE = np.empty(0, dtype=np.int32)


def plain_words(text: str) -> list[str]:
    """Return the words that a text writes in lower case, with repeats."""
    return [word for word in _PLAIN.findall(text) if word.islower()]
