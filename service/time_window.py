"""The window of publication dates that the date words of a question mean: "articles from June", "last month".

An event is not published on its own day. Words that speak of reports ("articles from June 2025", "published in May")
give a window with both ends. The time of a past event leaves it open to the right: a fire on 3 May is reported on that
day or later. A question about a state ("Who was mayor in May?"), the present or the future has no window, nor has a
year alone ("in 1998", "the 1998 cup"). Such a question wants the latest report, one about a past event its own report,
which a later figure may correct. A window narrows the filters of a question and never widens them.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from functools import cache
from pathlib import Path
from typing import Annotated, NamedTuple

from pydantic import BeforeValidator, TypeAdapter

from index.records import Article, Filters
from service.citations.tense import directions, tenses
from service.date_words import DateWords, Period, date_words
from service.questions import asks_about_present
from service.readers.evidence import Evidence, Latest
from service.readers.question_kind import asks_latest, asks_to_come
from service.retrieve import Retrieved

Words = Annotated[frozenset[str], BeforeValidator(str.split)]
"""Words, in the file one string with spaces between them."""


FARTHER, FARTHER_REPORTS = 0.1, 0.3
"""How much less near the best passage of a window may be, by cosine: a question for reports says which it wants."""


BEST = 3
"""Passages in which nearly every answer is: another reading of eight passages takes 80 ms."""

RELATIVE = ("relative", "ago", "past", "last weekday", "last month", "weekday")
"""Kinds of date words that depend on the day of the question."""


_STILL = re.compile(r"^\W*(?:is|are|does|do|has|have|can|may)\b.*\bstill\b", re.IGNORECASE)
_FINAL = re.compile(
    r"\b(?:in the end|in total|all told|altogether|eventually|so far|to date|am ende|insgesamt|letztlich|bisher)\b",
    re.IGNORECASE,
)
_EARLIER = re.compile(
    r"\b(?:first|initial(?:ly)?|original(?:ly)?|before|earlier|previous(?:ly)?|former(?:ly)?|used to|than|compared"
    r"|changed?|ris(?:e[sn]?|ing)|rose|raised?|increas\w*|decreas\w*|dropped|fallen|differen\w*|dearer|cheaper|both"
    r"|back then|at the time|zuerst|zunächst|ursprünglich\w*|vorher|früher\w*|ehemalig\w*|als)\b"
    r"|\b(?:1[5-9]|20)\d\d\b",
    re.IGNORECASE,
)
_NAME = re.compile(r"(?<!^)\b[A-ZÄÖÜ][\w’'-]+")


class Window(NamedTuple):
    """The days on which articles for a question were published, without an `end` up to now.

    `is_of_reports` if the question asks for what was published then, and not for what happened then. `rest` is the
    question without words that articles of the time would not have, such as "last month".
    """

    start: date
    end: date | None
    is_of_reports: bool
    rest: str


@dataclass(frozen=True, slots=True)
class Language:
    """The words of a language that tell reports, events and states apart."""

    name: Words
    """Prepositions that join a year to a name: "the cup of 1998"."""
    publications: str
    """Nouns for what is published."""
    published: str
    passive: str
    published_in: Words
    """Prepositions between such a noun and its date."""
    perfect: str
    states: Words
    """Verbs of a state, which may have begun and been reported long before."""
    asking: Words
    """Words of a question that asks for nothing but a day."""
    happened: str
    """Words with which it may ask for the day of a place or a person."""


@dataclass(frozen=True, slots=True)
class Rules:
    """A language with its patterns."""

    words: Language
    publications: re.Pattern[str]
    adjacent: re.Pattern[str]
    possessive: re.Pattern[str]
    passive: re.Pattern[str]
    perfect: re.Pattern[str]
    happened: re.Pattern[str]

    def asks_nothing_else(self, rest: str) -> bool:
        """Return whether the rest of a question has no word of content."""
        return self.words.asking.issuperset(re.findall(r"\w+", rest.casefold()))


@cache
def _languages() -> dict[str, Rules]:
    """Return the rules of each language, read from the file at the first call."""
    read = TypeAdapter(dict[str, Language]).validate_json(Path(__file__).with_suffix(".json").read_bytes())
    return {name: _rules(words) for name, words in read.items()}


def _rules(words: Language) -> Rules:
    def pattern(text: str) -> re.Pattern[str]:
        return re.compile(text, re.IGNORECASE)

    return Rules(
        words,
        pattern(rf"\b(?:{words.publications})\b"),
        pattern(rf"\b(?:{words.publications})(?:\s+(?:{words.published}))?\s*$"),
        pattern(rf"['’]?s\s+(?:{words.publications})\b"),
        pattern(rf"\b(?:{words.passive})\b"),
        pattern(words.perfect),
        pattern(rf"\b(?:{words.happened})\b"),
    )


def time_window(question: str, now: datetime) -> Window | None:
    """Return the window of publication dates that a question means at a moment, or None."""
    today = now.astimezone(UTC).date()
    for language, rules in _languages().items():
        found = date_words(question, today, language)
        are_reports = [_is_of_reports(question, words, rules) for words in found]
        pairs = zip(found, are_reports, strict=True)
        found = [words for words, is_report in pairs if is_report or not _is_name(words, rules)]
        if not found or max(words.period.start for words in found) > today:
            continue
        start, rest = min(words.period.start for words in found), _rest(question, found, rules)
        if all(are_reports):
            is_open = any(words.is_since for words in found)
            end = None if is_open else max(words.period.end for words in found)
            return Window(start, end, is_of_reports=True, rest=rest)
        if _is_of_event(question, found, language, rules):
            return Window(start, None, is_of_reports=False, rest=rest)
    return None


def _rest(question: str, found: Sequence[DateWords], rules: Rules) -> str:
    """Return a question without its relative date words, if a word of content is left."""
    rest = question
    for words in reversed(found):
        if words.kind in RELATIVE:
            rest = rest[: words.start].rstrip() + rest[words.end :]
    return question if rules.asks_nothing_else(rest) else rest.strip()


class AskedPeriod(NamedTuple):
    """The days that a question is about, and the names, in small letters, of what may have happened to or in."""

    days: Period
    names: frozenset[str] = frozenset()


def asked_period(question: str, now: datetime) -> AskedPeriod | None:
    """Return the days of a question that asks for nothing else: "What happened on 2 May 2026?", "June 2025".

    "What happened in Ardmere in June?" has a name as well.
    """
    today = now.astimezone(UTC).date()
    for language, rules in _languages().items():
        for text in (question, f"in {question}"):
            found = date_words(text, today, language)
            if len(found) != 1 or found[0].is_since:
                continue
            rest = text[: found[0].start] + text[found[0].end :]
            named = frozenset(_NAME.findall(rest)) if rules.happened.search(rest) else frozenset[str]()
            if rules.asks_nothing_else(_NAME.sub("", rest) if named else rest):
                return AskedPeriod(found[0].period, frozenset(each.casefold() for each in named))
    return None


def wants_latest(question: str, now: datetime) -> Latest:
    """Return whether a question asks for a state of now or to come, for a figure that may be corrected, or neither."""
    if asks_latest(question) or _STILL.match(question):
        return "state"
    today = now.astimezone(UTC).date()
    dates = [words for language in ("english", "german") for words in date_words(question, today, language)]
    if not _FINAL.search(question) and (_EARLIER.search(question) or any(words.period.end <= today for words in dates)):
        return None
    return "state" if asks_about_present(question) or asks_to_come(question) else "figure"


def at_time(question: str, evidence: Evidence, now: datetime) -> Evidence:
    """Return evidence with what a question wants of several reports, and the days of the state that it asks about."""
    return replace(evidence, latest=wants_latest(question, now), days=state_days(question, now), now=now)


def state_days(question: str, now: datetime) -> Period | None:
    """Return the day, month or year of the state that a question asks about: "How full was it in May?"; None if none.

    An event of that time is reported on its day or later, and may be corrected.
    """
    today = now.astimezone(UTC).date()
    for language, rules in _languages().items():
        found = date_words(question, today, language)
        if len(found) != 1 or found[0].is_since or found[0].period.start > today:
            continue
        if not _is_of_reports(question, found[0], rules) and _is_of_state(question, language, rules):
            return found[0].period
    return None


def narrowed(filters: Filters, window: Window) -> Filters:
    """Return filters with the ends of a window where these narrow them; the same filters if nothing would be left."""
    start, end = _midnight(window.start), _midnight(window.end) if window.end else None
    after, before = filters.published_after, filters.published_before
    after = max(after, start) if after else start
    before = min(before, end) if before and end else before or end
    if before and after >= before:
        return filters
    return replace(filters, published_after=after, published_before=before)


def inferred(given: Filters, used: Filters) -> tuple[str, ...]:
    """Return the ends that filters have from a window, as in "published_after=2026-05-01"."""
    ends = ("published_after", "published_before")
    changed = [(name, getattr(used, name)) for name in ends if getattr(used, name) != getattr(given, name)]
    return tuple(f"{name}={moment.date().isoformat()}" for name, moment in changed)


def is_as_close(inside: Retrieved, everything: Retrieved, window: Window) -> bool:
    """Return whether the passages of a window are about as close to the question as the closest of all."""
    if not inside.passages:
        return False
    best, closest = (max(passage.dense for passage in found.passages) for found in (inside, everything))
    return best >= closest - (FARTHER_REPORTS if window.is_of_reports else FARTHER)


def has_best(inside: Retrieved, everything: Retrieved) -> bool:
    """Return whether the best of all passages are in a window, so that reading the others will not find more."""
    found = {passage.chunk.chunk_id for passage in inside.passages}
    return found.issuperset(passage.chunk.chunk_id for passage in everything.passages[:BEST])


def is_before(articles: Iterable[Article], window: Window) -> bool:
    """Return whether all these articles were published before the time that a question asks about."""
    start, dates = _midnight(window.start), [article.published_at for article in articles]
    return bool(dates) and all(published is not None and published < start for published in dates)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _is_of_reports(question: str, words: DateWords, rules: Rules) -> bool:
    """Return whether date words speak of what was published: "articles from June", "what was reported in May"."""
    before, after = question[: words.start], question[words.end :]
    is_joined = words.joint.split(" ")[0] in rules.words.published_in and rules.publications.search(before)
    return bool(
        rules.adjacent.search(before) or rules.possessive.match(after) or rules.passive.search(question) or is_joined
    )


def _is_name(words: DateWords, rules: Rules) -> bool:
    """Return whether a year belongs to a name: "the cup of 1998"."""
    return words.kind == "year" and words.joint.split(" ")[0] in rules.words.name


def _is_of_state(question: str, language: str, rules: Rules) -> bool:
    """Return whether the only verbs of a question in the past are those of a state: "How full was it?"."""
    written = re.findall(r"[^\W_]+", question)
    others = [word for word in written if word.casefold() not in rules.words.states | {"did"}]
    return len(others) < len(written) and "past" not in directions(" ".join(others), tenses()[language])


def _is_of_event(question: str, found: Sequence[DateWords], language: str, rules: Rules) -> bool:
    """Return whether a question asks for what happened in the past, and not for a state that may be older."""
    verbs = directions(question, tenses()[language])
    # A name may have such a word: "the Crane Top Run".
    written = re.findall(r"[^\W\d_]+", question[:1].casefold() + question[1:])
    is_year = any(words.kind == "year" for words in found)
    if is_year or "coming" in verbs or not rules.words.states.isdisjoint(written):
        return False
    is_recent = all(words.is_since for words in found) and rules.perfect.search(question) is not None
    return "past" in verbs or is_recent
