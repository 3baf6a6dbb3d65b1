"""Dates as publishers write them, parsed to UTC; an incomplete or ambiguous date is an error, never a guess."""

import json
import re
import unicodedata
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import product
from pathlib import Path
from typing import Literal

from index.text import normal_form

_SHORTEST, _LENGTH = len("1.5.2024"), 120
# Arabic and Hebrew dates contain directional marks.
_MARKS = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_SIGNS = str.maketrans("−،", "-,")
_COMMENTS = re.compile(r"\([^()]*\)|\[[^\[\]]*\]")
_ISO_8601 = re.compile(
    r"(?P<day>[0-9]{4}(?:-[0-9]{2}-[0-9]{2}|[0-9]{4}|-w[0-9]{2}-[1-7]|w[0-9]{2}[1-7]))(?P<time>[t ][0-9].*)?"
)
_DAY_AND_ZONE = re.compile(r"^([0-9]{4}-[0-9]{2}-[0-9]{2})(z|[+-][0-9]{2}:[0-9]{2})$")
_DAY_OF_YEAR = re.compile(r"([0-9]{4})-?([0-9]{3})(?:[t ](?P<time>.*))?")
_DIGITS = re.compile(r"(?:/date\()?([0-9]+)(?:\.[0-9]+)?(?:\)/)?")
# Divisors to seconds since 1970, by the number of digits that the present has in seconds, milliseconds and so on.
_EPOCH = {9: 1, 10: 1, 12: 1_000, 13: 1_000, 16: 1_000_000, 19: 1_000_000_000}
_RUNS = {12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}
_TIME = re.compile(
    r"(?<![0-9:.])(?P<hour>[0-9]{1,2})"
    r"(?:[:h](?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})(?:[.,](?P<fraction>[0-9]+))?)?(?:\s?(?P<half>[ap])\.?m\b\.?)?"
    r"|\s?(?P<bare_half>[ap])\.?m\b\.?|\s?(?:h|uhr)\b|\.(?P<dotted>[0-9]{2})(?=\s?uhr\b))(?![0-9:])"
)
_ZONE = re.compile(r"(?P<name>[a-z]+)?\s?(?:(?P<sign>[+-])(?P<hours>[0-9]{1,2}):?(?P<minutes>[0-9]{2})?(?![0-9]))?")
_LAST_ZONE = re.compile(r"(?<= )(?P<name>)(?P<sign>[+-])(?P<hours>[0-9]{2}):?(?P<minutes>[0-9]{2})$")
_LISTS = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))
# Names of RFC 822, and names with one offset in the tz database. IST is missing because it names three zones.
_ZONES = {name: float(hours) for hours, names in _LISTS["zones"].items() for name in names.split()}
# Words between the parts of a date: "5 de mayo de 2024 a las 10:30", "5. Mai 2024 um 10 Uhr", "2 мая 2024 г."
_FILLERS = frozenset(_LISTS["fillers"].split())
# The languages of the Snowball stemmers by their CLDR names, and the month names of the eastern Arab countries.
_LOCALES: list[str] = _LISTS["locales"].split()
_YEAR_FIRST = re.compile(r"([0-9]{4})\s?[-/.年년]\s?([0-9]{1,2})\s?[-/.月월]\s?([0-9]{1,2})\s?[.日일]?")
_YEAR_LAST = re.compile(r"([0-9]{1,2})\s?([-/.])\s?([0-9]{1,2})\s?\2\s?([0-9]{4})\.?")
_WORD = re.compile(r"[^\s0-9,;:|/\-–—.’']+")
_NUMBER = re.compile(r"(?<!\w)([0-9]+)(?:st|nd|rd|th|er|ère|e|o|a|-?го|טן)?(?!\w)")
_AROUND = " ,;|-–—."
_INCOMPLETE = "it does not state a year, a month and a day"
_OUT_OF_RANGE = "its year is not between 1 and 9999"
_CONTEXTS: tuple[Literal["format", "stand-alone"], ...] = ("format", "stand-alone")
_MONTH_WIDTHS: tuple[Literal["wide", "abbreviated"], ...] = ("wide", "abbreviated")
_DAY_WIDTHS: tuple[Literal["wide", "abbreviated", "short"], ...] = ("wide", "abbreviated", "short")
_ABBREVIATION = 3


