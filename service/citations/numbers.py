"""Find the numbers of a sentence with their units, compare them with those of a source, or work them out from these.

Sums, differences, shares, multiples and other units are worked out. Two numbers are combined if they have one unit, or
one of them has none. A result must be exact, or agree with the hedge of the claim: `just under a third` for 31 percent.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations
from typing import Literal, NamedTuple

from service.citations.english import english

Hedge = Literal["about", "over", "under"]

_TOKEN = re.compile(r"[€$£]|\d+(?:[.,:]\d+)*|%|[^\W\d_]+|[,;:.!?()—–]")
_THOUSANDS = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_PLAIN = (
    (re.compile(r"\bper[ -]cent\b", re.IGNORECASE), "percent"),
    (re.compile(r"\bpercentage points?\b", re.IGNORECASE), "percentagepoint"),
    (re.compile(r"(?<=[\d\s])([ap])\.m\b\.?", re.IGNORECASE), r" \1m"),
    (re.compile(r"(?<=\d)[\u00a0\u2009\u202f](?=\d{3}(?!\d))"), ""),
    (re.compile(r"½"), ".5"),
    (re.compile(r"¼"), ".25"),
    (re.compile(r"¾"), ".75"),
    (re.compile(r"(?<!\S)[-−](?=\d)"), "minus "),
    (re.compile(r"(?<!\d)(?=\.\d)"), "0"),
    (re.compile(r"-"), " "),
)
_ONE_IN = re.compile(
    r"\bone\s+(?:\w+\s+){0,2}?(?:in|out of)\s+(?:every\s+)?(three|four|five|six|seven|eight|nine|ten)\b(?!\s+\w+s\b)",
    re.IGNORECASE,
)
"""A share in words: one in six, one farmer out of three."""

_RANGE = frozenset("and to or , – —".split())

COUNTED_FROM_ONE = frozenset("hundred thousand million billion trillion".split())
"""Words that `a` may precede for `one`: a million."""

LONE = frozenset(["one", "first"])
"""Words that are numbers only with another number word: each is often a pronoun or a word of order."""

CURRENCIES = frozenset("€$£")
SHARES = frozenset(["percent", "point"])
"""Units without which a number says something else: 12 percent of the boats are not 12 boats."""

NEAR = 0.1
"""Largest relative difference between a hedged share or multiple and its exact value."""

MOST_PARTS = 12
"""Largest divisor of a sum that is shared."""

FIRST_YEAR = 1900
"""Earlier years are read as numbers."""

_OF = {
    "fortnight": (14.0, "day"),
    "week": (7.0, "day"),
    "day": (24.0, "hour"),
    "hour": (60.0, "minute"),
    "minute": (60.0, "second"),
    "decade": (10.0, "year"),
    "century": (100.0, "year"),
    "year": (12.0, "month"),
    "km": (1000.0, "metre"),
    "metre": (100.0, "cm"),
    "tonne": (1000.0, "kg"),
}
"""Units in terms of the next smaller one."""


class Number(NamedTuple):
    """A value with its unit (if known), its words, and its hedge (`about`)."""

    value: float
    unit: str | None
    text: str
    hedge: Hedge | None = None


def find_numbers(text: str) -> list[Number]:
    """Return every number of a text: digits or words, thousands and decimals, `3.4 billion`, `per cent`, currencies."""
    return [token for token in with_numbers(text) if isinstance(token, Number)]


def with_numbers(text: str) -> Iterator[str | Number]:
    """Yield the words and stops of a text in order, its numbers parsed."""
    for pattern, plain in _PLAIN:
        text = pattern.sub(plain, text)
    text = _ONE_IN.sub(lambda share: f"one {english().shares[share[1].lower()]} of", text)
    tokens = _TOKEN.findall(text)
    at = 0
    while at < len(tokens):
        value, after = _value(tokens, at)
        if value is None or (tokens[at].lower() in LONE and after == at + 1):
            yield tokens[at]
            at += 1
        else:
            before = [token.lower() for token in tokens[max(0, at - 3) : at]]
            sign = -1 if before[-1:] == ["minus"] else 1
            yield Number(sign * value, _unit(before, tokens, after), " ".join(tokens[at:after]), _hedge(before))
            at = after


def missing_number(claim: Iterable[Number], source: Sequence[Number]) -> Number | None:
    """Return the first number of a claim that the source does not state, or None."""
    return next((wanted for wanted in claim if not any(_same(wanted, stated) for stated in source)), None)


def _value(tokens: Sequence[str], at: int) -> tuple[float | None, int]:
    """Return the value that begins at a token, and its end."""
    token, words = tokens[at].lower(), [token.lower() for token in tokens[at : at + 4]]
    if token[0].isdecimal():
        value, after = _digits(token), at + 1
        after += words[1:2] in (["st"], ["nd"], ["rd"], ["th"])
    elif token in ("a", "an") and words[1:2] and words[1] in COUNTED_FROM_ONE:
        value, after = _spelled(tokens, at + 1, 1.0)
    elif (
        token in ("a", "an")
        and words[1:2]
        and words[1] in english().parts
        and (_is_part(words[1:3]) or tokens[at - 1 : at] == ["by"])
    ):
        value, after = 1.0, at + 1
    else:
        value, after = _spelled(tokens, at)
    return (None, after) if value is None else _scaled(value, tokens, after)


def _is_part(words: Sequence[str]) -> bool:
    """Return whether an ordinal is a part: `a third of`, `a tenth more`, but not `a third goal`."""
    return words[0] == "quarter" or words[1:] in ([], ["of"], ["more"], ["less"], ["fewer"], ["."])


def _scaled(value: float, tokens: Sequence[str], after: int) -> tuple[float, int]:
    """Return a value with the magnitude, half or part that follows it, and its end."""
    words = [token.lower() for token in tokens[after : after + 3]]
    if words[:1] and words[0] in english().magnitudes:
        return value * english().magnitudes[words[0]], after + 1
    if value == 0.5 and words[:1] == ["a"] and words[1:2] and words[1] in english().magnitudes:
        return value * english().magnitudes[words[1]], after + 2
    if words == ["and", "a", "half"]:
        return value + 0.5, after + 3
    is_part = words[:1] and (words[0].endswith("s") or tokens[after - 1].lower() in ("one", "a"))
    if is_part and words[0] in english().parts:
        return value / english().parts[words[0]], after + 1
    return value, after


def _digits(token: str) -> float | None:
    if ":" in token:
        hours, _, minutes = token.partition(":")
        return float(hours) + float(minutes) / 100 if minutes.isdigit() and hours.isdigit() else None
    plain = token.replace(",", "") if _THOUSANDS.fullmatch(token) else token.replace(",", ".")
    return float(plain) if plain.count(".") < 2 else None


def _spelled(tokens: Sequence[str], at: int, total: float | None = None) -> tuple[float | None, int]:
    """Return the value of the number words from a token on, added to `total`, and their end."""
    while at < len(tokens):
        word = tokens[at].lower()
        following = tokens[at + 1].lower() if at + 1 < len(tokens) else ""
        if word in english().multiples and total is not None:
            total *= english().multiples[word]
        elif word in english().values and _may_follow(total, english().values[word]):
            total = (total or 0) + english().values[word]
        elif not (word == "and" and total is not None and total >= 100 and following in english().values):
            break
        at += 1
    return total, at


def _may_follow(total: float | None, value: float) -> bool:
    return total is None or total >= 100 or (total % 10 == 0 and total >= 20 and 1 <= value < 10)


def _unit(before: Sequence[str], tokens: Sequence[str], after: int) -> str | None:
    """Return the currency before a number or the unit behind it; the first of a range has that of the second."""
    if before and before[-1] in CURRENCIES:
        return english().units[before[-1]]
    behind = [token.lower() for token in tokens[after : after + 2]]
    unit = next((english().units[word] for word in behind if word in english().units), None)
    if unit or not behind or behind[0] not in _RANGE or len(behind) < 2:
        return unit
    value, end = _value(tokens, after + 1)
    return _unit((), tokens, end) if value is not None else None


def _hedge(before: Sequence[str]) -> Hedge | None:
    hedges = english().hedges.intersection(before)
    if not hedges:
        return None
    if hedges & {"over", "more", "least"} and "no" not in before and "not" not in before:
        return "over"
    return "under" if hedges & {"under", "less", "fewer", "most"} and "no" not in before else "about"


def _same(wanted: Number, stated: Number) -> bool:
    if wanted.unit != stated.unit and ((wanted.unit and stated.unit) or SHARES & {wanted.unit, stated.unit}):
        return False
    if abs(wanted.value - stated.value) <= 1e-9 * max(1.0, abs(stated.value)):
        return True
    if wanted.hedge is None or not rounds_to(stated.value, wanted.value):
        return False
    return {"about": True, "over": stated.value > wanted.value, "under": stated.value < wanted.value}[wanted.hedge]


def rounds_to(value: float, rounded: float) -> bool:
    """Return whether a value rounds to another at the other's own precision: 6,412 is about 6,400."""
    if not rounded:
        return False
    digits = f"{rounded:.6f}".rstrip("0").rstrip(".")
    if "." in digits:
        step = 10.0 ** -len(digits.partition(".")[2])
    else:
        step = 10.0 ** (len(digits) - len(digits.rstrip("0")))
    return abs(value - rounded) <= step / 2


