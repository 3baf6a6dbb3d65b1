"""The latest of several reports of the same fact: which sentence is quoted, and which is out of date.

A figure is replaced if a later article has another number of the same unit or thing. A state, such as who holds an
office, is replaced by any later answer of the kind that is asked for. It holds from the day on which it begins to
the one on which it ends: who steps down in March has the office until then, and who is elected gets it later. Reports
of the same days by different publishers may contradict each other: neither is out of date unless one says that it
corrects a figure.
"""

import re
from calendar import monthrange
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

from index.records import Span
from index.text import words
from service.citations.dates import find_dates, missing_date
from service.citations.numbers import Number, find_numbers, with_numbers
from service.readers.evidence import Evidence, ScoredSentence
from service.readers.question_kind import (
    LETTERS,
    answer_type,
    asks_to_come,
    fits_time,
    is_plan,
    names,
    terms,
)
from service.readers.reversals import CALLS_OFF, calls_off

NEWER, NEWER_OPEN, NEWER_NAMED, CALLED_OFF, OVER, MENTIONED = 5.0, 3.0, 8.0, 12.0, 15.0, 7.0
"""How far below the best score a later sentence may be: with an answer of the kind asked for, with any, with all
names of a question about a state, one that calls the answer off, one that follows a state that is over, and one that is
only mentioned in a warning.

Read off the 39 open pairs of `benchmarks/evolving.py` and gold questions that are not held out: later values of the
same fact are up to 4.9 below the best sentence, 7.9 with its names; answers about something else 7 and more.
"""

LEAD = 300
"""Code points at the beginning of an article whose names say what it is about."""

SAME_DAYS = timedelta(days=3)
"""The most time between reports by different publishers that may contradict each other."""

