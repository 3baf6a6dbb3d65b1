"""Whether two sentences, and two of their details, are about one thing.

Two details can be compared if both articles are about one thing and the details share what they say it of: the thing
counted, a measure, a role, a predicate, with the same scope (`details.py`). In doubt they are of two things.
"""

from dataclasses import dataclass
from datetime import date, timedelta

from service.conflicts.details import ITS, Statement
from service.conflicts.values import Amount, Detail, When

SAME_DAYS = timedelta(days=3)
"""The most time between articles that report the same state."""

CORRECTED = timedelta(days=60)
"""The most time between an article and one that corrects it."""

NEXT_REPORT = timedelta(hours=12)
"""The least time after which another state is a new one; before, both are of one moment."""

COMMON = 3
"""Words that two articles share near their sentences, at least; without a name among them, one more."""

ALIKE = 0.2
"""Share of the words near one of the sentences that are near the other as well, at least."""

EVENT = 0.8
"""Share of the words near one of two dates that are near the other, at least."""

COUNTED = 60
"""Characters from a number to the state of those it counts, at most."""

PERSONAL = frozenset(["life", "health", "search", "custody"])
"""States of people: some of a number of people may have one and others another."""

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

_AMOUNTS = frozenset("number amount total rest zahl".split())
_OF_SCORES = frozenset(["half", "first", "second", "third"])
_ORDER = frozenset(["first", "second", "third"])
_WEAK = OF_DATES.union(*FAMILIES) - _ORDER - {"last", "women", "men", "young"}


@dataclass(frozen=True, slots=True)
class Pair:
    """Two sentences of different articles, the older one first."""

    earlier: Statement
    later: Statement
    gap: timedelta

    @property
    def is_corrected(self) -> bool:
        return self.later.is_correction and self.gap <= CORRECTED


def is_same_subject(pair: Pair) -> bool:
    """Return whether the articles share what they are about near two sentences."""
    contexts = pair.earlier.context, pair.later.context
    shared = len(contexts[0] & contexts[1])
    is_named = bool(pair.earlier.names & pair.later.names) or pair.is_corrected
    if pair.gap > SAME_DAYS and not pair.is_corrected and not _is_same_story(pair):
        return False
    if not pair.is_corrected and _modifiers_clash(pair):
        return False
    return shared >= max(COMMON if is_named else COMMON + 1, ALIKE * min(map(len, contexts)))


def _modifiers_clash(pair: Pair) -> bool:
    """Return whether the sentences tell two things apart: the salt and the art museum, the hall and its roof."""
    ones, others = pair.earlier.modifiers, pair.later.modifiers
    if any(
        ones[form].isdisjoint(others[form] | pair.later.context) and others[form].isdisjoint(pair.earlier.context)
        for form in ones.keys() & others.keys()
    ):
        return True
    return _names_part(pair.earlier, pair.later) or _names_part(pair.later, pair.earlier)


def _names_part(one: Statement, other: Statement) -> bool:
    """Return whether one sentence speaks of a part of what the other speaks of: `the roof of the hall`."""
    known = other.context | other.lexicon.words.concepts.keys() | _AMOUNTS
    return any(
        form.startswith("of ") and form[3:] in other.forms and form not in other.modifiers and parts.isdisjoint(known)
        for form, parts in one.modifiers.items()
    )


def _is_same_story(pair: Pair) -> bool:
    """Return whether two articles share a full name in the sentences, or a word in their titles.

    Instead each title may share a word with the other's sentence.
    """
    if len(pair.earlier.named & pair.later.named) > 1:
        return True
    titles = [{token.form for token in side.story.title if token.form} for side in (pair.earlier, pair.later)]
    words = [{token.form for token in side.tokens if token.form} for side in (pair.earlier, pair.later)]
    return bool(titles[0] & titles[1]) or bool(titles[0] & words[1] and titles[1] & words[0])


def is_same_detail(pair: Pair, before: Detail, after: Detail, *, have_answers: bool) -> bool:
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
    return bool(keys) if before.kind == "name" else _is_same_place(pair, before, after)


def _is_same_place(pair: Pair, before: Detail, after: Detail) -> bool:
    """Return whether two places are of one event, or of one person's birth, life or death."""
    happened = before.keys & after.keys & pair.earlier.lexicon.words.places
    is_other = before.counted != after.counted and before.counted and after.counted
    return bool(happened) and not is_other and _share_subject(pair, happened)


def _have_one_owner(pair: Pair, before: Detail, after: Detail) -> bool:
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


