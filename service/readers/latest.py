"""The latest of several reports of the same fact: which sentence is quoted, and which is out of date.

A figure is replaced if a later article has another number of the same unit or thing. A state, such as who holds an
office, is replaced by any later answer of the kind that is asked for, while it holds (`office.py`). Reports of the
same days by different publishers may contradict each other: neither is out of date unless one says that it corrects a
figure.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

from index.records import Span
from index.text import words
from service.citations.dates import find_dates, missing_date
from service.citations.numbers import Number, find_numbers, with_numbers
from service.readers.evidence import Evidence, ScoredSentence, is_later, published_at
from service.readers.office import OVER, TAKES_OVER, follows, has_begun, is_ahead, is_incumbent, is_next, is_over
from service.readers.question_kind import (
    LETTERS,
    answer_type,
    fits_time,
    is_plan,
    names,
    terms,
)
from service.readers.reversals import CALLS_OFF, calls_off

NEWER, NEWER_OPEN, NEWER_NAMED, CALLED_OFF, MENTIONED = 5.0, 3.0, 8.0, 12.0, 7.0
"""How far below the best score a later sentence may be: with an answer of the kind asked for, with any, with all
names of a question about a state, one that calls the answer off, and one that is only mentioned in a warning.

Read off the 39 open pairs of `benchmarks/evolving.py` and gold questions that are not held out: later values of the
same fact are up to 4.9 below the best sentence, 7.9 with its names; answers about something else 7 and more.
"""

LEAD = 300
"""Code points at the beginning of an article whose names say what it is about."""

SAME_DAYS = timedelta(days=3)
"""The most time between reports by different publishers that may contradict each other."""

LATE = timedelta(days=90)
"""The time after which a report replaces a figure of what happened only if it says that it corrects it."""

_CORRECTS = re.compile(
    r"\b(?:now|lower(?:ed|s)|rais(?:ed|es)|correct(?:ed|s|ion)|revis(?:ed|es)|updat(?:ed|es)|wrong|new estimate"
    r"|(?:rises?|rose|risen|fell|falls?|fallen|moved?|moves|postponed|brought forward|pushed back|put (?:off|back)) to"
    r"|will not (?:\w+ ){1,2}(?:before|until)|no longer|instead of|not as (?:many|much)"
    r"|(?:more|less|fewer|later|earlier) than"
    r"|nunmehr|jetzt|korrigiert\w*|berichtigt\w*|statt)\b",
    re.IGNORECASE,
)
_SUBJECT = re.compile(r"(?:(?:The|Die|Der|Das) )?([A-ZÄÖÜ]\w+)")
_SUPPOSED = re.compile(r"\b(?:once|if|unless|as soon as|until|till|whether|in case|should)\b[^,.;:]*$", re.IGNORECASE)
_YEAR = re.compile(r"(?:19|20)\d\d")
_UNCLEAR = re.compile(
    r"\b(?:unclear|unknown|uncertain|(?:not|never) (?:yet )?(?:known|clear|certain|sure)|whether|unklar|unbekannt)\b",
    re.IGNORECASE,
)
_OPENS = re.compile(r"(?:is|are|was|were|do|does|did|has|have|can|ist|sind|hat|kann)\b", re.IGNORECASE)
_IDLE_AFTER = frozenset("of on in at by for from to and or than after before with this last since until".split())


def latest(question: str, evidence: Evidence, best: ScoredSentence) -> ScoredSentence:
    """Return the sentence of the latest report that replaces the fact of the best one, or the best one."""
    best = _in_force(question, evidence, best)
    later = [each for each in evidence.sentences if is_later(each, best) and not is_ahead(question, each, evidence)]
    found = [recounted(each, best) for each in later if not is_too_late(each, best, evidence)]
    found = [each for each in found if each.answer or _is_news(question, each, evidence)]
    found = [each for each in found if _is_as_good(question, each, best, evidence)]
    newest = max(found, key=lambda each: (published_at(each), each.score), default=best)
    off = [each for each in later if is_later(each, newest) and _is_called_off(question, newest, each, evidence)]
    return _in_force(question, evidence, max(off, key=published_at, default=newest))


def is_too_late(later: ScoredSentence, older: ScoredSentence, evidence: Evidence) -> bool:
    """Return whether a later figure is probably of something that happened since: the river in the next spring."""
    time = published_at(later) - published_at(older)
    return evidence.latest == "figure" and time > LATE and not _CORRECTS.search(later.text)


def _is_known_now(question: str, later: ScoredSentence, best: ScoredSentence) -> bool:
    """Return whether a later report says what an older one says is unclear: "Was it a jammed gate?"."""
    is_of_same = is_later(later, best) and bool(terms(later.text) & terms(question) & terms(best.text))
    is_near = later.answer is not None and later.score >= best.score - NEWER
    return _OPENS.match(question) is not None and is_of_same and is_near and not _UNCLEAR.search(later.text)


def settled(question: str, evidence: Evidence, best: ScoredSentence) -> ScoredSentence:
    """Return the latest sentence that says what the best one says is unclear, or the best one."""
    if not _UNCLEAR.search(best.text):
        return best
    found = [each for each in evidence.sentences if _is_known_now(question, each, best)]
    return max(found, key=lambda each: (published_at(each), each.score), default=best)


def _is_news(question: str, sentence: ScoredSentence, evidence: Evidence) -> bool:
    """Return whether a sentence speaks of what a question without a question word asks of: "Is the bridge open?"."""
    asked = names(question)
    is_named = bool(asked) and asked <= names(sentence.text, first=True)
    return is_named and evidence.latest == "state" and _OPENS.match(question) is not None


def _in_force(question: str, evidence: Evidence, best: ScoredSentence) -> ScoredSentence:
    """Return the best sentence, or for a state that is over or to come the latest that holds now."""
    if is_over(best, evidence):
        found = [each for each in evidence.sentences if follows(question, each, best)]
    elif is_ahead(question, best, evidence) or (is_next(question, best, evidence) and not has_begun(best, evidence)):
        near = [each for each in evidence.sentences if each.score >= best.score - CALLED_OFF]
        found = [each for each in near if _is_held_before(question, each, best, evidence)]
        found = found or [each for each in evidence.sentences if is_incumbent(question, each, best)]
    else:
        return best
    found = [each for each in found if not is_over(each, evidence) and not is_ahead(question, each, evidence)]
    return max(found, key=lambda each: (published_at(each), each.score), default=best)


def _is_held_before(question: str, other: ScoredSentence, ahead: ScoredSentence, evidence: Evidence) -> bool:
    """Return whether a sentence states what a state to come will replace."""
    if not is_later(ahead, other):
        return False
    is_anew = other.answer is not None and _states_anew(question, ahead, other, evidence)
    return is_anew or (answer_type(question) == "who" and TAKES_OVER.search(other.text) is not None)


def is_supposed(question: str, sentence: ScoredSentence) -> bool:
    """Return whether a sentence only supposes what a question without a question word asks: "once the road is open"."""
    if not _OPENS.match(question):
        return False
    asked = terms(" ".join(word for word in question.split()[1:] if word[0].islower()))
    found = [word for word in re.finditer(r"\w+", sentence.text) if terms(word[0]) & asked]
    return bool(found) and all(_SUPPOSED.search(sentence.text[: word.start()]) for word in found)


def is_out_of_date(question: str, older: ScoredSentence, newer: ScoredSentence, evidence: Evidence) -> bool:
    """Return whether a sentence states a fact that a later report replaces."""
    if not is_later(newer, older):
        return False
    if not (_states_anew(question, newer, older, evidence) or _is_called_off(question, older, newer, evidence)):
        return False
    one, other = older.passage.article, newer.passage.article
    is_same_publisher = one.source is not None and one.source == other.source
    days = published_at(newer) - published_at(older)
    return days > SAME_DAYS or is_same_publisher or _CORRECTS.search(newer.text) is not None


def newer_report(question: str, evidence: Evidence, quoted: ScoredSentence) -> datetime | None:
    """Return the date of the latest article that may replace a quoted fact, but says it less plainly."""
    near = [each for each in evidence.sentences if each.answer and each.score >= quoted.score - MENTIONED]
    later = [each for each in near if is_later(each, quoted) and fits_time(question, each.text)]
    found = [published_at(each) for each in later if _states_anew(question, each, quoted, evidence)]
    return max(found, default=None)


def _is_as_good(question: str, later: ScoredSentence, best: ScoredSentence, evidence: Evidence) -> bool:
    """Return whether a later sentence answers about as well as the best one, which may not hold any more."""
    is_typed = answer_type(question) in ("who", "when") or counted(best) is not None
    near = OVER if is_over(best, evidence) else NEWER if is_typed else NEWER_OPEN
    article = later.passage.article
    told = names(f"{later.text} {article.title or ''}", first=True) | names(article.body[:LEAD], first=True)
    if evidence.latest == "state" and (asked := names(question)) and asked <= told:
        near = max(near, NEWER_NAMED)
    if is_typed and _CORRECTS.search(later.text):
        near = max(near, CALLED_OFF)
    if later.score < best.score - near or not _states_anew(question, later, best, evidence):
        return False
    return fits_time(question, later.text) or _is_coming(later)


def _states_anew(question: str, later: ScoredSentence, older: ScoredSentence, evidence: Evidence) -> bool:
    """Return whether a later sentence has the fact of an older one: the same counted thing, or a state of its kind."""
    asked = answer_type(question)
    if not _is_of_same_story(question, later, older):
        return False
    if asked == "when":
        return _is_coming(older) and _is_another_day(later, older, evidence)
    first, second = counted(older), counted(later)
    if first and second:
        return _is_same_thing(first, second)
    return evidence.latest == "state" and not second and asked != "number"


def _is_coming(sentence: ScoredSentence) -> bool:
    """Return whether a sentence has words for what is to come, or its answer is a day after its publication."""
    published, answer = sentence.passage.article.published_at, sentence.answer
    if is_plan(sentence.text) or published is None or answer is None:
        return is_plan(sentence.text)
    stated = find_dates(sentence.passage.article.body[slice(*answer)]).dates
    return any((each.year, each.month or 0, each.day or 0) > published.timetuple()[:3] for each in stated if each.year)


def _is_another_day(later: ScoredSentence, older: ScoredSentence, evidence: Evidence) -> bool:
    """Return whether a later sentence has another day than a plan: of what is to come a plan, of the past none."""
    if evidence.latest != "state":
        return not is_plan(later.text)
    if CALLS_OFF.search(later.text):
        return True
    new, old = (each.passage.article.body[slice(*(each.answer or each.span))] for each in (later, older))
    return _is_coming(later) and missing_date(find_dates(new).dates, old, []) is not None


def _is_of_same_story(question: str, later: ScoredSentence, older: ScoredSentence) -> bool:
    """Return whether two sentences have a word in common besides what is counted, and no name of the question apart."""
    unit = (counted(older) or (None, ""))[1][:LETTERS]
    if not (_terms(later) & _terms(older)) - {unit}:
        return False
    has = [{name for name in names(question) if name in each.text.casefold()} for each in (later, older)]
    is_apart = has[0] - has[1] or _opens_with_name(later)
    return not (is_apart and has[1] - has[0])


def _opens_with_name(sentence: ScoredSentence) -> bool:
    """Return whether a sentence begins with a name: its first word has a capital elsewhere as well."""
    first = _SUBJECT.match(sentence.text)
    return first is not None and re.search(rf"[a-z,] {first[1]}\b", sentence.passage.article.body) is not None


def _terms(sentence: ScoredSentence) -> set[str]:
    """Return the terms of a sentence with its neighbours and its title."""
    article, place = sentence.passage.article, sentence.quote or sentence.span
    text = f"{article.title or ''} {article.body[slice(*place)]}"
    return terms(text)


def is_of_other_unit(one: ScoredSentence, other: ScoredSentence) -> bool:
    """Return whether two answers are numbers of different units: "4.7 metres" and "19 of them"."""
    numbers = counted(one), counted(other)
    units = {each[0].unit for each in numbers if each}
    return None not in numbers and len(units) > 1


def _is_same_thing(first: tuple[Number, str], second: tuple[Number, str]) -> bool:
    """Return whether two numbers have the same unit; "19 of them" may be of anything that is counted."""
    if first[0].unit or second[0].unit:
        return first[0].unit == second[0].unit
    units = (first[1], second[1])
    return units[0] == units[1] or any(unit in _IDLE_AFTER or not unit.isalpha() for unit in units)


def _is_called_off(question: str, older: ScoredSentence, later: ScoredSentence, evidence: Evidence) -> bool:
    """Return whether a later sentence says of an older answer that it does not hold any more.

    One that repeats the day of a plan may be as unlikely an answer as it will.
    """
    if evidence.latest != "state" or not older.answer:
        return False
    if calls_off(question, later, older):
        return True
    if not later.answer or later.score < older.score - CALLED_OFF:
        return False
    answer = older.passage.article.body[slice(*older.answer)]
    said_of = [word for word in re.findall(r"\w+", answer.casefold()) if not re.fullmatch(r"(?:19|20)\d\d", word)]
    said = set(re.findall(r"\w+", later.text.casefold()))
    return bool(said_of) and said.issuperset(said_of) and CALLS_OFF.search(later.text) is not None


def counted(sentence: ScoredSentence) -> tuple[Number, str] | None:
    """Return the first number of an answer, and its unit or the word behind it; None if the answer has no number."""
    if not (answer := sentence.answer):
        return None
    body = sentence.passage.article.body
    first = next(_counts(body[answer.start : sentence.span.end]), None)
    is_answer = first and first[0].text in [number.text for number in find_numbers(body[slice(*answer)])]
    return first if is_answer else None


def recounted(later: ScoredSentence, older: ScoredSentence) -> ScoredSentence:
    """Return a sentence without an answer with the number that may be a new one of what an older answer counts.

    The sentence names what is counted ("the estimate of flooded homes … to 275"), or says "of them".
    """
    first = counted(older)
    if later.answer or not first or (first[1] not in words(later.text) and "of them" not in later.text):
        return later
    for number, unit in _counts(later.text):
        at = later.text.find(number.text)
        if at >= 0 and _is_same_thing(first, (number, unit)):
            start = later.span.start + at
            return replace(later, answer=Span(start, start + len(number.text)))
    return later


def counts_anew(question: str, sentence: ScoredSentence, other: ScoredSentence) -> bool:
    """Return whether two sentences of one story have numbers of the same unit or thing."""
    first, second = counted(other), counted(sentence)
    is_same = first is not None and second is not None and _is_same_thing(first, second)
    return is_same and _is_of_same_story(question, sentence, other)


def _counts(text: str) -> Iterator[tuple[Number, str]]:
    """Yield the numbers of a text, each with its unit or the word behind it; a year alone counts nothing."""
    for token, following in pairwise([*with_numbers(text), ""]):
        if isinstance(token, Number):
            unit = token.unit or str(following).casefold()
            is_year = _YEAR.fullmatch(token.text) and (unit in _IDLE_AFTER or not unit.isalpha())
            if not is_year:
                yield token, unit
