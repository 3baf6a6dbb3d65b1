"""The details of a sentence: its numbers, dates, times, names, places and states, each with the words around it."""

import re
from collections.abc import Iterator, Sequence
from functools import cached_property

from index.records import Span
from service.citations.dates import WEEKDAYS, Date, located_dates, resolved_dates
from service.citations.english import english
from service.citations.numbers import CURRENCIES, find_numbers
from service.conflicts.lexicon import GERMAN_WEEKDAYS, listed
from service.conflicts.statement import Sentence, Token, found_in
from service.conflicts.values import CLOCK, SMALL, Amount, Bound, Detail, Kind, When

NEGATED = 3
"""Words before a state that may deny it."""

HEAD = 2
"""Words that say of what a value is, at most."""

PLACE = 5
"""Words behind a preposition that may be a place, at most."""

_AGAINST = frozenset("to against gegen zu".split())
_AGED = frozenset("age boy girl man woman".split())
_BETWEEN = frozenset(["between", "zwischen"])
_SIGNS = frozenset(',;:.!?()—–-“”"')
_STOPS = frozenset(",.;:!?")
_SCORE = re.compile(r"(\d{1,3})[–-](\d{1,3})")
_RACE = re.compile(r"\d+:\d\d:\d\d")
_CLOCK = re.compile(
    r"\b(?:(?P<h>[012]?\d)(?:[.:](?P<m>[0-5]\d))?\s?(?:(?P<half>[ap])\.?m\b\.?|o['’]clock|Uhr(?:\s(?P<n>[0-5]\d)\b)?)"
    r"|(?:at|from|until|um|ab|bis)\s(?P<h2>[012]?\d)[.:](?P<m2>[0-5]\d)(?![\d.]))",
    re.IGNORECASE,
)
_EARLY_YEAR = re.compile(r"\b(?:in|since|of|from|until|seit|Jahr|Jahre)\s+(1[5-8]\d\d)(?![\d.,]\d|\w)")
_MAGNITUDE = re.compile(r"(?:m|bn|k)\b")
_PLAIN_DIGITS = re.compile(r"(?<=\d)[.,](?=\d{3}(?!\d))")
_BEFORE_DATES = frozenset([*WEEKDAYS, *GERMAN_WEEKDAYS, ",", "on", "am", "the", "den"])


