"""Matching: does a text state a fact? Matchers are typed: a swapped number is a miss, not a near hit.

Numbers and dates are found here and not by the service's finders, so that an error of theirs cannot excuse itself.
"""

import re
from collections.abc import Iterable
from contextlib import suppress
from datetime import date
from functools import lru_cache
from math import isclose
from typing import NamedTuple

from eval.records import Matcher
from index.text import normal_form

_PLAIN = str.maketrans({
    "‘": "'", "’": "'", "“": '"', "”": '"', "–": "-", "—": "-", "‑": "-", "\u00a0": " ", "…": "...",
})  # fmt: skip
_MARKER = re.compile(r"\s*\[\d+\]")

_ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen"
    " eighteen nineteen"
).split()
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
_ORDINALS = "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth".split()
_WORDS: dict[str, float] = {
    **{word: float(value) for value, word in enumerate(_ONES)},
    **{word: 20.0 + 10 * at for at, word in enumerate(_TENS)},
    **{word: float(at) for at, word in enumerate(_ORDINALS, 1)},
    **dict.fromkeys(("twice", "double", "doubled"), 2.0),
    **dict.fromkeys(("triple", "tripled"), 3.0),
    "half": 0.5,
    "dozen": 12.0,
}
_SCALES: dict[str, float] = {
    "hundred": 100.0,
    "dozen": 12.0,
    **dict.fromkeys(("thousand", "k"), 1e3),
    **dict.fromkeys(("million", "m", "mn"), 1e6),
    **dict.fromkeys(("billion", "bn", "b"), 1e9),
    **dict.fromkeys(("trillion", "tn"), 1e12),
}
_LONE = frozenset(("one", "first", "second"))
"""Words that are rarely a number when alone: `one of them`, `a second later`."""

_UNITS = {
    "percent": "% percent pct",
    "point": "percentagepoint percentagepoints",
    "euro": "€ euro euros eur",
    "dollar": "$ dollar dollars usd",
    "pound": "£ pound pounds gbp",
    "km": "km kilometre kilometres kilometer kilometers",
    "metre": "metre metres meter meters",
    "cm": "cm centimetre centimetres centimeter centimeters",
    "foot": "foot feet ft",
    "kg": "kg kilogram kilograms kilo kilos",
    "tonne": "tonne tonnes ton tons",
    "hectare": "hectare hectares ha",
    "litre": "litre litres liter liters",
    **{unit: f"{unit} {unit}s" for unit in "mile acre second minute hour day week month year".split()},
}
_UNIT_OF = {word: unit for unit, words in _UNITS.items() for word in words.split()}
_SHARES = frozenset(("percent", "point"))
"""Units that a number needs: 12 percent of the boats are not 12 boats."""

_MONTHS = "january february march april may june july august september october november december".split()
_MONTH_OF = {form: at for at, name in enumerate(_MONTHS, 1) for form in (name, name[:3])} | {"sept": 9}

_CLEANED = (
    (re.compile(r"\bper[ -]cent\b", re.IGNORECASE), "percent"),
    (re.compile(r"\bpercentage (point)", re.IGNORECASE), r"percentage\1"),
    (re.compile(r"(?<=\d)[\u00a0\u2009\u202f](?=\d{3}(?!\d))"), ""),
    (re.compile(r"(?<!\S)[-−](?=\d)"), "minus "),
    (re.compile(r"(?<=\d)(?=[a-z€$£%])", re.IGNORECASE), " "),
    (re.compile(r"-"), " "),
)
_TOKEN = re.compile(r"[€$£%]|\d+(?:[.,:]\d+)*|[^\W\d_]+|[^\s\w]")
_GROUPED = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_DAY = r"(?<![\w€$£])(?<!\d[.,])(?P<{}>0?[1-9]|[12]\d|3[01])(?:st|nd|rd|th)?(?![\w%]|[.,]\d)"
_YEAR = r"(?<![\w€$£])(?<!\d[.,])(?P<{}>(?:19|20)\d\d)(?![\w%]|[.,]\d)"
_DATE = re.compile(
    r"(?P<iso>(?<!\d)\d{4}-\d\d-\d\d(?!\d))"
    # A month has a capital: "they may" is not one.
    rf"|(?:{_DAY.format('before')}\s+(?:of\s+)?)?(?<![^\W_])(?=[A-Z])(?P<month>(?i:{'|'.join(_MONTH_OF)}))(?![^\W_])\.?"
    rf"(?(before)|(?:\s+{_DAY.format('behind')})?)(?:(?:\s*,|\s+of)?\s*{_YEAR.format('year')})?"
    rf"|{_YEAR.format('alone')}"
)


class Number(NamedTuple):
    """A value and its unit, None if the text names none that is known."""

    value: float
    unit: str | None


class Date(NamedTuple):
    """A date at the precision of the text; None for a part that is not stated."""

    year: int | None
    month: int | None = None
    day: int | None = None


def matches(matchers: Iterable[Matcher], text: str) -> bool:
    """Return whether one of the matchers matches a text; the text's markers do not count."""
    unmarked = without_markers(text)
    return any(_matches(matcher, unmarked) for matcher in matchers)


def without_markers(text: str) -> str:
    """Remove each `[n]` from an answer."""
    return _MARKER.sub("", text)


@lru_cache(maxsize=512)
def normalised(text: str) -> str:
    """Return a text as matchers compare it: plain, in one case."""
    return plain(text).casefold()


