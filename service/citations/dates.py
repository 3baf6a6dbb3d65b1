"""The dates of a text: those that it states, and those that its words mean on the day of the article.

`find_dates` gives each date at the precision that is stated; `missing_date` is the first one that a source lacks. A
source's weekday, `yesterday` and `last year` are counted from its publication; a date without a year is of the year of
publication, or of a year that the source names.

`resolved_dates` gives the dates that the words of a quote mean: "on Thursday" in an article of 5 December 2025 is
4 December 2025. A wrong date is worse than none, so one is given only if every reading agrees: each day that it may
have been where the article was written, and the day of an update. The tense of the clause says whether a weekday is
past. Words in a direct quotation were said at an unknown time.
"""

import re
from calendar import monthrange
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from pathlib import Path
from typing import Annotated, NamedTuple

from pydantic import BeforeValidator, TypeAdapter

from index.records import Article, Span
from index.text import sentence_spans
from service.citations.tense import Tense, Words, direction, tenses
from service.records import ResolvedDate

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


Listed = Annotated[list[str], BeforeValidator(str.split)]
"""Words in their order, in the file one string with spaces between them."""
Counted = Callable[[date], date | str | None]
"""From a day of publication to the date that is meant: a day, a month or a year."""

ZONES = {"english": (-5, 0, 2), "german": (0, 2)}
"""Zones of the places where articles of a language are written, in hours from UTC."""

WORKING_HOURS = range(9, 21)
"""Hours of publication, UTC, in which "on Thursday" may mean the same day; in the morning it may be last week's."""

CONTEXT = 600
"""Characters before a weekday in which a date may be what the weekday is counted from."""

SAME_STORY = timedelta(days=7)
"""No weekday is counted from a day of the last week."""

_QUOTATIONS = re.compile(
    r"“[^”“]*(?:[”“]|$)|^[^“”„]*”|„[^“”]*(?:[“”]|$)|»[^«]*(?:«|$)|«[^»]*(?:»|$)|\"[^\"]*\""
    r"|‘[^‘]*?’(?!\w)|(?<!\w)'[^']*(?:'\w[^']*)*'(?!\w)"
)


@dataclass(frozen=True, slots=True)
class Language:
    """The words of a language for days, months and years that depend on the day of the article."""

    weekdays: Listed
    weekday: str
    days: dict[str, int]
    months: dict[str, int]
    years: dict[str, int]
    parts: str
    """A part of the day behind a word for it."""
    ago: str
    counts: Listed
    bare: bool
    """Whether a weekday may stand without a preposition; then a capital beside it makes it a name."""
    tensed: Words
    """Words for a day that may also mean an age: "the town today"."""
    before: Words
    """Words that make a day another one, or a range: "every Thursday", "from Tuesday to Friday"."""
    after: str
    possessive: str
    past_turns: Words
    coming_turns: Words
    next_turns: Words
    """Those words before a weekday that may also mean the one of another week."""
    since: Words
    limits: Words
    """Prepositions before a weekday to come."""
    months_of_year: Listed
    """Names of months that `find_dates` does not know."""


@dataclass(frozen=True, slots=True)
class Rules:
    """A language with its patterns."""

    words: Language
    tense: Tense
    zones: tuple[int, ...]
    weekday: re.Pattern[str]
    fixed: re.Pattern[str]
    after: re.Pattern[str]
    possessive: re.Pattern[str]
    day: re.Pattern[str]


@cache
def _languages() -> tuple[Rules, ...]:
    """Return the rules of English and German, read from the file at the first call."""
    read = TypeAdapter(dict[str, Language]).validate_json(Path(__file__).with_suffix(".json").read_bytes())
    return tuple(_rules(name, words) for name, words in read.items())


def _rules(name: str, words: Language) -> Rules:
    """Return the words of a language as patterns."""

    def pattern(text: str) -> re.Pattern[str]:
        return re.compile(rf"(?<![\w-]){text}(?![\w-])", re.IGNORECASE)

    fixed = sorted([*words.days, *words.months, *words.years], key=len, reverse=True)
    spaced = "|".join(r"\s+".join(phrase.split()) for phrase in fixed)
    months = "|".join(words.months_of_year) or "(?!)"
    return Rules(
        words,
        tenses()[name],
        ZONES[name],
        pattern(words.weekday.format(weekdays="|".join(words.weekdays))),
        pattern(rf"(?:(?P<fixed>{spaced})|{words.ago})(?P<part>{words.parts})"),
        re.compile(words.after, re.IGNORECASE),
        re.compile(rf"{words.possessive}|\s+of\b", re.IGNORECASE),
        pattern(rf"(?P<day>\d{{1,2}})\.\s?(?P<month>{months})(?:\s(?P<year>\d{{4}}))?"),
    )


