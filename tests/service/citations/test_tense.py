"""Tense: the direction of a date by the verbs of its clause."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.records import Span
from service.citations.tense import direction, tenses


@given(text=st.text(max_size=200), start=st.integers(0, 200), length=st.integers(0, 40))
@pytest.mark.parametrize("language", ["english", "german"])
def test_any_text_has_a_direction_or_none(language: str, text: str, start: int, length: int) -> None:
    """No text and no place in it fails."""
    assert direction(text, Span(start, start + length), tenses()[language]) in ("past", "coming", None)


@given(first=st.sampled_from(["closed", "was shut", "has 40 berths", "will open"]))
def test_a_clause_behind_a_conjunction_decides_nothing(first: str) -> None:
    """The clause of the date has a verb of its own."""
    sentence = f"The pier {first} because the council will vote on Monday."
    at = sentence.index("on Monday")
    assert direction(sentence, Span(at, at + 9), tenses()["english"]) == "coming"
