"""The dates that the words of a quote mean: "on Thursday" in an article of 5 December 2025 is 4 December 2025.

Words are counted from the day of publication. A wrong date is worse than none, so a date is given only if every
reading agrees: each day that it may have been where the article was written, and the day of an update. The tense of
the clause says whether a weekday is past. Words in a direct quotation were said at an unknown time.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, TypeAdapter

from index.records import Article, Span
from index.text import sentence_spans
from service.citations.dates import Date, find_dates
from service.citations.tense import Tense, Words, direction, tenses
from service.records import ResolvedDate

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
