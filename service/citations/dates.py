"""Dates in a sentence, at the precision that is stated, and whether a source bears them out.

A source's weekday, `today` and `yesterday` are days before its publication; a date without a year is of
the year of publication, or of a year that the source names.
"""

import re
from collections.abc import Iterable
from datetime import date, timedelta
from typing import NamedTuple

MONTHS = "january february march april may june july august september october november december".split()
WEEKDAYS = "monday tuesday wednesday thursday friday saturday sunday".split()

_MONTH = (
    r"(?P<month>jan(?:uary|\.)?|feb(?:ruary|\.)?|mar(?:ch|\.)?|apr(?:il|\.)?|may|june?|july?|aug(?:ust|\.)?|"
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


class Date(NamedTuple):
    """A date as far as it is stated; None where it is not."""

    year: int | None
    month: int | None
    day: int | None
    weekday: int | None = None


class DatedText(NamedTuple):
    """The dates of a text, and the text with them blanked out."""

    dates: list[Date]
    rest: str


def find_dates(text: str) -> DatedText:
    """Every date of a text, the most precise reading first; what is left has only numbers that are no dates."""
    rest, dates = text, list[Date]()
    for pattern in _PATTERNS:
        dates.extend(_date(match) for match in pattern.finditer(rest))
        rest = pattern.sub(lambda match: " " * len(match.group()), rest)
    dates += [Date(None, None, None, WEEKDAYS.index(day.lower())) for day in _WEEKDAY.findall(rest)]
    return DatedText(dates, _WEEKDAY.sub(lambda match: " " * len(match.group()), rest))


def missing_date(claim: Iterable[Date], source: str, published: Iterable[date]) -> Date | None:
    """The first date of a claim that the source does not state, or None."""
    stated = find_dates(source).dates
    known = [*stated, *(day for issue in published for day in _resolved(stated, source, issue))]
    years = {found.year for found in known if found.year} | {issue.year for issue in published}
    return next((wanted for wanted in claim if not any(_agrees(wanted, found, years) for found in known)), None)


def _date(match: re.Match[str]) -> Date:
    found = match.groupdict()
    month = int(found["number"]) if found.get("number") else _month(found.get("month"))
    return Date(_int(found.get("year")), month, _int(found.get("day")))


def _month(name: str | None) -> int | None:
    if not name:
        return None
    return next(number for number, month in enumerate(MONTHS, 1) if month.startswith(name.lower().rstrip(".")[:3]))


def _int(digits: str | None) -> int | None:
    return int(digits) if digits else None


def _resolved(stated: Iterable[Date], source: str, published: date) -> list[Date]:
    days = [_last(found.weekday, published) for found in stated if found.weekday is not None]
    days += [published - timedelta(days=1)] * ("yesterday" in source.lower())
    days += [published] * ("today" in source.lower())
    return [Date(day.year, day.month, day.day, day.weekday()) for day in days]


def _last(weekday: int, published: date) -> date:
    return published - timedelta(days=(published.weekday() - weekday) % 7)


def _agrees(wanted: Date, found: Date, years: set[int]) -> bool:
    if wanted.weekday is not None:
        return wanted.weekday == found.weekday
    year = wanted.year in (None, found.year) or (found.year is None and found.month and wanted.year in years)
    return bool(year) and wanted.month in (None, found.month) and wanted.day in (None, found.day)
