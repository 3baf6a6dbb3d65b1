"""A later report that reverses an earlier one: a plan is called off, a rule is lifted, what was denied has happened.

Such a sentence seldom has the words of a question, so how well it scores says little. It belongs to the same story if
it, its neighbours or its title have a word of what is asked, besides names, that the earlier one has as well.
"""

import re
from collections.abc import Set as AbstractSet
from datetime import timedelta

from service.citations.dates import find_dates
from service.readers.evidence import Evidence, ScoredSentence, asked_words
from service.readers.question_kind import answer_type, is_plan, stems
from service.superseded import asks_earlier

SAME_TITLE = 2
"""Words in common of the titles of two articles of a story."""

SAME_YEAR = timedelta(days=300)
"""The most time between reports of a day without its year that mean the same day."""

CALLS_OFF = re.compile(
    r"\b(?:cancell?ed|called off|postponed|put off|scrapped|withdrawn|abandoned|dismissed|resigned|stepp?(?:ed|s) down"
    r"|died|no new date|abgesagt|verschoben|gestrichen|entlassen|zurückgetreten)\b",
    re.IGNORECASE,
)
_FORBIDS = re.compile(
    r"\b(?:nobody|no one|no-one)\b[^.;:]{0,60}\bmay\b|\b(?:may|must|can) (?:not|no longer)\b|\bcannot\b"
    r"|\b(?:bans?|banned|forb(?:idden|ids|ade)|prohibit\w*|restrict\w*|not (?:allowed|permitted)|closed|closure"
    r"|warn(?:ing|s|ed)|verboten|gesperrt)\b",
    re.IGNORECASE,
)
_LIFTS = re.compile(
    r"\b(?:lift(?:s|ed)|end(?:s|ed)|is over|withdrawn|rescinded|no longer (?:banned|forbidden|closed|applies|apply"
    r"|in force|needs?|ha(?:ve|s) to)|all[- ]clear|aufgehoben)\b",
    re.IGNORECASE,
)
_PERMITS = re.compile(
    r"\b(?:again|reopen(?:s|ed)?|(?:is|are) (?:now )?(?:allowed|permitted|open)|wieder)\b", re.IGNORECASE
)
_ASKS_PERMISSION = re.compile(
    r"^\W*(?:may|can|could|must|darf|dürfen)\b|\b(?:allowed|permitted|forbidden|banned|prohibited|closed)\b",
    re.IGNORECASE,
)
_ASKS_WHETHER = re.compile(r"(?:is|are|was|were|do|does|did|has|have|had)\b", re.IGNORECASE)
_DENIES = re.compile(
    r"\b(?:nobody|no[- ]one|none|neither|never|not|no(?! longer\b)|unhurt|uninjured|unharmed|niemand|nicht)\b"
    r"|\bkeine?[rnms]?\b|n['’]t\b",
    re.IGNORECASE,
)
_HURT = stems("hurt injured injuries wounded harmed")
_HARMED = re.compile(
    r"\b(?:hurt|injur\w+|wounded|killed|died|dead)\b|\b(?:taken|brought|flown|treated|in)\b[^.;:]{0,40}\bhospital\b",
    re.IGNORECASE,
)


def reversing(question: str, older: ScoredSentence, evidence: Evidence) -> ScoredSentence | None:
    """Return the latest sentence that reverses an older one, if any."""
    found = [each for each in evidence.sentences if reverses(question, each, older)]
    dated = [(published, each.score, each) for each in found if (published := each.passage.article.published_at)]
    return max(dated, key=lambda each: each[:2])[2] if dated else None


def reverses(question: str, later: ScoredSentence, older: ScoredSentence) -> bool:
    """Return whether a sentence is of a later article, and lifts a rule or affirms what an older one denies."""
    moments = older.passage.article.published_at, later.passage.article.published_at
    if not moments[0] or not moments[1] or moments[0] >= moments[1] or asks_earlier(question, *moments):
        return False
    if find_dates(question).dates:
        return False
    return _lifts(question, later, older) or _affirms(question, later, older)


def calls_off(question: str, later: ScoredSentence, older: ScoredSentence) -> bool:
    """Return whether a sentence of a later article calls off what an older one plans for the same day."""
    moments = older.passage.article.published_at, later.passage.article.published_at
    if not moments[0] or not moments[1] or not timedelta(0) < moments[1] - moments[0] < SAME_YEAR:
        return False
    if not is_plan(older.text):
        return False
    is_off = CALLS_OFF.search(later.text) is not None and not _days(older.text).isdisjoint(_days(later.text))
    return is_off and bool(asked_words(question) & _around(later) & _around(older))


def calling_off(question: str, plan: ScoredSentence, evidence: Evidence) -> ScoredSentence | None:
    """Return the best sentence that calls off a plan, if any."""
    return next((each for each in evidence.sentences if calls_off(question, each, plan)), None)


def not_done(question: str, evidence: Evidence) -> list[ScoredSentence]:
    """Return the sentences that say that something was called off, if it is asked why that was not done."""
    if answer_type(question) != "why" or not _DENIES.search(question):
        return []
    asked = asked_words(question)
    return [each for each in evidence.sentences if CALLS_OFF.search(each.text) and asked & stems(each.text)]


def cause_of_calling_off(question: str, evidence: Evidence, least: float) -> ScoredSentence | None:
    """Return the best answer in an article that says that something was called off, if it is asked why.

    A cause may be told without a word for it: "A storm tore the tent. The concert is cancelled."
    """
    articles = [each.passage.article for each in not_done(question, evidence)]
    causes = (each for each in evidence.sentences if each.answer and each.passage.article in articles)
    return next((each for each in causes if each.score >= least), None)


def _lifts(question: str, later: ScoredSentence, older: ScoredSentence) -> bool:
    """Return whether a question asks what is allowed, an older sentence forbids it, and a later one speaks of that."""
    if not _ASKS_PERMISSION.search(question) or not _FORBIDS.search(older.text):
        return False
    asked = asked_words(question) & stems(older.text)
    same = asked & stems(later.text)
    if _LIFTS.search(later.text) or (_PERMITS.search(later.text) and not _FORBIDS.search(later.text)):
        return 2 * len(same) >= len(asked) > 0
    return same == asked != set() and _FORBIDS.search(later.text) is not None


def _affirms(question: str, later: ScoredSentence, older: ScoredSentence) -> bool:
    """Return whether a later sentence says that what an older one denies did happen after all."""
    if not _ASKS_WHETHER.match(question) or not _DENIES.search(older.text) or _DENIES.search(later.text):
        return False
    titles = [stems(each.passage.article.title or "") for each in (older, later)]
    if len(titles[0] & titles[1]) < SAME_TITLE:
        return False
    asked = asked_words(question) & stems(older.text)
    return bool(asked & stems(later.text) or (asked & _HURT and _HARMED.search(later.text)))


def _days(text: str) -> AbstractSet[tuple[int, int]]:
    """Return the months and days of the dates in a text."""
    return {(each.month, each.day) for each in find_dates(text).dates if each.month and each.day}


def _around(sentence: ScoredSentence) -> set[str]:
    """Return the stems of a sentence with its neighbours and its title."""
    article, place = sentence.passage.article, sentence.quote or sentence.span
    return stems(f"{article.title or ''} {article.body[slice(*place)]}")
