"""Numbers: values and units, and hedges."""

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from service.citations.numbers import Number, find_numbers, missing_number

ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen"
    " eighteen nineteen"
).split()
TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
MAGNITUDES = {"thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}


def spelled(number: int) -> str:
    """A number below 1,000 in words."""
    if number < 20:
        return ONES[number]
    if number < 100:
        return TENS[number // 10 - 2] + (f"-{ONES[number % 10]}" if number % 10 else "")
    return f"{ONES[number // 100]} hundred" + (f" and {spelled(number % 100)}" if number % 100 else "")


def values(text: str) -> list[float]:
    """The values of a text's numbers."""
    return [number.value for number in find_numbers(text)]


@given(number=st.integers(0, 10**14))
def test_thousands_make_no_difference(number: int) -> None:
    """A number has the same value with and without commas, and with thin or fixed spaces."""
    for written in (
        f"{number}",
        f"{number:,}",
        f"{number:,}".replace(",", "\u00a0"),
        f"{number:,}".replace(",", "\u202f"),
    ):
        assert values(f"It cost {written} crowns.") == [number]


@given(number=st.integers(2, 999), magnitude=st.sampled_from(["", *MAGNITUDES]))
def test_words_have_the_value_of_digits(number: int, magnitude: str) -> None:
    """A number in words, with a magnitude or without, is the number."""
    value = number * MAGNITUDES.get(magnitude, 1)
    for written in (
        f"{spelled(number)} {magnitude}",
        f"{spelled(number).capitalize()} {magnitude}",
        f"{number} {magnitude}",
    ):
        assert values(f"{written} tonnes were lost") == [value]


@given(number=st.decimals(min_value="0.1", max_value="999", places=1), magnitude=st.sampled_from(list(MAGNITUDES)))
def test_decimals_count_magnitudes(number: object, magnitude: str) -> None:
    """`3.4 million` is 3,400,000."""
    assert values(f"about {number} {magnitude} people") == [pytest.approx(float(str(number)) * MAGNITUDES[magnitude])]


@given(text=st.text(max_size=60))
@example("10² and x² at 1,200:30, ½ ١٢ ２ 𝟙 5, 6 - -7 .5 9.")
def test_every_text_has_numbers_or_none(text: str) -> None:
    """Any text can be processed, and states each of its numbers."""
    found = find_numbers(text)
    assert missing_number(found, found) is None


@given(claim=st.text(max_size=30), source=st.text(max_size=30), more=st.text(max_size=30))
def test_a_longer_source_states_no_less(claim: str, source: str, more: str) -> None:
    """A number that a source states is not missing in a source with more numbers."""
    wanted = find_numbers(claim)
    assume(missing_number(wanted, find_numbers(source)) is None)
    assert missing_number(wanted, find_numbers(source) + find_numbers(more)) is None


READ: dict[str, list[tuple[float, str | None]]] = {
    "€3.4m": [(3.4e6, "euro")],
    "$3.4bn": [(3.4e9, "dollar")],
    "3.4 million euros": [(3.4e6, "euro")],
    "12 percent": [(12, "percent")],
    "12%": [(12, "percent")],
    "twelve per cent": [(12, "percent")],
    "12 percentage points": [(12, "point")],
    "a million": [(1e6, None)],
    "a hundred and fifty": [(150, None)],
    "half a million": [(5e5, None)],
    "two and a half": [(2.5, None)],
    "2½ hours": [(2.5, "hour")],
    "two thirds": [(2 / 3, None)],
    "a third of": [(1 / 3, None)],
    "three quarters": [(0.75, None)],
    "the third man": [(3, None)],
    "a tenth more": [(0.1, None)],
    "a third goal": [(3, None)],
    "one in six": [(1 / 6, None)],
    "one branch in six": [(1 / 6, None)],
    "one farmer out of every three": [(1 / 3, None)],
    "a fortnight": [],
    "the first quarter": [],
    "two dozen": [(24, None)],
    "21st": [(21, None)],
    "the twenty-first": [(21, None)],
    "one of them": [],
    "9.30 a.m.": [(9.3, "am")],
    "9:30 pm": [(9.3, "pm")],
    "between 10 and 12 percent": [(10, "percent"), (12, "percent")],
    "10-12 kilometres": [(10, "km"), (12, "km")],
    "3, 5 and 7 percent": [(3, "percent"), (5, "percent"), (7, "percent")],
    "-5 degrees": [(-5, None)],
    "minus five degrees": [(-5, None)],
    "3-2": [(3, None), (2, None)],
    "a 412-metre bridge": [(412, "metre")],
    "version 1.2.3": [],
}


@pytest.mark.parametrize("text", READ)
def test_a_number_is_read_with_its_unit(text: str) -> None:
    """Currencies, shares, fractions, ranges, ordinals, clock times and signs are read."""
    assert [(number.value, number.unit) for number in find_numbers(text)] == READ[text]


STATED = [
    ("3.4 million", "3,400,000"),
    ("€3.4m", "3.4 million euros"),
    ("12 percent", "12%"),
    ("twelve", "12"),
    ("12 of them", "12 boats"),
    ("400 metres", "412, or about 400 metres"),
    ("about 400", "412"),
    ("nearly 6,400", "6,382"),
    ("more than 6,400", "6,412"),
    ("fewer than 6,400", "6,382"),
    ("about 3.4 million", "3,412,000"),
    ("more than 400", "more than 400"),
    ("10 percent", "between 10 and 12 percent"),
    ("5 kilometres", "5km"),
    ("4 p.m.", "4pm"),
    ("half a million", "500,000"),
]
NOT_STATED = [
    ("12", "13"),
    ("3.4 billion", "3.4 million"),
    ("a million", "a thousand"),
    ("12 percent", "12"),
    ("12 boats", "12 percent"),
    ("2 percent", "2 percentage points"),
    ("3 dollars", "3 euros"),
    ("412 feet", "412 metres"),
    ("5 days", "5 weeks"),
    ("9 a.m.", "9 p.m."),
    ("-5", "5"),
    ("two thirds", "two fifths"),
    ("400", "412"),
    ("about 500", "412"),
    ("more than 6,400", "6,382"),
    ("fewer than 6,400", "6,412"),
    ("the 21st", "the 22nd"),
    ("1.5", "15"),
]


@pytest.mark.parametrize(("claim", "source"), STATED)
def test_the_same_number_is_stated(claim: str, source: str) -> None:
    """A number is stated in another form, without its unit, or for a claim with a hedge."""
    assert missing_number(find_numbers(claim), find_numbers(source)) is None


@pytest.mark.parametrize(("claim", "source"), NOT_STATED)
def test_another_number_is_not_stated(claim: str, source: str) -> None:
    """Another value, magnitude, unit, sign or half of the day is another number."""
    assert missing_number(find_numbers(claim), find_numbers(source)) == find_numbers(claim)[0]


@given(value=st.integers(1, 10**6), other=st.integers(1, 10**6), unit=st.sampled_from(["", " percent", " metres"]))
def test_exactly_equal_numbers_agree(value: int, other: int, unit: str) -> None:
    """Without a hedge a number agrees with itself only."""
    missing = missing_number(find_numbers(f"{value:,}{unit}"), find_numbers(f"{other}{unit}"))
    assert (missing is None) == (value == other)


@given(value=st.integers(10, 10**7), digits=st.integers(1, 6))
def test_a_hedged_number_may_be_rounded(value: int, digits: int) -> None:
    """A hedged, rounded number is stated by the exact number."""
    rounded = round(value, -digits)
    assume(rounded > 0)
    claim = [Number(float(rounded), None, str(rounded), "about")]
    assert missing_number(claim, find_numbers(str(value))) is None