_CORRECTS = re.compile(
    r"\b(?:now|lower(?:ed|s)|rais(?:ed|es)|correct(?:ed|s|ion)|revis(?:ed|es)|updat(?:ed|es)|wrong|new estimate"
    r"|(?:rises?|rose|risen|fell|falls?|fallen|moved?|moves|postponed|brought forward|pushed back|put (?:off|back)) to"
    r"|will not \w+ (?:before|until)|no longer|instead of|not as (?:many|much)|(?:more|less|fewer|later|earlier) than"
    r"|nunmehr|jetzt|korrigiert\w*|berichtigt\w*|statt)\b",
    re.IGNORECASE,
)
_FROM = re.compile(r"\b(?:from|as of|starting|ab|vom|becomes?\b[^.]{0,60} on)\b(.{4,30})", re.IGNORECASE)
_UNTIL = re.compile(r"\b(?:until|till|bis(?: zum)?)\b(.{4,30})", re.IGNORECASE)
_TAKES_OFFICE = re.compile(
    r"\b(?:takes? (?:office|over|up)|starts?|begins?|sworn in|tritt)\b[^.]{0,40}?\b(?:on|in|from|am|im)\b(.{4,30})",
    re.IGNORECASE,
)
_CHOSEN = re.compile(
    r"\b(?:elect(?:s|ed)|won|wins|chose[ns]?|chooses|appoint(?:s|ed)|named|next|gewählt)\b", re.IGNORECASE
)
_LEAVES = re.compile(
    r"\b(?:step(?:s|ped|ping)? (?:down|aside)|resign\w*|retir(?:e[sd]?|ing)|g(?:ives?|iving|ave) up|goes back|went back"
    r"|(?:leav(?:es?|ing)|left)(?! [^.,;]{1,40}? (?:(?:where|as) (?:it|they|he|she) (?:is|are|was|were)|alone|in place"
    r"|open|untouched|unchanged)\b)|quits?|hand(?:s|ed|ing)? over|mak(?:es?|ing) way|(?:is|was|been) (?:dismissed"
    r"|sacked|fired|removed|replaced|succeeded|to be (?:replaced|succeeded))|zurückgetreten|entlassen"
    r"|verlässt)\b(.{0,60})",
    re.IGNORECASE,
)
_LEAVES_ON = re.compile(
    r"\b(?:step(?:s|ping)? down|resign\w*|retir(?:es|ing)|giv(?:es|ing) up|leav(?:es|ing))\b[^.]{0,60}? on\b(.{4,30})",
    re.IGNORECASE,
)
_WILL_LEAD = re.compile(r"\bwill (?:lead|run|head|coach|chair|take over)\b", re.IGNORECASE)
_INCUMBENT = re.compile(
    r"\b(?:since (?:19|20)\d\d|incumbent|current|outgoing|has (?:led|run|headed|chaired|been)|for \w+ years"
    r"|is retiring)\b",
    re.IGNORECASE,
)
_LEFT = re.compile(
    r"\b(?:outgoing|former|dismissed|sacked|fired|parted from|replac(?:es|ed|ing)|succeed(?:s|ed|ing)?"
    r"|t(?:akes?|ook|aking) over from|predecessor)[\s,]+(?:[a-z][\w-]*\s){0,3}$",
    re.IGNORECASE,
)
_TAKES_OVER = re.compile(
    r"\b(?:succeed(?:s|ed)?|replac(?:es|ed)|t(?:akes?|ook) (?:over|office|charge)|will (?:lead|run|head|coach|chair)"
    r"|becomes?|became|elect(?:s|ed)|appoint(?:s|ed)|named|cho(?:se|sen)|acting|in charge|until further notice)\b",
    re.IGNORECASE,
)
_END_OF = re.compile(r"\b(?:end|close) of\b|\bEnde\b", re.IGNORECASE)
_NEXT = re.compile(
    r"\bwill (?:be|become)\b|\b(?:is|are) to become\b|\b(?:the|its|their|as) next\b|-elect\b",
    re.IGNORECASE,
)
_SUPPOSED = re.compile(r"\b(?:once|if|unless|as soon as|until|till|whether|in case|should)\b[^,.;:]*$", re.IGNORECASE)
_TAKEN_FROM = re.compile(
    r"\b(?:t(?:akes?|ook|aking) over from|succeed(?:s|ed)|replac(?:es|ed)|predecessor|outgoing|former)\b", re.IGNORECASE
)
_BESIDES = re.compile(
    r"\b(?i:before|after|succeeds?|succeeded|replace[sd]?|precede[sd]?) (?P<name>[A-Z][\w’'-]+(?: [A-Z][\w’'-]+)*)\W*$"
)
_SUCCEEDS = re.compile(
    r"\bwho(?: will| would| has| is to)? (?:replace[sd]?|succeed(?:s|ed)?|t(?:akes?|ook|aken) over from)"
    r" (?:[a-z-]+ ){0,3}?(?-i:(?P<name>[A-Z][\w-]+(?: [A-Z][\w-]+)*))",
    re.IGNORECASE,
)
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
    later = [each for each in evidence.sentences if _is_later(each, best) and not is_ahead(question, each, evidence)]
    found = [_recounted(each, best) for each in later]
    found = [each for each in found if each.answer or _is_news(question, each, evidence)]
    found = [each for each in found if _is_as_good(question, each, best, evidence)]
    newest = max(found, key=lambda each: (_published(each), each.score), default=best)
    off = [each for each in later if _is_later(each, newest) and _is_called_off(question, newest, each, evidence)]
    return _in_force(question, evidence, max(off, key=_published, default=newest))


def _is_known_now(question: str, later: ScoredSentence, best: ScoredSentence) -> bool:
    """Return whether a later report says what an older one says is unclear: "Was it a jammed gate?"."""
    is_of_same = _is_later(later, best) and bool(terms(later.text) & terms(question) & terms(best.text))
    is_near = later.answer is not None and later.score >= best.score - NEWER
    return _OPENS.match(question) is not None and is_of_same and is_near and not _UNCLEAR.search(later.text)


def settled(question: str, evidence: Evidence, best: ScoredSentence) -> ScoredSentence:
    """Return the latest sentence that says what the best one says is unclear, or the best one."""
    if not _UNCLEAR.search(best.text):
        return best
    found = [each for each in evidence.sentences if _is_known_now(question, each, best)]
    return max(found, key=lambda each: (_published(each), each.score), default=best)


