"""Questions that sentences of an article answer, made by rules that keep their words and their order.

Each rule reads one clause with a fact that is easy to ask for: a day, a place, a number, a price, a person, a cause. A
clause that no rule reads completely gives no question, and neither does one that needs its article to be understood:
a question names what it is about. English only.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from itertools import islice
from typing import NamedTuple

from index.markup import readable
from index.records import Article, Span
from index.text import sentence_spans
from service.citations.dates import resolved_dates
from service.question_phrases import (
    MONTH,
    MONTHS,
    NAME,
    PREPOSITIONS,
    PROPER,
    WEEKDAY,
    Phrases,
    data,
    has_name,
    has_time,
)

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

    `until` is the day after which nobody asks it any more.
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
            # Beside a quotation, only who somebody is can be read.
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
    for words in ("verbs", "present", "counting", "intending"):
        if verb in data()[words]:
            parts["base"], _, parts["kinds"] = data()[words][verb].partition("|")
    parts |= {"do": _DO.get(verb, ""), "next": parts.get("next", "")}
    if answer is None or not rule.is_clear(parts) or (parts.get("subject", "").isalpha() and verb in _OF_PEOPLE):
        return None
    return f"{' '.join(rule.question.format_map(parts).split())}?", answer


def _dated(text: str, answer: str, sentence: Span, article: Article) -> MadeQuestion | None:
    """Return a question with its last day; None if it is too long, or about an unknown present or future."""
    is_present = re.match(r"Who is |How \w+ (?:is|are)|When does|.* (?:does|do) ", text)
    is_future = re.match(r"(?:When|How long|Where) will |When does ", text)
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
    """Return whether somebody does something that has a name and few words, so that only one may be meant."""
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
    return parts["things"].split()[0] not in _UNITS and _is_short(parts)


def _is_short(parts: Mapping[str, str]) -> bool:
    """Return whether nothing follows a verb, or a phrase that is clear outside its article."""
    rest = parts.get("rest", "")
    return _has_no_object({"rest": rest}) and not _VAGUE_END.search(rest)


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
    participle, verbs_of_money = (
        f"(?P<part>[a-z]+ed|{either('participles')})",
        "paid|spent|earned|invested|raised|donated",
    )
    # An apposition between commas is left out.
    aside = rf"(?:, {_WORDS}{{3,80}},)?"
    subject = rf"(?P<subject>{_WORDS}{{2,80}}?){aside}"
    rest, because = rf"(?P<rest>(?: {_WORDS}{{1,90}}?)??)", r"because (?P<cause>[^.;]{8,160})\."
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
            rf"{subject} will (?P<act>(?:stay|remain) (?:closed|open|shut)) until"
            rf" (?:{WEEKDAY},? )?(?P<day>{_DAY}){_END}",
            "How long will {subject} {act}",
            "day",
        ),
        _rule(
            rf"{subject} (?P<be>was|were) (?P<part>held|found|built|born|buried|staged|signed|discovered) {place}",
            "Where {be} {subject} {part}",
            "place",
            is_clear=_is_place,
        ),
        _rule(
            rf"{subject} (?P<verb>died|crashed|collapsed|sank|took place|broke down|derailed) {place}",
            "Where did {subject} {base}",
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
            rf"{subject} (?:was|were) (?P<verb>built|designed|discovered|founded|invented|painted) by {person}{_END}",
            "Who {verb} {subject}",
            "person",
        ),
        _rule(
            rf"{person}{aside} (?P<be>is|was|will be) the (?P<next>next )?(?P<role>{roles} of {_WORDS}{{3,60}}?){_END}",
            "Who {be} the {next} {role}",
            "person",
            is_clear=_has_role,
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
            rf"(?:[^,]{{0,80}}? )??(?P<role>(?:[Tt]he )?{PROPER}(?: {PROPER}){{0,2}}['’]s? {roles}),? {person}\b",
            "Who is {role}",
            "person",
            is_clear=_has_role,
        ),
        _rule(
            rf"{number} (?P<clause>(?:{several}) (?:are|were|have|had|will|can|must|took|came|live|work)"
            rf" {_WORDS}{{3,90}}?){_END}",
            "How many {clause}",
            "number",
            is_clear=_is_whole,
        ),
        _rule(
            rf"There are {number} {_THINGS} (?P<place>(?:in|at|on) (?:the )?{NAME}){_END}",
            "How many {things} are there {place}",
            "number",
            is_clear=_counts,
        ),
        _rule(
            rf"{subject}(?:, which)? (?P<verb>has|have|had) {number} {_THINGS}(?:{_END}| and )",
            "How many {things} {do} {subject} have",
            "number",
            is_clear=_counts,
        ),
        _rule(
            rf"{subject} (?P<verb>{either('counting')}) {number} {_THINGS}{_END}",
            "How many {things} does {subject} {base}",
            "number",
            is_clear=_counts,
        ),
        _rule(
            rf"{subject} (?P<verb>{either('intending')}) to (?P<act>[a-z]+) {number} {_THINGS}{rest}{_END}",
            "How many {things} does {subject} {base} to {act} {rest}",
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
        _rule(
            rf"{subject} (?P<verb>{verbs_of_money}|received|offered|lost) {_ABOUT}{_MONEY}{rest}{_END}",
            "How much did {subject} {base} {rest}",
            "money",
            is_clear=_is_short,
        ),
        _rule(
            rf"{subject} (?P<be>is|are|was|were) {_ABOUT}(?P<size>{_NUMBER} [a-z-]+)"
            rf" (?P<dimension>{either('dimensions')}){_END}",
            "How {dimension} {be} {subject}",
            "size",
        ),
        _rule(
            rf"{subject} (?P<be>was|were|is|are) {participle}{rest} {because}",
            "Why {be} {subject} {part} {rest}",
            "cause",
        ),
        _rule(rf"{subject} {verb}{rest} {because}", "Why did {subject} {base} {rest}", "cause", is_clear=_fits_verb),
    )
