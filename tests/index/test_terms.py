import re
import sys
import threading
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import index.text
from index.lexical import STOP_WORD_LISTS, Terms, stop_word_list, stop_words
from index.text import MOST_MARKS, Form, folded, normal_form, without_accents, words

ENGLISH = Terms("english")
ROOT = Path(index.text.__file__).parent.parent
FORMS: tuple[Form, ...] = ("NFC", "NFKC", "NFKD")
MARK = st.sampled_from("\u0301\u0323\u0344\u0f73\uff9e\u0345\u3099")
RUNS = st.builds(lambda marks, times: "".join(marks) * times, st.lists(MARK, min_size=1), st.integers(1, 200))
ANY = st.lists(RUNS | st.text(max_size=5), max_size=5).map("".join)


def begins_with_mark(char: str) -> bool:
    return unicodedata.combining(unicodedata.normalize("NFKD", char)[0]) != 0


def longest_run(text: str) -> int:
    runs = re.findall("1+", "".join("01"[begins_with_mark(char)] for char in text))
    return max(map(len, runs), default=0)


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
        ("Dvořák", "Dvorak"),
        ("Sørensen", "Sorensen"),
        ("Łódź", "Lodz"),
        ("Œuvre", "oeuvre"),
        ("O’Neill", "ONeill"),
        ("£1,872", "pounds 1872"),
        ("5%", "5 percent"),
        ("2nd May", "2 May"),
        ("12\u202f400", "12,400"),
        ("12\u00a0400\u00a0000", "12400000"),
    ],
)
def test_two_spellings_of_a_term_are_one(one: str, other: str) -> None:
    """Points, thousands, possessives, case, ligatures, accents and endings do not change a term."""
    assert ENGLISH.of(one) == ENGLISH.of(other) != []


@pytest.mark.parametrize(("one", "other"), [("12,34", "1234"), ("1.200", "1200"), ("3.5", "35"), ("U.K.", "U.S.")])
def test_other_numbers_and_abbreviations_stay_apart(one: str, other: str) -> None:
    """A comma that does not group thousands, a decimal point and another letter change a term."""
    assert ENGLISH.of(one) != ENGLISH.of(other)


@pytest.mark.parametrize("word", ["がぎ", "한국", "القدس", "हिन्दी"])
def test_marks_of_other_scripts_make_the_word(word: str) -> None:
    """Only marks of Latin, Greek and Cyrillic letters are dropped."""
    assert unicodedata.normalize("NFKC", folded(word)) == unicodedata.normalize("NFKC", word)


@given(st.text())
def test_a_folded_word_stays_as_it_is(text: str) -> None:
    """Folding twice is folding once."""
    assert folded(folded(text)) == folded(text)


def test_terms_keep_their_order_and_repeats() -> None:
    """Terms are in the order of the text, with repeats, without stop words."""
    assert ENGLISH.of("The ferry, the pier and the ferry") == ["ferri", "pier", "ferri"]


def test_stop_words_have_no_terms() -> None:
    """A text of stop words or punctuation, or an empty one, has no terms."""
    assert [ENGLISH.of(text) for text in ("the of and", "", " … – !")] == [[], [], []]


def test_won_is_no_stop_word() -> None:
    """`won` is a term, although the stop words contain `won` for won't."""
    assert ENGLISH.of("Who won?") == ["won"]


def test_a_language_without_a_list_has_no_stop_words() -> None:
    """A language without a list in bm25s keeps all its words, and the manifest says `none`."""
    assert stop_words("finnish") == frozenset()
    assert stop_word_list("finnish") == "none"
    assert Terms("finnish").of("Laiva lähti") != []


@pytest.mark.parametrize("language", sorted(STOP_WORD_LISTS))
def test_a_language_with_a_list_has_stop_words(language: str) -> None:
    """Every list of stop words exists in bm25s under the name in the manifest."""
    assert len(stop_words(language)) > 50
    assert stop_word_list(language) == f"bm25s.{STOP_WORD_LISTS[language]}"


@given(st.text())
def test_words_are_what_a_text_in_capitals_has(text: str) -> None:
    """Words are not empty, contain no white space, and do not depend on the case of ASCII letters."""
    found = words(text)
    assert all(word and not any(char.isspace() for char in word) for word in found)
    ascii_text = text.encode("ascii", "ignore").decode()
    assert words(ascii_text.upper()) == words(ascii_text.lower())


def test_threads_share_a_stemmer_safely() -> None:
    """Concurrent threads find the same terms as one."""
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


@pytest.mark.parametrize("form", FORMS)
@given(text=ANY)
def test_no_long_run_of_marks_is_normalised(form: Form, text: str) -> None:
    """Neither the input nor the result of `unicodedata.normalize` has more than 30 combining marks in a row."""
    passed: list[str] = []
    real = unicodedata.normalize

    def spy(form: Form, text: str) -> str:
        passed.append(text)
        return real(form, text)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(unicodedata, "normalize", spy)
        result = normal_form(form, text)
    assert max(map(longest_run, passed), default=0) <= MOST_MARKS
    assert longest_run(result) <= MOST_MARKS


@pytest.mark.parametrize("form", FORMS)
@given(text=ANY)
def test_normalised_text_stays_as_it_is(form: Form, text: str) -> None:
    """The result is in the requested form, and normalising it again does not change it."""
    result = normal_form(form, text)
    assert unicodedata.is_normalized(form, result)
    assert normal_form(form, result) == result


@pytest.mark.parametrize("form", FORMS)
@given(text=st.text())
def test_text_with_few_marks_is_what_the_standard_says(form: Form, text: str) -> None:
    """If no letter has more than ten marks, the result is that of the standard library."""
    if longest_run(text) <= 10:
        assert normal_form(form, text) == unicodedata.normalize(form, text)


def test_every_mark_is_known() -> None:
    """Every code point that can begin with a combining mark is in the searched range."""
    marks = [code for code in range(sys.maxunicode + 1) if begins_with_mark(chr(code))]
    assert min(marks) >= index.text._FIRST_MARK
    assert max(marks) < index.text._END_OF_MARKS


def test_accents_go() -> None:
    """Letters stay and their accents are removed, composed or not."""
    assert without_accents("Évora e\u0301 Ła\u0328ka") == "Evora e Łaka"


def test_nothing_else_normalises() -> None:
    """No other module of the product calls `unicodedata.normalize`, so the bound holds everywhere."""
    packages = ("index", "ingest", "service", "eval", "dateline")
    callers = [
        path.relative_to(ROOT).as_posix()
        for package in packages
        for path in (ROOT / package).rglob("*.py")
        if re.search(r"unicodedata\.(is_)?normalize|from unicodedata import", path.read_text(encoding="utf-8"))
    ]
    assert callers == ["index/text.py"]
