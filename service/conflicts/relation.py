"""How the details of two sentences are related: a conflict, an update, or nothing.

Two details can be compared if both articles are about one thing and the details share what they say it of: the thing
counted, a measure, a role, a predicate, with the same scope (`details.py`). They conflict if their values exclude each
other and both articles are of the same days, or the later one says that it corrects the earlier. A later article that
says that something has changed, a schedule that was moved, and a new holder of a role are updates. A false conflict is
worse than none: what is not sure is neither, and a count that grows while an event goes on is `unclear`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from index.records import Span
from service.citations.numbers import find_numbers
from service.conflicts.details import ITS, Statement, denied
from service.conflicts.values import Amount, Detail, When, dates_differ, excludes, has_grown

Relation = Literal["conflict", "update", "unclear"]

SAME_DAYS = timedelta(days=3)
"""The most time between articles that report the same state."""

CORRECTED = timedelta(days=60)
"""The most time between an article and one that corrects it."""

SAME_EVENING = timedelta(hours=2)
"""The least time in which a count that grows may have grown."""

NEXT_REPORT = timedelta(hours=12)
"""The least time after which another state is a new one; before, both are of one moment."""

COMMON = 3
"""Words that two articles share near their sentences, at least; without a name among them, one more."""

ALIKE = 0.2
"""Share of the words near one of the sentences that are near the other as well, at least."""

EVENT = 0.8
"""Share of the words near one of two dates that are near the other, at least."""

PERSONAL = frozenset(["life", "health", "search", "custody"])
"""States of people: some of a number of people may have one and others another."""

OFFICES = frozenset(
    f"role {name}"
    for name in "mayor head director chair chairman chairwoman president coach trainer owner chief bishop".split()
)
"""Roles that one person has at a time, one after another."""

FAMILIES = tuple(
    frozenset(family.split())
    for family in (
        "town county country",
        "night early late",
        "first second third",
        "last next",
        "since deadline",
        "women men young",
        "north south east west",
        "upper lower",
    )
)
"""Scopes of which two exclude each other; one alone says nothing."""

OF_DATES = frozenset(["sale", "deadline", "parade"])
"""Scopes that tell dates apart, and nothing else."""

_OF_ONE = frozenset(["score", "time", "age", "votes"])
"""Units of what one person, match or meeting has."""

_OF_SCORES = frozenset(["half", "first", "second", "third"])
_ORDER = frozenset(["first", "second", "third"])
_WEAK = OF_DATES.union(*FAMILIES) - _ORDER - {"last", "women", "men", "young"}


@dataclass(frozen=True, slots=True)
class Finding:
    """How two details of different articles are related; `later` is the newer one, and corrects the other or not."""

    relation: Relation
    earlier: Statement
    later: Statement
    before: Detail
    after: Detail
    is_corrected: bool


@dataclass(frozen=True, slots=True)
class _Pair:
    """Two sentences of different articles, the older one first."""

    earlier: Statement
    later: Statement
    gap: timedelta

    @property
    def is_corrected(self) -> bool:
        return self.later.is_correction and self.gap <= CORRECTED


def compare(one: Statement, other: Statement, *, have_answers: bool = False, is_sure: bool = True) -> list[Finding]:
    """Return how the details of two sentences are related; nothing if they agree or are about different things.

    `have_answers` if both sentences answer one question: then numbers need less in common. `is_sure` if the
    articles must share words near them.
    """
    moments = one.article.published_at, other.article.published_at
    if one.article.article_id == other.article.article_id or moments[0] is None or moments[1] is None:
        return []
    order = (moments[0], one.article.article_id) <= (moments[1], other.article.article_id)
    earlier, later = (one, other) if order else (other, one)
    pair = _Pair(earlier, later, abs(moments[1] - moments[0]))
    if is_sure and not _is_same_subject(pair):
        return []
    return [*_findings(pair, have_answers=have_answers), *_denials(pair)]


def _is_same_subject(pair: _Pair) -> bool:
    """Return whether the articles share what they are about near two sentences."""
    contexts = pair.earlier.context, pair.later.context
    shared = len(contexts[0] & contexts[1])
    is_named = bool(pair.earlier.names & pair.later.names) or pair.is_corrected
    if pair.gap > SAME_DAYS and not pair.is_corrected and not _is_same_story(pair):
        return False
    return shared >= max(COMMON if is_named else COMMON + 1, ALIKE * min(map(len, contexts)))


def _is_same_story(pair: _Pair) -> bool:
    """Return whether the titles of two articles share a word, or each shares one with the other's sentence."""
    titles = [{token.form for token in side.story.title if token.form} for side in (pair.earlier, pair.later)]
    words = [{token.form for token in side.tokens if token.form} for side in (pair.earlier, pair.later)]
    return bool(titles[0] & titles[1]) or bool(titles[0] & words[1] and titles[1] & words[0])


