"""Find the names of a sentence, and whether a source has them: possessives, demonyms and acronyms in one form."""

import re
from collections.abc import Callable, Collection, Iterable
from functools import lru_cache
from typing import NamedTuple

from index.terms import without_accents
from service.citations.dates import MONTHS, WEEKDAYS
from service.citations.english import english

_TOKEN = re.compile(r"(?:[^\W\d_]\.){2,}|[^\W\d_][\w]*(?:['’-][^\W_]+)*")
REMEMBERED = 8192
"""Words whose plain form is kept, because one check compares the words of its passages many times."""

_JOINING = frozenset("of the and for de la le el al van von der den bin ibn du da di".split())


class Name(NamedTuple):
    """One capitalised word in its plain form, its place, and its run of capitalised words.

    A title (`President`, `Council`) belongs to a run but is not distinctive.
    """

    token: str
    start: int
    run: int
    distinctive: bool


def find_names(text: str, is_word: Callable[[str], bool]) -> list[Name]:
    """Return the capitalised words of a text that are names.

    A sentence's first word is one unless `is_word` knows it as an ordinary word (lower case).
    """
    text = with_plain_phrases(text)
    names: list[Name] = []
    run, last_end = 0, -9
    for match in _TOKEN.finditer(text):
        word = match.group()
        initial = _begins_sentence(text, match.start())
        if not word[0].isupper() or _is_calendar(word) or (initial and word.lower() in english().terms.stop_words):
            continue
        between = text[last_end : match.start()].strip().lower()
        if between and between not in _JOINING:
            run += 1
        last_end = match.end()
        ordinary = initial and (
            word.lower() in english().limits  # `Although Hebrine denied it`
            or ("-" in word and word.lower().partition("-")[0] in english().starters)  # `Twenty-two left`
            or (is_word(plain(word)) and not _followed_by_name(text, match.end()))
        )
        if not ordinary and len(word) > 1:
            names.append(Name(plain(word), match.start(), run, plain(word) not in english().titles))
    return names


@lru_cache(maxsize=REMEMBERED)
def plain(word: str) -> str:
    """Return the form of a word in which names are compared."""
    word = re.sub(r"['’]s?$", "", word)
    word = without_accents(re.sub(r"(?<=[A-Z]{2})s$", "", word)).casefold()
    if re.fullmatch(r"(?:\w\.){2,}", word):
        word = word.replace(".", "")
    for form in (word, word.removesuffix("s"), word.removesuffix("n")):
        if form in english().demonyms:
            return english().demonyms[form]
    return word


def missing_name(names: Iterable[Name], source: str) -> Name | None:
    """Return the first name that a source lacks, also as an acronym or as the words of an acronym; or None."""
    text = with_plain_phrases(source)
    present = {form for match in _TOKEN.finditer(text) for form in _forms(match.group())}
    acronyms = _initials(text)
    names = list(names)
    for name in names:
        run = "".join(other.token[0] for other in names if other.run == name.run)
        if name.distinctive and not (
            name.token in present or name.token in acronyms or (len(run) > 1 and run in present)
        ):
            return name
    return None


def with_plain_phrases(text: str) -> str:
    """Return a text with the plain form of names of several words, such as `US`."""
    for phrase, name in english().phrases:
        text = phrase.sub(lambda match, name=name: name.upper().ljust(len(match.group())), text)  # type: ignore[misc]
    return text


def _forms(word: str) -> Collection[str]:
    complete = plain(word)
    return {complete, *(plain(part) for part in re.split(r"[-’']", word) if len(part) > 1)}


def _initials(text: str) -> set[str]:
    """Return the initials of every run of two to five words, with and without joining words."""
    words = [match.group() for match in re.finditer(r"[^\W\d_]+", text)]
    content = [word for word in words if word.lower() not in _JOINING]
    return {
        "".join(word[0] for word in listed[start : start + length]).lower()
        for listed in (words, content)
        for length in range(2, 6)
        for start in range(len(listed) - length + 1)
    }


def _begins_sentence(text: str, start: int) -> bool:
    before = text[:start].rstrip(" \t\"'“‘«(")
    return not before or before[-1] in ".!?:;\n" or before.endswith(("—", "–"))


def _followed_by_name(text: str, end: int) -> bool:
    following = re.match(r"\s+([^\W\d_][\w'’-]*)", text[end:])
    return following is not None and following[1][0].isupper() and not _is_calendar(following[1])


def _is_calendar(word: str) -> bool:
    return word.lower() in MONTHS or word.lower() in WEEKDAYS
