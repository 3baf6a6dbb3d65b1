import math
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from index.lexical import (
    COUNTS,
    K1,
    LENGTHS,
    ROWS,
    STARTS,
    TERMS,
    WORDS,
    B,
    LexicalIndex,
    LexicalPart,
    Postings,
    PostingsWriter,
    Terms,
)
from tests.fakes import lexical_of

TEXTS = [
    "The U.S. navy left the harbour.",
    "Crews earned 1,200 crowns at the harbour.",
    "The mayor's budget fell.",
    "the of and",
    "",
]


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> LexicalIndex:
    return lexical_of(tmp_path_factory.mktemp("lexical") / "lexical", TEXTS)


def bm25(texts: Sequence[str], question: str) -> NDArray[np.float64]:
    """Return BM25 by Lucene's formula, with each term of the question once."""
    terms = Terms("english")
    rows = [terms.of(text) for text in texts]
    mean = sum(map(len, rows)) / len(rows)
    scores = np.zeros(len(rows))
    for term in set(terms.of(question)):
        found = sum(term in row for row in rows)
        weight = math.log(1 + (len(rows) - found + 0.5) / (found + 0.5))
        for number, row in enumerate(rows):
            times = row.count(term)
            scores[number] += weight * times / (times + K1 * (1 - B + B * len(row) / mean)) if times else 0
    return scores


@pytest.mark.parametrize("question", ["harbour", "navy harbour", "harbour harbour harbour", "U.S. mayors", "1200"])
def test_scores_are_those_of_the_formula(index: LexicalIndex, question: str) -> None:
    """Every row has the BM25 score of the formula, and a term that the question repeats counts once."""
    assert index.scores(question) == pytest.approx(bm25(TEXTS, question), rel=1e-5)


@pytest.mark.parametrize("question", ["", "the of", "submarine", "…"])
def test_a_question_that_shares_no_term_scores_zero(index: LexicalIndex, question: str) -> None:
    """A question without known terms scores every row zero."""
    assert index.scores(question).tolist() == [0] * len(TEXTS)


@pytest.mark.parametrize(
    ("question", "row"), [("US", 0), ("u.s.", 0), ("1200", 1), ("1,200", 1), ("mayor", 2), ("mayors", 2)]
)
def test_another_spelling_finds_its_row(index: LexicalIndex, question: str, row: int) -> None:
    """An abbreviation, a number and a possessive are found in another spelling, only in their own row."""
    assert np.flatnonzero(index.scores(question)).tolist() == [row]


@pytest.mark.parametrize("texts", [[], [""], ["the of and", "a an"], ["…", "the"]])
def test_a_corpus_without_terms_is_a_valid_index(tmp_path: Path, texts: list[str]) -> None:
    """An index without rows, or of stop words only, scores every row zero."""
    index = lexical_of(tmp_path / "lexical", texts)
    assert index.row_count == len(texts)
    assert index.scores("the harbour").tolist() == [0] * len(texts)
    assert index.inverse_document_frequency("harbour") == math.log(1 + len(texts))


def test_a_rare_term_tells_more_than_a_common_one(index: LexicalIndex) -> None:
    """The inverse document frequency is that of the formula, and highest for a term that no chunk has."""
    common, rare, unseen = (index.inverse_document_frequency(term) for term in ("harbour", "navi", "submarin"))
    assert common == pytest.approx(math.log(1 + 3.5 / 2.5))
    assert rare == pytest.approx(math.log(1 + 4.5 / 1.5))
    assert unseen == pytest.approx(math.log(6))
    assert common < rare < unseen


def test_the_terms_are_those_of_the_language(tmp_path: Path) -> None:
    """An index stems and drops stop words by its language."""
    index = lexical_of(tmp_path / "lexical", ["Die Fähren verließen den Hafen.", "Der Rat stimmte ab."], "german")
    assert index.terms.language == "german"
    assert np.flatnonzero(index.scores("die Fähre")).tolist() == [0]


def test_a_name_is_found_without_its_accents(tmp_path: Path) -> None:
    """Names, sums and dates are found in the forms in which they are typed."""
    index = lexical_of(tmp_path / "lexical", ["Ötztal ruled.", "Karel Dvořák paid £1,872 on 2nd May.", "Muller rows."])
    for asked in ("karel dvorak", "1872 pounds", "May 2", "Dvořák", "DVORAK"):
        assert np.flatnonzero(index.scores(asked)).tolist() == [1], asked
    assert np.flatnonzero(index.scores("Müller")).tolist() == [2]


def test_it_knows_which_words_its_chunks_have(index: LexicalIndex) -> None:
    """Stop words are no terms, so a text of stop words lacks none."""
    assert [index.has(text) for text in ("the harbour", "harbour submarine", "the", "")] == [True, False, True, True]


def test_words_are_counted(tmp_path: Path) -> None:
    """The words of a segment are those in lower case, with their numbers."""
    lexical_of(tmp_path / "lexical", ["Port and port and pier.", "The port of Kelm and a quay."])
    assert (tmp_path / "lexical" / WORDS).read_text().split("\n") == ["and 3", "pier 1", "port 2", "quay 1"]
    assert Postings(tmp_path / "lexical").words == {"and": 3, "pier": 1, "port": 2, "quay": 1}


