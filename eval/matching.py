"""Matching: whether a text states a fact. Typed, on token boundaries: a swapped number is a miss, not a near hit."""

import re
from collections.abc import Iterable
from functools import lru_cache
from math import isclose

from eval.records import Matcher
from eval.values import SHARES, Date, Number, dates, numbers, unit_of, without_days
from index.terms import normal_form

_PLAIN = str.maketrans({
    "‘": "'", "’": "'", "“": '"', "”": '"', "–": "-", "—": "-", "‑": "-", "\u00a0": " ", "…": "...",
})  # fmt: skip
_MARKER = re.compile(r"\s*\[\d+\]")


def fires(matchers: Iterable[Matcher], text: str) -> bool:
    """Whether any of the matchers fires on a text; markers are no part of it."""
    unmarked = without_markers(text)
    return any(_fires(matcher, unmarked) for matcher in matchers)


def without_markers(text: str) -> str:
    """An answer's words without its `[n]`."""
    return _MARKER.sub("", text)


@lru_cache(maxsize=512)
def normalised(text: str) -> str:
    """A text as matchers compare it: plain, in one case."""
    return plain(text).casefold()


def plain(text: str) -> str:
    """A text with plain quotes and dashes, in NFKC, with single spaces."""
    return " ".join(normal_form("NFKC", text.translate(_PLAIN)).split())


def _fires(matcher: Matcher, text: str) -> bool:
    if matcher.all is not None:
        return all(_fires(part, text) for part in matcher.all)
    if matcher.text is not None:
        return any(_stands_in(alias, normalised(text)) for alias in matcher.text)
    if matcher.number is not None:
        return _has_number(matcher.number, matcher.unit, text)
    return matcher.date is not None and _has_date(matcher.date, text)


def _stands_in(alias: str, text: str) -> bool:
    return re.search(rf"(?<!\w)(?<!\d[.,]){re.escape(normalised(alias))}(?!\w|[.,]\d)", text) is not None


def _has_number(value: float, unit: str | None, text: str) -> bool:
    return any(
        isclose(number.value, value, rel_tol=1e-9) and (unit is None or _counts_in(number.unit, unit))
        for number in _numbers(text)
    )


@lru_cache(maxsize=512)
def _numbers(text: str) -> tuple[Number, ...]:
    """Return the numbers of a text, its days left out. A year stays: there may be 1900 boats."""
    return tuple(numbers(without_days(text)))


def _counts_in(found: str | None, unit: str) -> bool:
    """Whether a number with this unit may count in the wanted one: a bare number may, unless a share is wanted."""
    wanted = unit_of(unit)
    return found == wanted or (found is None and wanted not in SHARES)


def _has_date(stated: str, text: str) -> bool:
    wanted = _date(stated)
    return any(_is_on(found, wanted) for found in _dates(text))


@lru_cache(maxsize=512)
def _dates(text: str) -> tuple[Date, ...]:
    return tuple(dates(text))


def _is_on(found: Date, wanted: Date) -> bool:
    """A day and month without a year state a full date: newspapers leave out the year they write in."""
    year = found.year == wanted.year or (found.year is None and wanted.day is not None)
    return year and wanted.month in (None, found.month) and wanted.day in (None, found.day)


def _date(stated: str) -> Date:
    year, month, day = [*map(int, stated.split("-")), None, None][:3]
    return Date(year, month, day)
