"""Find the sentence of a correcting article that gives another value for what an earlier article says.

The later article must be of the same source and speak of the same thing. It names the earlier value ("not the 40 that
we reported"), or says that a report was wrong and has another number of the same unit or noun, or it denies what was
said. A value that it repeats is not superseded. In doubt nothing is.
"""

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Literal, NamedTuple

from index.correcting import corrects_another, is_titled_correction
from index.records import Article, Span
from index.text import sentence_spans
from service.citations.dates import Date, find_dates, missing_date
from service.citations.numbers import Number, missing_number
from service.compared_text import CLAUSE, Quantity, Text, has, stems_of, units

Route = Literal["day", "error", "title", ""]
"""Why a paragraph corrects a report: it names the report's day, or says that a report was wrong, or the title says so
and another paragraph names the day."""

WITHIN = timedelta(days=90)
"""The longest time to a correction that does not name the day of the report."""

YEAR = timedelta(days=365)
EARLIEST = datetime.min.replace(tzinfo=UTC)

COMMON, COMMON_WORDS = 3, 2
"""Words that a claim and a correction have in common at least, and those of them that are not names."""

KEPT = 0.6
"""Share of the words of the new sentence that the claim has, if its paragraph does not say that it corrects."""

DENIED = 0.8
"""The same share of a sentence that denies the claim."""

PARSED = 32
"""Correcting articles that are kept parsed."""

MOST_KNOWN = 10_000
"""Articles of which it is kept whether they correct another one."""

_KNOWN: dict[tuple[object, ...], bool] = {}

LOOKED_BACK = 500
"""Code points before a claim in which the sentence before it begins."""

_CAPITAL = re.compile(r"\b[A-ZÄÖÜ][^\W\d_]+")
_OPENING_NAME = re.compile(
    r"\s*(?:(?:by|in|at|from|of|to|the|near|for|von|aus|bei|der|die|das|dem|den)\s+){0,2}"
    r"[A-ZÄÖÜ][^\W\d_]+(?:\s[A-ZÄÖÜ][^\W\d_]+)*"
)
_OF_THEM = re.compile(r"\d (?:of (?:them|these|those)|davon|von ihnen)\b")
_DAYS = re.compile(r"\b(\d{1,2})((?:, and| and| und| to|,|–|-)\s*)(?=\d{1,2}\.? ([^\W\d]{3,}))")
"""The first day of "14 and 15 October"."""


Kind = Literal["number", "day", "name", "denial"]


class Superseded(NamedTuple):
    """The sentence of a correcting article that has the new value, its place in the body, and what it corrects."""

    article: Article
    span: Span
    text: str
    kind: Kind


class _Paragraph(NamedTuple):
    """A paragraph of a correcting article: its sentences, and the days of reports that it names."""

    whole: Text
    sentences: tuple[Text, ...]
    days: str
    is_error: bool


class _Correcting(NamedTuple):
    """A correcting article, parsed."""

    paragraphs: tuple[_Paragraph, ...]
    affirmed: tuple[Number, ...]
    days: str
    by_title: bool


def superseding(claim: str, article: Article, others: Sequence[Article]) -> Superseded | None:
    """Return the sentence of another article that corrects a sentence of this one, of the latest that does; or None."""
    said = Text(claim, before=_before(claim, article.body) if _OF_THEM.search(claim) else "")
    for other in sorted(others, key=lambda each: each.published_at or article.published_at or EARLIEST, reverse=True):
        if may_correct(article, other) and (found := _corrected(said, article, other)):
            sentence, kind = found
            return Superseded(other, sentence.span, sentence.text, kind)
    return None


def _before(claim: str, body: str) -> str:
    """Return the sentence before a claim."""
    start = body.find(claim)
    spans = sentence_spans(body[max(0, start - LOOKED_BACK) : start]) if start > 0 else []
    return body[max(0, start - LOOKED_BACK) : start][spans[-1].start : spans[-1].end] if spans else ""


def may_correct(article: Article, other: Article) -> bool:
    """Return whether another article is a later correction by the same source."""
    if article.published_at is None or other.published_at is None or not article.source or not other.source:
        return False
    return (
        other.published_at > article.published_at
        and other.source.casefold() == article.source.casefold()
        and other.article_id != article.article_id
        and _is_correcting(other)
    )


def _is_correcting(article: Article) -> bool:
    """Return whether an article says that it corrects another one; kept by the hash of its body, not with its body."""
    key = (article.article_id, article.title, article.tags, hash(article.body))
    found = _KNOWN.get(key)
    if found is None:
        if len(_KNOWN) >= MOST_KNOWN:
            _KNOWN.clear()
        found = _KNOWN[key] = corrects_another(article)
    return found


