import json
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from index.lexical import K1, B, LexicalIndex, build_lexical
from index.terms import Terms

TEXTS = [
    "The U.S. navy left the harbour.",
    "Crews earned 1,200 crowns at the harbour.",
    "The mayor's budget fell.",
    "the of and",
    "",
]


def lexical(folder: Path, texts: Sequence[str], language: str = "english") -> LexicalIndex:
    build_lexical(folder / "lexical", [(None, text) for text in texts], language)
    return LexicalIndex(folder / "lexical")


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> LexicalIndex:
    return lexical(tmp_path_factory.mktemp("lexical"), TEXTS)


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


def test_the_title_is_searched_with_the_text(tmp_path: Path) -> None:
    """A word of the title finds the chunk, even if its text lacks it."""
    build_lexical(tmp_path / "lexical", [("Ferry strike", "Crews stayed home."), (None, "Crews sailed.")], "english")
    assert np.flatnonzero(LexicalIndex(tmp_path / "lexical").scores("strike")).tolist() == [0]


@pytest.mark.parametrize("texts", [[], [""], ["the of and", "a an"], ["…", "the"]])
def test_a_corpus_without_terms_is_a_valid_index(tmp_path: Path, texts: list[str]) -> None:
    """An index without rows, or of stop words only, scores every row zero."""
    index = lexical(tmp_path, texts)
    assert index.row_count == len(texts)
    assert index.scores("the harbour").tolist() == [0] * len(texts)
    assert index.row_postings().tolist() == index.distinct_terms.tolist() == [0] * len(texts)
    assert index.inverse_document_frequency("harbour") == math.log(1 + len(texts))


def test_a_rare_term_tells_more_than_a_common_one(index: LexicalIndex) -> None:
    """The inverse document frequency is that of the formula, and highest for a term that no chunk has."""
    common, rare, unseen = (index.inverse_document_frequency(term) for term in ("harbour", "navi", "submarin"))
    assert common == pytest.approx(math.log(1 + 3.5 / 2.5))
    assert rare == pytest.approx(math.log(1 + 4.5 / 1.5))
    assert unseen == pytest.approx(math.log(6))
    assert common < rare < unseen


def test_the_terms_are_those_of_the_language_it_was_built_in(tmp_path: Path) -> None:
    """An index reads its language from its folder, and stems and drops stop words by it."""
    index = lexical(tmp_path, ["Die Fähren verließen den Hafen.", "Der Rat stimmte ab."], "german")
    assert index.terms.language == "german"
    assert np.flatnonzero(index.scores("die Fähre")).tolist() == [0]


def test_a_name_is_found_without_its_accents(tmp_path: Path) -> None:
    """Names, sums and dates are found in the forms in which they are typed."""
    index = lexical(tmp_path, ["Ötztal ruled.", "Karel Dvořák paid £1,872 on 2nd May.", "Muller rows."])
    for asked in ("karel dvorak", "1872 pounds", "May 2", "Dvořák", "DVORAK"):
        assert np.flatnonzero(index.scores(asked)).tolist() == [1], asked
    assert np.flatnonzero(index.scores("Müller")).tolist() == [2]


def test_an_index_of_the_first_release_is_asked_in_its_own_terms(tmp_path: Path) -> None:
    """Its terms keep their accents, so a question with accents finds them, as before."""
    terms, folder = Terms("english", folds=False), tmp_path / "old"
    build_lexical(folder, [(None, "Karel Dvorak")], "english")
    (folder / "vocab.index.json").write_text(json.dumps({term: at for at, term in enumerate(terms.of("Karel Dvořák"))}))
    (folder / "language.json").write_text('{"language": "english"}')
    (folder / "words.txt").unlink()
    index = LexicalIndex(folder)
    assert [bool(index.scores(asked).any()) for asked in ("Dvořák", "Dvorak")] == [True, False]
    assert index.spelling.corrected("kareel") is None


def test_it_knows_which_words_its_chunks_have(index: LexicalIndex) -> None:
    """Stop words are no terms, so a text of stop words lacks none."""
    assert [index.has(text) for text in ("the harbour", "harbour submarine", "the", "")] == [True, False, True, True]


def test_words_are_listed_by_frequency(tmp_path: Path) -> None:
    """The list of words has those in lower case, the most frequent first, then by letter."""
    lexical(tmp_path, ["Port and port and pier.", "The port of Kelm and a quay."])
    assert (tmp_path / "lexical" / "words.txt").read_text().split() == ["and", "port", "pier", "quay"]


WORDS = st.lists(st.sampled_from(["ferry", "harbour", "pier", "the", "storm"]), max_size=6).map(" ".join)


@given(texts=st.lists(WORDS, max_size=8))
def test_what_verification_compares_agrees_in_a_whole_index(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str]
) -> None:
    """Every row has one posting for each distinct term, with any number of empty rows."""
    index = lexical(tmp_path_factory.mktemp("any"), texts)
    assert index.row_postings().tolist() == index.distinct_terms.tolist()
    assert (index.scores("storm") > 0).tolist() == ["storm" in text for text in texts]