def _findings(pair: _Pair, *, have_answers: bool) -> Iterator[Finding]:
    """Yield the findings on details of one kind."""
    for before in pair.earlier.details:
        for after in pair.later.details:
            if before.kind != after.kind or not _is_same_detail(pair, before, after, have_answers=have_answers):
                continue
            relation: Relation | None = None
            if excludes(before.value, after.value):
                relation = _relation(pair, before, after)
            elif has_grown(before.value, after.value) and pair.later.is_updated and pair.gap:
                relation = "update"
            if relation:
                yield Finding(relation, pair.earlier, pair.later, before, after, pair.is_corrected)


def _denials(pair: _Pair) -> Iterator[Finding]:
    """Yield the finding that one sentence denies what the other states in nearly the same words."""
    sides = pair.earlier, pair.later
    refused = [dict(denied(side)) for side in sides]
    if bool(refused[0]) == bool(refused[1]):
        return
    forms = [frozenset(token.form for token in side.tokens if token.form) for side in sides]
    shared = forms[0] & forms[1]
    if len(shared) < 2 or (len(shared) < COMMON and len(shared) < min(map(len, forms))):
        return
    denying = 0 if refused[0] else 1
    if sides[1 - denying].is_doubtful:
        return
    for form, span in refused[denying].items():
        word = next((token for token in sides[1 - denying].tokens if token.form == form), None)
        if word is None:
            continue
        details = [Detail("status", form, Span(word.start, word.end), shared, shared)]
        details.insert(denying, Detail("status", f"not {form}", span, shared, shared))
        if relation := _relation(pair, *details):
            yield Finding(relation, pair.earlier, pair.later, details[0], details[1], pair.is_corrected)


def _relation(pair: _Pair, before: Detail, after: Detail) -> Relation | None:
    """Return how two values of one detail that exclude each other are related."""
    if pair.is_corrected:
        return "conflict"
    if before.kind == "status":
        return _relation_of_states(pair, before, after)
    if _mentions(pair.earlier, after, pair.later):
        return None
    is_updated = pair.later.is_moved if before.kind == "date" else pair.later.is_updated
    is_updated = is_updated or (before.kind == "number" and pair.earlier.is_updated)
    if _is_fixed(pair, before, after):
        return None if _mentions(pair.later, before, pair.earlier) else "conflict"
    if is_updated or pair.gap > SAME_DAYS:
        is_moved = before.kind == "date" and _is_ahead(pair.earlier, before) and _is_ahead(pair.later, after)
        is_update = is_updated or is_moved or not before.keys.isdisjoint(OFFICES)
        return "update" if is_update and pair.gap else None
    return None if _mentions(pair.later, before, pair.earlier) else _relation_of_counts(pair, before, after)


def _relation_of_counts(pair: _Pair, before: Detail, after: Detail) -> Relation | None:
    """Return `unclear` for a count that may have grown since, None for one that shrank; else a conflict."""
    grows = pair.earlier.roles & pair.later.roles & pair.earlier.lexicon.words.growing
    if grows and pair.gap >= SAME_EVENING and isinstance(before.value, Amount) and isinstance(after.value, Amount):
        return "unclear" if after.value.values[0] > before.value.values[0] else None
    return "conflict"


def _relation_of_states(pair: _Pair, before: Detail, after: Detail) -> Relation | None:
    """Return how two states are related: a state may become another one, and seldom goes back."""
    days = [
        [detail.value for detail in side.details if isinstance(detail.value, When)]
        for side in (pair.earlier, pair.later)
    ]
    differ = [dates_differ(one, other) for one in days[0] for other in days[1]]
    if pair.later.is_updated or (differ and all(differ)):
        return "update" if pair.gap >= NEXT_REPORT else None
    group, _, was = str(before.value).partition(":")
    _, _, now = str(after.value).partition(":")
    order = pair.earlier.lexicon.words.order
    if f"{group}:{was}>{now}" in order:
        if pair.gap >= NEXT_REPORT:
            return "update"
        is_either = f"{group}:{now}>{was}" in order
        return "conflict" if is_either and not all(differ) else None
    is_same_day = bool(differ) and not all(differ)
    return "conflict" if pair.gap <= (SAME_DAYS if is_same_day else NEXT_REPORT) else None


