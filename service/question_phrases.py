"""The phrases of a made question: which are clear outside their article, and how they are written inside a sentence."""

import json
import re
from functools import cache, cached_property
from pathlib import Path
from typing import Any

_CAPITAL = r"[A-Z\u00c0-\u00d6\u00d8-\u00de]"
PROPER = rf"{_CAPITAL}[\w’'.-]*(?<![.’'-])"
"""A capitalised word."""

NAME = rf"{PROPER}(?: (?:(?:of|de|van|von|der|den|la|le|&) )?{PROPER})*"
"""One or more capitalised words, such as "Bank of Kelm"."""

MONTHS = tuple("January February March April May June July August September October November December".split())
MONTH = rf"(?:{'|'.join(MONTHS)}|(?:Jan|Feb|Aug|Sept?|Oct|Nov|Dec)\.)"
WEEKDAY = "(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day"

PREPOSITIONS = frozenset(
    """above across after against along around at before behind below beside between during for from in inside into near
    of off on over through under with within without""".split()
)

LONGEST_PHRASE = 12
LONGEST_SUBJECT = 9
"""Limits in words."""

_CALENDAR = re.compile(rf"{MONTH}|{WEEKDAY}")
_TIMES = re.compile(rf"\b(?:{WEEKDAY}|morning|evening|night|week|weekend|afternoon)\b")
_VERB = re.compile(r"[a-z]{3,}ed|having|being|saying")
_OPENINGS = PREPOSITIONS | frozenset("according and as but each every neither no one or so to".split())


class Phrases:
    """The phrases of one article, in which shorter mentions of a name are written out."""

    def __init__(self, text: str) -> None:
        self._text = text

    def clear(self, text: str) -> str | None:
        """Return a phrase as it stands inside a question; None if it needs its article to be understood."""
        words = text.split()
        if not words or len(words) > LONGEST_PHRASE or any(word.lower() in data()["never_inside"] for word in words):
            return None
        first = words[0]
        if first in ("The", "A", "An") or (first[0].isupper() and not self._is_name(words)):
            if first not in ("The", "A", "An") and not self._has(first.lower()):
                return None
            words[0] = first.lower()
        if words[0] in ("the", "a", "an") and len(words) == 2 and words[1].islower():
            return self._written_out(words[1].capitalize()) if words[0] == "the" else None
        if len(words) == 1 and words[0][0].isupper():
            return self._only(words[0]) or (None if words[0] in self._full else words[0])
        return " ".join(["the", *words[1:]] if words[0] in ("a", "an") else words)

    def subject(self, text: str) -> str | None:
        """Return a subject as it stands inside a question; None unless it has a name, and no verb of its own."""
        words = text.split()
        if not words or len(words) > LONGEST_SUBJECT or words[0].lower() in _OPENINGS:
            return None
        phrase = None if any(map(_VERB.fullmatch, words)) else self.clear(text)
        return phrase if phrase and has_name(phrase) else None

    def rest(self, text: str) -> str | None:
        """Return what follows a verb; None if it is not clear, or has a time, which a question would repeat."""
        text = text.strip()
        vague = rf"\bthe (?:[a-z-]+ )?(?:{'|'.join(data()['vague'])})\b"
        if not text:
            return ""
        if _TIMES.search(text) or re.search(rf"\bas\b|{vague}", text):
            return None
        verbs = data()["verbs"]
        if any(word in verbs or word.endswith("ed") for word in text.partition(" and ")[2].split()):
            return None
        phrase = self.clear(text)
        # "the council" is written out; the letters of anything else stay.
        return phrase if phrase and re.fullmatch(r"the \S+", text) else text if phrase else None

    @cached_property
    def _full(self) -> dict[str, set[str]]:
        """Return the names of several words by their last word."""
        found: dict[str, set[str]] = {}
        for name in re.findall(rf"\b{PROPER}(?: {PROPER})+", self._text):
            first, _, rest = name.partition(" ")
            full = rest if self._has(first.lower()) else name
            if " " in full and not _CALENDAR.search(full):
                found.setdefault(full.rpartition(" ")[2], set()).add(full)
        return found

    def _only(self, last: str) -> str | None:
        """Return the only name that ends with a word; of forms that end with each other, the shortest."""
        forms = sorted(self._full.get(last, ()), key=len)
        return forms[0] if forms and all(form.endswith(forms[0]) for form in forms) else None

    def _written_out(self, last: str) -> str | None:
        full = self._only(last)
        has_article = full and re.search(rf"\bthe {re.escape(full)}\b", self._text, re.IGNORECASE)
        return f"the {full}" if has_article else full

    def _has(self, word: str) -> bool:
        return re.search(rf"\b{re.escape(word)}\b", self._text) is not None

    def _is_name(self, words: list[str]) -> bool:
        """Return whether a capitalised word at the start of a sentence is a part of a name."""
        if re.search(rf"[a-z,] {re.escape(words[0])}\b", self._text):
            return True
        return len(words) > 1 and words[1][0].isupper() and not self._has(words[0].lower())


def has_name(text: str) -> bool:
    """Return whether a phrase has a capitalised word that is not of the calendar."""
    return any(word[0].isupper() and not _CALENDAR.match(word) for word in text.split())


def has_time(text: str) -> bool:
    """Return whether a phrase has a day or a part of it."""
    return _TIMES.search(text) is not None


@cache
def data() -> dict[str, Any]:
    """Return the words of the rules."""
    read: dict[str, Any] = json.loads(Path(__file__).with_name("question_rules.json").read_text(encoding="utf-8"))
    read["never_inside"] = frozenset(read["never_inside"])
    return read