def _is_news(question: str, sentence: ScoredSentence, evidence: Evidence) -> bool:
    """Return whether a sentence speaks of what a question without a question word asks of: "Is the bridge open?"."""
    asked = names(question)
    is_named = bool(asked) and asked <= names(sentence.text, first=True)
    return is_named and evidence.latest == "state" and _OPENS.match(question) is not None


def _in_force(question: str, evidence: Evidence, best: ScoredSentence) -> ScoredSentence:
    """Return the best sentence, or for a state that is over or to come the latest that holds now."""
    if is_over(best, evidence):
        found = [each for each in evidence.sentences if _follows(question, each, best)]
    elif is_ahead(question, best, evidence) or (is_next(question, best, evidence) and not _has_begun(best, evidence)):
        near = [each for each in evidence.sentences if each.score >= best.score - CALLED_OFF]
        found = [each for each in near if _is_held_before(question, each, best, evidence)]
        found = found or [each for each in evidence.sentences if _is_incumbent(question, each, best)]
    else:
        return best
    found = [each for each in found if not is_over(each, evidence) and not is_ahead(question, each, evidence)]
    return max(found, key=lambda each: (_published(each), each.score), default=best)


def _follows(question: str, other: ScoredSentence, over: ScoredSentence) -> bool:
    """Return whether a sentence says who takes over, in the article of what is over or as well in a later one."""
    is_same = other.passage.article == over.passage.article
    if not is_same and not (_is_later(other, over) and other.score >= over.score - OVER):
        return False
    known = names(question) | names(over.passage.article.body[slice(*(over.answer or over.span))], first=True)
    return _TAKES_OVER.search(other.text) is not None and bool(names(other.text, first=True) - known)


def _is_held_before(question: str, other: ScoredSentence, ahead: ScoredSentence, evidence: Evidence) -> bool:
    """Return whether a sentence states what a state to come will replace."""
    if not _is_later(ahead, other):
        return False
    is_anew = other.answer is not None and _states_anew(question, ahead, other, evidence)
    return is_anew or (answer_type(question) == "who" and _TAKES_OVER.search(other.text) is not None)


def _has_begun(chosen: ScoredSentence, evidence: Evidence) -> bool:
    """Return whether the day has passed on which the one who is chosen for an office begins."""
    first = _day_behind(_TAKES_OFFICE, chosen, chosen.passage.article.body)
    return first is not None and evidence.now is not None and first <= evidence.now.astimezone(UTC).date()


def _is_incumbent(question: str, other: ScoredSentence, ahead: ScoredSentence) -> bool:
    """Return whether the article of one who will have an office says in a sentence who has it until then."""
    if answer_type(question) != "who" or other.passage.article != ahead.passage.article or other.span == ahead.span:
        return False
    known = names(question) | names(ahead.text, first=True)
    return _INCUMBENT.search(other.text) is not None and bool(names(find_dates(other.text).rest, first=True) - known)


def is_ahead(question: str, sentence: ScoredSentence, evidence: Evidence) -> bool:
    """Return whether a sentence tells of a state from a day to come, and the question asks for that of now."""
    if evidence.latest != "state" or asks_to_come(question) or not evidence.now:
        return False
    body = sentence.passage.article.body
    first = _day_behind(_FROM, sentence, sentence.text)
    if first is None and answer_type(question) == "who":
        first = _day_behind(_TAKES_OFFICE, sentence, body if _CHOSEN.search(sentence.text) else sentence.text)
    is_to_lead = _WILL_LEAD.search(sentence.text) and _day_behind(_UNTIL, sentence, sentence.text) is None
    if first is None and answer_type(question) == "who" and is_to_lead:
        first = _day_behind(_LEAVES_ON, sentence, body)
    return first is not None and first > evidence.now.astimezone(UTC).date()


