"""Spelling: a mistyped word is the nearest word of the articles, and a word of the language is left alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.embedding.local import load_tokenizer
from index.lexical import plain_words
from index.spelling import Spelling, distance

WORDS = "council council stadium rejected when ferry harbour electricity have free fire lighthouse".split()
SPELLING = Spelling(WORDS, ["reject", "ferri", "harbour"])
SHORT_WORDS = st.text(st.sampled_from("abc"), max_size=6)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("cuoncil", "council"),
        ("stadum", "stadium"),
        ("STADUIM", "stadium"),
        ("ahrbour", "harbour"),
        ("harrbour", "harbour"),
        ("harpour", "harbour"),
        ("whne", "when"),
        ("hvae", "have"),
        ("rejct", "reject"),
        ("electrcty", "electricity"),
        ("lihgthuose", "lighthouse"),
    ],
)
def test_a_mistyped_word_is_corrected(typed: str, meant: str) -> None:
    """One error in a word, or two in a long one, is corrected, also to the stem of a form that articles have."""
    assert SPELLING.corrected(typed) == meant


@pytest.mark.parametrize(
    "word",
    [
        "council",  # in the articles
        "bread",  # a word of the language, one letter from none of these
        "fares",  # a form of a word of the language
        "xouncil",  # another first letter
        "stdum",  # two errors in a short word
        "hafe",  # four letters with a wrong one
        "fr",
        "",
        "zzzzzzzz",
    ],
)
def test_another_word_is_left_alone(word: str) -> None:
    """A known word, a word of the language and one that is near to no word have no correction."""
    assert SPELLING.corrected(word) is None


def test_a_stem_that_is_not_a_word_is_not_proposed() -> None:
    """Only stems that are common words of the language are proposed."""
    assert Spelling([], ["ferri"]).corrected("ferrri") is None
    assert Spelling([], ["harbour"]).corrected("harbor") is None  # a word itself
    assert Spelling([], ["harbour"]).corrected("harbuor") == "harbour"


def test_the_most_frequent_of_equally_near_words_is_meant() -> None:
    """Words are listed by frequency, and the first of those at the least distance is the correction."""
    assert Spelling(["planter", "planner"]).corrected("planber") == "planter"
    assert Spelling(["planner", "planter"]).corrected("planber") == "planner"


def test_no_words_correct_nothing() -> None:
    """Without a list, as in an index of the first release, every word stays."""
    assert Spelling(()).corrected("stadum") is None


def test_names_and_numbers_are_no_plain_words() -> None:
    """Only words in lower case are proposed: a name is never the correction of another."""
    text = "The Council said: the council’s ferry, re-let to O'neil in May 2024, ran."
    assert plain_words(text) == ["said", "the", "ferry", "ran"]


@given(SHORT_WORDS, SHORT_WORDS)
def test_distance_is_symmetric_and_zero_only_for_equal_words(one: str, other: str) -> None:
    """Distances are at most the longer length, at least the difference of lengths, and symmetric."""
    found = distance(one, other)
    assert found == distance(other, one)
    assert (found == 0) == (one == other)
    assert abs(len(one) - len(other)) <= found <= max(len(one), len(other))


@given(SHORT_WORDS, st.integers(0, 4))
def test_letters_in_the_wrong_order_are_one_error(word: str, place: int) -> None:
    """Two neighbours that change places are at most one error."""
    exchanged = word[:place] + word[place : place + 2][::-1] + word[place + 2 :]
    assert distance(word, exchanged) <= 1


@given(st.sampled_from(sorted(set(WORDS))), st.integers(1, 10), st.sampled_from("qxzj"))
def test_a_correction_is_a_listed_or_a_common_word(word: str, place: int, letter: str) -> None:
    """For any input the result is None, a listed word at a small distance, or a common one at a smaller one."""
    typed = word[:place] + letter + word[place:]
    found = SPELLING.corrected(typed)
    is_common = found is not None and load_tokenizer().token_to_id(found) is not None
    assert found is None or distance(typed, found) <= (2 if found in {*WORDS, "reject"} else is_common)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("finaly", "finally"), ("peice", "piece"), ("carot", "carrot"), ("gril", "girl"), ("brigde", "bridge")],
)
def test_swapped_or_doubled_letters_are_corrected_to_a_common_word(typed: str, meant: str) -> None:
    """No article has the word that was meant; another word of the articles is as near."""
    assert Spelling(["final", "price", "cart", "grail", "bridge"]).corrected(typed) == meant