@lru_cache(maxsize=PARSED)
def _parsed(other: Article) -> _Correcting:
    by_title = is_titled_correction(other)
    paragraphs: list[_Paragraph] = []
    for spans in _paragraphs(other.body):
        sentences = tuple(Text(other.body[span.start : span.end], span) for span in spans)
        whole = Text(other.body[spans[0].start : spans[-1].end])
        is_error = has("errors", whole.text) and (by_title or has("reports", whole.text))
        paragraphs.append(_Paragraph(whole, sentences, _report_days(whole.text), is_error))
    affirmed = tuple(each.number for each in Text(other.body).affirmed.quantities)
    return _Correcting(tuple(paragraphs), affirmed, " ; ".join(each.days for each in paragraphs if each.days), by_title)


def asks_earlier(question: str, said: datetime | None, corrected: datetime | None) -> bool:
    """Return whether a question asks for what was said at one moment, before it was corrected at another."""
    if has("earlier", question):
        return True
    if said is None or corrected is None or not asks_what_was_said(question):
        return False
    named = [each for each in find_dates(question).dates if each.month]
    return any(_has_day(each, said) and not _has_day(each, corrected) for each in named)


def asks_what_was_said(question: str) -> bool:
    """Return whether a question has a word for saying something."""
    return has("told", question)


def _has_day(stated: Date, moment: datetime) -> bool:
    same_day = stated.day in (None, moment.day)
    return stated.year in (None, moment.year) and stated.month == moment.month and same_day


def _corrected(said: Text, article: Article, other: Article) -> tuple[Text, Kind] | None:
    """Return the sentence of a later correction that corrects a claim, and what it corrects."""
    if article.published_at is None or other.published_at is None:
        return None
    correcting = _parsed(other)
    alike = [each for each in correcting.paragraphs if len(said.stems & each.whole.stems) >= COMMON_WORDS]
    # A value that the correction repeats holds.
    values = [each for each in said.quantities if missing_number([each.number], correcting.affirmed)]
    is_near = other.published_at - article.published_at <= WITHIN
    for paragraph in alike:
        days = paragraph.days or correcting.days
        is_dated = bool(days) and _is_of(article.published_at.date(), other.published_at.date(), days)
        if bool(days) != is_dated or not (is_dated or is_near):
            continue
        route: Route = "error" if paragraph.is_error else "title" if correcting.by_title and is_dated else ""
        if paragraph.days or (is_dated and paragraph.is_error):
            route = "day"
        if found := _named(said, paragraph) or _unnamed(said, values, paragraph, route):
            return found
    return None


def _unnamed(said: Text, values: Sequence[Quantity], paragraph: _Paragraph, route: Route) -> tuple[Text, Kind] | None:
    """Return the sentence that corrects a claim without naming its value, in a paragraph that corrects a report."""
    if not route:
        return None
    if number := _other_number(said, values, paragraph, route):
        return number, "number"
    if other_day := _other_day(said, paragraph, route):
        return other_day, "day"
    denial = _denial(said, paragraph)
    return (denial, "denial") if denial else None


def _is_of(day: date, issue: date, days: str) -> bool:
    """Return whether a text of the issue of one day names another day, as a date or a weekday."""
    if missing_date([Date(day.year, day.month, day.day)], days, [issue]) is None:
        return True
    # "27 November", in a text of January.
    return issue - day < YEAR and Date(None, day.month, day.day) in find_dates(days).dates


def _report_days(text: str) -> str:
    """Return the clauses that speak of a report and name a day."""
    found: list[str] = []
    start = 0
    for stop in [*(clause.span() for clause in CLAUSE.finditer(text)), (len(text), len(text))]:
        clause = text[start : stop[0]]
        start = stop[1]
        if has("reports", clause) and any(each.day or each.weekday is not None for each in find_dates(clause).dates):
            found.append(_DAYS.sub(r"\1 \3\2", clause))
    return " ; ".join(found)


def _named(said: Text, paragraph: _Paragraph) -> tuple[Text, Kind] | None:
    """Return the sentence that names the claimed number, day or name as the wrong one, and has another one."""
    if not _is_alike(said, paragraph, COMMON_WORDS, COMMON_WORDS):
        return None
    for sentence in paragraph.sentences:
        if sentence.denied.text:
            if _names_number(said, sentence):
                return sentence, "number"
            if _names_date(said, sentence):
                return sentence, "day"
            if _names_name(said, sentence):
                return sentence, "name"
    return None


def _names_number(said: Text, sentence: Text) -> bool:
    claimed = [each.number for each in said.quantities]
    right = [each.number for each in sentence.affirmed.quantities]
    return bool(claimed) and any(
        missing_number([wrong], claimed) is None
        and missing_number([wrong], right) is not None
        and any(each.unit == wrong.unit for each in right)
        for wrong in (each.number for each in sentence.denied.quantities)
    )


