"""Questions that sentences of an article answer, made by rules that keep their words and their order.

Each rule reads one clause with a fact that is easy to ask for: a day, a place, a number, a price, a person. A clause
that no rule reads completely gives no question, and neither does one that needs its article to be understood: a
question names what it is about (`Phrases`). English only.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache, cached_property
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from index.markup import readable
from index.records import Article, Span
from index.text import sentence_spans
from service.citations.dates import resolved_dates

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


LONGEST = 120
"""The limit of a question in characters."""

LONGEST_SENTENCE = 260
"""The limit of a sentence that is read, in characters: a hostile one takes the rules 70 ms."""

FUTURE = timedelta(days=90)
"""How long after an article a question about its future is asked, if no day is stated."""

LONGEST_BODY = 40_000
"""The first code points of a body, which are read."""

SENTENCES = 80
"""The first sentences of an article, which are read."""

_CLOCK = r"(?:\d{1,2}[:.]\d\d|\d{1,2}(?::\d\d)? ?[ap]\.?m\.?|noon|midnight)"
_DAY = rf"(?:\d{{1,2}} {MONTH}|{MONTH} \d{{1,2}}(?!\d))(?:,? \d{{4}})?"
_WHEN = (
    rf"(?:(?:at {_CLOCK} )?(?:late |early )?on (?:the (?:morning|evening|night) of )?(?:{WEEKDAY},? )?(?P<day>{_DAY})"
    rf"|in (?P<month>{MONTH} \d{{4}}|(?:19|20)\d\d)|on (?P<weekday>{WEEKDAY})(?: (?:morning|afternoon|evening|night))?)"
)
_NUMBER = (
    r"(?:\d{1,3}(?:,\d{3})+|\d+(?:\.\d+)?(?: (?:million|billion))?|(?i:two|three|four|five|six|seven|eight|nine|ten"
    r"|eleven|twelve|(?:thir|four|fif|six|seven|eigh|nine)teen|(?:twen|thir|for|fif|six|seven|eigh|nine)ty(?:-[a-z]+)?))"
)
_ABOUT = r"(?i:(?:about|around|some|almost|nearly|more than|over|at least|up to|only|just|exactly) )?"
_AMOUNT = r"\d[\d,]*(?:\.\d+)?(?: (?:million|billion))?"
_MONEY = rf"(?P<money>[€$£] ?{_AMOUNT}|{_AMOUNT} (?:euros?|dollars|pounds|crowns))"
_THINGS = r"(?P<things>(?:[a-z-]+ )??[a-z-]+s)"
_WORDS = r"[^,.;:!?()/\"“”„«»]"
_END = r"(?=[,;](?!\d)|: |\.?$)"
_UNCLEAR = re.compile(r"[\"“”„«»?!()\[\]|…]")
_QUOTATION = re.compile(r"[“„\"][^“”„\"]{1,300}[”“\"]")
_VAGUE_END = re.compile(r"\b(?:in|at|for|to|on|from|of|by|with) the (?:[a-z-]+ )?[a-z-]+$")
_POINTING = frozenset(
    """further more other he her here him his it its she that's their them there these they this those today
    yesterday""".split()
)
_UNITS = frozenset("percent per km kilometres metres years days hours minutes months weeks points tonnes euros".split())
_OF_PEOPLE = frozenset(["born", "buried", "died", "resigned", "retired"])
_DATES = ("day", "month", "weekday")
_DO = {"cost": "did", "costs": "does", "will cost": "will", "has": "does", "have": "do", "had": "did"}


@dataclass(frozen=True, slots=True)
class MadeQuestion:
    """A question with the sentence of the body that it was made from, and the words of the sentence that answer it.

    `until` is the last day on which it is offered.
    """

    text: str
    sentence: Span
    answer: str
    until: date | None = None


class _Rule(NamedTuple):
    """A pattern of a clause, the question that it gives, and the groups of which one is the answer.

    `is_clear` refuses a clause by the clear phrases of its groups.
    """

    pattern: re.Pattern[str]
    question: str
    answer: tuple[str, ...]
    is_clear: Callable[[Mapping[str, str]], bool]


def questions_of(article: Article) -> Iterator[MadeQuestion]:
    """Yield the questions that an article's sentences answer, in their order; only English ones."""
    if article.language and not article.language.lower().startswith("en"):
        return
    phrases = Phrases(readable(article.body[:LONGEST_BODY]))
    for span in islice(sentence_spans(article.body[:LONGEST_BODY], headings=False), SENTENCES):
        sentence = " ".join(readable(article.body[span.start : span.end]).split())
        said = " ".join(_QUOTATION.sub(" ", sentence).split())
        if span.heading or not said.endswith(".") or _UNCLEAR.search(said) or len(said) > LONGEST_SENTENCE:
            continue
        for rule in _rules():
            # Beside a quotation, only the role of a person can be read.
            found = rule.pattern.match(said) if said == sentence or rule.question.startswith("Who is") else None
            made = _made(rule, found, phrases) if found else None
            if made is not None and (question := _dated(*made, Span(span.start, span.end), article)):
                yield question


