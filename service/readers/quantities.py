"""The quantity that an amount measures, by its unit: metres a length, "€3.1 million" money, "km/h" a speed.

A unit may be of two quantities: a pound is a weight and money. A number without a known unit is a count.
"""

import json
import re
from functools import cache
from pathlib import Path

from index.records import Span
from service.citations.english import english

BEHIND = 40
"""Code points behind an answer that may have the rest of its number and its unit."""

MEASURED = frozenset({"length", "area", "volume", "weight", "money", "time", "speed", "temperature", "power", "energy"})
"""All quantities but a share and a count, which may be of anything."""

ABBREVIATED = 2
"""Letters of the shortest word for a large number; "k", "m" and "b" are units and names as well."""

_CURRENCY = re.compile(r"[€$£¥]\s?$")
_METRE = r"m(?=\W*$|[.,;:)]|\s(?:long|high|tall|wide|deep|above|below|away)\b)"
"""The letter is a million as well: "1.4m people"."""

_RANGE = r"(?:[\s\u00a0\u202f]?(?:to|and|or|[–—-])[\s\u00a0]?\d[\d.,]*)?"


def quantities_of(text: str, answer: Span) -> frozenset[str]:
    """Return what the amounts measure whose numbers begin in an answer, a span of a text."""
    found = set[str]()
    for amount in _amounts().finditer(text, answer.start, min(len(text), answer.end + BEHIND)):
        if amount.start() >= answer.end:
            break
        if _CURRENCY.search(text, max(0, amount.start() - 2), amount.start()):
            found.add("money")
        else:
            found |= _units()[amount["unit"]] if amount["unit"] else {"count"}
    return frozenset(found)


def quantities_asked(text: str) -> frozenset[str]:
    """Return what the unit measures with which a text begins, behind one word at most: "more hours does it take"."""
    units = _units()
    words = [word.rstrip("?.,") for word in text.split()[:4]]
    heads = (" ".join(words[first : first + length]) for first in (0, 1) for length in (3, 2, 1))
    return next((units[head] for head in heads if head in units), frozenset())


@cache
def _units() -> dict[str, frozenset[str]]:
    """Return the quantities of each unit, read from the file at the first call."""
    listed = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))
    found: dict[str, frozenset[str]] = {"m": frozenset({"length"})}
    for quantity, units in listed.items():
        for unit in units.split(", "):
            for written in {unit, unit.capitalize() if len(unit) > len("km/h") else unit}:
                found[written] = found.get(written, frozenset()) | {quantity}
    return found


@cache
def _amounts() -> re.Pattern[str]:
    """Return the pattern of a number, in digits or words, with the unit behind it."""
    order = {word for word in english().values if word.endswith(("th", "rst", "ond", "ird"))}
    words = "|".join(sorted(english().values.keys() - order, key=len, reverse=True))
    large = "|".join(word for word in ("hundred", "dozen", *english().magnitudes) if len(word) >= ABBREVIATED)
    units = "|".join(re.escape(unit) for unit in sorted(_units().keys() - {"m"}, key=len, reverse=True))
    return re.compile(
        rf"(?:(?<![\w.,:])\d+(?:[.,:]\d+)*|\b(?i:{words}|{large})\b)(?:[\s-](?:and )?(?:{words}|{large})\b)*"
        rf"(?:\s?½| and a half)?{_RANGE}(?:[\s\u00a0-]?(?:{large})\b)?"
        rf"(?:[\s\u00a0\u202f-]?(?P<unit>(?:{units})(?!\w)|{_METRE}))?"
    )
