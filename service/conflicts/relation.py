"""How the details of two sentences are related: a conflict, an update, or nothing.

Two values are of one fact if one question is answered by both. The span reader is asked the user's question, and each
sentence with its value left out: "The tunnel is how many kilometres long". Its scores are weighed with how far the
values are apart, what limits them, and what the sentences share (`weights.json`). Values of one fact conflict if they
exclude each other and both articles are of one moment, or the later one says that it corrects the earlier. A false
conflict is worse than none: what is not sure is neither.
"""

import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from itertools import product
from pathlib import Path
from typing import Literal

from index.embedding.span_network import AnswerSpan
from service.citations.numbers import find_numbers
from service.conflicts.details import Statement, is_denied
from service.conflicts.values import CLOCK, Amount, Detail, When, dates_differ, excludes, has_grown

Relation = Literal["conflict", "update", "unclear"]

Ask = Callable[[str, str, str], AnswerSpan | None]
"""From a question, a title and a text to the best answer in the text; its score is that above "no answer here"."""

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

ALIKE = 0.2
"""Share of the words near one of the sentences that are near the other as well, at least."""

MOST_ASKED = 6
"""Questions that the span reader is asked for one answer; each takes about 3 ms of one core."""

LEAST, MOST = -15.0, 12.0
"""The range of the scores of an answer."""

NOT_YET = frozenset(["plan", "demand", "offer"])
"""Scopes of values that are not asserted."""

RESULTS = frozenset(["score", "race", "votes", "age"])
"""Units of what one match, runner, vote or person has: another one is of another."""

NAMED = 0.3
"""The least score, by ten, by which two names without a common word beside them are of one fact."""

PLAIN = -3.0
"""Stands for the score of an answer to a sentence in a language that the span reader was not trained on."""

_ASKED = {"number": "how many", "date": "when", "name": "who", "place": "where"}


@dataclass
class Questioner:
    """Asks the span reader the user's question, if there is one, and questions made of sentences, each once.

    After `most` questions nothing is answered any more.
    """

    ask: Ask
    question: str = ""
    most: int = MOST_ASKED
    known: dict[tuple[str, str, str], AnswerSpan | None] = field(default_factory=dict)

    def score(self, question: str, statement: Statement, wanted: Detail) -> float:
        """Return the score of the best answer near a sentence, in [LEAST, MOST]; LEAST if it is not the wanted one."""
        first, last = statement.neighbourhood
        asked = question, statement.article.title or "", statement.article.body[first:last]
        if asked not in self.known and len(self.known) < self.most:
            self.known[asked] = self.ask(*asked)
        answer = self.known.get(asked)
        if answer is None or answer.start >= wanted.span.end - first or wanted.span.start - first >= answer.end:
            return LEAST
        return max(LEAST, min(answer.score, MOST))


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


def compare(
    one: Statement,
    other: Statement,
    asking: Questioner | None,
    concerns: Callable[[Statement, Detail], bool] = lambda *_: True,
    *,
    have_answers: bool = False,
) -> list[Finding]:
    """Return how the details of two sentences are related; nothing if they agree or are about different things.

    Only details that `concerns` accepts are compared. `have_answers` if both sentences answer one question. Without
    them and a questioner, only states are compared.
    """
    pair = pair_of(one, other)
    if pair is None:
        return []
    found: list[Finding] = []
    differing: set[str] = set()
    for before, after in candidates(pair):
        if isinstance(before.value, Amount) and before.value.unit in RESULTS:
            differing.add("number")
        if not concerns(pair.earlier, before) or not concerns(pair.later, after):
            continue
        relation = relation_of(pair, before, after)
        if relation and is_same_fact(
            pair, before, after, asking, have_answers=have_answers, is_changed=relation == "update"
        ):
            differing.add("name" if before.kind == "place" else before.kind)
            found.append(Finding(relation, pair.earlier, pair.later, before, after, pair.is_corrected))
    # Another number on another day, or by another decision, is of another event.
    is_other_event = len(differing) > 1 and not pair.is_corrected
    return [each for each in found if each.relation == "update" or not is_other_event]


def pair_of(one: Statement, other: Statement) -> Pair | None:
    """Return two sentences in the order of their articles; None if an article has no date, or both are of one."""
    moments = one.article.published_at, other.article.published_at
    if one.article.article_id == other.article.article_id or moments[0] is None or moments[1] is None:
        return None
    order = (moments[0], one.article.article_id) <= (moments[1], other.article.article_id)
    earlier, later = (one, other) if order else (other, one)
    return Pair(earlier, later, abs(moments[1] - moments[0]))


def is_same_story(pair: Pair) -> bool:
    """Return whether the articles share what they are about near two sentences."""
    contexts = pair.earlier.context, pair.later.context
    is_named = bool(pair.earlier.names & pair.later.names) or pair.is_corrected
    return len(contexts[0] & contexts[1]) >= max(COMMON if is_named else COMMON + 1, ALIKE * min(map(len, contexts)))


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


