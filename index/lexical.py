"""The lexical index: BM25 over title and text, stored with the generation and memory-mapped when read."""

import json
import math
from collections import Counter
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from index.records import indexed_text
from index.spelling import Spelling, plain_words
from index.terms import Terms

if TYPE_CHECKING:
    from bm25s import BM25

K1 = 0.9
B = 0.4
COUNTS = "rows.npy"
LANGUAGE = "language.json"
WORDS = "words.txt"
"""Words that articles write in lower case, the most frequent first; an index of the first release has none."""


def build_lexical(folder: Path, titles_and_texts: Iterable[tuple[str | None, str]], language: str) -> None:
    """Index the rows in order into a new folder; a corpus that is empty or only stop words is a valid index."""
    terms = Terms(language)
    vocabulary: dict[str, int] = {}
    rows: list[list[int]] = []
    spelled: Counter[str] = Counter()
    for title, text in titles_and_texts:
        rows.append([vocabulary.setdefault(term, len(vocabulary)) for term in terms.of(indexed_text(title, text))])
        spelled.update(plain_words(text))
    folder.mkdir(parents=True)
    by_frequency = sorted(spelled, key=lambda word: (-spelled[word], word))
    (folder / WORDS).write_text("\n".join(by_frequency), encoding="utf-8")
    (folder / LANGUAGE).write_text(json.dumps({"language": language, "folds": True}) + "\n", encoding="utf-8")
    np.save(folder / COUNTS, np.array([len(set(row)) for row in rows], dtype=np.int32))
    if vocabulary:
        import bm25s

        bm25 = bm25s.BM25(method="lucene", k1=K1, b=B)
        bm25.index((rows, vocabulary), create_empty_token=False, show_progress=False)
        bm25.save(folder, show_progress=False)


class LexicalIndex:
    """A generation's BM25 index, open for reading; safe to share between threads.

    `distinct_terms` has the number of distinct terms of every row; `row_count` counts rows without terms as well.
    """

    def __init__(self, folder: Path) -> None:
        stated = json.loads((folder / LANGUAGE).read_text(encoding="utf-8"))
        # An index of the first release has its terms with accents, and must be asked for them so.
        self.terms = Terms(stated["language"], folds=stated.get("folds", False))
        self.distinct_terms: NDArray[np.int32] = np.load(folder / COUNTS)
        self.row_count = len(self.distinct_terms)
        self._words = folder / WORDS
        self._bm25: BM25 | None = None
        if self.distinct_terms.any():
            import bm25s

            self._bm25 = bm25s.BM25.load(folder, mmap=True, show_progress=False)

    @cached_property
    def spelling(self) -> Spelling:
        """Return the words that correct mistyped ones, read by the first question with a word that no chunk has."""
        if not self._words.is_file():
            return Spelling(())
        words = self._words.read_text(encoding="utf-8").split()
        return Spelling([*words, *filter(str.isalpha, sorted(self.terms.stop_words))], self.terms.of("\n".join(words)))

    def has(self, text: str) -> bool:
        """Return whether every term of a text is in a chunk."""
        terms = self.terms.of(text)
        return not terms or (self._bm25 is not None and len(self._bm25.get_tokens_ids(terms)) == len(terms))

    def scores(self, text: str) -> NDArray[np.float32]:
        """Return the BM25 score of every row for a text; zero if no term is shared."""
        ids = sorted(set(self._bm25.get_tokens_ids(self.terms.of(text)))) if self._bm25 else []
        if self._bm25 is None or not ids:
            return np.zeros(self.row_count, dtype=np.float32)
        scores: NDArray[np.float32] = self._bm25.get_scores_from_ids(ids)
        return scores

    def inverse_document_frequency(self, term: str) -> float:
        """Return ln(1 + (N - n + .5) / (n + .5)) for a term in n of N chunks, ln(1 + N) for an unknown term."""
        ids = self._bm25.get_tokens_ids([term]) if self._bm25 else []
        if self._bm25 is None or not ids:
            return math.log(1 + self.row_count)
        starts = self._bm25.scores["indptr"]
        found = int(starts[ids[0] + 1] - starts[ids[0]])
        return math.log(1 + (self.row_count - found + 0.5) / (found + 0.5))

    def row_postings(self) -> NDArray[np.int64]:
        """Return the number of distinct terms that the stored scores have for each row, for verification."""
        if self._bm25 is None:
            return np.zeros(self.row_count, dtype=np.int64)
        return np.bincount(np.asarray(self._bm25.scores["indices"]), minlength=self.row_count)