def _names_date(said: Text, sentence: Text) -> bool:
    claimed, right, wrong = (
        [each for each in find_dates(text.text).dates if each.day]
        for text in (said, sentence.affirmed, sentence.denied)
    )
    return bool(right) and any(each in claimed and each not in right for each in wrong)


def _names_name(said: Text, sentence: Text) -> bool:
    """Return whether a sentence has "not (by) NAME" for a name of the claim, and a name that the claim lacks."""
    known = set(_CAPITAL.findall(said.text))
    right = set(_CAPITAL.findall(sentence.affirmed.unreported.text))
    for clause in sentence.denied.text.split(" ; "):
        named = _OPENING_NAME.match(clause)
        wrong = set(_CAPITAL.findall(named[0])) - right if named else set()
        if wrong and wrong <= known and sentence.affirmed.names - said.names:
            return True
    return False


def _other_number(said: Text, values: Sequence[Quantity], paragraph: _Paragraph, route: Route) -> Text | None:
    """Return the sentence with another number of the same thing that has most words of the claim."""
    if not values or not _is_alike(said, paragraph, COMMON, 1 if route == "day" else COMMON_WORDS):
        return None
    wrong = [each.number for sentence in paragraph.sentences for each in sentence.denied.quantities]
    # If the paragraph names the wrong value, no other one is.
    values = [each for each in values if not wrong or missing_number([each.number], wrong) is None]
    found: list[tuple[int, Text]] = []
    for sentence in paragraph.sentences:
        common = len(sentence.stems & said.stems)
        for quantity in sentence.affirmed.quantities:
            own = sentence.stems - quantity.nouns
            if (route != "title" or common >= KEPT * len(own)) and any(
                _is_same_thing(value, quantity, said, paragraph) for value in values
            ):
                found.append((common, sentence))
    return max(found, key=lambda each: each[0], default=(0, None))[1]


def _other_day(said: Text, paragraph: _Paragraph, route: Route) -> Text | None:
    """Return the sentence about the claim with another day or year, if both have one each."""
    if route == "title" or not _is_alike(said, paragraph, COMMON, COMMON_WORDS):
        return None
    for sentence in (each for each in paragraph.sentences if len(each.stems & said.stems) >= COMMON):
        for is_day in (True, False):
            claimed, stated = (
                {each for each in find_dates(text.text).dates if (each.day is not None) == is_day and _is_exact(each)}
                for text in (said, sentence.affirmed.unreported)
            )
            if len(claimed) == len(stated) == 1 and not _is_same_day(*claimed, *stated):
                return sentence
    return None


def _is_exact(day: Date) -> bool:
    return day.weekday is None and day.relative is None and (day.day is not None or day.month is None)


def _is_same_day(one: Date, other: Date) -> bool:
    return (one.month, one.day) == (other.month, other.day) and (
        one.year == other.year or None in (one.year, other.year)
    )


def _denial(said: Text, paragraph: _Paragraph) -> Text | None:
    """Return the sentence that has the words of the claim and a negation that the claim lacks, or the reverse."""
    if has("open", said.text):
        return None
    for sentence in paragraph.sentences:
        told = sentence.unreported
        stems = told.stems - stems_of("negations") - (sentence.names - said.stems)
        common = stems & said.stems
        if (
            sentence.is_negative != said.is_negative
            and len(common) >= max(COMMON, DENIED * len(stems))
            and len(common - sentence.names - said.names) >= COMMON_WORDS
            and not told.quantities
        ):
            return sentence
    return None


def _is_alike(said: Text, paragraph: _Paragraph, common: int, words: int) -> bool:
    """Return whether a claim and a paragraph have so many words in common, and so many that are not names."""
    whole = paragraph.whole
    counted = {noun for quantity in said.quantities for noun in quantity.nouns if quantity.number.unit is None}
    shared = said.stems & whole.stems
    return len(shared) >= common and len(shared - said.names - whole.names - counted - units()) >= words


def _is_same_thing(value: Quantity, other: Quantity, said: Text, paragraph: _Paragraph) -> bool:
    """Return whether two numbers have one unit, or count the same things or people."""
    if value.number.unit or other.number.unit:
        return value.number.unit == other.number.unit
    # "lowered its estimate of flooded homes to 275", "19 of them": what is counted comes before.
    nouns = value.nouns or (said.stems | Text(said.before).stems) - said.names
    if nouns & other.nouns:
        return True
    return bool((value.nouns | other.nouns) & stems_of("people")) and has("counts", paragraph.whole.text)


def _paragraphs(body: str) -> list[list[Span]]:
    """Return the sentences of each paragraph, headings left out."""
    found: list[list[Span]] = []
    end = 0
    for span in sentence_spans(body):
        if not found or "\n\n" in body[end : span.start]:
            found.append([])
        if not span.heading:
            found[-1].append(Span(span.start, span.end))
        end = span.end
    return [spans for spans in found if spans]