def resolved_dates(article: Article, quote: Span) -> tuple[ResolvedDate, ...]:
    """Return the words of a quote that depend on the day of its article, each with its date, in their order."""
    if article.published_at is None:
        return ()
    found = [each for rules in _languages() for each in _found(article, article.published_at, quote, rules)]
    return tuple(sorted(found, key=lambda each: each.start_char_index))


def _found(article: Article, published: datetime, quote: Span, rules: Rules) -> Iterator[ResolvedDate]:
    """Yield the resolved dates of one language."""
    body = article.body
    phrases = [*rules.weekday.finditer(body, *quote), *rules.fixed.finditer(body, *quote)]
    if not phrases:
        return
    spans = [Span(quote.start + each.start, quote.start + each.end) for each in sentence_spans(body[slice(*quote)])]
    days = _days(published, article.updated_at, rules.zones)
    for phrase in phrases:
        sentence = next((span for span in spans if span.start <= phrase.start() < span.end), None)
        if sentence is None or not _stands_alone(body, phrase, rules) or _is_quoted(body, phrase):
            continue
        if counted := _counting(body, sentence, phrase, published, rules):
            meant = {_counted(counted, day) for day in days}
            if len(meant) == 1 and (stated := meant.pop()):
                yield ResolvedDate(phrase.group(), stated, *phrase.span())


def _days(published: datetime, updated: datetime | None, zones: tuple[int, ...]) -> set[date]:
    """Return the days that publication and update may have been where the article was written."""
    days = set()
    for moment in (published.astimezone(UTC), (updated or published).astimezone(UTC)):
        # Midnight stands for a day without a time.
        for zone in (0,) if moment.time() == time() else zones:
            shifted = _moved(moment, timedelta(hours=zone))
            days.add((shifted or moment).date())
    return days


def _moved(moment: datetime, away: timedelta) -> datetime | None:
    try:
        return moment + away
    except OverflowError:
        return None


def _counted(counted: Counted, day: date) -> str | None:
    """Return the date that is meant in ISO 8601, or None if it is unclear or outside the calendar."""
    try:
        meant = counted(day)
    except (OverflowError, ValueError):
        return None
    return meant.isoformat() if isinstance(meant, date) else meant


def _stands_alone(body: str, phrase: re.Match[str], rules: Rules) -> bool:
    """Return whether the words beside a phrase leave its meaning: not "every Thursday", not "Thursday, 4 December"."""
    words = rules.words
    line = body[body.rfind("\n", 0, phrase.start()) + 1 : phrase.start()]
    before = re.search(r"([^\W_]+|[-–/])[\s(]*$", line)
    last = before[1] if before else ""
    following = body[phrase.end() : phrase.end() + 40]
    if last.casefold() in words.before or last in tuple("-–/"):
        return False
    if "weekday" not in phrase.re.groupindex:
        return not rules.possessive.match(following)
    if rules.after.match(following):
        return False
    if not words.bare:
        return True
    starts = not re.search(r"[^\W_]", re.split(r"[.!?…]\s", line)[-1])
    is_name = not phrase["prep"] and (starts or last[:1].isupper())
    return not is_name and (starts or not re.match(r"\s+[A-Z]", following))


def _is_quoted(body: str, phrase: re.Match[str]) -> bool:
    """Return whether a phrase is in a direct quotation, or in a paragraph whose marks do not match."""
    first, last = body.rfind("\n", 0, phrase.start()) + 1, body.find("\n", phrase.end())
    paragraph = body[first : last if last >= 0 else len(body)]
    place = phrase.start() - first
    is_inside = any(found.start() <= place < found.end() for found in _QUOTATIONS.finditer(paragraph))
    return is_inside or paragraph.count('"') % 2 == 1


