"""The details of a sentence: its numbers, dates, places, names and states, each with the words that say of what."""

import re
from collections.abc import Iterator, Sequence
from functools import cached_property

from index.records import Span
from service.citations.dates import WEEKDAYS, Date, located_dates, resolved_dates
from service.citations.english import english
from service.citations.numbers import CURRENCIES, find_numbers
from service.conflicts.lexicon import GERMAN_WEEKDAYS, Lexicon, Words, listed
from service.conflicts.statement import Sentence, Token, window
from service.conflicts.states import states
from service.conflicts.values import SMALL, Amount, Bound, Detail, When

_CLOCK_WORDS = frozenset("uhr am pm o'clock o’clock".split())
_AGAINST = frozenset("to against gegen zu".split())
_OF_PEOPLE = frozenset("born die live".split())
_AGED = frozenset("age boy girl man woman".split())
_SIGNS = frozenset(',;:.!?()—–-“”"')
_SCORE = re.compile(r"(\d{1,3})[–-](\d{1,3})")
_CLOCK = re.compile(r"\d+:\d\d:\d\d")
_EARLY_YEAR = re.compile(r"\b(?:in|since|of|from|until|seit|Jahr|Jahre)\s+(1[5-8]\d\d)(?![\d.,]\d|\w)")
_POSSESSIVE = re.compile(r"['’]s?$")
_PLAIN_DIGITS = re.compile(r"(?<=\d)[.,](?=\d{3}(?!\d))")


ITS = "its"
"""The owner of a role that a pronoun names: `its mayor`."""

MONEY = frozenset("euro dollar pound".split())
OF_MONEY = frozenset("cost loss fine".split())
"""Measures of money only: 9,400 people came to the fair, and it came to €9,400."""

DATED = 10
"""Words before one of several dates that may say of what it is."""

_BEFORE_DATES = frozenset([*WEEKDAYS, *GERMAN_WEEKDAYS, ",", "on", "am", "the", "den"])


class Statement(Sentence):
    """A sentence with its details."""

    @cached_property
    def details(self) -> list[Detail]:
        """The details of the sentence."""
        return [*_numbers(self), *_dates(self), *_places(self), *_names(self), *states(self)]


def _numbers(statement: Statement) -> Iterator[Detail]:
    """Yield the numbers of a sentence that are not dates, times of day or parts of names."""
    found, lexicon = statement.tokens, statement.lexicon
    dated = [span for _, span in _located(statement)]
    at = 0
    while at < len(found):
        token = found[at]
        read = None
        if not any(span.start <= token.start < span.end for span in dated):
            read = _amount(statement, at)
        if read is None:
            at += 1
            continue
        amount, end = read
        counted = _counted(found, end, lexicon) if amount.unit in ("", "percent") else []
        near = window(found, at, end)
        fitting = lexicon.words.measures - (frozenset[str]() if amount.unit in MONEY else OF_MONEY)
        measures = {f"measure {form}" for form in near & fitting}
        if not counted and not amount.unit:
            counted = _number_of(found)
        keys = frozenset(counted) | measures
        span = _with_unit(found, at, end, amount)
        first = counted[0] if counted else ""
        owners = _aged(found, at) if amount.unit == "age" else frozenset[str]()
        yield Detail("number", amount, span, keys, near, statement.scopes(at, end), owners, first)
        at = max(end, at + 1)


def _aged(found: Sequence[Token], at: int) -> frozenset[str]:
    """Return the name nearest before an age, else the first behind it."""
    before = [number for number in range(at) if found[number].text[0].isupper() and found[number].form]
    behind = [number for number in range(at, len(found)) if found[number].is_name]
    first = before[-1] if before else behind[0] if behind else None
    if first is None:
        return frozenset()
    while first > 0 and found[first - 1].is_name:
        first -= 1
    last = first + 1
    while last < len(found) and found[last].is_name:
        last += 1
    return frozenset(token.form for token in found[first:last])