def can_be_worked_out(wanted: Number, stated: Sequence[Number], years: Iterable[int] = ()) -> bool:
    """Return whether a number follows from one or two numbers, or from two years, of a source."""
    stated = [number._replace(unit=None) if number.unit == "times" else number for number in stated]
    known = [*stated, *(_in_unit(number, wanted.unit) for number in stated)]
    results = [*_from_one(wanted, known), *_from_two(wanted, known)]
    if wanted.unit in (None, "year"):
        early = {int(number.value) for number in stated if number.unit is None and 1000 <= number.value < FIRST_YEAR}
        results += [float(abs(one - other)) for one, other in combinations({*years, *early}, 2)]
    return any(_agrees(wanted, value) for value in results)


def _agrees(wanted: Number, value: float) -> bool:
    if abs(wanted.value - value) <= 1e-6 * max(1.0, abs(value)):
        return True
    if wanted.hedge is None:
        return False
    near = rounds_to(value, wanted.value) or abs(value - wanted.value) <= NEAR * wanted.value
    return near and {"about": True, "over": value > wanted.value, "under": value < wanted.value}[wanted.hedge]


def _in_unit(number: Number, unit: str | None) -> Number:
    """Return a number in another unit of the same kind, or as it is."""
    value, current = number.value, number.unit
    for _ in _OF:
        if current == unit or current not in _OF:
            break
        factor, current = _OF[current]
        value *= factor
    if current == unit:
        return Number(value, unit, number.text)
    factor, small = _OF.get(unit or "", (1.0, ""))
    return Number(number.value / factor, unit, number.text) if small and number.unit == small else number


