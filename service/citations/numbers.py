"""Numbers in a sentence, with what they count in, and whether a source states them."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from service.citations.english import english

_SMALL = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen"
    " eighteen nineteen"
).split()
_TENS = dict(zip("twenty thirty forty fifty sixty seventy eighty ninety".split(), range(20, 100, 10), strict=True))
_ORDINALS = (
    "zeroth first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth"
    " fifteenth sixteenth seventeenth eighteenth nineteenth twentieth"
).split()
_MAGNITUDES = {
    **dict.fromkeys(("thousand", "thousands", "k"), 1e3),
    **dict.fromkeys(("million", "millions", "m", "mn"), 1e6),
    **dict.fromkeys(("billion", "billions", "bn", "b"), 1e9),
    **dict.fromkeys(("trillion", "trillions", "tn"), 1e12),
}
_MULTIPLES = {"hundred": 100.0, "dozen": 12.0, "dozens": 12.0}
_WORDS: dict[str, float] = {
    **{word: float(value) for value, word in enumerate(_SMALL)},
    **{word: float(value) for word, value in _TENS.items()},
    **{word: float(value) for value, word in enumerate(_ORDINALS) if value > 1},
    "half": 0.5,
    "dozen": 12.0,
    "twice": 2.0,
    "double": 2.0,
    "doubled": 2.0,
    "triple": 3.0,
    "tripled": 3.0,
}
_UNITS = {
    **dict.fromkeys(("%", "percent", "percentage"), "percent"),
    **dict.fromkeys(("km", "kilometre", "kilometres", "kilometer", "kilometers"), "km"),
    **dict.fromkeys(("mile", "miles"), "mile"),
    **dict.fromkeys(("m", "metre", "metres", "meter", "meters"), "metre"),
    **dict.fromkeys(("cm", "centimetre", "centimetres", "centimeter", "centimeters"), "cm"),
    **dict.fromkeys(("foot", "feet", "ft"), "foot"),
    **dict.fromkeys(("kg", "kilogram", "kilograms", "kilo", "kilos"), "kg"),
    **dict.fromkeys(("tonne", "tonnes", "ton", "tons"), "tonne"),
    **dict.fromkeys(("hectare", "hectares", "ha"), "hectare"),
    **dict.fromkeys(("acre", "acres"), "acre"),
    **dict.fromkeys(("litre", "litres", "liter", "liters"), "litre"),
    **dict.fromkeys(("euro", "euros", "€", "eur"), "euro"),
    **dict.fromkeys(("dollar", "dollars", "$", "usd"), "dollar"),
    **dict.fromkeys(("pound", "pounds", "£", "gbp"), "pound"),
    **dict.fromkeys(("second", "seconds"), "second"),
    **dict.fromkeys(("minute", "minutes"), "minute"),
    **dict.fromkeys(("hour", "hours"), "hour"),
    **dict.fromkeys(("day", "days"), "day"),
    **dict.fromkeys(("week", "weeks"), "week"),
    **dict.fromkeys(("month", "months"), "month"),
    **dict.fromkeys(("year", "years"), "year"),
}
_TOKEN = re.compile(r"[€$£]|\d+(?:[.,:]\d+)*|%|[^\W\d_]+", re.UNICODE)
_THOUSANDS = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?")


class Number(NamedTuple):
    """A value, what it counts in where that is known, how it was written, and whether it is hedged (`about`)."""

    value: float
    unit: str | None
    text: str
    hedged: bool = False


def find_numbers(text: str) -> list[Number]:
    """Every number of a text: digits or words, thousands and decimals, `3.4 billion`, `per cent`, currencies."""
    return list(_numbers(_TOKEN.findall(re.sub(r"\bper cent\b", "percent", text).replace("-", " "))))


def missing_number(claim: list[Number], source: list[Number]) -> Number | None:
    """The first number of a claim that the source does not state, or None."""
    return next((wanted for wanted in claim if not any(_same(wanted, stated) for stated in source)), None)


def _numbers(tokens: list[str]) -> Iterator[Number]:
    at = 0
    while at < len(tokens):
        value, after = _value(tokens, at)
        if value is None:
            at += 1
            continue
        before = tokens[at - 1].lower() if at else ""
        lone_one = value == 1 and tokens[at].lower() == "one"  # as often a pronoun
        if not lone_one:
            hedged = any(word.lower() in english().hedges for word in tokens[max(0, at - 3) : at])
            yield Number(value, _unit(before, tokens[after : after + 2]), " ".join(tokens[at:after]), hedged)
        at = after


def _value(tokens: list[str], at: int) -> tuple[float | None, int]:
    """The value that begins at a token, and where it ends."""
    token = tokens[at].lower()
    if token[0].isdigit():
        value = _digits(token)
        after = at + 1
        if value is not None and after < len(tokens) and tokens[after].lower() in ("st", "nd", "rd", "th"):
            after += 1
    else:
        value, after = _spelled(tokens, at)
    if value is not None and after < len(tokens) and (magnitude := _MAGNITUDES.get(tokens[after].lower())):
        return value * magnitude, after + 1
    return value, after


def _digits(token: str) -> float | None:
    if ":" in token:
        hours, _, minutes = token.partition(":")
        return float(hours) + float(minutes) / 100 if minutes.isdigit() else None
    plain = token.replace(",", "") if _THOUSANDS.fullmatch(token) else token.replace(",", ".")
    return float(plain) if plain.count(".") < 2 else None


def _spelled(tokens: list[str], at: int) -> tuple[float | None, int]:
    total: float | None = None
    while at < len(tokens):
        word = tokens[at].lower()
        if word in _MULTIPLES and total is not None:
            total *= _MULTIPLES[word]
        elif (
            word == "and"
            and total is not None
            and total >= 100
            and at + 1 < len(tokens)
            and tokens[at + 1].lower() in _WORDS
        ):
            pass
        elif word in _WORDS and (
            total is None or total >= 100 or (total % 10 == 0 and total >= 20 and _WORDS[word] < 10)
        ):
            total = (total or 0) + _WORDS[word]
        else:
            break
        at += 1
    return total, at if total is not None else at + 1


def _unit(before: str, after: list[str]) -> str | None:
    if before in ("€", "$", "£"):
        return _UNITS[before]
    return next((_UNITS[word.lower()] for word in after if word.lower() in _UNITS), None)


def _same(wanted: Number, stated: Number) -> bool:
    if wanted.unit and stated.unit and wanted.unit != stated.unit:
        return False
    if (wanted.unit == "percent") != (stated.unit == "percent") and wanted.unit and stated.value != wanted.value:
        return False
    if abs(wanted.value - stated.value) <= 1e-9 * max(1.0, abs(stated.value)):
        return True
    return wanted.hedged and _rounds_to(stated.value, wanted.value)


def _rounds_to(value: float, rounded: float) -> bool:
    """Whether a value is the rounded one at the rounded one's own precision: 6,412 is about 6,400."""
    if not rounded:
        return False
    digits = f"{rounded:.6f}".rstrip("0").rstrip(".")
    if "." in digits:
        step = 10.0 ** -len(digits.partition(".")[2])
    else:
        step = 10.0 ** (len(digits) - len(digits.rstrip("0")))
    return abs(value - rounded) <= step / 2