def _with_unit(found: Sequence[Token], at: int, end: int, amount: Amount) -> Span:
    """Return the place of a number with its currency or its unit."""
    first = at - 1 if at and found[at - 1].text in CURRENCIES else at
    has_unit = amount.unit not in ("", "age", "score", "time") and end < len(found) and first == at
    last = end + 1 if has_unit and found[end].text not in _SIGNS else end
    return Span(found[first].start, found[last - 1].end)


def _amount(statement: Statement, at: int) -> tuple[Amount, int] | None:
    """Return the number that begins at a token, and its end; None if there is none."""
    found, lexicon = statement.tokens, statement.lexicon
    token = found[at]
    if token.text[0].isdigit() and (result := _result(found, at)):
        return result
    if not _is_number(statement, at):
        return None
    read = _english_number(statement, at) if lexicon.is_english else _german_number(found, at, lexicon)
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
    return Amount((value * factor * (-1 if before == "minus" else 1),), small, _bound(found, at, lexicon)), end


def _result(found: Sequence[Token], at: int) -> tuple[Amount, int] | None:
    """Return the result of a match, of a vote or of a race that begins at a token, and its end."""
    text = found[at].text
    if score := _SCORE.fullmatch(text):
        return Amount(tuple(sorted((float(score[1]), float(score[2])))), "score"), at + 1
    if _CLOCK.fullmatch(text):
        hours, minutes, seconds = map(int, text.split(":"))
        return Amount((hours * 60 + minutes + seconds / 60,), "time"), at + 1
    return _votes(found, at)


def _votes(found: Sequence[Token], at: int) -> tuple[Amount, int] | None:
    """Return the result of a vote that begins at a number: `by 16 votes to 7`."""
    if not any(token.form == "vote" for token in found):
        return None
    end = at + 1 + (found[at + 1 : at + 2] != [] and found[at + 1].form == "vote")
    behind = found[end : end + 2]
    if len(behind) < 2 or behind[0].lower not in _AGAINST or not found[at].text.isdecimal():
        return None
    if not behind[1].text.isdecimal():
        return None
    return Amount(tuple(sorted((float(found[at].text), float(behind[1].text)))), "votes"), end + 2


def _is_number(statement: Statement, at: int) -> bool:
    """Return whether a token may begin a number: not `4b`, `3–5`, `12:30`, `two o'clock`."""
    found, body, token = statement.tokens, statement.article.body, statement.tokens[at]
    if found[at + 1 : at + 2] and found[at + 1].lower in _CLOCK_WORDS:
        return False
    if token.text[0].isdigit():
        beside = body[max(0, token.start - 1) : token.start] + body[token.end : token.end + 1]
        return not any(char.isalpha() for char in beside) and not set(token.text) & set(":–-")
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


def _german_number(found: Sequence[Token], at: int, lexicon: Lexicon) -> tuple[float, str, int] | None:
    token = found[at]
    value: float
    if token.text[0].isdigit():
        if found[at + 1 : at + 2] and found[at + 1].text == "." and found[at + 2 : at + 3]:
            return None
        plain = _PLAIN_DIGITS.sub("", token.text).replace(",", ".")
        if plain.count(".") > 1 or ":" in plain:
            return None
        value = float(plain)
    else:
        value = lexicon.words.numbers[token.lower]
    unit, end = "", at + 1
    for _ in range(2):
        name = lexicon.words.units.get(found[end].lower, "") if end < len(found) else ""
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


def _bound(found: Sequence[Token], at: int, lexicon: Lexicon) -> Bound | None:
    """Return the bound that the words before a number give it."""
    near = [token.lower for token in found[max(0, at - 3) : at]]
    named = [name for _, end, name in listed(near, lexicon.hedges)]
    return named[-1] if named else None  # type: ignore[return-value]


def _counted(found: Sequence[Token], end: int, lexicon: Lexicon) -> list[str]:
    """Return the forms of the words behind a number, up to three, to the next stop word or sign."""
    counted = []
    for token in found[end : end + 3]:
        if not token.form or token.lower in lexicon.words.is_:
            break
        counted.append(token.form)
    return counted