def moment(stated: str) -> datetime:
    """Parse a date, with or without a time, to a moment in UTC; docs/articles.md lists the formats.

    Raises:
        ValueError: It states no complete day, or is ambiguous, such as 04/05/2024 or a zone name of several zones.
    """
    text = _normal(_MARKS.sub("", stated[: _LENGTH + 1]).translate(_SIGNS))
    if not _SHORTEST <= len(text) <= _LENGTH:
        raise ValueError(_INCOMPLETE)
    try:
        return _numbers(text) or _iso(text) or _written(_COMMENTS.sub(" ", text))
    except OverflowError as error:
        raise ValueError(_OUT_OF_RANGE) from error


def moment_of(value: object) -> datetime:
    """Parse a value as a format gives it: a date object, a text, or seconds since 1970; raises as `moment`."""
    if isinstance(value, date):
        return moment(value.isoformat())
    is_text = isinstance(value, str | int | float) and not isinstance(value, bool)
    return moment(str(value) if is_text else "")


def moment_or_none(value: object) -> datetime | None:
    """Parse a value as `moment_of` does; return None if that raises ValueError."""
    try:
        return moment_of(value)
    except ValueError:
        return None


def _numbers(text: str) -> datetime | None:
    """Parse a date of digits alone: time since 1970, or year to minute or second without separators; else None."""
    match = _DIGITS.fullmatch(text)
    if not match or len(match[1]) in (7, 8):
        return None
    digits = match[1]
    try:
        return datetime.strptime(digits, _RUNS.get(len(digits), "")).replace(tzinfo=UTC)
    except ValueError:
        unit = _EPOCH.get(len(digits))
    if unit is None:
        raise ValueError(_INCOMPLETE)
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=int(digits) * 1_000_000 // unit)


def _iso(text: str) -> datetime | None:
    """Parse a form of ISO 8601; return None for any other, and for one that the standard library does not parse."""
    if day_of_year := _DAY_OF_YEAR.fullmatch(text):
        day = datetime.strptime(f"{day_of_year[1]} {day_of_year[2]}", "%Y %j").date()  # noqa: DTZ007 - a day has no zone
        text = f"{day} {day_of_year['time'] or ''}".strip()
    text = _DAY_AND_ZONE.sub(r"\1t00:00\2", text)
    if not _ISO_8601.fullmatch(text):
        return None
    try:
        found = datetime.fromisoformat(text.upper())
    except ValueError:
        return None
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


def _written(text: str) -> datetime:
    """Parse a date as people and programs write it: a time and its zone anywhere, the day in the rest."""
    text = re.sub(r"(?<=[0-9])t(?=[0-9])", " ", text)
    time = _TIME.search(text)
    since_midnight = timedelta()
    if time:
        offset, after = _offset_and_rest(text[time.end() :].strip())
        since_midnight = _since_midnight(time) - offset
        text = f"{text[: time.start()]} {after}"
    return datetime(*_day(text.strip(_AROUND)), tzinfo=UTC) + since_midnight


def _since_midnight(time: re.Match[str]) -> timedelta:
    hour, minute, second = int(time["hour"]), int(time["minute"] or time["dotted"] or 0), int(time["second"] or 0)
    half = time["half"] or time["bare_half"]
    if half and hour <= 12:
        hour = hour % 12 + (12 if half == "p" else 0)
    fraction = int((time["fraction"] or "")[:6].ljust(6, "0"))
    found = timedelta(hours=hour, minutes=minute, seconds=second, microseconds=fraction)
    if minute > 59 or second > 60 or found > timedelta(days=1) or (half == "a" and hour > 12):
        raise ValueError(f"{time[0].strip()} is not a time of day")
    return found


def _offset_and_rest(after: str) -> tuple[timedelta, str]:
    """Split the text after a time into the offset of its zone from UTC (0 without a zone) and the rest."""
    for zone in (_ZONE.match(after), _LAST_ZONE.search(after)):
        if zone is None or not zone[0].strip() or (zone["name"] and zone["name"] not in _ZONES):
            continue
        named = timedelta(hours=_ZONES[zone["name"]] if zone["name"] else 0)
        stated = timedelta(hours=int(zone["hours"] or 0), minutes=int(zone["minutes"] or 0))
        if stated >= timedelta(hours=15) or int(zone["minutes"] or 0) > 59 or (named and zone["sign"]):
            raise ValueError(f"{zone[0]} is not a time zone")
        rest = f"{after[: zone.start()]} {after[zone.end() :]}".strip()
        # Some programs write the name of the zone after its offset.
        again = re.match(r"[a-z]+\b", rest) if zone["sign"] else None
        rest = rest[again.end() :] if again and again[0] in _ZONES else rest
        return named - stated if zone["sign"] == "-" else named + stated, rest
    return timedelta(), after


