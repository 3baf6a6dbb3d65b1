"""Whether a number is of what is asked: "How wide is the bridge?" has no answer in "The bridge is 210 metres long".

A question asks for a measure ("how tall", "the population of"), or for the amount of a thing that belongs to another
one ("the hole in the budget"), of which the article may give an amount as well. The rules know plain cases in English;
in any other the number fits.
"""

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from service.citations.numbers import find_numbers
from service.readers.evidence import ScoredSentence
from service.readers.question_kind import terms

NEAR = 3
"""Words on either side of a number that may name its measure."""

LENGTHS = frozenset({"height", "width", "depth", "length"})
UNITS = frozenset({"metre", "km", "cm", "mm", "foot", "mile", "inch", "yard"})
"""Measures that a number has only with a unit of length, and these units."""

_HOW = re.compile(r"\bhow (\w+) (?:is|are|was|were)\b", re.IGNORECASE)
_OF = re.compile(r"\bthe (?:\w+ )?(\w+) of\b", re.IGNORECASE)
_HEAD = re.compile(
    r"(?:\bhow (?:large|big|high|much|great|small)|\bwhat) (?:is|are|was|were) the (?:[\w-]+ )?(?P<head>\w+)"
    r" (?:in|of|for|on|at) (?P<other>.+)",
    re.IGNORECASE,
)
_ROLE = re.compile(r"\bwho (?:is|was) the ([a-z]+) (?:of|in|at|for)\b", re.IGNORECASE)
_NOUN = re.compile(r"(\w+) (?:of|at|is|was|to) (?:(?:about|nearly|over|almost|some|only) )?$", re.IGNORECASE)
_OPEN = re.compile(r"\b[Hh]ow (?:high|long) \w+ (?!(?:the )?[A-Z])")
_WORD = re.compile(r"[^\W\d_]+")


@cache
def _measures() -> dict[str, frozenset[str]]:
    """Return the words of each measure, read from the file at the first call."""
    listed = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))
    return {name: frozenset(words.split()) for name, words in listed.items()}


def is_of_another(question: str, sentence: ScoredSentence) -> bool:
    """Return whether the answer in a sentence is plainly the number of something else than what is asked for."""
    asked = next(_asked(question), None)
    if asked and asked not in set(_said(sentence.text)) and _is_strict(question, asked, sentence):
        return True
    if sentence.answer is None:
        return False
    body, (start, end) = sentence.passage.article.body, sentence.answer
    before, behind = body[sentence.span.start : start], body[end : sentence.span.end]
    near = {*_said(" ".join(_WORD.findall(behind)[:NEAR])), *_said(" ".join(_WORD.findall(before)[-NEAR:]))}
    if asked and near and asked not in near:
        return True
    head, noun = _HEAD.search(question), _NOUN.search(before)
    if not head or not noun or not find_numbers(body[start:end]):
        return False
    return terms(noun[1]) <= terms(head["other"]) and not terms(head["head"]) & terms(sentence.text)


def lacks_role(question: str, sentence: ScoredSentence) -> bool:
    """Return whether a question asks who has a role that the article of a sentence without an answer never names."""
    article, found = sentence.passage.article, _ROLE.search(question)
    return found is not None and not sentence.answer and not terms(found[1]) & terms(f"{article.title}\n{article.body}")


def _asked(question: str) -> Iterator[str]:
    """Yield the measures that a question asks for."""
    found = [*_HOW.findall(question), *_OF.findall(question)]
    return (name for word in found for name in _said(word))


def _is_strict(question: str, asked: str, sentence: ScoredSentence) -> bool:
    """Return whether an answer without a word for the measure is none: no people for a population, no unit of length.

    "How high" and "how long" may ask for a level, an amount or a time, unless they ask of a name.
    """
    if asked == "population":
        return True
    if asked not in LENGTHS or _OPEN.search(question) or not sentence.answer:
        return False
    answer = sentence.passage.article.body[slice(*sentence.answer)]
    return UNITS.isdisjoint(number.unit for number in find_numbers(answer))


def _said(text: str) -> Iterator[str]:
    """Yield the measures of which a text has a word."""
    found = {word.casefold() for word in _WORD.findall(text)}
    return (name for name, words in _measures().items() if not words.isdisjoint(found))
