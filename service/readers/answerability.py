"""Decide from the evidence whether quotes may count as an answer: answered, weak, or not in the articles."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Literal

from index.records import Span
from index.text import folded, sentence_spans, words
from service.citations.dates import MONTHS, Date, find_dates, missing_date
from service.citations.tense import directions, tenses
from service.readers.asked_act import counts_unharmed, is_bare_name, is_said_of, leaves_out_doer
from service.readers.asked_time import states_other_days
from service.readers.evidence import Evidence, ScoredSentence
from service.readers.extractive import quoted
from service.readers.latest import is_supposed
from service.readers.measures import asks_measure, is_of_another, lacks_role, may_be_of_another
from service.readers.office import OVER, is_beginning_of, is_named_one, is_next, is_over
from service.readers.parts import sides
from service.readers.question_kind import has_time_of_day, kind_of, says_nothing_new

CALIBRATION = Path(__file__).with_name("calibration.json")

Answerability = Literal["answered", "weak", "abstain"]
Doubt = Literal[
    "unrelated",
    "other_thing",
    "uncertain",
    "names_missing",
    "state_is_over",
    "state_is_to_come",
    "other_days",
    "other_kind",
]


@dataclass(frozen=True, slots=True)
class Judgement:
    """The answerability of a question, what makes quotes weak or no answer, and the names that their articles lack."""

    level: Answerability
    doubts: tuple[Doubt, ...] = ()
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Calibration:
    """Thresholds on the strength of evidence, and on its certainty where the span reader has read it.

    Below `abstain` nothing is quoted unless the certainty reaches `certain_abstain` and no entity is missing: strength
    knows the subject of a question, certainty an answer in other words. Complete evidence is quoted as well: of a
    question that is little more than a name, both know too little. Below `answered`, or `certain_answered` where there
    is a certainty, quotes are weak. Below `off_topic`, a much lower strength, a language model is not asked either, and
    the span reader does not read. `python -m benchmarks.calibrate` fits them.
    """

    abstain: float
    answered: float
    off_topic: float
    certain_abstain: float
    certain_answered: float

    @classmethod
    def read(cls, path: Path = CALIBRATION) -> "Calibration":
        """Read the calibration that is fitted and shipped."""
        data = json.loads(path.read_text(encoding="utf-8"))
        return cls(**{name: data[name] for name in cls.__slots__})

    def answerability(self, question: str, evidence: Evidence) -> Answerability:
        """Return whether quotes answer a question."""
        return self.judge(question, evidence).level

    def judge(self, question: str, evidence: Evidence) -> Judgement:
        """Return whether quotes answer a question, and what speaks against it.

        They are weak if their articles lack one of its entities, if the best answer is not what is asked for, or if
        it is a state that is over. A number of something else does not answer.
        """
        quotes = quoted(question, evidence)
        if kind_of(question).name == "summary":
            # The span reader finds no answer in a summary; each of its quotes is about the subject.
            return Judgement("answered") if quotes else Judgement("abstain", ("unrelated",))
        certainty, missing = evidence.certainty, tuple(missing_entities(question, quotes))
        is_certain = certainty is not None and certainty >= self.certain_abstain and not missing
        if evidence.strength < self.abstain and not is_certain and not evidence.complete:
            return Judgement("abstain", ("unrelated",), missing)
        is_sure = evidence.strength >= self.answered if certainty is None else certainty >= self.certain_answered
        if any(is_of_another(question, quote) or (not is_sure and lacks_role(question, quote)) for quote in quotes[:1]):
            return Judgement("abstain", ("other_thing",), missing)
        if not is_sure and asks_measure(question) and any(word.isalpha() for word in missing):
            return Judgement("abstain", ("names_missing",), missing)
        found: dict[Doubt, bool] = {
            "uncertain": not is_sure or any(quote.score < evidence.sentences[0].score - OVER for quote in quotes[:1]),
            # Each quote of a question with several parts answers one of them.
            "other_thing": bool(quotes)
            and all(
                may_be_of_another(question, quote) or is_named_one(question, quote)
                for quote in (quotes if evidence.parts else quotes[:1])
            ),
            "names_missing": bool(missing),
            "state_is_over": any(is_over(quote, evidence) for quote in quotes[:1]),
            "state_is_to_come": _is_to_come(question, quotes, evidence),
            "other_days": any(states_other_days(quote, evidence) for quote in quotes[:1]),
            "other_kind": not sides(question) and not _is_asked_for(question, quotes),
        }
        doubts = tuple(doubt for doubt, is_found in found.items() if is_found)
        return Judgement("weak" if doubts else "answered", doubts, missing)


def _is_to_come(question: str, quotes: Sequence[ScoredSentence], evidence: Evidence) -> bool:
    """Return whether the best quote only supposes or plans a state, or tells of a next one that has not begun."""
    best, others = quotes[:1], quotes[1:]
    if any(is_supposed(question, quote) or _is_only_planned(question, quote) for quote in best):
        return True
    is_begun = any(is_beginning_of(quote, other) for quote in best for other in others)
    return any(is_next(question, quote, evidence) for quote in best) and not is_begun


def _is_only_planned(question: str, quote: ScoredSentence) -> bool:
    """Return whether a question asks for what has been done, and a quote says that it will be: "will choose a site"."""
    language = tenses()["english"]
    is_past = "past" in directions(question, language) or _PERFECT.search(question) is not None
    if not is_past or directions(quote.text, language) != {"coming"}:
        return False
    planned = [found[1][:FORMS] for found in _PLANNED.finditer(quote.text)]
    return any(word[:FORMS] in planned for word in _SMALL.findall(question))


def _is_asked_for(question: str, quotes: Sequence[ScoredSentence]) -> bool:
    """Return False if the answer of the best quote is plainly none to this question."""
    if not quotes or not (answer := quotes[0].answer):
        return True
    if is_bare_name(question, quotes[0]) and not is_said_of(question, quotes[0]):
        return False
    if all(counts_unharmed(question, quote) or leaves_out_doer(question, quote) for quote in quotes):
        return False
    body = quotes[0].passage.article.body
    text = body[slice(*(quotes[0].quote or quotes[0].span))]
    return has_time_of_day(question, text) and not says_nothing_new(question, body[slice(*answer)])


AROUND = 25_000
"""Code points of an article that are searched on either side of a quote; nearly every article is shorter."""

REPORTED_AFTER = 4
"""Days, from the first on, in which a report is published."""

FORMS = 3
"""First letters that the forms of a verb have in common: chosen, choose."""

LONG = 4
"""Letters from which on a form of a name may begin another: Russia, Russian's."""