def _day(text: str) -> tuple[int, int, int]:
    """Return year, month and day of a date without its time."""
    text = _names_of_words().sub(lambda name: name[0].replace(" ", "_"), text)
    words = [word.strip("॰") for word in _WORD.findall(_NUMBER.sub(" ", re.sub(r"[年月日년월일]", "-", text)))]
    # A word may be a day of the week in one language and a month in another: mar is mardi and March.
    named = [word for word in words if not _is_spare(word)] or [word for word in words if _month_of(word)]
    months = {_month_of(word) for word in named}
    if not named:
        for word in words:
            text = text.replace(word, " ", 1)
        return _day_in_numbers(" ".join(text.split()).strip(_AROUND))
    if None in months:
        raise ValueError(f"the word {next(word for word in named if not _month_of(word))!r} is unknown")
    numbers = [number[1] for number in _NUMBER.finditer(text)]
    month = months.pop()
    if months or month is None or len(numbers) != 2:
        raise ValueError(_INCOMPLETE)
    first, second = numbers
    if len(first) == 4:
        first, second = second, first
    elif len(second) == 2:
        second = f"{20 if int(second) < 69 else 19}{second}"
    if len(first) > 2 or len(second) != 4:
        raise ValueError(_INCOMPLETE)
    return int(second), month, int(first)


def _is_spare(word: str) -> bool:
    return word in _days() or word in _FILLERS


def _day_in_numbers(text: str) -> tuple[int, int, int]:
    if found := _YEAR_FIRST.fullmatch(text):
        return int(found[1]), int(found[2]), int(found[3])
    found = _YEAR_LAST.fullmatch(text)
    if not found:
        raise ValueError(_INCOMPLETE)
    one, other, year = int(found[1]), int(found[3]), int(found[4])
    # Every CLDR locale that writes full stops and the year last puts the day first.
    if found[2] == "." or other <= 12 < one or one == other:
        return year, other, one
    if one <= 12 < other:
        return year, one, other
    raise ValueError("day and month are ambiguous; write year-month-day")


def _normal(text: str) -> str:
    """Fold case and compatibility forms, write digits in ASCII, and reduce white space to single spaces."""
    folded = normal_form("NFKC", normal_form("NFKC", text).casefold())
    digits = (str(unicodedata.decimal(char)) if char.isdecimal() else char for char in folded)
    return " ".join("".join(digits).split())


def _month_of(name: str) -> int | None:
    """Return the month of a normal name, or of its beginning of three or more letters; None if it is ambiguous."""
    months = _months().get(name)
    if months is None and len(name) >= _ABBREVIATION:
        months = {month for known, stated in _months().items() if known.startswith(name) for month in stated}
    return next(iter(months)) if months and len(months) == 1 else None


@cache
def _months() -> dict[str, set[int]]:
    """Return the months by name, in all languages."""
    from babel.dates import get_month_names

    found: dict[str, set[int]] = {}
    english: dict[str, set[int]] = {"sept": {9}}
    for locale in _LOCALES:
        for context, width in product(_CONTEXTS, _MONTH_WIDTHS):
            for month, name in get_month_names(width, context, locale).items():
                (english if locale == "en" else found).setdefault(_bare(name), set()).add(month)
                if locale == "eu":
                    # Basque dates contain the genitive of the name: otsailaren 21.
                    found.setdefault(f"{_bare(name)}ren", set()).add(month)
    # RFC 822 uses the English names for articles in any language.
    return found | english


@cache
def _days() -> frozenset[str]:
    """Return the names of the days of the week, and the words of those names."""
    from babel.dates import get_day_names

    listed = (
        get_day_names(width, context, locale) for locale in _LOCALES for width in _DAY_WIDTHS for context in _CONTEXTS
    )
    names = (_bare(name) for days in listed for name in days.values())
    return frozenset(part for name in names for part in (name, *re.split("[-_]", name)))


@cache
def _names_of_words() -> re.Pattern[str]:
    """Return the pattern of the names of months with several words, such as Irish ones."""
    names = sorted((name for name in _months() if "_" in name), key=len, reverse=True)
    return re.compile(rf"\b(?:{'|'.join(names)})\b".replace("_", " "))


def _bare(name: str) -> str:
    """Remove the preposition before Catalan names and the full stop of an abbreviation; make it one word."""
    return re.sub(r"^(?:de |d[’'])", "", _normal(name)).strip(".॰ ").replace(" ", "_")
