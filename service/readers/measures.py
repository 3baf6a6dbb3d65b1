"""Whether a number is of what is asked: "How wide is the bridge?" has no answer in "The bridge is 210 metres long".

A question asks for a measure ("how tall", "the population of"), which has units of its own, for the measure of a named
thing, or for the amount of a thing that belongs to another one ("the hole in the budget"), of which the article may
give an amount as well. The rules know plain cases in English; in any other the number fits.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from index.records import Span
from service.citations.dates import find_dates
from service.citations.numbers import find_numbers
from service.readers.evidence import ScoredSentence
from service.readers.quantities import MEASURED, quantities_asked, quantities_of
from service.readers.question_kind import answer_type, terms

NEAR = 3
"""Words on either side of a number that may name its measure."""

LENGTHS = frozenset({"height", "width", "depth", "length", "distance"})
"""Measures that the number of a named thing has only with a unit."""

_AUXILIARY = r"(?:is|are|was|were|do|does|did|has|have|had|will|would|can|could)"
_HOW = re.compile(rf"\bhow (?P<word>\w+) (?P<verb>{_AUXILIARY})\b(?P<subject>[^?]*)", re.IGNORECASE)
_WHAT = re.compile(
    r"\bwhat(?P<verb>['’]s| is| are| was| were) (?:the|its|their) (?:\w+ )?(?P<word>\w+) of\b(?P<subject>[^?]*)",
    re.IGNORECASE,
)
_VERB = re.compile(
    rf"\b(?:how much|what) {_AUXILIARY} (?P<subject>[^?]*?)(?<! on)(?<! for)(?<! with)\W*$", re.IGNORECASE
)
_COUNTED = re.compile(r"\bhow many (?P<subject>[^?]*)", re.IGNORECASE)
_HEAD = re.compile(
    r"(?:\bhow (?:large|big|high|much|great|small)|\bwhat) (?:is|are|was|were) the (?:[\w-]+ )?(?P<head>\w+)"
    r" (?:in|of|for|on|at) (?P<other>.+)",
    re.IGNORECASE,
)
_ROLE = re.compile(r"\bwho (?:is|was) the ([a-z]+) (?:of|in|at|for)\b", re.IGNORECASE)
_NOUN = re.compile(r"(\w+) (?:of|at|is|was|to) (?:(?:about|nearly|over|almost|some|only) )?$", re.IGNORECASE)
_OF_NAME = re.compile(r"\bhow \w+ (?:is|are|was|were) (?-i:(?:the )?[A-Z])", re.IGNORECASE)
_BE = frozenset({"is", "are", "was", "were", "'s", "’s"})
_OPEN = frozenset({"high", "long"})
"""Words that may ask for a level, an amount or a time as well, unless they ask of a name."""

_COMPARATIVE = (
    "(?:more|less|fewer|higher|lower|taller|longer|shorter|wider|narrower|deeper|warmer|hotter|colder|cooler|heavier"
    "|lighter|larger|bigger|smaller|older|younger|faster|slower|dearer|cheaper|further|farther|better|worse)"
)
_DIFFERENCE = re.compile(rf"[^\w,;:.()—–]{{0,3}}(?:[^\W\d_]+ ){{0,2}}(?:too \w+|{_COMPARATIVE} than)\b", re.IGNORECASE)
_ASKS_DIFFERENCE = re.compile(
    rf"\b(?:{_COMPARATIVE}|too|than|compared|difference|change[ds]?|by how|r[io]se|rises?|risen|gr[eo]wn?"
    r"|f[ae]ll(?:en)?|drop(?:ped)?|increased?|decreased?|shr[aiu]nk|lost|gain(?:ed)?|save[ds]?)\b",
    re.IGNORECASE,
)
_DIGITS = re.compile(r"\d[\d.,]*")
_BY = re.compile(r"\bby (?:about |nearly |almost |over |some |only )?$", re.IGNORECASE)
_AGE = re.compile(r",\s\d{1,3}[,.]|\bof \d{1,3}\b")
_OF_PERSON, _IS_AGE = re.compile(r"\b[A-Z][\w’'-]+, $"), re.compile(r"\d{1,3}[,.]")
"""The age of a person: "Ada Orme, 51, …"."""
_ASKS_AGE = re.compile(r"\b(?:old|ages?|aged)\b", re.IGNORECASE)

_RUN = re.compile(r"\b[A-Z][\w’'-]+(?: [A-Z][\w’'-]+)+")
_WORD = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True, slots=True)
class Measure:
    """A measure: the words that name it, and the quantities of its units.

    `needs_unit` are the words that ask for a number with such a unit, `verbs` those that follow "how much does it".
    `figurative` are things of which the words say something else: a heavy defeat. `of_share` are those that percent are
    a size of. `shown_by` are words that the sentence of a number has, if its unit is that of something else as well.
    """

    words: frozenset[str]
    quantities: frozenset[str]
    needs_unit: frozenset[str] = frozenset()
    verbs: frozenset[str] = frozenset()
    figurative: frozenset[str] = frozenset()
    of_share: frozenset[str] = frozenset()
    shown_by: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class _Asked:
    """The measure that a question asks for by a word, of what; a count has no name.

    `is_of_thing` if a thing is said to have it: "how long is it", and not "how long did it take".
    """

    name: str
    quantities: frozenset[str]
    subject: str
    needs_unit: bool = False
    is_of_thing: bool = False


@cache
def _measures() -> dict[str, Measure]:
    """Return the measures by name, read from the file at the first call."""
    listed = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))
    return {
        name: Measure(**{part: frozenset(words.split()) for part, words in each.items()})
        for name, each in listed.items()
    }


def is_of_another(question: str, sentence: ScoredSentence) -> bool:
    """Return whether the answer in a sentence is plainly the number of something else than what is asked for."""
    asked = _asked(question)
    if asked and asked.name == "population" and asked.name not in _said(sentence.text):
        return True
    if sentence.answer is None:
        return asked is not None and _has_only_other_units(asked, sentence)
    if asked and (
        (asked.needs_unit and _has_other_unit(asked, sentence)) or _is_of_other_name(question, asked, sentence)
    ):
        return True
    body, (start, end) = sentence.passage.article.body, sentence.answer
    before, behind = body[sentence.span.start : start], body[end : sentence.span.end]
    near = {*_said(" ".join(_WORD.findall(behind)[:NEAR])), *_said(" ".join(_WORD.findall(before)[-NEAR:]))}
    if asked and asked.is_of_thing and asked.name not in near and any(_are_alike(asked, name) for name in near):
        return True
    head, noun = _HEAD.search(question), _NOUN.search(before)
    if not head or not noun or not find_numbers(body[start:end]):
        return False
    return terms(noun[1]) <= terms(head["other"]) and not terms(head["head"]) & terms(sentence.text)


def has_other_unit(question: str, sentence: ScoredSentence) -> bool:
    """Return whether the answer in a sentence is measured by other units than what is asked for: it is weak."""
    asked = _asked(question)
    return asked is not None and sentence.answer is not None and _has_other_unit(asked, sentence)


def is_age(question: str, sentence: ScoredSentence) -> bool:
    """Return whether an answer is the age of a person ("Ada Orme, 51,"), and the question asks for none."""
    if not sentence.answer or answer_type(question) != "number" or _ASKS_AGE.search(question):
        return False
    body, (start, end) = sentence.passage.article.body, sentence.answer
    is_bare = _IS_AGE.fullmatch(body[start : end + 1]) is not None
    return is_bare and _OF_PERSON.search(body[sentence.span.start : start]) is not None


def is_difference(question: str, sentence: ScoredSentence) -> bool:
    """Return whether the answer in a sentence is a difference ("2 metres too high"), and the question asks for none."""
    if not sentence.answer or (answer_type(question) != "number" and not _asked(question)):
        return False
    body, (start, end) = sentence.passage.article.body, sentence.answer
    if _ASKS_DIFFERENCE.search(question) or not find_numbers(body[start:end]):
        return False
    last = max((number.end() for number in _DIGITS.finditer(body, start, end)), default=end)
    is_by = _BY.search(body[sentence.span.start : start]) and quantities_of(body, sentence.answer) & MEASURED
    return bool(is_by or _DIFFERENCE.match(body, last) or _DIFFERENCE.match(body, end))


def may_be_of_another(question: str, sentence: ScoredSentence) -> bool:
    """Return whether nothing shows that the number in a sentence is of the measure and the thing that are asked for."""
    asked = _asked(question)
    if is_difference(question, sentence):
        return True
    if not asked or not sentence.answer:
        return False
    found = quantities_of(sentence.passage.article.body, sentence.answer)
    is_measured = (
        asked.needs_unit or not found.isdisjoint(MEASURED) or (not asked.name and "count" not in asked.quantities)
    )
    if is_measured and asked.quantities.isdisjoint(found):
        return True
    return bool(asked.name) and not _is_shown(asked, found, sentence)


def _is_shown(asked: _Asked, found: frozenset[str], sentence: ScoredSentence) -> bool:
    """Return whether a quote has words for the measure if it needs them, and for the thing that is asked of."""
    article, (start, end) = sentence.passage.article, sentence.quote or sentence.span
    quote, measure = article.body[start:end], _measures()[asked.name]
    if measure.shown_by and measure.shown_by.isdisjoint(_words(quote)) and not _AGE.search(quote):
        return False
    if measure.of_share and found == {"share"}:
        return not measure.of_share.isdisjoint(_words(asked.subject))
    subject = terms(asked.subject)
    return not subject or bool(subject & terms(f"{article.title}\n{quote}"))


def lacks_role(question: str, sentence: ScoredSentence) -> bool:
    """Return whether a question asks who has a role that the article of a sentence without an answer never names."""
    article, found = sentence.passage.article, _ROLE.search(question)
    return found is not None and not sentence.answer and not terms(found[1]) & terms(f"{article.title}\n{article.body}")


def asks_measure(question: str) -> bool:
    """Return whether a question asks for a measure of something."""
    asked = _asked(question)
    return asked is not None and bool(asked.name)


def _asked(question: str) -> _Asked | None:
    """Return what a question asks for a number of; None if it may be anything."""
    if found := _HOW.search(question) or _WHAT.search(question):
        word, subject = found["word"].casefold(), found["subject"]
        for name, measure in _measures().items():
            if word in measure.words and measure.figurative.isdisjoint(_words(subject)):
                is_of_thing = found["verb"].strip().casefold() in _BE
                is_clear = name in LENGTHS and (word not in _OPEN or _OF_NAME.search(question) is not None)
                needs_unit = word in measure.needs_unit or (is_of_thing and is_clear)
                return _Asked(name, measure.quantities, subject, needs_unit, is_of_thing)
    if found := _VERB.search(question):
        for name, measure in _measures().items():
            if not measure.verbs.isdisjoint(_words(found["subject"])):
                is_strict = not measure.needs_unit.isdisjoint(measure.verbs)
                return _Asked(name, measure.quantities, found["subject"], is_strict)
    if found := _COUNTED.search(question):
        return _Asked("", quantities_asked(found["subject"]) or frozenset({"count"}), found["subject"])
    return None


def _has_other_unit(asked: _Asked, sentence: ScoredSentence) -> bool:
    """Return whether the units of an answer are of other quantities, or a unit that it must have is missing.

    A sentence that has the measure beside another one answers, whichever of them is marked.
    """
    assert sentence.answer
    body = sentence.passage.article.body
    if _has_beside(asked, sentence):
        return False
    found = quantities_of(body, sentence.answer)
    if asked.quantities.isdisjoint(found) and not found.isdisjoint(MEASURED):
        return True
    if not asked.needs_unit or not asked.quantities.isdisjoint(found):
        return False
    if "time" in asked.quantities and find_dates(body[slice(*sentence.answer)]).dates:
        return False  # How long was she mayor? Since 2018.
    return asked.name in LENGTHS or (bool(found) and asked.name not in _said(sentence.text))


def _has_beside(asked: _Asked, sentence: ScoredSentence) -> bool:
    """Return whether a sentence has an amount of the asked quantity and a word of the measure; days do not count."""
    rest = find_dates(sentence.text).rest
    is_named = not asked.name or asked.name in _said(sentence.text)
    return is_named and not asked.quantities.isdisjoint(quantities_of(rest, Span(0, len(rest))))


def _has_only_other_units(asked: _Asked, sentence: ScoredSentence) -> bool:
    """Return whether a sentence without an answer has amounts, but no number of the asked quantity."""
    found = quantities_of(sentence.passage.article.body, sentence.span)
    return asked.needs_unit and asked.quantities.isdisjoint(found) and not found.isdisjoint(MEASURED)


def _is_of_other_name(question: str, asked: _Asked, sentence: ScoredSentence) -> bool:
    """Return whether a measure is asked of a named thing, and the sentence has another one of its kind: of a bridge.

    The article has the word for the kind also in small letters.
    """
    article, (start, end) = sentence.passage.article, sentence.quote or sentence.span
    said = f"{article.title}\n{article.body[start:end]}"
    for name in _RUN.findall(question) if asked.name else ():
        *distinct, kind = name.split()
        has_other = any(other.split()[-1] == kind for other in _RUN.findall(said))
        is_kind = re.search(rf"\b{re.escape(kind.casefold())}\b", article.body)
        if is_kind and has_other and not any(word in said for word in distinct):
            return True
    return False


def _are_alike(asked: _Asked, name: str) -> bool:
    """Return whether a measure has units of the asked one, so that only words tell them apart; any may be a size."""
    if "size" in (asked.name, name) or {asked.name, name} == {"length", "distance"}:
        return False
    return not _measures()[name].quantities.isdisjoint(asked.quantities)


def _said(text: str) -> Iterator[str]:
    """Yield the measures of which a text has a word."""
    found = _words(text)
    return (name for name, measure in _measures().items() if not measure.words.isdisjoint(found))


def _words(text: str) -> set[str]:
    return {word.casefold() for word in _WORD.findall(text)}
