"""Arithmetic: the numbers that follow from those of a source."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.citations.numbers import can_be_worked_out, find_numbers

FOLLOWS = [
    ("211 people", "187 passengers and 24 crew"),
    ("13 centimes more", "62 now and 75 wanted"),
    ("32 million euros", "28 million euros and 4 million euros"),
    ("five million euros higher", "84 million euros against 79 million euros"),
    ("a quarter of it", "3.1 million of the 12.4 million tonnes"),
    ("about a third of them", "58 patients, 19 in hospital"),
    ("more than three quarters", "17 of the 22 beams"),
    ("fewer than a third of adults", "31 percent of adults"),
    ("18 percent", "82 percent"),
    ("one in five", "80 percent"),
    ("about one in six", "62 of 380"),
    ("more than twice as many", "5,400 came, 2,500 were expected"),
    ("1,400 euros each", "4,200 euros, divided by three"),
    ("a little over 32,000 pounds", "214 villagers, 150 pounds each"),
    ("six months", "half a year"),
    ("a decade", "10 years"),
    ("120 minutes", "2 hours"),
    ("3.5 percentage points", "9 percent, then 5.5 percent"),
]


@pytest.mark.parametrize(("claim", "source"), FOLLOWS)
def test_a_number_is_worked_out(claim: str, source: str) -> None:
    """Sums, differences, shares, multiples, products, quotients and other units follow from a source."""
    assert all(can_be_worked_out(number, find_numbers(source)) for number in find_numbers(claim))


DOES_NOT_FOLLOW = [
    ("212 people", "187 passengers and 24 crew"),
    ("a third of it", "3.1 million of the 12.4 million tonnes"),
    ("more than half", "58 patients, 19 in hospital"),
    ("less than half", "1.1 million of the 1.9 million"),
    ("17 percent", "82 percent"),
    ("more than twice as many", "5,400 came, 3,500 were expected"),
    ("2,100 euros each", "4,200 euros, divided by three"),
    ("seven months", "half a year"),
    ("5 million dollars", "3 million euros and 2 million euros"),
    ("5 hours", "2 hours and 3 euros"),
    ("12 boats", "12 percent"),
]


@pytest.mark.parametrize(("claim", "source"), DOES_NOT_FOLLOW)
def test_a_wrong_result_does_not_follow(claim: str, source: str) -> None:
    """A result that is wrong, of another unit or on the other side of its hedge does not follow."""
    assert not all(can_be_worked_out(number, find_numbers(source)) for number in find_numbers(claim))


def test_years_between_two_years_are_counted() -> None:
    """The difference of two years is a number of years."""
    (number,) = find_numbers("for 44 years")
    assert can_be_worked_out(number, [], [1948, 1992])
    assert not can_be_worked_out(number, [], [1948, 1991])


@given(text=st.text(max_size=30), other=st.text(max_size=30), years=st.lists(st.integers(1900, 2099), max_size=3))
def test_any_numbers_can_be_combined(text: str, other: str, years: list[int]) -> None:
    """Any text can be processed."""
    for number in find_numbers(text):
        can_be_worked_out(number, find_numbers(other), years)
