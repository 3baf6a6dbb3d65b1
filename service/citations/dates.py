"""Find the dates of a sentence, at the precision that is stated, and whether a source states them.

A source's weekday, `yesterday` and `last year` are counted from its publication; a date without a year is
of the year of publication, or of a year that the source names.
"""

import re
from calendar import monthrange
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from typing import NamedTuple

MONTHS = "january february march april may june july august september october november december".split()
WEEKDAYS = "monday tuesday wednesday thursday friday saturday sunday".split()

_MONTH_NUMBERS = {name[:3]: number for number, name in enumerate(MONTHS, 1)}
_MONTH = (
    r"(?P<month>jan(?:uary|\.)?|feb(?:ruary|\.)?|mar(?:ch|\.)?|apr(?:il|\.)?|may|jun(?:e|\.)?|jul(?:y|\.)?|aug(?:ust|\.)?|"
    r"sept?(?:ember|\.)?|oct(?:ober|\.)?|nov(?:ember|\.)?|dec(?:ember|\.)?)(?!\w)"
)
_YEAR = r"(?P<year>(?:19|20)\d\d)(?![\d,.]\d|\w|%)"
_DAY = r"(?P<day>[0-3]?\d)(?:st|nd|rd|th)?"
_PATTERNS = (
    re.compile(r"(?<!\d)(?P<year>(?:19|20)\d\d)-(?P<number>\d\d)-(?P<day>\d\d)(?!\d)"),
    re.compile(rf"(?<![\d.,]){_DAY}(?:\s+of)?\s+{_MONTH}(?:,?\s+{_YEAR})?", re.IGNORECASE),
    re.compile(rf"(?<!\w){_MONTH}\s+{_DAY}(?![\d,.]\d|\w|%)(?:,?\s+{_YEAR})?", re.IGNORECASE),
    re.compile(rf"(?<!\w){_MONTH}(?:,?\s+(?:of\s+)?{_YEAR})", re.IGNORECASE),
    # A bare month has its capital, and a sentence that begins with `May` or `March` begins with a word.
    re.compile(rf"(?<!\w)(?!(?<![^.!?]\s)(?<!\w)(?:May|March))(?=[A-Z])(?i:{_MONTH})"),
    re.compile(rf"(?<![\d.,€$£]){_YEAR}"),
)
_WEEKDAY = re.compile(rf"(?<!\w)({'|'.join(WEEKDAYS)})(?!\w)", re.IGNORECASE)
_COMING = re.compile(r"\b(?:next|coming)\s*$", re.IGNORECASE)
_AHEAD = re.compile(r"\b(?:will|shall|due|next|coming|tomorrow|expected|planned|scheduled)\b", re.IGNORECASE)
_RELATIVE = re.compile(
    r"\b(?:yesterday|today|tonight|tomorrow|(?:last|this|next)\s+"
    r"(?:night|week|weekend|month|year|season|spring|summer|autumn|winter))\b",
    re.IGNORECASE,
)
_DAYS_AWAY = {"yesterday": -1, "today": 0, "tonight": 0, "tomorrow": 1}
_TURNS_AWAY = {"last": -1, "this": 0, "next": 1}


class Date(NamedTuple):
    """A date at the precision of the text; an unstated part is None. `relative` is `last year` and the like."""

    year: int | None
    month: int | None = None
    day: int | None = None
    weekday: int | None = None
    relative: str | None = None


class DatedText(NamedTuple):
    """The dates of a text, and the text without them."""

    dates: list[Date]
    rest: str


def find_dates(text: str) -> DatedText:
    """Return every date of a text, the most precise reading first, and the text with them blanked out."""
    dates = [date for date, _, _ in located_dates(text)]
    for pattern in _PATTERNS:
        text = pattern.sub(_blank, text)
    dates += [Date(None, weekday=WEEKDAYS.index(day.lower())) for day in _WEEKDAY.findall(text)]
    dates += [Date(None, relative=" ".join(found.lower().split())) for found in _RELATIVE.findall(text)]
    return DatedText(dates, _WEEKDAY.sub(_blank, text))


def located_dates(text: str) -> list[tuple[Date, int, int]]:
    """Return the dates of a text that do not depend on its day, the most precise reading first, with their places."""
    found: list[tuple[Date, int, int]] = []
    for pattern in _PATTERNS:
        found += [(_date(match), *match.span()) for match in pattern.finditer(text)]
        text = pattern.sub(_blank, text)
    return found


def _blank(found: re.Match[str]) -> str:
    return " " * len(found.group())


def missing_date(claim: Iterable[Date], source: str, published: Iterable[date]) -> Date | None:
    """Return the first date of a claim that the source does not state, or None."""
    stated = find_dates(source).dates
    known = [*stated, *(day for issue in published for day in _resolved(source, issue))]
    years = {found.year for found in known if found.year} | {issue.year for issue in published}
    return next((wanted for wanted in claim if not any(_agrees(wanted, found, years) for found in known)), None)


def _date(match: re.Match[str]) -> Date:
    found = match.groupdict()
    year, month, day = (int(found[part]) if found.get(part) else None for part in ("year", "number", "day"))
    return Date(year, month or _MONTH_NUMBERS.get((found.get("month") or "")[:3].lower()), day)


def _resolved(source: str, published: date) -> Iterator[Date]:
    """Yield the dates that a source's weekdays and relative dates mean, counted from its publication."""
    for found in _WEEKDAY.finditer(source):
        weekday = WEEKDAYS.index(found.group().lower())
        if not _COMING.search(source[: found.start()]):
            yield _of(published - timedelta(days=(published.weekday() - weekday) % 7))
        if _AHEAD.search(source):
            yield _of(published + timedelta(days=(weekday - published.weekday() - 1) % 7 + 1))
    for relative in map(str.lower, _RELATIVE.findall(source)):
        turn, *unit = relative.split()
        if turn in _DAYS_AWAY:
            yield _of(published + timedelta(days=_DAYS_AWAY[turn]))
        elif unit == ["year"]:
            yield Date(published.year + _TURNS_AWAY[turn])
        elif unit == ["month"]:
            years, month = divmod(published.month - 1 + _TURNS_AWAY[turn], 12)
            yield Date(published.year + years, month + 1)


def _of(day: date) -> Date:
    return Date(day.year, day.month, day.day, day.weekday())


def _agrees(wanted: Date, found: Date, years: set[int]) -> bool:
    if wanted.relative:
        return wanted.relative == found.relative
    if wanted.weekday is not None:
        return wanted.weekday in _weekdays(found, years)
    year = wanted.year in (None, found.year) or (found.year is None and found.month and wanted.year in years)
    return bool(year) and wanted.month in (None, found.month) and wanted.day in (None, found.day)


def _weekdays(found: Date, years: Iterable[int]) -> set[int]:
    """Return the weekdays of a date, in each of its possible years."""
    if found.weekday is not None:
        return {found.weekday}
    if found.day is None or not 1 <= (found.month or 0) <= len(MONTHS):
        return set()
    month = int(found.month or 0)
    possible = [found.year] if found.year else years
    return {date(year, month, found.day).weekday() for year in possible if 1 <= found.day <= monthrange(year, month)[1]}
