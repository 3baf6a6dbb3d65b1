import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.terms import STOP_WORD_LISTS, Terms, stop_word_list, stop_words, words

ENGLISH = Terms("english")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("U.S.", "US"),
        ("U.S.", "us"),
        ("6 p.m.", "6 pm"),
        ("1,200", "1200"),
        ("1,200,000.5", "1200000.5"),
        ("the mayor's", "the mayors"),
        ("Kim’s", "Kim"),
        ("the U.S.'s navy", "US navy"),
        ("O’Brien", "O'Brien"),
        ("ferries", "ferry"),
        ("STRASSE", "Straße"),
        ("e\u0301lan", "\u00e9lan"),
        ("ﬁre", "fire"),
        ("İzmir", "izmir"),
        ("voted", "the votes of"),
    ],
)
def test_two_spellings_of_a_term_are_one(one: str, other: str) -> None:
    """Points, thousands, possessives, case, ligatures, accents and endings make no other term."""
    assert ENGLISH.of(one) == ENGLISH.of(other) != []


@pytest.mark.parametrize(("one", "other"), [("12,34", "1234"), ("1.200", "1200"), ("3.5", "35"), ("U.K.", "U.S.")])
def test_other_numbers_and_abbreviations_stay_apart(one: str, other: str) -> None:
    """A comma that groups no thousands, a decimal point and another letter make another term."""
    assert ENGLISH.of(one) != ENGLISH.of(other)


def test_terms_keep_their_order_and_repeats() -> None:
    """Terms come in the order of the text, as often as they stand in it, without stop words."""
    assert ENGLISH.of("The ferry, the pier and the ferry") == ["ferri", "pier", "ferri"]


def test_stop_words_have_no_terms() -> None:
    """A text of stop words has no terms, nor has an empty one or one of signs."""
    assert [ENGLISH.of(text) for text in ("the of and", "", " … – !")] == [[], [], []]


def test_won_is_no_stop_word() -> None:
    """Who won can be asked, though the list has the word for won't."""
    assert ENGLISH.of("Who won?") == ["won"]


def test_a_language_without_a_list_has_no_stop_words() -> None:
    """A language that bm25s brings no list for keeps all its words, and the manifest says none."""
    assert stop_words("finnish") == frozenset()
    assert stop_word_list("finnish") == "none"
    assert Terms("finnish").of("Laiva lähti") != []


@pytest.mark.parametrize("language", sorted(STOP_WORD_LISTS))
def test_a_language_with_a_list_has_stop_words(language: str) -> None:
    """Every list that is named exists in bm25s and is the one that the manifest names."""
    assert len(stop_words(language)) > 50
    assert stop_word_list(language) == f"bm25s.{STOP_WORD_LISTS[language]}"


@given(st.text())
def test_words_are_what_a_text_in_capitals_has(text: str) -> None:
    """No word is empty, none holds white space, and the case of the text does not matter to those of ASCII."""
    found = words(text)
    assert all(word and not any(char.isspace() for char in word) for word in found)
    ascii_text = text.encode("ascii", "ignore").decode()
    assert words(ascii_text.upper()) == words(ascii_text.lower())


def test_threads_share_a_stemmer_safely() -> None:
    """Terms found by many threads at once are those found by one."""
    text = "Ferries leaving harbours carried striking sailors home " * 20
    expected = ENGLISH.of(text)
    found: list[bool] = []

    def look() -> None:
        found.extend(ENGLISH.of(text) == expected for _ in range(50))

    threads = [threading.Thread(target=look) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [True] * 400