def _number_of(found: Sequence[Token]) -> list[str]:
    """Return the forms behind `number of`: what a number counts that stands elsewhere."""
    lower = [token.lower for token in found]
    for at, word in enumerate(lower[:-1]):
        if (word, lower[at + 1]) in (("number", "of"), ("zahl", "der")):
            return [token.form for token in found[at + 2 : at + 5] if token.form]
    return []


def _located(statement: Statement) -> list[tuple[When, Span]]:
    """Return the dates of a sentence with their places; weekdays and the like are resolved where that is sure."""
    body, span, lexicon = statement.article.body, statement.span, statement.lexicon
    text = body[slice(*span)]
    found: list[tuple[When, Span]] = []
    if not lexicon.is_english:
        months = "|".join(lexicon.words.months)
        pattern = re.compile(rf"(?<!\d)(\d{{1,2}})\.\s?({months})(?!\w)(?:\s(\d{{4}}))?", re.IGNORECASE)
        for match in pattern.finditer(text):
            month = lexicon.words.months.index(match[2].casefold()) + 1
            when = When(int(match[3]) if match[3] else None, month, int(match[1]))
            found.append((when, Span(span.start + match.start(), span.start + match.end())))
        text = pattern.sub(lambda match: " " * len(match.group()), text)
    for stated, start, end in located_dates(text):
        found.append((_when(stated), Span(span.start + start, span.start + end)))
    found += [
        (When(int(match[1])), Span(span.start + match.start(1), span.start + match.end(1)))
        for match in _EARLY_YEAR.finditer(text)
    ]
    for each in resolved_dates(statement.article, span):
        year, month, day = ([int(part) for part in each.date.split("-")] + [0, 0])[:3]
        place = Span(each.start_char_index, each.end_char_index)
        if not any(place.start <= other.end + 2 and other.start <= place.end + 2 for _, other in found):
            found.append((When(year, month or None, day or None), place))
    return found + list(_weekdays(statement, found))


def _weekdays(statement: Statement, found: Sequence[tuple[When, Span]]) -> Iterator[tuple[When, Span]]:
    """Yield the weekdays that are not resolved and do not belong to a date."""
    days = WEEKDAYS if statement.lexicon.is_english else GERMAN_WEEKDAYS
    for token in statement.tokens:
        name = token.lower.removesuffix("'s").removesuffix("’s")
        index = next((number for number, day in enumerate(days) if name == day), None)
        if index is not None and not any(
            span.start - 2 <= token.end and token.start <= span.end + 2 for _, span in found
        ):
            yield When(None, weekday=index), Span(token.start, token.end)


def _when(stated: Date) -> When:
    return When(stated.year, stated.month, stated.day)


def _dates(statement: Statement) -> Iterator[Detail]:
    """Yield the dates of a sentence, without those on which something was said."""
    found, lexicon = statement.tokens, statement.lexicon
    located = _located(statement)
    before_date = DATED if len(located) > 1 else len(found)
    for when, span in located:
        inside = [at for at, token in enumerate(found) if span.start <= token.start < span.end]
        if not inside:
            continue
        first, last = inside[0], inside[-1] + 1
        while first and found[first - 1].lower in _BEFORE_DATES:
            first -= 1
        before = {token.lower for token in found[max(0, first - 1) : first]}
        if not before.isdisjoint(lexicon.words.reporting):
            continue
        near = window(found, first, last, before=before_date)
        yield Detail("date", when, span, near, near, statement.scopes(first, last))


def _places(statement: Statement) -> Iterator[Detail]:
    """Yield the names behind a preposition of place."""
    found, lexicon = statement.tokens, statement.lexicon
    for at, token in enumerate(found[:-1]):
        start = at + 1
        if token.lower not in lexicon.words.near or not found[start].is_name:
            continue
        end = _name_end(found, start)
        near = window(found, at, at)
        names = frozenset(each.form for each in found[start:end] if each.form)
        if names and near:
            span, level = Span(token.start, found[end - 1].end), _level(found, end, lexicon.words)
            owners, whose = frozenset([level]), _surname(found, at) if near & _OF_PEOPLE else ""
            yield Detail("place", names, span, near, near, statement.scopes(at, end), owners, whose)