def is_next(question: str, sentence: ScoredSentence, evidence: Evidence) -> bool:
    """Return whether a sentence says who will have an office, and not from which day, and the question who has it."""
    if evidence.latest != "state" or asks_to_come(question) or answer_type(question) != "who" or not sentence.answer:
        return False
    return _NEXT.search(sentence.text) is not None and _day_behind(_FROM, sentence, sentence.text) is None


def is_supposed(question: str, sentence: ScoredSentence) -> bool:
    """Return whether a sentence only supposes what a question without a question word asks: "once the road is open"."""
    if not _OPENS.match(question):
        return False
    asked = terms(" ".join(word for word in question.split()[1:] if word[0].islower()))
    found = [word for word in re.finditer(r"\w+", sentence.text) if terms(word[0]) & asked]
    return bool(found) and all(_SUPPOSED.search(sentence.text[: word.start()]) for word in found)


def is_named_one(question: str, sentence: ScoredSentence) -> bool:
    """Return whether a question asks for another one than it names ("Who led it before Tew?"), and the answer is none.

    An answer to it has a name that the question lacks.
    """
    if answer_type(question) != "who" or not _BESIDES.search(question) or not sentence.answer:
        return False
    answer = sentence.passage.article.body[slice(*sentence.answer)]
    return not names(find_dates(answer).rest, first=True) - names(question)


def predecessor(question: str, evidence: Evidence, best: ScoredSentence) -> ScoredSentence | None:
    """Return the sentence beside the best one that says whom the person of the question takes over from, if any."""
    if not is_named_one(question, best):
        return None
    same = (each for each in evidence.sentences if each.passage.article == best.passage.article)
    leaving = (each for each in same if _TAKEN_FROM.search(each.text) or _LEAVES.search(each.text))
    return next((each for each in leaving if names(each.text, first=True) - names(question)), None)


def successor(question: str, evidence: Evidence) -> ScoredSentence | None:
    """Return the sentence that says who follows the person of a question ("Who replaced Tew?"); None if none does.

    Of several it is one of the article that tells of the end, or else the first one after it.
    """
    asked = _SUCCEEDS.search(question)
    if not asked:
        return None
    person = asked["name"].split()[-1].casefold()
    named = (each for each in evidence.sentences if person in names(each.text, first=True))
    leaving = [each for each in named if _LEAVES.search(each.text) or _UNTIL.search(each.text)]
    best = [each for each in evidence.sentences[:1] if each.answer and _takes_over(question, each)]
    if any(each not in leaving and person in names(each.passage.article.body, first=True) for each in best):
        return None
    for over in leaving:
        found = [each for each in evidence.sentences if each != over and _follows(question, each, over)]
        found = [each for each in found if _takes_over(question, each)]
        same = [each for each in found if each.passage.article == over.passage.article]
        if found:
            return same[0] if same else min(found, key=lambda each: (_published(each), -each.score))
    return None


def _takes_over(question: str, sentence: ScoredSentence) -> bool:
    """Return whether a sentence says that a person whom the question does not name takes over."""
    is_new = bool(names(find_dates(sentence.text).rest) - names(question))
    return is_new and _TAKES_OVER.search(sentence.text) is not None


def is_beginning_of(chosen: ScoredSentence, other: ScoredSentence) -> bool:
    """Return whether a sentence says when the one who is chosen for an office in the same article begins."""
    is_same = other.passage.article == chosen.passage.article and other.span != chosen.span
    return is_same and _day_behind(_TAKES_OFFICE, other, other.text) is not None


def is_out_of_date(question: str, older: ScoredSentence, newer: ScoredSentence, evidence: Evidence) -> bool:
    """Return whether a sentence states a fact that a later report replaces."""
    if not _is_later(newer, older):
        return False
    if not (_states_anew(question, newer, older, evidence) or _is_called_off(question, older, newer, evidence)):
        return False
    one, other = older.passage.article, newer.passage.article
    is_same_publisher = one.source is not None and one.source == other.source
    days = _published(newer) - _published(older)
    return days > SAME_DAYS or is_same_publisher or _CORRECTS.search(newer.text) is not None