def plain(text: str) -> str:
    """Return a text with plain quotes and dashes, in NFKC, with single spaces."""
    return " ".join(normal_form("NFKC", text.translate(_PLAIN)).split())


def _matches(matcher: Matcher, text: str) -> bool:
    if matcher.all is not None:
        return all(_matches(part, text) for part in matcher.all)
    if matcher.text is not None:
        return any(_contains(normalised(text), alias) for alias in matcher.text)
    if matcher.number is not None:
        return _has_number(text, matcher.number, matcher.unit)
    return matcher.date is not None and _has_date(text, matcher.date)


def _contains(text: str, alias: str) -> bool:
    return re.search(rf"(?<!\w)(?<!\d[.,]){re.escape(normalised(alias))}(?!\w|[.,]\d)", text) is not None


def _has_number(text: str, value: float, unit: str | None) -> bool:
    """Return whether a text has a number; one without a unit will do, unless a share is asked for."""
    wanted = _UNIT_OF.get(_clean(unit or "").replace(" ", "").lower())
    return any(
        isclose(number.value, value, rel_tol=1e-9)
        and (unit is None or number.unit == wanted or (number.unit is None and wanted not in _SHARES))
        for number in numbers(text)
    )


def _has_date(text: str, stated: str) -> bool:
    """Return whether a text has a date; newspapers leave out the year they write in, so a full date needs no year."""
    year, month, day = [*map(int, stated.split("-")), None, None][:3]
    return any(
        (found.year == year or (found.year is None and day is not None))
        and month in (None, found.month)
        and day in (None, found.day)
        for found in dates(text)
    )


@lru_cache(maxsize=512)
def numbers(text: str) -> tuple[Number, ...]:
    """Return each number of a text, in digits or English words, with the unit beside it.

    A day of a date is not a number; a year is, because there may be 1900 boats.
    """
    tokens = [token.lower() for token in _TOKEN.findall(_clean(_without_days(text)))]
    found: list[Number] = []
    at, open_range = 0, False
    while at < len(tokens):
        value, after = _value(tokens, at)
        if value is None:
            open_range = open_range and tokens[at] in ("and", "to", "or", "–")
            at += 1
            continue
        unit = _unit(tokens, at, after)
        if open_range and found and found[-1].unit is None:
            found[-1] = found[-1]._replace(unit=unit)
        found.append(Number(-value if at and tokens[at - 1] == "minus" else value, unit))
        at, open_range = after, True
    return tuple(found)


def _clean(text: str) -> str:
    for pattern, replacement in _CLEANED:
        text = pattern.sub(replacement, text)
    return text


def _value(tokens: list[str], at: int) -> tuple[float | None, int]:
    """Return the value of the number that begins at a token and the index behind it."""
    if tokens[at][0].isdecimal():
        value, at = _digits(tokens[at]), at + 1
        at += at < len(tokens) and tokens[at] in ("st", "nd", "rd", "th")
    else:
        start = at
        value, at = _spelled(tokens, at)
        if at == start + 1 and tokens[start] in _LONE:
            return None, at
    while value is not None and at < len(tokens) and tokens[at] in _SCALES:
        value, at = value * _SCALES[tokens[at]], at + 1
    return value, at


def _digits(token: str) -> float | None:
    plain = token.replace(",", "") if _GROUPED.fullmatch(token) else token.replace(",", ".")
    return float(plain) if ":" not in plain and plain.count(".") < 2 else None


def _spelled(tokens: list[str], at: int) -> tuple[float | None, int]:
    total: float | None = None
    while at < len(tokens):
        value = _WORDS.get(tokens[at])
        joins = tokens[at] == "and" and total and total >= 100 and tokens[at + 1 : at + 2] and tokens[at + 1] in _WORDS
        if value is not None and _may_follow(total, value):
            total = (total or 0.0) + value
        elif tokens[at] in ("hundred", "thousand", "million", "billion", "trillion") and total is not None:
            total *= _SCALES[tokens[at]]
        elif not joins:
            break
        at += 1
    return total, at


def _may_follow(total: float | None, value: float) -> bool:
    """Return whether a number word continues a number: `forty` `one`, `two hundred` `ten`."""
    return total is None or total >= 100 or (total >= 20 and total % 10 == 0 and 1 <= value < 10)


def _unit(tokens: list[str], at: int, after: int) -> str | None:
    if at and tokens[at - 1] in ("€", "$", "£"):
        return _UNIT_OF[tokens[at - 1]]
    return next((_UNIT_OF[word] for word in tokens[after : after + 2] if word in _UNIT_OF), None)


@lru_cache(maxsize=512)
def dates(text: str) -> tuple[Date, ...]:
    """Return each date of a text: a day, a month or a year as it is written."""
    return tuple(filter(None, map(_date, _DATE.finditer(text))))


def _date(found: re.Match[str]) -> Date | None:
    if found["iso"]:
        with suppress(ValueError):
            day = date.fromisoformat(found["iso"])
            return Date(day.year, day.month, day.day)
        return None
    year, day_of_month = found["year"] or found["alone"], found["before"] or found["behind"]
    month = _MONTH_OF.get((found["month"] or "").lower())
    return Date(int(year) if year else None, month, int(day_of_month) if day_of_month else None)


def _without_days(text: str) -> str:
    """Blank each date that names a day, because the 5 of `5 March` counts nothing."""

    def blanked(found: re.Match[str]) -> str:
        day = _date(found)
        return " " * len(found[0]) if day and day.day else found[0]

    return _DATE.sub(blanked, text)