class Statement(Sentence):
    """A sentence with its details."""

    @cached_property
    def details(self) -> list[Detail]:
        """The details of the sentence."""
        return [*_times(self), *_numbers(self), *_dates(self), *_names(self), *_places(self), *_states(self)]

    def head(self, detail: Detail) -> frozenset[str]:
        """Return the forms that say of what a detail is: what a number counts, else the nearest words."""
        first, last = detail.place
        if detail.kind == "number" and (counted := self.counted(detail)):
            return frozenset(token.form for token in counted)
        near = [at for at in self.clause(first, last) if not first <= at < last]
        near = [at for at in near if self.tokens[at].form and not self.tokens[at].is_name]
        near.sort(key=lambda at: first - at if at < first else at - last + 1)
        return frozenset(self.tokens[at].form for at in near[:HEAD])

    def modifiers(self, detail: Detail) -> dict[tuple[str, bool], str]:
        """Return what tells a thing from others of its kind: the form right before a form, or behind a preposition.

        `salt` before `museum` (True), `bakery` behind `fire` in `a fire in a bakery` (False).
        """
        first, last = detail.place
        modifiers: dict[tuple[str, bool], str] = {}
        known: int | None = None
        for at in self.clause(first, last):
            token = self.tokens[at]
            if first <= at < last:
                known = None
            elif token.form:
                between = {each.lower for each in self.tokens[known + 1 : at]} if known is not None else set()
                if known is not None and not between:
                    modifiers[token.form, True] = self.tokens[known].form
                elif known is not None and between & self.lexicon.words.near:
                    modifiers[self.tokens[known].form, False] = token.form
                known = at
        return modifiers

    @cached_property
    def periods(self) -> frozenset[When]:
        """The months and years of the sentence, to which its numbers may belong."""
        dates = [value for value, _ in self.dated if isinstance(value, When)]
        return frozenset(when for when in dates if when.day is None and when.weekday is None)

    def forms_near(self, detail: Detail) -> frozenset[str]:
        """Return the forms in the part of the sentence around a detail."""
        first, last = detail.place
        return frozenset(self.tokens[at].form for at in self.clause(first, last) if not first <= at < last)

    def names_near(self, detail: Detail) -> frozenset[str]:
        """Return the other names in the part of the sentence around a detail."""
        first, last = detail.place
        near = [self.tokens[at] for at in self.clause(first, last) if not first <= at < last]
        return frozenset(token.form for token in near if token.is_name and token.form)

    def counted(self, detail: Detail) -> list[Token]:
        """Return the words behind a number that it counts."""
        behind: list[Token] = []
        for token in self.tokens[detail.place[1] : detail.place[1] + 2 * HEAD]:
            if token.form:
                behind.append(token)
            elif behind or token.text in _SIGNS:
                break
        return behind[:HEAD]

    def scopes(self, detail: Detail) -> frozenset[str]:
        """Return what limits a detail, in its part of the sentence: planned, women, per year, injured."""
        part = self.clause(*detail.place)
        return frozenset(name for _, name in found_in(self.tokens[part.start : part.stop], self.lexicon.scopes))

    def denied_of(self, detail: Detail) -> frozenset[str]:
        """Return the form behind what a sentence denies, else that before it."""
        first, last = detail.place
        behind = _next(self.tokens, last - 1)
        before = next((at for at in range(first - 1, max(-1, first - 1 - NEGATED), -1) if self.tokens[at].form), None)
        at = before if behind is None else behind
        return frozenset() if at is None else frozenset([self.tokens[at].form])

    @cached_property
    def forms(self) -> frozenset[str]:
        """The forms of the sentence's words."""
        return frozenset(token.form for token in self.tokens if token.form)

    def leaves_open(self, detail: Detail) -> bool:
        """Return whether the part of the sentence around a detail leaves open whether it is so: `may be closed`."""
        part = self.clause(*detail.place)
        return any(True for _ in found_in(self.tokens[part.start : part.stop], self.lexicon.doubts))

    def detail(self, kind: Kind, value: Amount | When | frozenset[str] | str, first: int, last: int) -> Detail:
        """Return the detail at some tokens."""
        span = Span(self.tokens[first].start, self.tokens[last - 1].end)
        return Detail(kind, value, span, (first, last))

    def detail_at(self, kind: Kind, value: Amount | When, span: Span) -> Detail | None:
        """Return the detail at a place in the body; None if it has no word of the sentence."""
        inside = [at for at, token in enumerate(self.tokens) if token.start < span.end and span.start < token.end]
        return Detail(kind, value, span, (inside[0], inside[-1] + 1)) if inside else None

    @cached_property
    def dated(self) -> list[tuple[Amount | When, Span]]:
        """The dates and times of the sentence with their places; weekdays are resolved where that is sure."""
        body, span, words = self.article.body, self.span, self.lexicon.words
        text = body[slice(*span)]
        found: list[tuple[Amount | When, Span]] = [
            (_time_of_day(match), Span(span.start + match.start(), span.start + match.end()))
            for match in _CLOCK.finditer(text)
        ]
        if not self.lexicon.is_english:
            months = "|".join(words.months)
            pattern = re.compile(rf"(?<!\d)(\d{{1,2}})\.\s?({months})(?!\w)(?:\s(\d{{4}}))?", re.IGNORECASE)
            for match in pattern.finditer(text):
                when = When(
                    int(match[3]) if match[3] else None, words.months.index(match[2].casefold()) + 1, int(match[1])
                )
                found.append((when, Span(span.start + match.start(), span.start + match.end())))
            text = pattern.sub(lambda match: " " * len(match.group()), text)
        found += [(_when(date), Span(span.start + start, span.start + end)) for date, start, end in located_dates(text)]
        for match in _EARLY_YEAR.finditer(text):
            found.append((When(int(match[1])), Span(span.start + match.start(1), span.start + match.end(1))))
        for each in resolved_dates(self.article, span):
            year, month, day = ([int(part) for part in each.date.split("-")] + [0, 0])[:3]
            place = Span(each.start_char_index, each.end_char_index)
            if not any(isinstance(other, When) and _touch(place, at) for other, at in found):
                found.append((When(year, month or None, day or None), place))
        return found + list(_weekdays(self, [at for other, at in found if isinstance(other, When)]))


