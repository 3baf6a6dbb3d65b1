"""The date words of a question, in English and German, with the days that they mean at a moment.

"Last month" is the calendar month before, "on Monday" the last Monday, "in May" the last May that has begun. Years and
months need a preposition: "in 2026", but not "the 2026 budget". A phrase with several readings has the longest one.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Annotated, NamedTuple

from pydantic import BeforeValidator, TypeAdapter

Parts = dict[str, str]
Listed = Annotated[list[str], BeforeValidator(str.split)]
"""Words in their order, in the file one string with spaces between them."""

ONE_DAY = timedelta(days=1)
LENGTHS = {"day": ONE_DAY, "week": timedelta(days=7), "month": timedelta(days=31), "year": timedelta(days=366)}

_NEEDS_JOINT = ("month", "weekday", "year")
_COMMON = {"iso": r"(?P<iso>\d{4}-[01]\d-[0-3]\d)", "year": r"(?P<year>(?:19|20)\d\d)"}

_BOUND = re.compile(r"\b(?:the|den|der|dem) _|_ (?:of|im|des)\b", re.IGNORECASE)


class Period(NamedTuple):
    """The days from `start` to the day before `end`."""

    start: date
    end: date


class DateWords(NamedTuple):
    """Date words at their place in a question: the kind of their form, the days, and the preposition before them.

    `is_since` if the days have no end: "since May", "in the last two weeks".
    """

    kind: str
    period: Period
    start: int
    end: int
    joint: str
    is_since: bool


@dataclass(frozen=True, slots=True)
class Language:
    """The date words of a language."""

    months: Listed
    short: Listed
    weekdays: Listed
    joints: str
    """Prepositions before a date."""
    forms: dict[str, str]
    """Patterns of dates by kind."""
    counts: dict[str, int]
    units: dict[str, str]
    relative: dict[str, tuple[str, int]]
    """Phrases, each with a unit and how many units away it is."""
    between: str
    since: str


@dataclass(frozen=True, slots=True)
class Rules:
    """The date words of a language as patterns by kind, in the order in which they are tried."""

    words: Language
    between: re.Pattern[str]
    forms: dict[str, re.Pattern[str]]


@cache
def _languages() -> dict[str, Rules]:
    """Return the rules of each language, read from the file at the first call."""
    read = TypeAdapter(dict[str, Language]).validate_json(Path(__file__).with_suffix(".json").read_bytes())
    return {name: _rules(words) for name, words in read.items()}


def _rules(words: Language) -> Rules:
    """Return the patterns of a language."""
    lists = {
        "MONTHS": "|".join([*words.months, *(rf"{month}\b\.?" for month in words.short)]),
        "WEEKDAYS": "|".join(words.weekdays),
        "COUNTS": "|".join([r"\d{1,2}", *sorted(words.counts, key=len, reverse=True)]),
        "UNITS": "|".join(words.units),
    }
    forms = {"iso": _COMMON["iso"], **words.forms}
    forms["relative"] = rf"(?P<relative>{'|'.join(sorted(words.relative, key=len, reverse=True))})"
    forms["year"] = _COMMON["year"]
    patterns = {}
    for kind, form in forms.items():
        filled = re.sub("|".join(lists), lambda name: lists[name.group()], form)
        joint = rf"(?:(?P<joint>{words.joints})\s+){'' if kind in _NEEDS_JOINT else '?'}"
        patterns[kind] = re.compile(rf"(?<![\w.-]){joint}(?:{filled})(?![\w-])", re.IGNORECASE)
    return Rules(words, re.compile(rf"(?<!\w)(?:{words.between})", re.IGNORECASE), patterns)


def date_words(question: str, today: date, language: str) -> list[DateWords]:
    """Return the date words of one language in a question, in their order."""
    rules = _languages()[language]
    found = list(_between(question, today, rules))
    for each in found:
        question = _without(question, each)
    for kind in rules.forms:
        for words in list(_of_kind(kind, question, today, rules)):
            found.append(words)
            question = _without(question, words)
    return sorted(found, key=lambda words: words.start)


def _without(question: str, words: DateWords) -> str:
    return question[: words.start] + "_" * (words.end - words.start) + question[words.end :]


def _of_kind(kind: str, question: str, today: date, rules: Rules) -> Iterator[DateWords]:
    """Yield the date words of one form."""
    for found in rules.forms[kind].finditer(question):
        if kind in ("relative", "past") and _BOUND.search(f"{question[: found.start()]}_{question[found.end() :]}"):
            continue  # "in the last month of 2025"
        if period := _period(kind, found, today, rules.words):
            joint = " ".join((found["joint"] or "").casefold().split())
            is_since = kind == "past" or joint.split(" ")[0] == rules.words.since
            yield DateWords(kind, period, *found.span(), joint, is_since)


def _between(question: str, today: date, rules: Rules) -> Iterator[DateWords]:
    """Yield periods with two ends: "between 3 and 9 February", "from March to May 2026"."""
    for found in rules.between.finditer(question):
        joint = rules.words.joints.split("|")[0]
        for length in range(len(found["second"]), 2, -1):
            # The longest date after "and" is its second end.
            last = _whole(f"{joint} {found['second'][:length]}", today, rules)
            if last is None or not re.match(r"\W|$", found["second"][length:]):
                continue
            first = _first(found["first"], found["second"][:length], joint, today, rules)
            if first and first.start < last.end:
                yield DateWords(
                    "between",
                    Period(first.start, last.end),
                    found.start(),
                    found.start("second") + length,
                    "",
                    is_since=False,
                )
            break


def _first(written: str, second: str, joint: str, today: date, rules: Rules) -> Period | None:
    """Return the period of the first end, with the month or the year of the second one where it has none."""
    if number := re.match(r"\d{1,2}(?=(?:st|nd|rd|th|\.)?$)", written):
        written = re.sub(r"\d{1,2}", number.group(), second, count=1)
    elif (year := re.search(r"\b\d{4}\b", second)) and not re.search(r"\b\d{4}\b", written):
        written = f"{written} {year.group()}"
    return _whole(f"{joint} {written}", today, rules)


def _whole(text: str, today: date, rules: Rules) -> Period | None:
    """Return the period of a text that is nothing but date words."""
    for kind, form in rules.forms.items():
        if (found := form.fullmatch(text)) and (period := _period(kind, found, today, rules.words)):
            return period
    return None


def _period(kind: str, found: re.Match[str], today: date, words: Language) -> Period | None:
    """Return the days that a form means; None if there are no such days."""
    parts = {name: part.casefold() for name, part in found.groupdict().items() if part}
    try:
        return _OF_KIND[kind](parts, today, words)
    except (ValueError, OverflowError):
        return None


def _days(day: date) -> Period:
    return Period(day, day + ONE_DAY)


def _number_of_month(parts: Parts, words: Language) -> int:
    if "number" in parts:
        return int(parts["number"])
    written = parts["month"].rstrip(".")
    return (words.months if written in words.months else words.short).index(written) + 1


def _first_of(year: int, month: int) -> date:
    """Return the first day of a month, which may be outside the year."""
    years, month = divmod(month - 1, 12)
    return date(year + years, month + 1, 1)


def _iso(parts: Parts, _today: date, _words: Language) -> Period:
    return _days(date.fromisoformat(parts["iso"]))


def _day(parts: Parts, today: date, words: Language) -> Period:
    month, day = _number_of_month(parts, words), int(parts["day"])
    if "year" in parts:
        return _days(date(int(parts["year"]), month, day))
    this_year = date(today.year, month, day)
    return _days(this_year if this_year <= today else date(today.year - 1, month, day))


def _month(parts: Parts, today: date, words: Language) -> Period:
    month = _number_of_month(parts, words)
    year = int(parts["year"]) if "year" in parts else today.year - (month > today.month)
    return Period(_first_of(year, month), _first_of(year, month + 1))


def _last_month(parts: Parts, today: date, words: Language) -> Period:
    """Return the last such month that is over."""
    month = _number_of_month(parts, words)
    year = today.year - (month >= today.month)
    return Period(_first_of(year, month), _first_of(year, month + 1))


def _year(parts: Parts, _today: date, _words: Language) -> Period:
    return Period(date(int(parts["year"]), 1, 1), date(int(parts["year"]) + 1, 1, 1))


def _weekday(parts: Parts, today: date, words: Language) -> Period:
    """Return the last such day before today."""
    away = (today.weekday() - words.weekdays.index(parts["weekday"]) - 1) % 7 + 1
    return _days(today - timedelta(days=away))


def _relative(parts: Parts, today: date, words: Language) -> Period:
    """Return a calendar unit; a week begins on Sunday or on Monday, so it has both."""
    unit, away = words.relative[" ".join(parts["relative"].split())]
    if unit == "day":
        return _days(today + away * ONE_DAY)
    if unit == "week":
        monday = today + timedelta(days=7 * away - today.weekday())
        return Period(monday - ONE_DAY, monday + timedelta(days=7))
    if unit == "month":
        return Period(_first_of(today.year, today.month + away), _first_of(today.year, today.month + away + 1))
    return Period(date(today.year + away, 1, 1), date(today.year + away + 1, 1, 1))


def _counted(parts: Parts, words: Language) -> tuple[int, timedelta]:
    """Return the number and the length of the units."""
    written = " ".join(parts.get("count", "").split())
    count = int(written) if written.isdigit() else words.counts.get(written, 1)
    return count, LENGTHS[words.units[parts["unit"]]]


def _ago(parts: Parts, today: date, words: Language) -> Period:
    """Return the days of "two weeks ago", with a unit on either side."""
    count, length = _counted(parts, words)
    return Period(today - (count + 1) * length, min(today, today - (count - 1) * length) + ONE_DAY)


def _past(parts: Parts, today: date, words: Language) -> Period:
    """Return the days of "in the last two weeks"."""
    count, length = _counted(parts, words)
    return Period(today - count * length, today + ONE_DAY)


_OF_KIND: dict[str, Callable[[Parts, date, Language], Period]] = {
    "iso": _iso,
    "day": _day,
    "day after month": _day,
    "month": _month,
    "last month": _last_month,
    "year": _year,
    "last weekday": _weekday,
    "weekday": _weekday,
    "relative": _relative,
    "ago": _ago,
    "past": _past,
}
"""The functions from the parts of a form, in small letters, to the days that it means."""
