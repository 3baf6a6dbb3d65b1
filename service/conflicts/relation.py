"""How the details of two sentences are related: a conflict, an update, or nothing.

Values that exclude each other conflict if they are of one fact and of one moment, or if the later article says that it
corrects the earlier. The values and the times are compared by rules; whether two values are of one fact is read by a
trained network (`pair_reader.py`). A false conflict is worse than none: what is not sure is neither.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import product
from typing import Literal

from index.embedding.pair_network import Related
from service.citations.numbers import find_numbers
from service.conflicts.details import Statement, is_denied
from service.conflicts.values import CLOCK, Amount, Detail, Value, When, dates_differ, excludes, has_grown

Relation = Literal["conflict", "update", "unclear"]

SAME_DAYS = timedelta(days=3)
"""The most time between articles that report the same state."""

CORRECTED = timedelta(days=60)
"""The most time between an article and one that corrects it."""

NEXT_REPORT = timedelta(hours=6)
"""The least time after which a state, a plan or a count that grows may be another one."""

SAME_EVENING = timedelta(hours=2)
"""The least time in which a count that grows may have grown."""

COMMON = 3
"""Words that two articles share near their sentences, at least; without a name among them, one more."""

ALIKE = 0.1
"""Share of the words near one of the sentences that are near the other as well, at least."""

ALIKE_LATER = 0.2
"""The same for a value and one that replaced it: reports of other days name the same town and its offices."""

LEAST, LEAST_UPDATE = 0.65, 0.65
"""The least probabilities of a conflict and of an update; read off pairs that the network was not trained on."""

LEAST_ANSWERED = 0.5
"""The least probability of a conflict of two answers to one question; read off the open questions of the gold set."""

APART = 1.0
"""How much less sure a relation of two numbers is, in logits, for each unit of `_apart`; read off the same pairs."""

SLIPPED = 2.0
"""How much surer it is, in logits, if one value may be the other mistyped; read off the same pairs, where all are."""

REPEATED = 3.0
"""How much surer it is, in logits, if two sentences are the same but for the values."""

GROWN = 1.5
"""How far apart the numbers of an update may be, one 4.5 times the other; what is beyond counts twice."""

NOT_YET = frozenset(["plan", "demand", "offer"])
"""Scopes of values that are not asserted."""


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
class Pair:
    """Two sentences of different articles, the older one first."""

    earlier: Statement
    later: Statement
    gap: timedelta

    @property
    def is_corrected(self) -> bool:
        return self.later.is_correction and self.gap <= CORRECTED


Read = Callable[[Pair, Detail, Detail], Related | None]
"""From two details to how they are related; None if that cannot be read."""


def compare(
    one: Statement,
    other: Statement,
    read: Read | None,
    concerns: Callable[[Statement, Detail], bool] = lambda *_: True,
    *,
    have_answers: bool = False,
) -> list[Finding]:
    """Return how the details of two sentences are related; nothing if they agree or are about different things.

    Only details that `concerns` accepts are compared. `have_answers` if both sentences answer one question. Without
    them and a reader, only states are compared.
    """
    pair = pair_of(one, other)
    if pair is None:
        return []
    found: list[Finding] = []
    for before, after in candidates(pair):
        if not concerns(pair.earlier, before) or not concerns(pair.later, after):
            continue
        if relation := relation_of(pair, before, after, read, have_answers=have_answers):
            found.append(Finding(relation, pair.earlier, pair.later, before, after, pair.is_corrected))
    return found


def pair_of(one: Statement, other: Statement) -> Pair | None:
    """Return two sentences in the order of their articles; None if an article has no date, or both are of one."""
    moments = one.article.published_at, other.article.published_at
    if one.article.article_id == other.article.article_id or moments[0] is None or moments[1] is None:
        return None
    order = (moments[0], one.article.article_id) <= (moments[1], other.article.article_id)
    earlier, later = (one, other) if order else (other, one)
    return Pair(earlier, later, abs(moments[1] - moments[0]))


def is_same_story(pair: Pair, alike: float = ALIKE) -> bool:
    """Return whether the articles share what they are about near two sentences, at least a share of their words."""
    contexts = pair.earlier.context, pair.later.context
    is_named = bool(pair.earlier.names & pair.later.names) or pair.is_corrected
    return len(contexts[0] & contexts[1]) >= max(COMMON if is_named else COMMON + 1, alike * min(map(len, contexts)))


def candidates(pair: Pair) -> Iterator[tuple[Detail, Detail]]:
    """Yield the details of two sentences whose values exclude each other, or of which the later has grown."""
    for before, after in product(pair.earlier.details, pair.later.details):
        if isinstance(before.value, frozenset) and isinstance(after.value, frozenset):
            if _are_other_names(pair, before.value, after.value):
                yield before, after
        elif before.kind == after.kind and (
            excludes(before.value, after.value) or has_grown(before.value, after.value)
        ):
            yield before, after
    yield from _denials(pair)


def _are_other_names(pair: Pair, before: frozenset[str], after: frozenset[str]) -> bool:
    """Return whether each of two names has words that the other article lacks: `Castle Park` and `Abbey Park`."""
    own = before - after, after - before
    return all(own) and own[0].isdisjoint(pair.later.context) and own[1].isdisjoint(pair.earlier.context)


def _denials(pair: Pair) -> Iterator[tuple[Detail, Detail]]:
    """Yield what one sentence denies with the same word of the other, which states it."""
    for denying, stating in ((pair.earlier, pair.later), (pair.later, pair.earlier)):
        for denial in denying.details:
            what, _, form = str(denial.value).partition(" ")
            if denial.kind != "status" or what != "not":
                continue
            at = next((at for at, token in enumerate(stating.tokens) if token.form == form), None)
            if at is None or is_denied(stating, at):
                continue
            stated = stating.detail("status", form, at, at + 1)
            yield (denial, stated) if denying is pair.earlier else (stated, denial)


def relation_of(
    pair: Pair, before: Detail, after: Detail, read: Read | None, *, have_answers: bool = False
) -> Relation | None:
    """Return how two details are related, as it is read; by rules if nothing can be read."""
    if before.kind == "status" and not _are_asserted(pair, before, after):
        return None
    if not have_answers and not is_same_story(pair):
        return None
    related = read(pair, before, after) if read else None
    if related is None:
        is_same = _is_same_fact(pair, before, after, have_answers=have_answers)
        return _relation_by_rules(pair, before, after) if is_same else None
    is_told = pair.later.is_updated and not pair.is_corrected
    update = related.update + related.conflict if is_told else related.update
    if _chance(update, -2 * APART * max(0.0, _apart(before.value, after.value) - GROWN)) >= LEAST_UPDATE:
        return "update" if pair.gap and is_same_story(pair, ALIKE_LATER) else None
    is_grown = not excludes(before.value, after.value) and has_grown(before.value, after.value)
    by_values = SLIPPED * _is_slip(before.value, after.value) - APART * _apart(before.value, after.value)
    by_values += REPEATED * (_beside(pair.earlier, before) == _beside(pair.later, after))
    least = LEAST_ANSWERED if have_answers else LEAST
    if is_grown or _chance(related.conflict, by_values) < least or not _is_of_one_moment(pair, before, after):
        return None
    return "conflict" if pair.is_corrected else _relation_of_counts(pair, before, after)


def _beside(statement: Statement, detail: Detail) -> list[str]:
    """Return the words of a sentence without those of a detail."""
    first, last = detail.place
    return [token.lower for at, token in enumerate(statement.tokens) if not first <= at < last]


def _chance(read: float, by_values: float) -> float:
    """Return the probability of a relation from what is read and what the values alone say, in logits."""
    odds = read / max(1 - read, 1e-9) * math.exp(by_values)
    return odds / (1 + odds)


def _apart(one: Value, other: Value) -> float:
    """Return how far two numbers are apart, from 0 to 3: what is misreported is near, or has the same digits.

    The logarithm of their ratio; of results, that of their difference. 0 for times of day and other values.
    """
    if not isinstance(one, Amount) or not isinstance(other, Amount) or one.unit == CLOCK:
        return 0.0
    if len(one.values) > 1 or one.values[0] <= 0 or other.values[0] <= 0:
        return min(3.0, math.log1p(sum(abs(a - b) for a, b in zip(one.values, other.values, strict=False)) / 10))
    return 0.0 if _is_slip(one, other) else min(3.0, abs(math.log(one.values[0] / other.values[0])))


def _is_slip(one: Value, other: Value) -> bool:
    """Return whether two numbers, days or years have the same digits in another order, or shifted: 48 and 84."""
    if isinstance(one, Amount) and isinstance(other, Amount):
        parts = list(zip(one.values[:1], other.values[:1], strict=True)) if one.unit != CLOCK else []
    elif isinstance(one, When) and isinstance(other, When):
        parts = [(a, b) for a, b in zip(one[:3], other[:3], strict=True) if a is not None and b is not None and a != b]
    else:
        return False
    return len(parts) == 1 and _digits(parts[0][0]) == _digits(parts[0][1]) and len(_digits(parts[0][0])) > 1


def _digits(value: float) -> str:
    """Return the digits of a number but for zeros, in their order of size: of 48 and 84 they are the same."""
    return "".join(sorted(f"{value:.6f}".replace("0", "").replace(".", "")))


def _is_of_one_moment(pair: Pair, before: Detail, after: Detail) -> bool:
    """Return whether two articles report of one moment, or the later one corrects the other.

    A plan is of another moment than its result, and a part is not the whole. If both articles have both values,
    they are of two things.
    """
    scopes = pair.earlier.scopes(before), pair.later.scopes(after)
    plans = (scopes[0] ^ scopes[1]) & NOT_YET if before.kind != "date" else frozenset()
    if before.kind == "number" and any("part" in one and "total" in other for one, other in (scopes, scopes[::-1])):
        return False
    is_past = _is_long_past(pair, before) and _is_long_past(pair, after)
    if _mentions(pair.earlier, after, pair.later) and _mentions(pair.later, before, pair.earlier):
        return False
    return not plans and (pair.gap <= SAME_DAYS or pair.is_corrected or is_past)


def _is_same_fact(pair: Pair, before: Detail, after: Detail, *, have_answers: bool) -> bool:
    """Return whether two details of one story are of one fact, by words: states, and numbers and dates that answer."""
    if _tell_apart(pair, before, after, have_answers=have_answers):
        return False
    if before.kind == "status":
        return True
    heads = pair.earlier.head(before), pair.later.head(after)
    if before.kind == "date" and not (_is_long_past(pair, before) and _is_long_past(pair, after)):
        return have_answers and heads[0] == heads[1]
    has_unit = before.kind == "number" and isinstance(before.value, Amount) and bool(before.value.unit)
    return have_answers and (has_unit or not heads[0].isdisjoint(heads[1]))


def _tell_apart(pair: Pair, before: Detail, after: Detail, *, have_answers: bool) -> bool:
    """Return whether words near two details say that they are of two things.

    One is a plan, or of another period, or the word beside one that both have is another one: the salt and the art
    museum. A state, a name or a number belongs to the names beside it, unless the number is what a question asks for.
    """
    sides = (pair.earlier, before), (pair.later, after)
    scopes = [side.scopes(detail) for side, detail in sides]
    names = [side.names_near(detail) for side, detail in sides]
    if before.kind == "status":
        scopes = [each & pair.earlier.lexicon.words.scopes.keys() for each in scopes]
        if scopes[0] != scopes[1]:
            return True
    elif before.kind != "date" and not (scopes[0] ^ scopes[1]).isdisjoint(NOT_YET):
        return True
    own = names[0] - pair.later.context, names[1] - pair.earlier.context
    is_asked = have_answers and before.kind == "number"
    if before.kind != "date" and not is_asked and all(names) and (all(own) or names[0].isdisjoint(names[1])):
        return True
    periods = pair.earlier.periods, pair.later.periods
    if before.kind == "number" and all(periods) and periods[0] != periods[1]:
        return True
    return _are_rivals(pair, before, after)


def _are_rivals(pair: Pair, before: Detail, after: Detail) -> bool:
    """Return whether two words that only one article has belong to a word that both have."""
    ones, others = pair.earlier.modifiers(before), pair.later.modifiers(after)
    return any(
        ones[key] not in pair.later.context and others[key] not in pair.earlier.context
        for key in ones.keys() & others.keys()
    )


def _are_asserted(pair: Pair, before: Detail, after: Detail) -> bool:
    """Return whether neither of two states is left open, and what is denied is what the other sentence states."""
    for one, detail, other in ((pair.earlier, before, pair.later), (pair.later, after, pair.earlier)):
        if one.leaves_open(detail):
            return False
        if str(detail.value).startswith("not ") and not one.denied_of(detail) <= other.forms:
            return False
    return True


def _relation_by_rules(pair: Pair, before: Detail, after: Detail) -> Relation | None:
    """Return how two values of one fact are related, by the words beside them and the time between the articles."""
    if pair.is_corrected:
        return "conflict"
    if before.kind == "status":
        return _relation_of_states(pair, before, after)
    is_planned = not (pair.earlier.scopes(before) | pair.later.scopes(after)).isdisjoint(NOT_YET)
    is_ahead = _is_ahead(pair.earlier, before) and _is_ahead(pair.later, after)
    is_moved = before.kind == "date" and (is_planned or is_ahead)
    is_grown = not excludes(before.value, after.value)
    is_updated = pair.later.is_updated or (before.kind == "number" and pair.earlier.is_updated and not is_grown)
    is_settled = pair.gap <= SAME_DAYS or (_is_long_past(pair, before) and _is_long_past(pair, after))
    if _mentions(pair.earlier, after, pair.later):
        return None
    if is_updated or (is_moved and pair.gap > NEXT_REPORT):
        return "update" if pair.gap else None
    is_told = is_grown or not is_settled or _mentions(pair.later, before, pair.earlier)
    return None if is_told else _relation_of_counts(pair, before, after)


def _relation_of_counts(pair: Pair, before: Detail, after: Detail) -> Relation | None:
    """Return `unclear` for a count that may have grown since, None for one that shrank; else a conflict."""
    scopes = pair.earlier.scopes(before) & pair.later.scopes(after)
    if pair.gap < SAME_EVENING or scopes.isdisjoint(pair.earlier.lexicon.words.growing):
        return "conflict"
    if not isinstance(before.value, Amount) or not isinstance(after.value, Amount):
        return "conflict"
    return "unclear" if after.value.values[0] > before.value.values[0] else None


def _relation_of_states(pair: Pair, before: Detail, after: Detail) -> Relation | None:
    """Return how two states are related: a state may become another one, and seldom goes back."""
    days = [
        [detail.value for detail in side.details if isinstance(detail.value, When)]
        for side in (pair.earlier, pair.later)
    ]
    differ = [dates_differ(one, other) for one in days[0] for other in days[1]]
    is_next = pair.gap >= NEXT_REPORT
    if pair.later.is_updated or (differ and all(differ)):
        return "update" if is_next else None
    group, _, was = str(before.value).partition(":")
    _, _, now = str(after.value).partition(":")
    order = pair.earlier.lexicon.words.order
    if f"{group}:{was}>{now}" in order:
        goes_back = f"{group}:{now}>{was}" in order
        return "update" if is_next else "conflict" if goes_back else None
    is_same_day = bool(differ)
    return "conflict" if pair.gap <= (SAME_DAYS if is_same_day else NEXT_REPORT) else None


def _is_long_past(pair: Pair, detail: Detail) -> bool:
    """Return whether a value is a year before that of both articles: it does not change with time."""
    published = pair.earlier.article.published_at
    when = detail.value
    return (
        isinstance(when, When) and when.month is None and bool(when.year and published and when.year < published.year)
    )


def _is_ahead(statement: Statement, detail: Detail) -> bool:
    """Return whether a date is not before its article."""
    when, published = detail.value, statement.article.published_at
    if not isinstance(when, When) or published is None or when.month is None:
        return isinstance(when, Amount)
    return (when.year or published.year, when.month, when.day or 31) >= (published.year, published.month, published.day)


def _mentions(statement: Statement, detail: Detail, owner: Statement) -> bool:
    """Return whether an article has the value of another article's detail, near its sentence or anywhere."""
    if isinstance(detail.value, frozenset):
        return not detail.value.isdisjoint(statement.context)
    body, words = statement.article.body, owner.article.body[slice(*detail.span)]
    if isinstance(detail.value, Amount) and len(detail.value.values) == 1 and detail.kind == "number":
        stated = {number.value for number in find_numbers(body)}
        return any(number.value in stated for number in find_numbers(words))
    return words in body
