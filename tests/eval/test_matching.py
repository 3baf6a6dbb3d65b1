"""Matching: a table of cases by hand, and invariants for any text."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from eval.matching import matches, normalised, without_markers
from eval.records import Matcher

WORDS: list[tuple[tuple[str, ...], str, bool]] = [
    (("Ines Corrand",), "Ines Corrand cut the ribbon.", True),
    (("Ines Corrand",), "INES CORRAND cut the ribbon.", True),
    (("ines corrand",), "It was Ines  Corrand.", True),
    (("Ines Corrand",), "It was Ines\nCorrand.", True),
    (("Ines Corrand",), "It was Ines\u00a0Corrand.", True),
    (("Ines Corrand",), "It was Ines B. Corrand.", False),
    (("Ines Corrand",), "It was Corrand, Ines.", False),
    (("Corrand",), "Corrand's ribbon", True),
    (("Corrand",), "Corrand’s ribbon", True),
    (("Corrand",), "the Corrands", False),
    (("Corrand",), "McCorrand", False),
    (("Corrand",), "“Corrand”", True),
    (("Corrand",), "(Corrand)", True),
    (("Corrand",), "Corrand-Lind", True),
    (("Corrand", "the mayor"), "The mayor did.", True),
    (("Corrand", "the mayor"), "The clerk did.", False),
    (("May",), "Theresa May spoke.", True),
    (("May",), "They may speak.", True),
    (("May",), "Mayor Lind spoke.", False),
    (("May",), "dismay", False),
    (("10",), "2010", False),
    (("10",), "in 10 days", True),
    (("10",), "10.5 metres", False),
    (("10",), "10,500 metres", False),
    (("200",), "1,200 people", False),
    (("5",), "1.5 metres", False),
    (("10",), "It was 10.", True),
    (("10",), "First 10, then 12", True),
    (("10",), "10th", False),
    (("10%",), "10% of it", True),
    (("10%",), "110% of it", False),
    (("£5",), "It cost £5.", True),
    (("£5",), "It cost £50.", False),
    (("-3",), "at -3 degrees", True),
    (("-3",), "from 10-3", False),
    (("don't",), "They don’t know.", True),
    (('"enough"',), "He said “enough”.", True),
    (("east-west",), "the east–west line", True),
    (("wait...",), "wait…", True),
    (("straße",), "STRASSE", True),
    (("café",), "cafe\u0301", True),
    (("ﬁre",), "fire", True),
    (("a.b",), "acb", False),
    (("(sic)",), "so (sic) it was", True),
    (("6 crowns",), "6 [1] crowns", True),
    (("Quay Nine",), "at Quay Nine [1].", True),
    (("1",), "at Quay Nine [1].", False),
    (("[1]",), "at Quay Nine [1].", False),
    (("quarter point",), "a quarter-point rise", False),
    (("no",), "notable", False),
    (("art",), "", False),
    (("Lund Haven",), "Lund, Haven", False),
]

NUMBERS: list[tuple[float, str | None, str, bool]] = [
    (10, None, "10 boats", True),
    (10, None, "2010", False),
    (10, None, "It was founded in 2010.", False),
    (10, None, "10.5 boats", False),
    (10, None, "10.0 boats", True),
    (10, None, "ten boats", True),
    (10, None, "the tenth boat", True),
    (10, None, "110 boats", False),
    (10, None, "1 0 boats", False),
    (2010, None, "It was founded in 2010.", True),
    (1900, None, "1900 boats", True),
    (1900, None, "1,900 boats", True),
    (1.2e6, None, "1.2 million people", True),
    (1.2e6, None, "1,200,000 people", True),
    (1.2e6, None, "1.2m people", True),
    (1.2e6, None, "1.2 people", False),
    (1.2e6, None, "1.2 billion people", False),
    (1.2, None, "1.2 million people", False),
    (3.4e9, None, "3.4bn", True),
    (3.4e9, None, "3,400 million", True),
    (3.4e9, None, "3.4 billion", True),
    (3.4e9, None, "3,400,000,000", True),
    (3.4e9, None, "3.4 million", False),
    (3.4e9, None, "34 billion", False),
    (3.4e9, "euro", "€3.4bn", True),
    (3.4e9, "euro", "3.4 billion euros", True),
    (3.4e9, "euro", "$3.4bn", False),
    (3.4e9, "euro", "3.4 billion", True),
    (3.4e9, "€", "3.4 billion euros", True),
    (3.4e9, "dollars", "€3.4bn", False),
    (3.4e9, "crowns", "3.4 billion crowns", True),
    (6, "crowns", "6 percent", False),
    (6, "crowns", "6 dollars", False),
    (6, "crowns", "six crowns", True),
    (6, "crowns", "6", True),
    (6, "boats", "6 km", False),
    (-3, None, "-3 degrees", True),
    (-3, None, "−3 degrees", True),
    (-3, None, "minus 3 degrees", True),
    (-3, "percent", "-3 %", True),
    (-3, "percent", "a growth of minus three percent", True),
    (-3, None, "3 degrees", False),
    (3, None, "-3 degrees", False),
    (3, None, "minus three", False),
    (3, None, "7-3", True),
    (12, "percent", "12 percent of the boats", True),
    (12, "percent", "12% of the boats", True),
    (12, "percent", "12 per cent of the boats", True),
    (12, "percent", "twelve per cent", True),
    (12, "percent", "12 boats", False),
    (12, "percent", "12", False),
    (12, "percent", "12 percentage points", False),
    (12, "percentage points", "12 percentage points", True),
    (12, "percentage points", "12 percent", False),
    (12, None, "12 percent", True),
    (12, "boats", "12 percent of the boats", False),
    (0.25, "percentage points", "0.25 percentage points", True),
    (0.5, None, "half of them", True),
    (12, None, "a dozen boats", True),
    (41, None, "forty-one times", True),
    (41, None, "forty one times", True),
    (41, None, "forty times", False),
    (1200, None, "twelve hundred people", True),
    (1200, None, "one thousand people", False),
    (1200, None, "1200 people", True),
    (1200, None, "1 200 people", False),
    (1200, None, "1\u202f200 people", True),
    (1200, None, "1,20 people", False),
    (2, None, "twice", True),
    (1, None, "one of them", False),
    (1, None, "1 of them", True),
    (31, "metres", "31 metres", True),
    (31, "metres", "31 meters", True),
    (31, "metres", "31-metre tower", True),
    (31, "metres", "31 feet", False),
    (31, "metres", "31 kilometres", False),
    (90, "minutes", "90 minutes", True),
    (90, "minutes", "90 hours", False),
    (90, "minutes", "ninety minutes", True),
    (3, "hours", "three hours", True),
    (5, None, "on 5 March 2025", False),
    (5, None, "on March 5", False),
    (5, None, "on March 5, 5 boats sank", True),
    (2025, None, "on 5 March 2025", False),
    (2025, None, "in March 2025", True),
    (3, None, "2025-03-05", False),
    (0, None, "no boats", False),
    (0, None, "zero boats", True),
    (0, None, "0 boats", True),
    (23, "percent", "23.0 percent", True),
    (23, "percent", "32 percent", False),
    (23, "percent", "between 20 and 23 percent", True),
    (20, "percent", "between 20 and 23 percent", True),
    (7, None, "[7]", False),
    (7, None, "seven [3]", True),
    (1e-3, None, "0.001", True),
    (1e-3, None, "0.002", False),
    (1e9, None, "1,000,000,010", False),
    (0.3, None, "0.3000001", False),
]

DATES: list[tuple[str, str, bool]] = [
    ("2024-03-05", "on 5 March 2024", True),
    ("2024-03-05", "on March 5, 2024", True),
    ("2024-03-05", "on 5th March 2024", True),
    ("2024-03-05", "on the 5th of March 2024", True),
    ("2024-03-05", "on 5 Mar 2024", True),
    ("2024-03-05", "on Mar. 5, 2024", True),
    ("2024-03-05", "2024-03-05", True),
    ("2024-03-05", "on 5 March", True),
    ("2024-03-05", "on March 5", True),
    ("2024-03-05", "on Tuesday, 5 March 2024", True),
    ("2024-03-05", "on 5 March 2023", False),
    ("2024-03-05", "on 6 March 2024", False),
    ("2024-03-05", "on 6 March", False),
    ("2024-03-05", "on 5 May 2024", False),
    ("2024-03-05", "on 15 March 2024", False),
    ("2024-03-05", "in March 2024", False),
    ("2024-03-05", "in March", False),
    ("2024-03-05", "in 2024", False),
    ("2024-03-05", "on Tuesday", False),
    ("2024-03-05", "last year", False),
    ("2024-03-05", "5 boats in March", False),
    ("2024-03-05", "03/05/2024", False),
    ("2024-04-03", "03/04/2024", False),
    ("2024-03-05", "Between 1 March and 5 March 2024", True),
    ("2024-03", "on 5 March 2024", True),
    ("2024-03", "in March 2024", True),
    ("2024-03", "in March of 2024", True),
    ("2024-03", "in March", False),
    ("2024-03", "on 5 March", False),
    ("2024-03", "in 2024", False),
    ("2024-03", "in May 2024", False),
    ("2024-05", "Theresa May spoke in 2024", False),
    ("2024-05", "in May 2024", True),
    ("2024", "on 5 March 2024", True),
    ("2024", "in 2024", True),
    ("2024", "since 2024, when", True),
    ("2024", "in 2023", False),
    ("2024", "20245", False),
    ("2024", "€2024", False),
    ("2024", "in March", False),
    ("2024", "on 5 March", False),
    ("2024-12-31", "on New Year's Eve", False),
    ("2024-12-31", "on December 31 2024", True),
    ("2024-02-29", "on 29 February 2024 [2]", True),
]


@pytest.mark.parametrize(("words", "text", "stated"), WORDS)
def test_words_count_on_token_boundaries(words: tuple[str, ...], text: str, stated: bool) -> None:
    """Complete words are found, in any case and with any quotes, dashes and spaces."""
    assert matches([Matcher(text=words)], text) is stated


@pytest.mark.parametrize(("value", "unit", "text", "stated"), NUMBERS)
def test_numbers_count_by_value_and_unit(value: float, unit: str | None, text: str, stated: bool) -> None:
    """A number is found by its value in any form, and with the same unit if both have one."""
    assert matches([Matcher(number=value, unit=unit)], text) is stated


@pytest.mark.parametrize(("stated_date", "text", "stated"), DATES)
def test_dates_count_at_their_precision(stated_date: str, text: str, stated: bool) -> None:
    """A date is found in a text that names it at least as precisely; a day needs no year."""
    assert matches([Matcher(date=stated_date)], text) is stated


def test_the_table_is_long_enough() -> None:
    """The table has at least 150 cases."""
    assert len(WORDS) + len(NUMBERS) + len(DATES) >= 150


def test_any_of_several_matchers_is_enough() -> None:
    """A fact is stated if and only if one of its matchers matches."""
    either = [Matcher(number=6), Matcher(text=("half a dozen",))]
    assert matches(either, "6 boats")
    assert matches(either, "half a dozen boats")
    assert not matches(either, "7 boats")
    assert not matches([], "7 boats")


def test_all_parts_must_fire() -> None:
    """A matcher of several parts matches if each of them does, in any order."""
    both = [Matcher(all=(Matcher(text=("roof",)), Matcher(date="2025-01"), Matcher(number=3)))]
    assert matches(both, "In January 2025 3 roofers came to the roof.")
    assert not matches(both, "In January 2025 3 roofers came.")
    assert not matches(both, "The roof leaked in January 2025.")
    assert not matches(both, "3 tiles of the roof fell.")


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"text": []},
        {"text": [" "]},
        {"all": []},
        {"text": ["a"], "number": 1},
        {"text": ["a"], "unit": "km"},
        {"number": float("nan")},
        {"number": float("inf")},
        {"date": "2024-02-30"},
        {"date": "2024-13"},
        {"date": "5 March 2024"},
        {"date": "24"},
        {"unit": "km"},
        {"words": ["a"]},
    ],
)
def test_a_matcher_that_cannot_mean_anything_is_refused(fields: dict[str, object]) -> None:
    """A matcher that would fire always, never or on two values is invalid."""
    with pytest.raises(ValidationError):
        Matcher.model_validate(fields)


def test_a_day_that_exists_is_accepted() -> None:
    """Valid dates are a year, a month or a day."""
    assert [Matcher(date=stated).date for stated in ("2024", "2024-02", "2024-02-29")] == [
        "2024",
        "2024-02",
        "2024-02-29",
    ]


@given(st.floats(min_value=-1e9, max_value=1e9).map(lambda value: round(value, 3)))
def test_a_written_number_is_found(value: float) -> None:
    """A number is found in a text with it, with or without thousands separators; its double is not."""
    for written in (f"{value:.3f}", f"{value:,.3f}"):
        assert matches([Matcher(number=value)], f"It was {written} in all.")
        assert value == 0 or not matches([Matcher(number=2 * value)], f"It was {written} in all.")


@given(st.dates(min_value=date(1950, 1, 1), max_value=date(2049, 12, 31)))
def test_a_written_day_is_found(day: date) -> None:
    """A day is found in any notation, at every precision; another year is not."""
    for written in (f"{day.day} {day:%B} {day.year}", f"{day:%B} {day.day}, {day.year}", day.isoformat()):
        for precision in (10, 7, 4):
            assert matches([Matcher(date=day.isoformat()[:precision])], f"It was on {written} that they came.")
        assert not matches([Matcher(date=str(day.year + 1))], f"It was on {written} that they came.")


@given(st.text(max_size=80), st.text(max_size=20).filter(str.strip))
def test_no_text_is_too_strange(text: str, alias: str) -> None:
    """Matching raises no error for any text, and does not depend on its case."""
    for matcher in (Matcher(text=(alias,)), Matcher(number=7, unit="km"), Matcher(date="2024-03")):
        assert isinstance(matches([matcher], text), bool)
    assert matches([Matcher(text=("harbour",))], f"{text} harbour")


@given(st.text(max_size=60))
def test_normalising_twice_changes_nothing_more(text: str) -> None:
    """A normalised text stays as it is, without double spaces."""
    once = normalised(normalised(text))
    assert normalised(once) == once
    assert "  " not in once


def test_markers_are_no_part_of_an_answer() -> None:
    """Markers and the space before them are left out; other brackets stay."""
    assert without_markers("It sank [1][2]. All [sic] left [x] [12].") == "It sank. All [sic] left [x]."