_PLANNED = re.compile(r"\bwill (?:\w+ly )?([a-z]{4,})")
_SMALL = re.compile(r"\b[a-z]{4,}")
_PERFECT = re.compile(r"\b(?:has|have)\b", re.IGNORECASE)
_WORD = re.compile(r"(?:[^\W\d_]\.){2,}|[^\W\d_][\w’']*")
_NUMBER = re.compile(r"(?<![\w.,-])\d+(?:[.,]\d+)*")
_DIGITS = re.compile(r"\d+(?:[.,]\d+)*")
_TITLES_AND_DAYS = frozenset(
    "president minister prime chancellor mr mrs ms dr sir lord lady king queen pope january february march april may"
    " june july august september october november december jan feb mar apr jun jul aug sep sept oct nov dec monday"
    " tuesday wednesday thursday friday saturday sunday".split()
)
_CARDINALS = "one two three four five six seven eight nine ten eleven twelve".split()
_ORDINALS = "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth".split()
_IN_DIGITS = {word: str(number) for listed in (_CARDINALS, _ORDINALS) for number, word in enumerate(listed, 1)}


def missing_entities(question: str, quotes: Sequence[ScoredSentence]) -> list[str]:
    """Return the names, years, numbers and days of a question that the quoted articles, their titles and dates lack.

    Articles without the person, town or year of a question seldom answer it, however well a sentence matches:
    `benchmarks/README.md` says how seldom. Only capitalised words within a question are names. Of a very
    long article only the text around its quote is read.
    """
    texts: list[str] = []
    for quote in quotes:
        article, span = quote.passage.article, quote.span
        texts.append(article.title or "")
        texts.append(f"{article.published_at:%Y %d}" if article.published_at else "")
        texts.append(_around(article.body, span))
    found = [folded(word) for word in words("\n".join(texts))]
    numbers = {match.group().lstrip("0") for word in found if (match := _DIGITS.match(word))}
    numbers |= {_IN_DIGITS[word] for word in found if word in _IN_DIGITS}
    days = [each for each in find_dates(question).dates if each.month and each.day]
    numbers |= {str(each.day) for each in days}
    asked = [number for match in _NUMBER.finditer(question) for number in words(match.group())]
    missing = [number for number in asked if number.lstrip("0") not in numbers]
    return [*_missing_names(_names(question), found), *missing, *_missing_days(days, quotes)]


def _around(body: str, span: Span) -> str:
    return body[max(0, span.start - AROUND) : span.end + AROUND]


def _missing_days(days: Sequence[Date], quotes: Sequence[ScoredSentence]) -> Iterator[str]:
    """Yield the days of which no quoted article tells, in a date or by what "on Monday" means there.

    A report of the days after tells of them as well, if only in words such as "at the weekend".
    """
    moments = (quote.passage.article.published_at for quote in quotes)
    published = [moment.date() for moment in moments if moment]
    told = "\n".join(_around(quote.passage.article.body, quote.span) for quote in quotes)
    near = [day - timedelta(days=away) for day in published for away in range(REPORTED_AFTER)]
    for asked in days:
        is_near = any((day.month, day.day) == (asked.month, asked.day) for day in near)
        if not is_near and asked.month and missing_date([asked], told, published):
            yield f"{asked.day} {MONTHS[asked.month - 1]}"


def _names(question: str) -> list[list[str]]:
    """Return runs of adjacent capitalised words of a question, without the first word of a sentence."""
    inner = [
        found
        for sentence in sentence_spans(question, headings=False)
        for found in list(_WORD.finditer(question, sentence.start, sentence.end))[1:]
    ]
    if all(found.group()[0].isupper() for found in inner):
        return []  # a headline, or capitals throughout: they distinguish no name
    runs: list[list[str]] = []
    last_end = -1
    for found in inner:
        if found.group()[0].isupper():
            if found.start() != last_end + 1:
                runs.append([])
            runs[-1].append(found.group())
            last_end = found.end()
    return runs


def _missing_names(runs: Sequence[list[str]], found: Sequence[str]) -> list[str]:
    """Return the words of names that are not among the words found, in any form, nor as initials on either side."""
    present = set(found)
    initials = "".join(word[0] for word in found)
    missing: list[str] = []
    for run in runs:
        if len(run) > 1 and "".join(name[0] for name in run).casefold() in present:
            continue
        for name in run:
            if name.isupper() and all(word in initials for word in words(name)):
                continue
            missing += [
                word
                for word in map(folded, words(name))
                if len(word) > 1
                and word not in _TITLES_AND_DAYS
                and not any(
                    word == other
                    or (min(len(word), len(other)) >= LONG and (other.startswith(word) or word.startswith(other)))
                    for other in present
                )
            ]
    return missing