def is_same_fact(
    pair: Pair,
    before: Detail,
    after: Detail,
    asking: Questioner | None,
    *,
    have_answers: bool = False,
    is_changed: bool = False,
) -> bool:
    """Return whether two details are asserted of one fact; the span reader is asked only if its answers can decide.

    A value that has changed (`is_changed`) may be far from the one before.
    """
    is_same = have_answers or is_same_story(pair)
    if _tell_apart(pair, before, after, have_answers=have_answers):
        return False
    if before.kind == "status":
        return is_same and _are_asserted(pair, before, after)
    found = features(pair, before, after)
    if asking is None:
        if before.kind == "date" and not (_is_long_past(pair, before) and _is_long_past(pair, after)):
            return have_answers and pair.earlier.head(before) == pair.later.head(after)
        has_unit = before.kind == "number" and isinstance(before.value, Amount) and bool(before.value.unit)
        return have_answers and (has_unit or bool(found["head"]))
    if is_changed:
        found["apart"] = 0.0
    found |= answers(pair, before, after, asking, found)
    # Any name is an answer to `who`: two must have a word beside them in common, or answer each other well.
    is_sure = not isinstance(before.value, frozenset) or bool(found["head"]) or found["asked"] >= NAMED
    is_same = is_same or found["answered"] > 0
    return is_same and is_sure and probability(before, found) >= weights().least


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


def answers(
    pair: Pair, before: Detail, after: Detail, asking: Questioner, known: Mapping[str, float] | None = None
) -> dict[str, float]:
    """Return the lower score of two answers, by ten: to the user's question, and of each sentence to the other.

    With the other features `known`, no more is asked as soon as no answer can make two details one fact.
    """
    sides = ((pair.earlier, before, pair.later, after), (pair.later, after, pair.earlier, before))
    if not pair.earlier.lexicon.is_english:
        return {"asked": PLAIN / 10, "answered": 0.0, "unasked": 1.0}
    found = {
        "asked": MOST / 10,
        "answered": MOST / 10 if asking.question else 0.0,
        "unasked": float(not asking.question),
    }
    questions = [("answered", asking.question, one, detail) for one, detail, _, _ in sides if asking.question]
    questions += [
        ("asked", one.without(detail, _ASKED[detail.kind]), other, wanted) for one, detail, other, wanted in sides
    ]
    for name, question, statement, wanted in questions:
        if known is not None and probability(before, {**known, **found}) < weights().least:
            break
        found[name] = min(found[name], asking.score(question, statement, wanted) / 10)
    return found


def features(pair: Pair, before: Detail, after: Detail) -> dict[str, float]:
    """Return what tells whether two details are of one fact, without the answers of the span reader."""
    contexts = pair.earlier.context, pair.later.context
    heads = pair.earlier.head(before), pair.later.head(after)
    scopes = pair.earlier.scopes(before) ^ pair.later.scopes(after)
    if before.kind == "date":
        scopes -= NOT_YET | pair.earlier.lexicon.words.roles.keys()
    names = pair.earlier.names_near(before), pair.later.names_near(after)
    return {
        "context": len(contexts[0] & contexts[1]) / (1 + min(map(len, contexts))),
        "head": float(bool(heads[0] & heads[1])),
        "scopes": float(len(scopes)),
        "names": float(bool(names[0] and names[1]) and names[0].isdisjoint(names[1])),
        "apart": _apart(before, after),
    }


def _apart(before: Detail, after: Detail) -> float:
    """Return how far two values are apart, from 0 to 3: what is misreported is near, or has the same digits.

    The logarithm of the ratio of two numbers; that of the difference of two days, or of two years, by seven.
    """
    one, other = before.value, after.value
    if isinstance(one, Amount) and isinstance(other, Amount):
        return min(3.0, _numbers_apart(one, other))
    if isinstance(one, When) and isinstance(other, When):
        is_swap = one.month is None and one.year and other.year and _digits(one.year) == _digits(other.year)
        return 0.0 if is_swap else min(3.0, math.log1p(_between(one, other) / 7))
    return 0.5


def _numbers_apart(one: Amount, other: Amount) -> float:
    if len(one.values) > 1 or one.values[0] <= 0 or other.values[0] <= 0:
        return math.log1p(sum(abs(a - b) for a, b in zip(one.values, other.values, strict=False)) / 10)
    if one.unit == CLOCK:
        return math.log1p(abs(one.values[0] - other.values[0]) / 60)
    is_swap = _digits(one.values[0]) == _digits(other.values[0])
    return 0.0 if is_swap else abs(math.log(one.values[0] / other.values[0]))


def _digits(value: float) -> str:
    """Return the digits of a number but for zeros, in their order of size: of 48 and 84 they are the same."""
    return "".join(sorted(f"{value:.6g}".replace("0", "").replace(".", "")))


def _between(one: When, other: When) -> float:
    """Return how many days apart two dates are; how many years, if one of them is a year."""
    if one.month is None or other.month is None:
        return float(abs(one.year - other.year)) if one.year and other.year else 3.0
    months = 12 * ((one.year or 0) - (other.year or 0)) * bool(one.year and other.year) + one.month - other.month
    return abs(30.4 * months + (one.day or 15) - (other.day or 15))


@dataclass(frozen=True, slots=True)
class Weights:
    """The weights of the features, a constant for each kind of value, and the least probability of one fact."""

    features: Mapping[str, float]
    kinds: Mapping[str, float]
    least: float


@cache
def weights() -> Weights:
    """Return the weights, read from the file at the first call."""
    read = json.loads(Path(__file__).with_name("weights.json").read_text(encoding="utf-8"))
    return Weights(read["features"], read["kinds"], read["least"])


def probability(detail: Detail, found: Mapping[str, float]) -> float:
    """Return the probability that two details of a kind with these features are of one fact."""
    total = weights().kinds[detail.kind] + sum(weights().features[name] * value for name, value in found.items())
    return 1 / (1 + math.exp(-total))


def relation_of(pair: Pair, before: Detail, after: Detail) -> Relation | None:
    """Return how two values of one fact are related."""
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