def _time_of_day(match: re.Match[str]) -> Amount:
    hour, minute = int(match["h"] or match["h2"]), int(match["m"] or match["m2"] or match["n"] or 0)
    # Without `a.m.` a time may be of either half of the day.
    half = (match["half"] or "").lower()
    return Amount((hour % 12 * 60.0 + minute + (720 if half == "p" else 0),), CLOCK)


def _touch(one: Span, other: Span) -> bool:
    return one.start <= other.end + 2 and other.start <= one.end + 2


def _times(statement: Statement) -> Iterator[Detail]:
    """Yield the times of day of a sentence."""
    for value, span in statement.dated:
        if isinstance(value, Amount) and (detail := statement.detail_at("date", value, span)):
            first = detail.place[0]
            yield Detail("date", value._replace(bound=_bound(statement, first)), span, detail.place)


def _dates(statement: Statement) -> Iterator[Detail]:
    """Yield the dates of a sentence, without those on which something was said."""
    found = statement.tokens
    for value, span in statement.dated:
        detail = statement.detail_at("date", value, span) if isinstance(value, When) else None
        if detail is None:
            continue
        first = detail.place[0]
        while first and found[first - 1].lower in _BEFORE_DATES:
            first -= 1
        if first == 0 or found[first - 1].lower not in statement.lexicon.words.reporting:
            yield detail


def _weekdays(statement: Statement, known: Sequence[Span]) -> Iterator[tuple[When, Span]]:
    """Yield the weekdays that are not resolved and do not belong to a date."""
    days = WEEKDAYS if statement.lexicon.is_english else GERMAN_WEEKDAYS
    for token in statement.tokens:
        name = token.lower.removesuffix("'s").removesuffix("’s")
        if name in days and not any(_touch(Span(token.start, token.end), span) for span in known):
            yield When(None, weekday=days.index(name)), Span(token.start, token.end)


def _when(stated: Date) -> When:
    return When(stated.year, stated.month, stated.day)


def _numbers(statement: Statement) -> Iterator[Detail]:
    """Yield the numbers of a sentence that are not dates, times of day or parts of names."""
    found, at = statement.tokens, 0
    while at < len(found):
        token, read = found[at], None
        if not any(span.start <= token.start < span.end for _, span in statement.dated):
            read = _amount(statement, at)
        if read is None or _is_lower_end(found, at, read[1]):
            at += 1
            continue
        amount, end = read
        place = (at, end)
        if at and found[at - 1].text in CURRENCIES:
            place = (at - 1, end)
        elif amount.unit not in ("", "age", "score", "race") and end < len(found) and found[end].text not in _SIGNS:
            place = (at, end + 1)
        yield statement.detail("number", amount, *place)
        at = max(end, at + 1)


def _is_lower_end(found: Sequence[Token], at: int, end: int) -> bool:
    """Return whether a number is the lower end of a range: `between two and five hours`."""
    behind = [token.lower for token in found[end : end + 1]]
    return found[at - 1].lower in _BETWEEN and behind in (["and"], ["und"]) if at else False


def _amount(statement: Statement, at: int) -> tuple[Amount, int] | None:
    """Return the number that begins at a token, and its end; None if there is none."""
    found, lexicon = statement.tokens, statement.lexicon
    token = found[at]
    if token.text[0].isdigit() and (result := _result(found, at)):
        return result
    if not _is_number(statement, at):
        return None
    read = _english_number(statement, at) if lexicon.is_english else _german_number(statement, at)
    if read is None:
        return None
    value, unit, end = read
    before = found[at - 1].lower if at else ""
    if before in CURRENCIES:
        unit = english().units[before]
    if not unit and _is_age(found, at, end):
        unit = "age"
    beside = [*found[max(0, at - 1) : at], *found[end : end + 1]]
    if not unit and lexicon.is_english and any(each.is_name for each in beside):
        return None  # Route 12, 40 Squadron
    if 0 < value < 1 and not unit and not token.text[0].isdigit():
        value, unit = 100 * value, "percent"
    factor, small = SMALL.get(unit, (1.0, unit))
    return Amount((value * factor * (-1 if before == "minus" else 1),), small, _bound(statement, at)), end