def _from_one(wanted: Number, stated: Iterable[Number]) -> Iterator[float]:
    """Yield the values of one number as another: percent as a fraction, the rest of a whole, another unit."""
    for number in stated:
        if number.unit == wanted.unit and number.text != wanted.text:
            yield number.value
        if number.unit == "percent" and wanted.unit in (None, "percent"):
            scale = 1.0 if wanted.unit else 0.01
            yield from (scale * number.value, scale * (100 - number.value))
        if number.unit is None and 0 < number.value < 1:
            scale = 100.0 if wanted.unit == "percent" else 1.0
            yield from (scale * number.value, scale * (1 - number.value))


def _from_two(wanted: Number, stated: Sequence[Number]) -> Iterator[float]:
    """Yield the results of two numbers whose unit may be that of the wanted one."""
    is_share = wanted.unit == "percent" or 0 < wanted.value < 1
    is_multiple = wanted.text.lower() in ("twice", "double", "doubled", "triple", "tripled") or wanted.unit == "times"
    for one, other in combinations(stated, 2):
        small, large = sorted((one, other), key=lambda number: number.value)
        if small.value <= 0:
            continue
        same = small.unit == large.unit
        if is_share and (same or None in (small.unit, large.unit)):
            yield small.value / large.value * (100 if wanted.unit else 1)
        elif same and is_multiple:
            yield large.value / small.value
        elif same and wanted.unit in (small.unit, "point"):
            yield from (large.value - small.value, large.value + small.value)
        if not is_share and None in (small.unit, large.unit) and wanted.unit in (None, small.unit, large.unit):
            yield small.value * large.value
            if small.unit is None and 1 < small.value <= MOST_PARTS and small.value == int(small.value):
                yield large.value / small.value
