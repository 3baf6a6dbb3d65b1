"""The names of months and days in the languages that an index may have, as CLDR lists them."""

import re
import unicodedata
from collections import defaultdict
from functools import cache
from typing import Literal

from index.terms import normal_form

# The languages of the Snowball stemmers, by their CLDR names, and the month names of the eastern Arab countries.
_LOCALES = (
    "ar ar_IQ ca cs da de el en eo es et eu fa fi fr ga hi hu hy id it lt nb ne nl nn pl pt ro ru sr sr_Latn st sv ta"
    " tr yi"
).split()
_CONTEXTS: tuple[Literal["format", "stand-alone"], ...] = ("format", "stand-alone")
_MONTH_WIDTHS: tuple[Literal["wide", "abbreviated"], ...] = ("wide", "abbreviated")
_DAY_WIDTHS: tuple[Literal["wide", "abbreviated", "short"], ...] = ("wide", "abbreviated", "short")
_ABBREVIATION = 3


def normal(text: str) -> str:
    """A text as names are compared: case and compatibility forms folded, digits in ASCII, each space a single one."""
    folded = normal_form("NFKC", normal_form("NFKC", text).casefold())
    digits = (str(unicodedata.decimal(char)) if char.isdecimal() else char for char in folded)
    return " ".join("".join(digits).split())


def month_of(name: str) -> int | None:
    """The month a normal name, its abbreviation or its first three or more letters stand for; None where two could.

    English names come first, as RFC 822 writes them whatever language the article has.
    """
    english, names = _months()
    for known in (english, names):
        if len(known.get(name, ())) == 1:
            return next(iter(known[name]))
    if len(name) < _ABBREVIATION:
        return None
    starting = {month for known, months in names.items() if known.startswith(name) for month in months}
    return starting.pop() if len(starting) == 1 else None


def is_day(name: str) -> bool:
    """Whether a normal name is one of a day of the week."""
    return name in _days()


def with_english_months(text: str) -> str:
    """A normal text with month names of several words, such as Irish ones, replaced by English ones."""
    found = _names_of_words().search(text)
    return _names_of_words().sub(lambda match: _ENGLISH[(month_of(match[0]) or 1) - 1], text) if found else text


_ENGLISH = "january february march april may june july august september october november december".split()


@cache
def _months() -> tuple[dict[str, set[int]], dict[str, set[int]]]:
    from babel.dates import get_month_names

    found: defaultdict[str, set[int]] = defaultdict(set)
    english: defaultdict[str, set[int]] = defaultdict(set)
    for locale in _LOCALES:
        for context in _CONTEXTS:
            for width in _MONTH_WIDTHS:
                for month, name in get_month_names(width, context, locale).items():
                    found[_bare(name)].add(month)
                    if locale == "en":
                        english[_bare(name)].add(month)
                    if locale == "eu":
                        # Basque dates have the genitive of the name: otsailaren 21.
                        found[f"{_bare(name)}ren"].add(month)
    english["sept"].add(9)
    return dict(english), dict(found)


@cache
def _days() -> frozenset[str]:
    from babel.dates import get_day_names

    listed = (
        get_day_names(width, context, locale) for locale in _LOCALES for width in _DAY_WIDTHS for context in _CONTEXTS
    )
    names = (_bare(name) for days in listed for name in days.values())
    return frozenset(part for name in names for part in (name, *re.split("[- ]", name)))


@cache
def _names_of_words() -> re.Pattern[str]:
    names = sorted((name for name in _months()[1] if " " in name), key=len, reverse=True)
    return re.compile(rf"\b(?:{'|'.join(map(re.escape, names))})\b")


def _bare(name: str) -> str:
    """A listed name without the preposition that Catalan writes before it, and without the stop of an abbreviation."""
    return re.sub(r"^(?:de |d[’'])", "", normal(name)).strip(".॰ ")