def _result(found: Sequence[Token], at: int) -> tuple[Amount, int] | None:
    """Return the result of a match, of a vote or of a race that begins at a token, and its end."""
    text = found[at].text
    if score := _SCORE.fullmatch(text):
        return Amount(tuple(sorted((float(score[1]), float(score[2])))), "score"), at + 1
    if _RACE.fullmatch(text):
        hours, minutes, seconds = map(int, text.split(":"))
        return Amount((hours * 60 + minutes + seconds / 60,), "race"), at + 1
    if not any(token.form == "vote" for token in found) or not text.isdecimal():
        return None
    end = at + 1 + (found[at + 1 : at + 2] != [] and found[at + 1].form == "vote")
    behind = found[end : end + 2]
    if len(behind) < 2 or behind[0].lower not in _AGAINST or not behind[1].text.isdecimal():
        return None
    return Amount(tuple(sorted((float(text), float(behind[1].text)))), "votes"), end + 2


def _is_number(statement: Statement, at: int) -> bool:
    """Return whether a token may begin a number: not `4b`, `3–5`, `12:30`."""
    body, token = statement.article.body, statement.tokens[at]
    if token.text[0].isdigit():
        beside = body[max(0, token.start - 1) : token.start] + body[token.end : token.end + 1]
        is_word = any(char.isalpha() for char in beside) and not _MAGNITUDE.match(body, token.end)
        return not is_word and not set(token.text) & set(":–-")
    known = statement.lexicon.words.numbers or english().values
    return not token.is_name and token.lower != "twice" and token.lower.split("-")[0] in (*known, "half")


def _english_number(statement: Statement, at: int) -> tuple[float, str, int] | None:
    found, body = statement.tokens, statement.article.body
    text = body[found[at].start : min(statement.span.end, found[at].start + 60)]
    numbers = find_numbers(text)
    first = found[at].lower.split("-")[0]
    if not numbers or numbers[0].text.lower().split()[:1] != [first]:
        return None
    left, end = len(numbers[0].text.split()), at
    while end < len(found) and left > 0:
        left -= len(re.split(r"[-–]", found[end].text))
        end += 1
    is_ordinal = re.fullmatch(r"(?:\d+|\w*)(?:st|nd|rd|th)", numbers[0].text.split()[-1].lower())
    if is_ordinal and numbers[0].unit is None and numbers[0].value >= 1:
        return None
    following = [each.lower for each in found[end : end + 3]]
    if following[:2] == ["years", "old"] or following[:1] == ["-"]:
        return numbers[0].value, "age" if "old" in " ".join(following) else "", end
    return numbers[0].value, numbers[0].unit or "", end


def _german_number(statement: Statement, at: int) -> tuple[float, str, int] | None:
    found, words, token = statement.tokens, statement.lexicon.words, statement.tokens[at]
    value: float
    if token.text[0].isdigit():
        if found[at + 1 : at + 2] and found[at + 1].text == "." and found[at + 2 : at + 3]:
            return None
        plain = _PLAIN_DIGITS.sub("", token.text).replace(",", ".")
        if plain.count(".") > 1 or ":" in plain:
            return None
        value = float(plain)
    else:
        value = words.numbers[token.lower]
    unit, end = "", at + 1
    for _ in range(2):
        name = words.units.get(found[end].lower, "") if end < len(found) else ""
        if name.startswith("*"):
            value *= float(name[1:])
            end += 1
        elif name or (end < len(found) and found[end].text in "€$%"):
            unit = name or english().units[found[end].text]
            break
    following = [each.lower for each in found[end : end + 2]]
    return value, "age" if following[-1:] == ["alt"] else unit, end


def _is_age(found: Sequence[Token], at: int, end: int) -> bool:
    """Return whether a number without a unit is an age: `Hobb, 81,`, `who is 81,`, `at the age of 87`."""
    before = [each.lower for each in found[max(0, at - 3) : at]]
    behind = found[end : end + 1]
    stops = not behind or behind[0].text in ",.;"
    if "aged" in before[-1:] or (before[1:] and before[-1] == "of" and before[-2] in _AGED):
        return True
    if not stops:
        return False
    is_apposition = before[-1:] == [","] and at >= 2 and found[at - 2].is_name
    return before[-2:] in (["who", "is"], ["who", "was"]) or is_apposition