def _counting(body: str, sentence: Span, phrase: re.Match[str], published: datetime, rules: Rules) -> Counted | None:
    """Return the function from the day of publication to the date of a phrase, or None if its direction is unclear."""
    words = rules.words
    if "weekday" in phrase.re.groupindex:
        return _of_weekday(body, sentence, phrase, published, rules)
    if phrase["fixed"] is None:
        written = phrase["count"].casefold()
        count = int(written) if written.isdigit() else words.counts.index(written)
        return lambda day: day - timedelta(days=count)
    stated = " ".join(phrase["fixed"].casefold().split())
    if stated in words.years:
        return lambda day: f"{day.year + words.years[stated]:04}"
    if stated in words.months:
        return lambda day: _month(day, words.months[stated])
    is_open = stated in words.tensed and not phrase["part"]
    if is_open and _direction(body, sentence, phrase, rules) is None:
        return None
    return lambda day: day + timedelta(days=words.days[stated])


def _month(day: date, away: int) -> str:
    years, month = divmod(day.month - 1 + away, 12)
    return f"{day.year + years:04}-{month + 1:02}"


def _direction(body: str, sentence: Span, phrase: re.Match[str], rules: Rules) -> str | None:
    place = Span(phrase.start() - sentence.start, phrase.end() - sentence.start)
    return direction(body[slice(*sentence)], place, rules.tense)


def _of_weekday(body: str, sentence: Span, phrase: re.Match[str], published: datetime, rules: Rules) -> Counted | None:
    """Return the function from the day of publication to that of a weekday: the last or the next one."""
    words = rules.words
    turn, preposition = ((phrase[name] or "").casefold() for name in ("turn", "prep"))
    towards = _direction(body, sentence, phrase, rules)
    if turn in words.past_turns:
        is_past = True
    elif turn in words.coming_turns | words.next_turns:
        is_past = False
    elif preposition in words.since and towards != "coming":
        is_past = True
    elif towards is None or preposition in words.since or (preposition in words.limits and towards == "past"):
        return None
    else:
        is_past = towards == "past"
    if is_past and _tells_of_another_day(body[max(0, phrase.start() - CONTEXT) : sentence.end], published):
        return None
    weekday = words.weekdays.index(phrase["weekday"].casefold())
    if turn in words.past_turns | words.next_turns:
        return lambda day: _of_another_week(day, weekday, is_past=is_past)
    is_today = is_past and published.astimezone(UTC).hour in WORKING_HOURS
    return lambda day: _nearest(day, weekday, is_past=is_past, is_today=is_today)


def _nearest(day: date, weekday: int, *, is_past: bool, is_today: bool) -> date | None:
    """Return the last or the next day with a weekday; None for the day of publication unless it `is_today`."""
    away = (weekday - day.weekday()) % 7
    if not away:
        return day if is_today else None
    return day + timedelta(days=away - 7 if is_past else away)


def _of_another_week(day: date, weekday: int, *, is_past: bool) -> date | None:
    """Return the day of "last Thursday" or "next Monday" where the nearest one is in another week; else None."""
    away = (weekday - day.weekday()) % 7
    meant = day + timedelta(days=away - 7 if is_past else away or 7)
    return meant if meant.isocalendar()[:2] != day.isocalendar()[:2] else None


def _tells_of_another_day(context: str, published: datetime) -> bool:
    """Return whether a day is written that a weekday may be counted from: "On 3 May it shut. On Thursday …"."""
    latest = published.date()
    return any(_is_long_ago(each, latest) for each in stated_dates(context) if each.day)


def stated_dates(text: str) -> list[Date]:
    """Return the days and months that a text states, in English or German."""
    found = [Date(*each[:3]) for each in find_dates(text).dates if each.month]
    for rules in _languages():
        for match in rules.day.finditer(text):
            month = rules.words.months_of_year.index(match["month"].casefold()) + 1
            found.append(Date(int(match["year"]) if match["year"] else None, month, int(match["day"])))
    return found


def _is_long_ago(stated: Date, latest: date) -> bool:
    """Return whether the last such day is more than `SAME_STORY` before another."""
    for year in [stated.year] if stated.year else [latest.year, latest.year - 1]:
        try:
            day = date(year, stated.month or 0, stated.day or 0)
        except ValueError:
            continue
        if day <= latest:
            return latest - day > SAME_STORY
    return False
