import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.load.fields import clean, clean_line

NASTY = st.text(
    st.sampled_from(
        "a é e\u0301\r\n\t \u00a0\u2003\u3000\u00ad\u200b\u200c\u200d\u2060\ufeff\x00\x07\x85\u2028\ud800\udfff."
    )
)
ANY = st.text(st.characters()) | st.text(st.characters(categories=("Cs", "Cc", "Cf", "Zs", "Zl", "Mn"))) | NASTY
WORDS = st.text(st.characters(categories=("Ll", "Lu", "Nd", "Po", "Sc")), min_size=1)
LINES = st.lists(WORDS, min_size=1).map(" ".join)
ORDINARY = st.builds(str.join, st.sampled_from(["\n", "\n\n", "\n\n\n"]), st.lists(LINES, min_size=1))


@given(ANY)
def test_cleaning_is_idempotent(text: str) -> None:
    """Cleaning a cleaned text changes nothing."""
    assert clean(clean(text)) == clean(text)


@given(ANY)
def test_cleaned_text_can_be_stored(text: str) -> None:
    """A cleaned text is UTF-8, normalised, and contains no control characters except line end and tab."""
    cleaned = clean(text)
    assert cleaned.encode().decode() == cleaned
    assert unicodedata.is_normalized("NFC", cleaned)
    assert not re.search(r"[^\S \n\t]|[\x00-\x08\x0b-\x1f\x7f-\x9f]", cleaned)


@given(ANY)
def test_cleaned_text_has_no_loose_white_space(text: str) -> None:
    """A cleaned text does not begin or end with white space, and its lines do not end with it."""
    cleaned = clean(text)
    assert cleaned == cleaned.strip()
    assert not re.search(r"[ \t]\n|\n{4}", cleaned)


@given(ORDINARY)
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    """The body of an ordinary text is the text without its outer white space."""
    assert clean(f"\n{text}\n") == unicodedata.normalize("NFC", text)


@given(ANY)
def test_a_cleaned_line_is_one_line(text: str) -> None:
    """A cleaned line has only single spaces as white space, and cleaning it again changes nothing."""
    line = clean_line(text)
    assert line.split(" ") == (line.split() or [""])
    assert clean_line(line) == line


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\r\nb\rc", "a\nb\nc"),
        ("end.\fNext", "end.\nNext"),
        ("a\u00a0b\u2009c", "a b c"),
        ("inter\u00adnational\u200b", "international"),
        ("👩\u200d👩\u200d👧 می\u200cخواهم", "👩\u200d👩\u200d👧 می\u200cخواهم"),
        ("cafe\u0301", "café"),
        ("a\n\n\nb", "a\n\n\nb"),
        ("a\n \n\t\n \nb", "a\n\nb"),
        ("  a\tb \n c  ", "a\tb\n c"),
        ("lone \ud83d here", "lone \ufffd here"),
        ("bell\x07 nul\x00", "bell nul"),
    ],
)
def test_each_rule_of_cleaning(text: str, expected: str) -> None:
    """Line ends, spaces, invisible characters and blank lines are cleaned; joiners stay."""
    assert clean(text) == expected


def test_long_runs_of_spaces_are_cleaned_quickly() -> None:
    """A million spaces inside a line take no longer than a million letters."""
    assert clean("x" + " " * 1_000_000 + "y").endswith("y")