def _bound(statement: Statement, at: int) -> Bound | None:
    """Return the bound that the words before a number give it."""
    near = [token.lower for token in statement.tokens[max(0, at - 3) : at]]
    named = [name for _, end, name in listed(near, statement.lexicon.hedges)]
    return named[-1] if named else None  # type: ignore[return-value]


def _names(statement: Statement) -> Iterator[Detail]:
    """Yield the names of a sentence: a place behind a preposition of place, else the subject or the owner.

    The name of who tells it, beside a word such as "said", is left out. "University of Kelm" is one name.
    """
    found, words, at = statement.tokens, statement.lexicon.words, 0
    while at < len(found):
        end = _end_of_name(found, at)
        forms = frozenset(token.form for token in found[at:end] if token.form and token.is_name)
        beside = [*found[max(0, at - 1) : at], *found[end : end + 1]]
        tells = any(token.lower in words.reporting for token in beside)
        if forms and not tells:
            is_place = at > 0 and found[at - 1].lower in words.near
            yield statement.detail("place" if is_place else "name", forms, at, end)
        at = max(end, at + 1)


def _end_of_name(found: Sequence[Token], at: int) -> int:
    """Return the end of the name that begins at a word: the word itself if none does."""
    end = at
    while end < len(found) and (found[end].is_name or (end > at and _links_names(found, end))):
        end += 1
    return end


def _links_names(found: Sequence[Token], at: int) -> bool:
    """Return whether a word is the "of" of "University of Kelm"."""
    return found[at].lower == "of" and at + 1 < len(found) and found[at + 1].is_name


def _places(statement: Statement) -> Iterator[Detail]:
    """Yield the places without a name: the words between a preposition of place and a noun of the list."""
    found, words = statement.tokens, statement.lexicon.words
    for at, token in enumerate(found):
        if token.lower not in words.near or token.is_name:
            continue
        near = found[at + 1 : at + 1 + PLACE]
        stop = next((n for n, each in enumerate(near) if each.text in _SIGNS or each.is_name), len(near))
        end = next((n for n in range(stop - 1, -1, -1) if near[n].lower in words.places), None)
        if end is None:
            continue
        forms = frozenset(each.form for each in near[: end + 1] if each.form)
        first = next(n for n, each in enumerate(near) if each.form or n == end)
        if forms:
            yield statement.detail("place", forms, at + 1 + first, at + 2 + end)


def _states(statement: Statement) -> Iterator[Detail]:
    """Yield the states that a sentence gives to something: `search:found`, `access:open`; and what it denies."""
    found, words = statement.tokens, statement.lexicon.words
    stated = list(found_in(found, statement.lexicon.states))
    for at, name in stated:
        group, _, state = name.partition(":")
        others = {other.partition(":")[2] for _, other in stated if other.startswith(f"{group}:")}
        # `The missing boy was found` is about a boy who was found.
        if not is_denied(statement, at) and not any(f"{group}:{state}>{other}" in words.order for other in others):
            yield statement.detail("status", name, at, at + 1)
    for at, token in enumerate(found):
        if is_negation(token, statement) and (target := _next(found, at)) is not None:
            yield statement.detail("status", f"not {found[target].form}", at, target + 1)


def is_negation(token: Token, statement: Statement) -> bool:
    """Return whether a word denies what follows."""
    return token.lower in statement.lexicon.words.negations or token.lower.endswith(("n't", "n’t"))


def is_denied(statement: Statement, at: int) -> bool:
    """Return whether a word is denied by one of those before it."""
    return any(is_negation(token, statement) for token in statement.tokens[max(0, at - NEGATED) : at])


def _next(found: Sequence[Token], at: int) -> int | None:
    """Return the place of the next word with a content, in the same part of the sentence."""
    for place in range(at + 1, min(at + NEGATED + 1, len(found))):
        if found[place].text in _STOPS:
            return None
        if found[place].form:
            return place
    return None
