"""How the details of two sentences are related: a conflict, an update, or nothing.

Values of one thing (`alignment.py`) conflict if they exclude each other and both articles are of the same days, or the
later one says that it corrects the earlier. A later article that says that something has changed, a schedule that was
moved, and a new holder of a role are updates. A false conflict is worse than none: what is not sure is neither, and a
count that grows while an event goes on is `unclear`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import product
from typing import Literal

from service.citations.numbers import find_numbers
from service.conflicts.alignment import COMMON, NEXT_REPORT, SAME_DAYS, Pair, is_same_detail, is_same_subject
from service.conflicts.details import Statement
from service.conflicts.states import denials, neighbours
from service.conflicts.values import Amount, Detail, When, dates_differ, excludes, has_grown

Relation = Literal["conflict", "update", "unclear"]

SAME_EVENING = timedelta(hours=2)
"""The least time in which a count that grows may have grown."""

DENIED = 0.75
"""Share of the words of a denial that are near the sentence that it denies, at least."""

OFFICES = frozenset(
    f"role {name}"
    for name in "mayor head director chair chairman chairwoman president coach trainer owner chief bishop".split()
)
"""Roles that one person has at a time, one after another."""


@dataclass(frozen=True, slots=True)
class Finding:
    """How two details of different articles are related; `later` is the newer one, and corrects the other or not."""

    relation: Relation
    earlier: Statement
    later: Statement
    before: Detail
    after: Detail
    is_corrected: bool


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
    pair = Pair(earlier, later, abs(moments[1] - moments[0]))
    if is_sure and not is_same_subject(pair):
        return []
    return [*_findings(pair, have_answers=have_answers), *_denials(pair)]


def _findings(pair: Pair, *, have_answers: bool) -> list[Finding]:
    """Return the findings on details of one kind; another number on another day is of another event."""
    found: list[Finding] = []
    differing: set[str] = set()
    for before, after in product(pair.earlier.details, pair.later.details):
        if before.kind != after.kind or not is_same_detail(pair, before, after, have_answers=have_answers):
            continue
        relation: Relation | None = None
        if excludes(before.value, after.value):
            differing.add(before.kind)
            relation = _relation(pair, before, after)
        elif has_grown(before.value, after.value) and pair.later.is_updated and pair.gap:
            relation = "update"
        if relation:
            found.append(Finding(relation, pair.earlier, pair.later, before, after, pair.is_corrected))
    is_other_event = {"number", "date"} <= differing and not pair.is_corrected
    return [each for each in found if each.relation == "update" or not is_other_event]


def _denials(pair: Pair) -> Iterator[Finding]:
    """Yield the findings that one sentence denies what the other states in nearly the same words."""
    sides = pair.earlier, pair.later
    refused = [list(denials(side)) for side in sides]
    if bool(refused[0]) == bool(refused[1]):
        return
    forms = [frozenset(token.form for token in side.tokens if token.form) for side in sides]
    shared = forms[0] & forms[1]
    if len(shared) < 2 or (len(shared) < COMMON and len(shared) < min(map(len, forms))):
        return
    denying = 0 if refused[0] else 1
    stating = sides[1 - denying]
    if stating.is_doubtful or _all_scopes(sides[0]) != _all_scopes(sides[1]):
        return
    for denial in refused[denying]:
        stated = neighbours(stating, denial.form)
        if stated is None or stated[0].isdisjoint(denial.beside):
            continue
        if not pair.is_corrected and len(denial.clause & stating.context) < DENIED * len(denial.clause):
            continue
        details = [Detail("status", denial.form, stated[1], shared, shared)]
        details.insert(denying, Detail("status", f"not {denial.form}", denial.span, shared, shared))
        if relation := _relation(pair, *details):
            yield Finding(relation, pair.earlier, pair.later, details[0], details[1], pair.is_corrected)


def _all_scopes(statement: Statement) -> frozenset[str]:
    return statement.scopes(0, len(statement.tokens)) | statement.scopes(len(statement.tokens), len(statement.tokens))


def _relation(pair: Pair, before: Detail, after: Detail) -> Relation | None:
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


def _relation_of_counts(pair: Pair, before: Detail, after: Detail) -> Relation | None:
    """Return `unclear` for a count that may have grown since, None for one that shrank; else a conflict."""
    if before.kind == "number" and pair.later.is_remaining and pair.gap >= SAME_EVENING:
        return "unclear"
    grows = pair.earlier.roles & pair.later.roles & pair.earlier.lexicon.words.growing
    if grows and pair.gap >= SAME_EVENING and isinstance(before.value, Amount) and isinstance(after.value, Amount):
        return "unclear" if after.value.values[0] > before.value.values[0] else None
    return "conflict"


def _relation_of_states(pair: Pair, before: Detail, after: Detail) -> Relation | None:
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


def _is_fixed(pair: Pair, before: Detail, after: Detail) -> bool:
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