def _is_same_number(pair: Pair, before: Detail, after: Detail, *, have_answers: bool) -> bool:
    """Return whether two numbers have one unit and count or measure one thing."""
    one, other = before.value, after.value
    if not isinstance(one, Amount) or not isinstance(other, Amount) or one.unit != other.unit:
        return False
    if one.unit in _OF_ONE:
        return _is_of_same(pair, before, after)
    if not pair.is_corrected and _periods(pair.earlier) != _periods(pair.later):
        return False
    return _is_same_count(pair, before, after, have_answers=have_answers)


def _is_of_same(pair: Pair, before: Detail, after: Detail) -> bool:
    """Return whether two results are of one match or meeting, or two ages of one person."""
    if isinstance(before.value, Amount) and before.value.unit == "age":
        is_full = before.owners <= after.owners or after.owners <= before.owners
        return is_full and bool(before.owners and after.owners)
    if isinstance(before.value, Amount) and before.value.unit == "votes":
        decided = pair.earlier.forms & pair.later.forms - pair.earlier.lexicon.bodies - {"vote"}
        return bool(decided) and bool(pair.earlier.names & pair.later.names)
    return _share_a_name(pair)


def _is_same_count(pair: Pair, before: Detail, after: Detail, *, have_answers: bool) -> bool:
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


def _count_persons(pair: Pair, before: Detail, after: Detail) -> bool:
    """Return whether two numbers count people, whatever they are called."""
    persons = pair.earlier.lexicon.words.persons
    return not (before.keys.isdisjoint(persons) or after.keys.isdisjoint(persons))


def _periods(statement: Statement) -> set[tuple[int | None, int | None]]:
    """Return the months and years of a sentence, to which its numbers may belong."""
    dates = [each.value for each in statement.details if isinstance(each.value, When)]
    return {(each.year, each.month) for each in dates if each.day is None and each.weekday is None}


def _share_a_name(pair: Pair) -> bool:
    """Return whether two names of one sentence, or a full name, are words of the other, or before its pronoun."""
    words = [
        frozenset(token.form for token in side.tokens if token.form) | side.previous
        for side in (pair.earlier, pair.later)
    ]
    return max(len(words[0] & pair.later.named), len(words[1] & pair.earlier.named)) > 1


def _share_more(pair: Pair, keys: frozenset[str]) -> bool:
    """Return whether two sentences share another word than the thing that they count or measure."""
    known = {key.removeprefix("measure ") for key in keys}
    one, other = (side.forms | side.previous for side in (pair.earlier, pair.later))
    is_measured = pair.gap <= SAME_DAYS and any(key.startswith("measure ") for key in keys)
    return is_measured or bool((one & other) - known)


def _is_same_date(pair: Pair, before: Detail, after: Detail) -> bool:
    """Return whether two dates are of one phase of an event, or two words near them are the same."""
    phases = pair.earlier.lexicon.words.phases
    one, other = ((detail.around | detail.scopes) & phases for detail in (before, after))
    if one or other:
        return bool(one & other) and _share_subject(pair, phases)
    shared = len(before.around & after.around) + len(before.scopes & after.scopes & _ORDER)
    least = min(len(before.around), len(after.around))
    if pair.is_corrected:
        return shared >= 2
    return shared >= max(EVENT * least, 2 if pair.gap <= SAME_DAYS else COMMON)


def _share_subject(pair: Pair, but: frozenset[str]) -> bool:
    """Return whether two sentences share a word of what they are about, some words apart."""
    return bool((pair.earlier.subjects & pair.later.subjects) - but - pair.earlier.lexicon.bodies)


def _are_news(pair: Pair, before: Detail, after: Detail) -> bool:
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


def _is_same_state(pair: Pair, before: Detail, after: Detail) -> bool:
    """Return whether two states are of one thing: a word near them is the same."""
    if before.owners & PERSONAL and (_has_count(pair.earlier, before) or _has_count(pair.later, after)):
        return False
    if before.owners != after.owners or before.around & after.around <= pair.earlier.lexicon.bodies:
        return False
    words = [frozenset(token.form for token in side.tokens) | side.previous for side in (pair.earlier, pair.later)]
    return pair.gap < NEXT_REPORT or len((words[0] & words[1]) - {""}) >= 2


def _has_count(statement: Statement, detail: Detail) -> bool:
    return any(
        each.kind == "number" and abs(each.span.start - detail.span.start) < COUNTED for each in statement.details
    )