def newer_report(question: str, evidence: Evidence, quoted: ScoredSentence) -> datetime | None:
    """Return the date of the latest article that may replace a quoted fact, but says it less plainly."""
    near = [each for each in evidence.sentences if each.answer and each.score >= quoted.score - MENTIONED]
    later = [each for each in near if _is_later(each, quoted) and fits_time(question, each.text)]
    found = [_published(each) for each in later if _states_anew(question, each, quoted, evidence)]
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
    return evidence.latest == "state" and not first and not second and asked != "number"


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
    return not (has[0] - has[1] and has[1] - has[0])


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


def is_over(sentence: ScoredSentence, evidence: Evidence) -> bool:
    """Return whether a state ended on a day that has passed: "will coach the team until 30 June", "X steps down"."""
    if evidence.latest != "state" or not evidence.now:
        return False
    last = _day_behind(_UNTIL, sentence, sentence.text) or _last_day(sentence)
    return last is not None and last < evidence.now.astimezone(UTC).date()


def _last_day(sentence: ScoredSentence) -> date | None:
    """Return the day on which the person who is the answer leaves an office, or that of the report; None for others."""
    article, answer = sentence.passage.article, sentence.answer
    if answer is None or article.published_at is None or article.body[answer.start].islower():
        return None
    if _LEFT.search(article.body[sentence.span.start : answer.start]):
        return article.published_at.date()
    behind = article.body[answer.end : sentence.span.end]
    leaves = _LEAVES.search(behind)
    if not leaves or _TAKES_OVER.search(behind[: leaves.start()]):
        return None
    stated = _day_behind(_LEAVES, sentence, behind) or _day_behind(_FROM, sentence, article.body)
    return stated or article.published_at.date()


def _day_behind(words: re.Pattern[str], sentence: ScoredSentence, text: str) -> date | None:
    """Return the day behind words such as "until"; without a year it is the next such day after the publication.

    Of a month alone it is the first day, or the last one if the text says so.
    """
    published, found = sentence.passage.article.published_at, words.search(text)
    stated = find_dates(found[1]).dates[:1] if found else []
    if not found or not stated or published is None or not stated[0].month:
        return None
    of_month = monthrange(stated[0].year or published.year, stated[0].month)[1] if _END_OF.search(found[1]) else 1
    for year in [stated[0].year] if stated[0].year else [published.year, published.year + 1]:
        try:
            day = date(year, stated[0].month, stated[0].day or of_month)
        except ValueError:
            return None
        if day >= published.date():
            return day
    return None


def counted(sentence: ScoredSentence) -> tuple[Number, str] | None:
    """Return the first number of an answer, and its unit or the word behind it; None if the answer has no number."""
    if not (answer := sentence.answer):
        return None
    body = sentence.passage.article.body
    first = next(_counts(body[answer.start : sentence.span.end]), None)
    is_answer = first and first[0].text in [number.text for number in find_numbers(body[slice(*answer)])]
    return first if is_answer else None


def _recounted(later: ScoredSentence, older: ScoredSentence) -> ScoredSentence:
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


def _counts(text: str) -> Iterator[tuple[Number, str]]:
    """Yield the numbers of a text, each with its unit or the word behind it; a year alone counts nothing."""
    for token, following in pairwise([*with_numbers(text), ""]):
        if isinstance(token, Number):
            unit = token.unit or str(following).casefold()
            is_year = _YEAR.fullmatch(token.text) and (unit in _IDLE_AFTER or not unit.isalpha())
            if not is_year:
                yield token, unit


def _is_later(one: ScoredSentence, other: ScoredSentence) -> bool:
    dates = (one.passage.article.published_at, other.passage.article.published_at)
    return dates[0] is not None and dates[1] is not None and dates[0] > dates[1]


def _published(sentence: ScoredSentence) -> datetime:
    """Return the date of a sentence that was compared by its date."""
    published = sentence.passage.article.published_at
    assert published is not None
    return published