def _made(rule: _Rule, found: re.Match[str], phrases: Phrases) -> tuple[str, str] | None:
    """Return the question of a clause and the words that answer it; None if it is not clear."""
    parts = {name: text for name, text in found.groupdict().items() if text is not None}
    answer = next((parts[name] for name in rule.answer if name in parts), None)
    for name, clear in (("subject", phrases.subject), ("rest", phrases.rest), ("role", phrases.clear)):
        if name in parts:
            phrase = clear(parts[name])
            if phrase is None:
                return None
            parts[name] = phrase
    verb = parts.get("verb") or parts.get("part", "")
    for words in ("verbs", "present"):
        if verb in data()[words]:
            parts["base"], _, parts["kinds"] = data()[words][verb].partition("|")
    parts["do"] = _DO.get(verb, "")
    if answer is None or not rule.is_clear(parts) or (parts.get("subject", "").isalpha() and verb in _OF_PEOPLE):
        return None
    return f"{' '.join(rule.question.format_map(parts).split())}?", answer


def _dated(text: str, answer: str, sentence: Span, article: Article) -> MadeQuestion | None:
    """Return a question with its last day; None if it is too long, or about an unknown present or future."""
    is_present = re.match(r"Who is |When does|.* (?:does|do) ", text)
    is_future = re.match(r"When will |When does ", text)
    until = _day_of(answer, article) if is_future else _soon(article) if " will " in text else None
    if len(text) > LONGEST or " the the " in text or (is_present and article.published_at is None):
        return None
    if re.fullmatch(WEEKDAY, answer) and not any(answer in each.text for each in resolved_dates(article, sentence)):
        return None
    return None if (is_future or " will " in text) and until is None else MadeQuestion(text, sentence, answer, until)


def _month_of(name: str) -> int:
    return next(number for number, month in enumerate(MONTHS, 1) if month.startswith(name[:3]))


def _soon(article: Article) -> date | None:
    """Return the day until which what an article says of the future may be to come."""
    return (article.published_at + FUTURE).date() if article.published_at else None


def _day_of(answer: str, article: Article) -> date | None:
    """Return the day of a text such as "1 July": without a year, the first one from the article's publication on."""
    found = re.search(
        rf"(?P<before>\d{{1,2}})? ?(?P<month>{MONTH}) ?(?P<behind>\d{{1,2}}(?!\d))?(?:,? (?P<year>\d{{4}}))?", answer
    )
    published = article.published_at.date() if article.published_at else None
    if not found or not (found["before"] or found["behind"]) or not (found["year"] or published):
        return None
    year = int(found["year"]) if found["year"] else published.year if published else 0
    try:
        day = date(year, _month_of(found["month"]), int(found["before"] or found["behind"]))
        return day.replace(year=year + 1) if published and not found["year"] and day < published else day
    except ValueError:
        return None


def _fits_verb(parts: Mapping[str, str]) -> bool:
    """Return whether a verb has the object that it needs, and no other; a number is a part of something longer."""
    rest = parts["rest"].split()
    has_object = bool(rest) and rest[0] not in PREPOSITIONS
    return ("t" if has_object else "i") in parts["kinds"] and not (has_object and re.fullmatch(_NUMBER, rest[0]))


def _fits_present(parts: Mapping[str, str]) -> bool:
    return bool(parts["rest"]) or parts["base"] not in ("leave", "take over")


def _has_no_object(parts: Mapping[str, str]) -> bool:
    return not parts["rest"] or parts["rest"].split()[0] in PREPOSITIONS


def _is_act(parts: Mapping[str, str]) -> bool:
    """Return whether a person does something that has a name and few words, so that only one may be meant."""
    rest = parts["rest"].split()
    is_clear = bool(rest) and has_name(parts["rest"]) and rest[0] not in PREPOSITIONS and len(rest) <= 8
    vague = re.search(r"\b(?:its|their)\b", parts["rest"]) or _VAGUE_END.search(parts["rest"])
    return "a" in parts["kinds"] and is_clear and not vague


def _is_whole(parts: Mapping[str, str]) -> bool:
    clause = parts["clause"].split()
    points = any(word.lower() in _POINTING or word == "and" for word in clause)
    # "of the miners" needs the article, "of the 48 hangers of the Ostle Bridge" does not.
    is_clear = has_name(re.split(r" (?:are|were|have|had) ", parts["clause"])[0]) if clause[0] == "of" else True
    return is_clear and not points and has_name(parts["clause"]) and not has_time(parts["clause"]) and len(clause) <= 18


