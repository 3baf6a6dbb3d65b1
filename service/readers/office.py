"""Who has an office at a moment, and the day on which a state begins or ends.

A state holds from the day on which it begins to the one on which it ends: who steps down in March has the office until
then, and who is elected gets it later.
"""

import re
from calendar import monthrange
from datetime import UTC, date

from service.citations.dates import find_dates
from service.readers.evidence import Evidence, ScoredSentence, is_later, published_at
from service.readers.question_kind import answer_type, asks_to_come, names

OVER = 15.0
"""How far below the score of a state that is over a sentence may be that follows it; see `latest.py`."""

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
TAKES_OVER = re.compile(
    r"\b(?:succeed(?:s|ed)?|replac(?:es|ed)|t(?:akes?|ook) (?:over|office|charge)|will (?:lead|run|head|coach|chair)"
    r"|becomes?|became|elect(?:s|ed)|appoint(?:s|ed)|named|cho(?:se|sen)|acting|in charge|until further notice)\b",
    re.IGNORECASE,
)
_END_OF = re.compile(r"\b(?:end|close) of\b|\bEnde\b", re.IGNORECASE)
_NEXT = re.compile(
    r"\bwill (?:be|become)\b|\b(?:is|are) to become\b|\b(?:the|its|their|as) next\b|-elect\b",
    re.IGNORECASE,
)
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


def is_over(sentence: ScoredSentence, evidence: Evidence) -> bool:
    """Return whether a state ended on a day that has passed: "will coach the team until 30 June", "X steps down"."""
    if evidence.latest != "state" or not evidence.now:
        return False
    last = _day_behind(_UNTIL, sentence, sentence.text) or _last_day(sentence)
    return last is not None and last < evidence.now.astimezone(UTC).date()


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


def has_begun(chosen: ScoredSentence, evidence: Evidence) -> bool:
    """Return whether the day has passed on which the one who is chosen for an office begins."""
    first = _day_behind(_TAKES_OFFICE, chosen, chosen.passage.article.body)
    return first is not None and evidence.now is not None and first <= evidence.now.astimezone(UTC).date()


def is_beginning_of(chosen: ScoredSentence, other: ScoredSentence) -> bool:
    """Return whether a sentence says when the one who is chosen for an office in the same article begins."""
    is_same = other.passage.article == chosen.passage.article and other.span != chosen.span
    return is_same and _day_behind(_TAKES_OFFICE, other, other.text) is not None


def is_incumbent(question: str, other: ScoredSentence, ahead: ScoredSentence) -> bool:
    """Return whether the article of one who will have an office says in a sentence who has it until then."""
    if answer_type(question) != "who" or other.passage.article != ahead.passage.article or other.span == ahead.span:
        return False
    known = names(question) | names(ahead.text, first=True)
    return _INCUMBENT.search(other.text) is not None and bool(names(find_dates(other.text).rest, first=True) - known)


def follows(question: str, other: ScoredSentence, over: ScoredSentence) -> bool:
    """Return whether a sentence says who takes over, in the article of what is over or as well in a later one."""
    is_same = other.passage.article == over.passage.article
    if not is_same and not (is_later(other, over) and other.score >= over.score - OVER):
        return False
    known = names(question) | names(over.passage.article.body[slice(*(over.answer or over.span))], first=True)
    return TAKES_OVER.search(other.text) is not None and bool(names(other.text, first=True) - known)


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
        found = [each for each in evidence.sentences if each != over and follows(question, each, over)]
        found = [each for each in found if _takes_over(question, each)]
        same = [each for each in found if each.passage.article == over.passage.article]
        if found:
            return same[0] if same else min(found, key=lambda each: (published_at(each), -each.score))
    return None


def _takes_over(question: str, sentence: ScoredSentence) -> bool:
    """Return whether a sentence says that a person whom the question does not name takes over."""
    is_new = bool(names(find_dates(sentence.text).rest) - names(question))
    return is_new and TAKES_OVER.search(sentence.text) is not None


def _last_day(sentence: ScoredSentence) -> date | None:
    """Return the day on which the person who is the answer leaves an office, or that of the report; None for others."""
    article, answer = sentence.passage.article, sentence.answer
    if answer is None or article.published_at is None or article.body[answer.start].islower():
        return None
    if _LEFT.search(article.body[sentence.span.start : answer.start]):
        return article.published_at.date()
    behind = article.body[answer.end : sentence.span.end]
    leaves = _LEAVES.search(behind)
    if not leaves or TAKES_OVER.search(behind[: leaves.start()]):
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