def _is_fixed(pair: _Pair, before: Detail, after: Detail) -> bool:
    """Return whether two values are years of an event that happens once, long before both articles."""
    shared = before.keys & after.keys & pair.earlier.lexicon.words.fixed
    years = [
        detail.value.year for detail in (before, after) if isinstance(detail.value, When) and detail.value.month is None
    ]
    published = pair.earlier.article.published_at
    return (
        bool(shared)
        and published is not None
        and len(years) == 2
        and all(year is not None and year < published.year for year in years)
    )


def _is_ahead(statement: Statement, detail: Detail) -> bool:
    """Return whether a date is not before its article."""
    when, published = detail.value, statement.article.published_at
    if not isinstance(when, When) or published is None or when.month is None:
        return False
    moment = (when.year or published.year, when.month, when.day or 0)
    return moment >= (published.year, published.month, published.day)


def _mentions(statement: Statement, detail: Detail, owner: Statement) -> bool:
    """Return whether an article has the value of another article's detail, near its sentence or anywhere."""
    if isinstance(detail.value, frozenset):
        return not detail.value.isdisjoint(statement.context)
    body, words = statement.article.body, owner.article.body[slice(*detail.span)]
    if isinstance(detail.value, Amount) and len(detail.value.values) == 1:
        stated = {number.value for number in find_numbers(body)}
        return any(number.value in stated for number in find_numbers(words))
    return words in body


def _is_same_detail(pair: _Pair, before: Detail, after: Detail, *, have_answers: bool) -> bool:
    """Return whether two details of one kind are about one thing."""
    if before.kind in ("name", "place") and not pair.is_corrected and not _have_one_owner(pair, before, after):
        return False
    if before.kind == "status":
        return _is_same_state(pair, before, after)
    if _scopes_differ(before, after, is_corrected=pair.is_corrected):
        return False
    if before.kind == "number":
        return _is_same_number(pair, before, after, have_answers=have_answers)
    if before.kind == "date":
        return not _are_news(pair, before, after) and _is_same_date(pair, before, after)
    keys = before.keys & after.keys
    happened = keys & pair.earlier.lexicon.words.places
    return bool(keys) if before.kind == "name" else bool(happened) and _share_subject(pair, happened)


def _have_one_owner(pair: _Pair, before: Detail, after: Detail) -> bool:
    """Return whether two roles or places belong to the same; `its mayor` has the owner that its article names."""
    if before.owners == after.owners:
        return True
    if before.owners == {ITS}:
        return after.owners <= pair.earlier.context
    return after.owners == {ITS} and before.owners <= pair.later.context


def _scopes_differ(before: Detail, after: Detail, *, is_corrected: bool) -> bool:
    """Return whether one value is limited to something that the other is not."""
    one, other = before.scopes, after.scopes
    if any(one & family and other & family and not one & other & family for family in FAMILIES):
        return True
    if isinstance(before.value, Amount) and before.value.unit in _OF_ONE:
        return one & _OF_SCORES != other & _OF_SCORES
    if is_corrected or before.kind == "name":
        return False
    if before.kind == "date":
        return one & OF_DATES != other & OF_DATES
    return one - _WEAK != other - _WEAK


def _is_same_number(pair: _Pair, before: Detail, after: Detail, *, have_answers: bool) -> bool:
    """Return whether two numbers have one unit and count or measure one thing."""
    one, other = before.value, after.value
    if not isinstance(one, Amount) or not isinstance(other, Amount) or one.unit != other.unit:
        return False
    if one.unit in _OF_ONE:
        return _is_of_same(pair, before, after)
    if not pair.is_corrected and _periods(pair.earlier) != _periods(pair.later):
        return False
    return _is_same_count(pair, before, after, have_answers=have_answers)


def _is_of_same(pair: _Pair, before: Detail, after: Detail) -> bool:
    """Return whether two results are of one match or meeting, or two ages of one person."""
    if isinstance(before.value, Amount) and before.value.unit == "age":
        is_full = before.owners <= after.owners or after.owners <= before.owners
        return is_full and bool(before.owners and after.owners)
    if isinstance(before.value, Amount) and before.value.unit == "votes":
        return _share_subject(pair, frozenset(["vote"])) and bool(pair.earlier.names & pair.later.names)
    return _share_a_name(pair)


