"""Matching: whether a text states a fact. Typed, on token boundaries: a swapped number is a miss, not a near hit."""

import re
import unicodedata
from collections.abc import Iterable
from datetime import date
from functools import lru_cache

from eval.records import Matcher
from service.citations.dates import Date, find_dates
from service.citations.numbers import find_numbers

_PLAIN = str.maketrans({
    "‘": "'", "’": "'", "“": '"', "”": '"', "–": "-", "—": "-", "‑": "-", "\u00a0": " ", "…": "...",
})  # fmt: skip
_MARKER = re.compile(r"\s*\[\d+\]")


def fires(matchers: Iterable[Matcher], text: str) -> bool:
    """Whether any of the matchers fires on a text; markers are no part of it."""
    plain = without_markers(text)
    return any(_fires(matcher, plain) for matcher in matchers)


def without_markers(text: str) -> str:
    """An answer's words without its `[n]`."""
    return _MARKER.sub("", text)


def normalised(text: str) -> str:
    """A text as matchers compare it: NFKC, plain quotes and dashes, one case, single spaces."""
    return " ".join(unicodedata.normalize("NFKC", text.translate(_PLAIN)).casefold().split())


def _fires(matcher: Matcher, text: str) -> bool:
    if matcher.all is not None:
        return all(_fires(part, text) for part in matcher.all)
    if matcher.text is not None:
        return any(_stands_in(alias, normalised(text)) for alias in matcher.text)
    if matcher.number is not None:
        return _has_number(matcher.number, matcher.unit, text)
    return matcher.date is not None and _has_date(matcher.date, text)


def _stands_in(alias: str, text: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(normalised(alias))}(?!\w)", text) is not None


def _has_number(value: float, unit: str | None, text: str) -> bool:
    found = find_numbers(find_dates(text).rest) + find_numbers(text)
    wanted = _unit(unit)
    return any(
        abs(number.value - value) <= 1e-9 * max(1.0, abs(value)) and (wanted is None or number.unit in (wanted, None))
        for number in found
    )


@lru_cache(maxsize=256)
def _unit(unit: str | None) -> str | None:
    """A unit in the form in which numbers carry it."""
    if unit is None:
        return None
    numbers = find_numbers(f"2 {unit}")
    return numbers[0].unit if numbers and numbers[0].unit else None


def _has_date(stated: str, text: str) -> bool:
    wanted = _date(stated)
    return any(
        wanted.year in (None, found.year) and wanted.month in (None, found.month) and wanted.day in (None, found.day)
        for found in find_dates(text).dates
        if found.weekday is None
    ) or _day_without_year(wanted, text)


def _day_without_year(wanted: Date, text: str) -> bool:
    """A day and month without a year state a full date: newspapers leave out the year they write in."""
    return wanted.day is not None and any(
        found.year is None and (found.month, found.day) == (wanted.month, wanted.day)
        for found in find_dates(text).dates
    )


def _date(stated: str) -> Date:
    parts = [int(part) for part in stated[:10].split("-")]
    if len(parts) == 3:
        date(*parts)  # a day that does not exist is a mistake in the gold set
    year, month, day = [*parts, None, None][:3]
    return Date(year, month, day)