def _counts(parts: Mapping[str, str]) -> bool:
    rest = parts.get("rest", "")
    is_clear = _has_no_object({"rest": rest}) and not _VAGUE_END.search(rest)
    return is_clear and parts["things"].split()[0] not in _UNITS


def _is_place(parts: Mapping[str, str]) -> bool:
    return has_name(parts["place"]) and not has_time(parts["place"])


def _has_role(parts: Mapping[str, str]) -> bool:
    return has_name(parts["role"]) and parts["person"].split()[0] not in ("The", "A", "An", "It")


def _rule(
    pattern: str, question: str, *answer: str, is_clear: Callable[[Mapping[str, str]], bool] = lambda _: True
) -> _Rule:
    return _Rule(re.compile(pattern), question, answer, is_clear)


@cache
def _rules() -> tuple[_Rule, ...]:
    def either(name: str) -> str:
        return "|".join(sorted(map(re.escape, data()[name]), key=len, reverse=True))

    verb, roles = f"(?P<verb>{either('verbs')})", f"(?:[a-z-]+ ){{0,2}}(?:{either('roles')})"
    participle = f"(?P<part>[a-z]+ed|{either('participles')})"
    # An apposition between commas is left out.
    aside = rf"(?:, {_WORDS}{{3,80}},)?"
    subject = rf"(?P<subject>{_WORDS}{{2,80}}?){aside}"
    rest = rf"(?P<rest>(?: {_WORDS}{{1,90}}?)??)"
    place = rf"(?P<place>(?:in|at|near|on) (?:the )?(?:[a-z]+ (?:in|of) )?{NAME})(?: {_WHEN})?{_END}"
    person = rf"(?P<person>(?:Dr\.? |Prof\.? )?{PROPER}(?: {PROPER}){{1,3}})"
    spoken_of = rf"(?:[^,]{{0,80}}? )??{person}, "
    number, share = rf"{_ABOUT}(?P<number>{_NUMBER})", rf"(?:of (?:its|the|their) {_NUMBER} )?"
    several = rf"of the {_WORDS}{{3,60}}?|(?:[a-z-]+ ){{0,2}}[a-z-]+s"
    return (
        _rule(
            rf"{subject} {verb}{rest} {_WHEN}{_END}", "When did {subject} {base} {rest}", *_DATES, is_clear=_fits_verb
        ),
        _rule(
            rf"{subject} (?P<verb>{either('present')}){rest} {_WHEN}{_END}",
            "When does {subject} {base} {rest}",
            *_DATES,
            is_clear=_fits_present,
        ),
        _rule(
            rf"{subject} will (?P<act>(?:be )?[a-z]+){rest} {_WHEN}{_END}", "When will {subject} {act} {rest}", *_DATES
        ),
        _rule(
            rf"{subject} (?P<be>was|were) {participle}{rest} {_WHEN}{_END}",
            "When {be} {subject} {part} {rest}",
            *_DATES,
            is_clear=_has_no_object,
        ),
        _rule(
            rf"{subject} (?P<be>was|were) (?P<part>held|found|built|born|buried|staged|signed|discovered) {place}",
            "Where {be} {subject} {part}",
            "place",
            is_clear=_is_place,
        ),
        _rule(
            rf"(?P<subject>{NAME}){aside} {verb}{rest}(?: {_WHEN})?{_END}",
            "Who {verb} {rest}",
            "subject",
            is_clear=_is_act,
        ),
        _rule(
            rf"{spoken_of}(?:the )?(?P<role>{roles} of (?:the )?{NAME}){_END}",
            "Who is the {role}",
            "person",
            is_clear=_has_role,
        ),
        _rule(
            rf"{spoken_of}(?P<role>(?:the )?{NAME}['’]s? {roles}){_END}", "Who is {role}", "person", is_clear=_has_role
        ),
        _rule(
            rf"{number} (?P<clause>(?:{several}) (?:are|were|have|had|will|can|must|took|came|live|work)"
            rf" {_WORDS}{{3,90}}?){_END}",
            "How many {clause}",
            "number",
            is_clear=_is_whole,
        ),
        _rule(
            rf"{subject}(?:, which)? (?P<verb>has|have|had) {number} {_THINGS}(?:{_END}| and )",
            "How many {things} {do} {subject} have",
            "number",
            is_clear=_counts,
        ),
        _rule(
            rf"{subject} {verb} {number} (?P<things>{share}(?:[a-z-]+ )??[a-z-]+s){rest}{_END}",
            "How many {things} did {subject} {base} {rest}",
            "number",
            is_clear=_counts,
        ),
        _rule(
            rf"{subject} (?P<verb>cost|costs|will cost) {_ABOUT}{_MONEY}{_END}", "How much {do} {subject} cost", "money"
        ),
    )
