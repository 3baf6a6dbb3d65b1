"""Unicode normalisation in bounded time: the only caller of `unicodedata.normalize`."""

import re
import unicodedata
from functools import cache
from typing import Literal

Form = Literal["NFC", "NFKC", "NFKD"]

MARKS = 30
"""Combining marks kept on one letter, as in the Stream-Safe Text Format of UAX #15; no language writes as many."""

_FIRST, _END = 0x300, 0x20000


def normal_form(form: Form, text: str) -> str:
    """Return a text in a normalisation form, with at most MARKS combining marks in a row.

    Marks beyond that are cut: to sort a run of them takes quadratic time, hours for the largest article (issue 9).
    """
    if text.isascii():
        return text
    # Some marks become two when they are normalised.
    return _cut(unicodedata.normalize(form, _cut(text)))


def without_accents(text: str) -> str:
    """Return a text in NFKD without its combining marks."""
    return "".join(char for char in normal_form("NFKD", text) if not unicodedata.combining(char))


def _cut(text: str) -> str:
    return _long_runs().sub(r"\1", text)


@cache
def _long_runs() -> re.Pattern[str]:
    # A letter may not be a mark and still begin with a mark when it is normalised, such as U+FF9E.
    marks = "".join(
        char for char in map(chr, range(_FIRST, _END)) if unicodedata.combining(unicodedata.normalize("NFKD", char)[0])
    )
    return re.compile(f"([{marks}]{{{MARKS}}})[{marks}]+")