def _is_same_count(pair: _Pair, before: Detail, after: Detail, *, have_answers: bool) -> bool:
    """Return whether two numbers of one unit count or measure one thing."""
    unit = isinstance(before.value, Amount) and before.value.unit
    roles = pair.earlier.roles, pair.later.roles
    if roles[0] != roles[1] and not (have_answers and (not roles[0] or not roles[1])):
        return False
    keys = before.keys & after.keys
    if have_answers:
        return bool(unit or keys) or _count_persons(pair, before, after)
    if unit and not keys:
        return len(before.around & after.around) >= 2
    is_part = before.counted != after.counted and before.counted and after.counted
    return bool(keys) and not is_part and (bool(roles[0]) or len(keys) > 1 or _share_more(pair, keys))


def _count_persons(pair: _Pair, before: Detail, after: Detail) -> bool:
    """Return whether two numbers count people, whatever they are called."""
    persons = pair.earlier.lexicon.words.persons
    return not (before.keys.isdisjoint(persons) or after.keys.isdisjoint(persons))


def _periods(statement: Statement) -> set[tuple[int | None, int | None]]:
    """Return the months and years of a sentence, to which its numbers may belong."""
    dates = [each.value for each in statement.details if isinstance(each.value, When)]
    return {(each.year, each.month) for each in dates if each.day is None and each.weekday is None}


def _share_a_name(pair: _Pair) -> bool:
    """Return whether a name of one sentence is a word of the other, or of the sentence before its pronoun."""
    words = [
        frozenset(token.form for token in side.tokens if token.form) | side.previous
        for side in (pair.earlier, pair.later)
    ]
    return bool(words[0] & pair.later.named or words[1] & pair.earlier.named)


def _share_more(pair: _Pair, keys: frozenset[str]) -> bool:
    """Return whether two sentences share another word than the thing that they count or measure."""
    known = {key.removeprefix("measure ") for key in keys}
    one, other = (side.forms | side.previous for side in (pair.earlier, pair.later))
    is_measured = pair.gap <= SAME_DAYS and any(key.startswith("measure ") for key in keys)
    return is_measured or bool((one & other) - known)


def _is_same_date(pair: _Pair, before: Detail, after: Detail) -> bool:
    """Return whether two dates are of one phase of an event, or two words near them are the same."""
    phases = pair.earlier.lexicon.words.phases
    one, other = ((detail.around | detail.scopes) & phases for detail in (before, after))
    if one or other:
        return bool(one & other) and _share_subject(pair, phases)
    shared = len(before.around & after.around) + len(before.scopes & after.scopes & _ORDER)
    least = min(len(before.around), len(after.around))
    return shared >= (2 if pair.gap <= SAME_DAYS else COMMON) and (pair.is_corrected or shared >= EVENT * least)


def _share_subject(pair: _Pair, but: frozenset[str]) -> bool:
    """Return whether two sentences share a word of what they are about, some words apart."""
    return bool((pair.earlier.subjects & pair.later.subjects) - but)


def _are_news(pair: _Pair, before: Detail, after: Detail) -> bool:
    """Return whether articles of different days each report what happened on their last days."""
    if pair.gap < NEXT_REPORT:
        return False
    return all(_age(side, detail) in (0, 1, 2) for side, detail in ((pair.earlier, before), (pair.later, after)))


def _age(statement: Statement, detail: Detail) -> int | None:
    """Return how many days before its article a date is, if it is known."""
    when, published = detail.value, statement.article.published_at
    if not isinstance(when, When) or published is None:
        return None
    if when.weekday is not None:
        return (published.weekday() - when.weekday) % 7
    if when.month is None or when.day is None:
        return None
    try:
        return (published.date() - date(when.year or published.year, when.month, when.day)).days
    except ValueError:
        return None


def _is_same_state(pair: _Pair, before: Detail, after: Detail) -> bool:
    """Return whether two states are of one thing: a word near them is the same."""
    if before.owners & PERSONAL and (_has_count(pair.earlier, before) or _has_count(pair.later, after)):
        return False
    if before.owners != after.owners or before.around.isdisjoint(after.around):
        return False
    words = [frozenset(token.form for token in side.tokens) | side.previous for side in (pair.earlier, pair.later)]
    return pair.gap < NEXT_REPORT or len((words[0] & words[1]) - {""}) >= 2


def _has_count(statement: Statement, detail: Detail) -> bool:
    return any(
        each.kind == "number" and abs(each.span.start - detail.span.start) < COUNTED for each in statement.details
    )


COUNTED = 60
"""Characters from a number to the state of those it counts, at most."""