def texts_of(texts: list[str]) -> Callable[[NDArray[np.bool_]], list[str]]:
    return lambda wanted: [texts[row] for row in np.flatnonzero(wanted)]


def test_of_equally_near_words_the_most_frequent_is_meant(tmp_path: Path) -> None:
    """Words are counted over all segments, less those of dead rows."""
    for name, texts in (
        ("one", ["The tarnlock and the tarnlock."]),
        ("two", ["A tarnlick.", "A tarnlack, a tarnlick."]),
    ):
        lexical_of(tmp_path / name, texts)
    one, two = Postings(tmp_path / "one"), Postings(tmp_path / "two")
    both = LexicalIndex("english", [LexicalPart(one), LexicalPart(two)])
    assert both.spelling.corrected("tarnlxck") == "tarnlick"
    alive = np.array([True, False])
    less = LexicalPart(two, alive, texts_of(["A tarnlick.", "A tarnlack, a tarnlick."]))
    assert LexicalIndex("english", [LexicalPart(one), less]).spelling.corrected("tarnlxck") == "tarnlock"


TEXTS_OF_WORDS = st.lists(st.lists(st.sampled_from("ferry harbour pier the storm".split()), max_size=6).map(" ".join))


@given(texts=TEXTS_OF_WORDS)
def test_postings_are_integers_by_term(tmp_path_factory: pytest.TempPathFactory, texts: list[str]) -> None:
    """Each term has the rows with it, ascending, and how often each has it; each row the number of its terms."""
    folder = tmp_path_factory.mktemp("any") / "lexical"
    lexical_of(folder, texts)
    postings, terms = Postings(folder), Terms("english")
    assert postings.row_count == len(texts)
    assert postings.lengths.tolist() == [len(terms.of(text)) for text in texts]
    for term in (*terms.of("ferry harbour pier storm"), "unknown"):
        rows, counts = postings.of(term)
        expected = [(row, terms.of(text).count(term)) for row, text in enumerate(texts) if term in terms.of(text)]
        assert list(zip(rows.tolist(), counts.tolist(), strict=True)) == expected
        assert (term in postings.vocabulary) == bool(expected)


@given(texts=TEXTS_OF_WORDS, more=TEXTS_OF_WORDS, data=st.data())
def test_copied_postings_are_those_of_the_texts(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str], more: list[str], data: st.DataObject
) -> None:
    """Copying some rows, beside texts that are added, gives the same files as adding all of them."""
    folder = tmp_path_factory.mktemp("copied")
    old = data.draw(st.lists(st.sampled_from(range(len(texts))), unique=True).map(sorted)) if texts else []
    lexical_of(folder / "old", texts)
    writer = PostingsWriter("english")
    for row, text in enumerate(more):
        writer.add(row, text)
    writer.copy(Postings(folder / "old"), np.array(old, dtype=np.int64), len(more))
    writer.write(folder / "copied")
    lexical_of(folder / "fresh", [*more, *(texts[row] for row in old)])
    for name in (STARTS, ROWS, COUNTS, LENGTHS, TERMS):
        assert (folder / "copied" / name).read_bytes() == (folder / "fresh" / name).read_bytes()


@given(texts=TEXTS_OF_WORDS, dead=st.sets(st.integers(0, 9)), cut=st.integers(0, 9))
def test_parts_with_dead_rows_score_as_one_index_without_them(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str], dead: set[int], cut: int
) -> None:
    """Frequencies, number and average length are those of the live rows of all parts."""
    folder = tmp_path_factory.mktemp("parts")
    alive = np.array([row not in dead for row in range(len(texts))], dtype=bool)
    lexical_of(folder / "one", texts[:cut])
    lexical_of(folder / "two", texts[cut:])
    parts = [
        LexicalPart(Postings(folder / "one"), alive[:cut], texts_of(texts[:cut])),
        LexicalPart(Postings(folder / "two"), alive[cut:], texts_of(texts[cut:])),
    ]
    index = LexicalIndex("english", parts)
    left = lexical_of(folder / "left", [text for text, is_alive in zip(texts, alive, strict=True) if is_alive])
    scores = index.scores("the storm at the harbour pier")
    assert scores[alive].tolist() == left.scores("the storm at the harbour pier").tolist()
    assert not scores[~alive].any()
    assert index.row_count == left.row_count
    assert parts[0].words() + parts[1].words() == Counter(Postings(folder / "left").words)
    for word in ("storm", "harbour", "unknown"):
        assert index.has(word) == left.has(word)
        assert index.inverse_document_frequency(word) == left.inverse_document_frequency(word)


def test_an_index_without_segments_finds_nothing() -> None:
    """A generation without articles has no part."""
    index = LexicalIndex("english", [])
    assert index.scores("harbour").tolist() == []
    assert not index.has("harbour")
    assert index.spelling.corrected("stadum") is None