def _surname(found: Sequence[Token], at: int) -> str:
    """Return the last word of the first name before a place; empty if there is none."""
    first = next((number for number, token in enumerate(found[:at]) if token.is_name), None)
    return "" if first is None else found[min(_name_end(found, first), at) - 1].form


def _level(found: Sequence[Token], end: int, words: Words) -> str:
    """Return whether a name is that of a street or a region, or of a town: one is no other place than the other."""
    last, following = found[end - 1].lower, found[end].lower if end < len(found) else ""
    if last in words.regions or following in words.regions:
        return "region"
    return "street" if any(last.endswith(name) for name in words.streets) else "town"


def _name_end(found: Sequence[Token], start: int) -> int:
    end = start
    while end < len(found) and found[end].is_name:
        end += 1
    return end


def _names(statement: Statement) -> Iterator[Detail]:
    """Yield the holders of a role, those who did what is said with `by`, and winners."""
    found, words = statement.tokens, statement.lexicon.words
    for at, token in enumerate(found):
        place: tuple[int, int] | None = None
        key = token.form or token.lower
        owners = frozenset[str]()
        if token.lower in words.titles or re.sub(r"['’]s$", "", token.lower) in words.titles:
            place = _holder(found, at, words)
            owners = _owners(found, at, words)
        elif token.lower in words.by and _is_made(found, at, words):
            place, key = (at + 1, _name_end(found, at + 1)), found[at - 1].form
        elif token.form == "win" and not statement.lexicon.is_english and found[at + 1 : at + 2]:
            place = (at + 1, _name_end(found, at + 1)) if found[at + 1].is_name else None
        if place and place[1] - place[0] <= 4 and place[1] > place[0]:
            named = frozenset(each.form or each.lower for each in found[place[0] : place[1]])
            near = window(found, at, at + 1)
            span = Span(found[place[0]].start, found[place[1] - 1].end)
            yield Detail("name", named, span, frozenset([f"role {key}"]), near, owners=owners)


def _is_made(found: Sequence[Token], at: int, words: Words) -> bool:
    """Return whether `by` stands between a participle with one agent and a name."""
    return bool(at) and found[at - 1].lower in words.made and at + 1 < len(found) and found[at + 1].is_name


def _holder(found: Sequence[Token], at: int, words: Words) -> tuple[int, int] | None:
    """Return the place of the name that holds a role: `judge Hale`, `its head, Crane`, `the architect is Ilgen`."""
    if at + 1 < len(found) and found[at + 1].is_name:
        return at + 1, _name_end(found, at + 1)
    for near in range(at + 1, min(at + 9, len(found) - 1)):
        token = found[near]
        if token.text in ".;!?":
            break
        if found[near + 1].is_name and (token.text == "," or token.lower in words.is_):
            end = _name_end(found, near + 1)
            if token.text != "," or found[end : end + 1] == [] or found[end].text in ",.":
                return near + 1, end
    return None


def _owners(found: Sequence[Token], at: int, words: Words) -> frozenset[str]:
    """Return what tells a role from others of its kind: `Harne's mayor`, `the mayor of Harne`, `finance director`."""
    before = [
        token for token in found[max(0, at - 2) : at] if token.text[0].isupper() and _POSSESSIVE.search(token.text)
    ]
    before += [token for token in found[max(0, at - 1) : at] if token.form]
    behind = found[at + 1 : at + 2]
    named = list(before)
    if behind and behind[0].lower in ("of", "in", "for", "von"):
        start = at + 2 + (found[at + 2 : at + 3] != [] and found[at + 2].lower == "the")
        named += found[start : _name_end(found, start)]
    owners = frozenset(token.form for token in named if token.form)
    has_pronoun = at > 0 and found[at - 1].lower in words.pronouns
    return owners or frozenset([ITS] if has_pronoun else [])
