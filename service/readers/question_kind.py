"""The kind of answer that a question asks for, in plain wordings, and whether a sentence has something of it.

Most questions ask for a fact. A few ask for a summary, for a list, for how many articles mention something, or for what
articles cannot give: `kind_of`. A fact has a type: a time, a number, a cause, a place or a name: `answer_type`.

The span reader takes a sentence about the event for an answer: "two ships" for the names of the ships, the day of a
storm for the time of its strongest gust, the day of an accident for that of the reopening. The rules on the fit of a
sentence know plain cases in English; any other question or sentence fits.
"""

import re
from dataclasses import dataclass
from typing import Literal

from index.text import words
from service.citations.numbers import find_numbers

Kind = Literal["fact", "list", "summary", "count", "other"]


@dataclass(frozen=True, slots=True)
class QuestionKind:
    """A kind, and for a summary or a count the subject in the question's words."""

    name: Kind
    subject: str = ""


FACT = QuestionKind("fact")

_POLITE = r"^(?:(?:please|bitte|and|so|can you|could you|would you|können sie|kannst du)[ ,]+)*"
_ARTICLES = r"(?:articles?|stories|reports?|news items|pieces|artikel|berichte|beiträge|meldungen)"
_COUNT = re.compile(
    rf"{_POLITE}(?:in )?(?:how many|wie viele[nr]?) (?:of )?(?:the |your |our |der |ihrer )?{_ARTICLES}\b"
    r"(?: (?:are there|do you have|have you published|did you publish|gibt es|haben sie))?"
    r"(?: (?:that|which|die))? ?(?:have |has |are |were |is |was |been )*(?:written |published )?"
    r"(?:mention(?:s|ed)?|name[ds]?|refer(?:red)? to|contain(?:ed)?|cover(?:ed)?|about|on|deal(?:t)? with"
    r"|report(?:ed)? (?:on|about)|talk(?:ed)? about|have the words?|erwähnen|nennen|enthalten|behandeln|über|zu"
    r"|berichten über|handeln von) (?P<subject>.+?)[ ?.!]*$",
    re.IGNORECASE,
)
_SUMMARY = re.compile(
    rf"{_POLITE}(?:(?:give|show|write|tell) (?:me|us) )?(?:a |an |the )?(?:(?:short|brief|quick) )?"
    r"(?:summar(?:y of|ise|ize)|overview of|recap of|recap|sum up) (?P<one>.+?)[ ?.!]*$"
    rf"|{_POLITE}(?:what (?:do we|do you|does anyone) know|what is known|tell (?:me|us)(?: more| something)?) about"
    r" (?P<two>.+?)[ ?.!]*$"
    rf"|{_POLITE}(?:fasse?n?(?: sie)? (?P<three>.+?) zusammen|was (?:wissen wir|weiß man) über (?P<four>.+?)"
    r"|was ist über (?P<five>.+?) bekannt)[ ?.!]*$",
    re.IGNORECASE,
)
_PLURAL = (
    r"(?!(?:does|is|was|has|its|this|us|news|series|causes|makes|says|happens|means|gas|bus|class|press|less)\b)\w{3,}s"
)
_LIST = re.compile(
    rf"{_POLITE}(?:list|name(?! of)|enumerate|nenne|liste)\b"
    r"|^(?:(?:in|for|from|at|on|to|by) )?(?:which|what) (?:other |different |two |three |four |five )?"
    rf"(?:{_PLURAL}\b|[a-z]+ {_PLURAL} (?:are|were|is|was|have|has|had|did|do|does|will|can|could|in|of|from)\b)"
    r"|^(?:who|what)\b.*\b(?:one after (?:the other|another)|in turn|successively)\b"
    r"|^who (?:has|have) .*\bsince\b",
    re.IGNORECASE,
)
_OTHER = re.compile(
    rf"{_POLITE}(?:write|compose|draft|create|generate|invent|schreibe?n?|dichte)(?: me| us| mir)?"
    r" (?:an?|some|my|eine?n?) (?:\w+ )?(?:poem|essay|e?-?mail|letter|song|story|speech|tweet|post|joke|code|script"
    r"|program|gedicht|brief|lied|witz)\b"
    rf"|{_POLITE}(?:translate|übersetze)\b|{_POLITE}tell (?:me|us) a joke\b"
    r"|^(?:hi|hello|hey|thanks|thank you|good (?:morning|evening)|bye|hallo|danke|guten tag)(?: there)?[ .!]*$"
    r"|^(?:who|what) are you[ ?]*$|^are you (?:a|an) (?:bot|human|person|robot|ai|machine)[ ?]*$|^wer bist du[ ?]*$"
    r"|^(?:should|shall) (?:i|we)\b|^(?:what|which|who|where) should i\b|^soll(?:te)? ich\b"
    r"|\b(?:what do you think|what is your opinion|do you (?:agree|believe|like|recommend)|would you recommend)\b",
    re.IGNORECASE,
)
_QUOTES = "\"'“”„«»‘’"
_LEAD = re.compile(r"^(?:the|a|an|der|die|das|den|dem|ein|eine) (?!\S+$)", re.IGNORECASE)
_WHEN = re.compile(
    r"\b(?:in|since|from|during|of|seit|im|on) (?:\w+ )?(?:19|20)\d\d$|\b(?:this|last|next) \w+$", re.IGNORECASE
)


def kind_of(question: str) -> QuestionKind:
    """Return the kind of a question."""
    text = " ".join(question.split())
    if found := _COUNT.match(text):
        subject = _LEAD.sub("", found["subject"].strip(_QUOTES + " "))
        # "About the strike in May 2026" is not a phrase that an article has.
        return FACT if _WHEN.search(subject) or not subject else QuestionKind("count", subject)
    if found := _SUMMARY.match(text):
        return QuestionKind("summary", next(part for part in found.groups() if part).strip(_QUOTES + " "))
    if _OTHER.search(text):
        return QuestionKind("other")
    return QuestionKind("list" if _LIST.search(text) else "fact")


_TYPES = {
    "when": re.compile(r"\bwhen\b|\b(?:what|which) (?:year|date|day|month|time)\b", re.IGNORECASE),
    "number": re.compile(
        r"\bhow (?:many|much|old|long|far|large|big|high|tall|often)\b"
        r"|\bwhat (?:number|percentage|share|proportion|amount|price|cost)\b"
        r"|\bwhat(?:'s| is| was) the (?:\w+ )?(?:count|number|total|toll)\b",
        re.IGNORECASE,
    ),
    "why": re.compile(r"\bwhy\b|\bwhat (?:caused|led to|reason|made|is (?:\w+ to be )?behind)\b", re.IGNORECASE),
    "where": re.compile(r"\bwhere\b|\b(?:what|which) (?:city|town|country|place|state|port|region)\b", re.IGNORECASE),
    "who": re.compile(
        r"\bwho(?:m|se)?\b|\b(?:what|which) (?:person|man|woman|company|team|party|organi[sz]ation|minister|leader"
        r"|official|club|agency)\b",
        re.IGNORECASE,
    ),
}
_ASKS_SAID = re.compile(
    r"\bwhat (?:did|does|has|have|had)\b.+\b(?:say|said|tell|told|announced?|claim|add)\b", re.IGNORECASE
)
_SAID = re.compile(r"[“„«\"]|\b(?:said|says|told|added|adds|announced|claimed|according to|wrote)\b", re.IGNORECASE)
_MAY_CAUSE = re.compile(
    r"\b(?:because|since|due to|owing to|as a result|so that|in order to|caused?|therefore|led to|after|reason|aim|"
    r"to\s+\w+)\b",
    re.IGNORECASE,
)
_DATE = re.compile(
    r"\b(?:1[5-9]|20)\d\d\b|\b(?:January|February|March|April|May|June|July|August|September|October|November|December|"
    r"Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday|yesterday|today)\b"
)
_NUMBER = re.compile(
    r"\d+(?:[.,]\d+)*|\b(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|dozen|hundred|thousand|million|"
    r"billion|half|twice|third|quarter)s?\b",
    re.IGNORECASE,
)
_NAME = re.compile(r"(?<![.!?]\s)(?<!^)\b[A-Z][\w’'-]+")
_PLACE = re.compile(r"\b(?:in|at|from|to|near|off|outside)\s+(?:the\s+)?[A-Z][\w’'-]+")
_ANSWERS = {
    "when": ((_DATE, 1.0),),
    "number": ((_NUMBER, 1.0),),
    "where": ((_PLACE, 1.0), (_NAME, 0.5)),
    "who": ((_NAME, 1.0),),
}
"""Patterns of an answer of each type, and the match of a sentence that has one."""


def answer_type(question: str) -> str | None:
    """Return `when`, `number`, `why`, `where` or `who` by what a question asks first; None for an open question.

    "How many were hurt when it burned?" asks for a number.
    """
    found = {name: match.start() for name, pattern in _TYPES.items() if (match := pattern.search(question))}
    return min(found, key=found.__getitem__, default=None)


def answer_type_match(question: str, sentence: str) -> float:
    """Return 1 if a sentence has something of the answer type that the question lacks, .5 for an open question."""
    if _ASKS_SAID.search(question):
        return 1.0 if _SAID.search(sentence) else 0.3
    wanted = answer_type(question)
    if wanted is None:
        return 0.5
    if wanted == "why":
        return 1.0 if _MAY_CAUSE.search(sentence) else 0.3
    for pattern, match in _ANSWERS[wanted]:
        asked = {found.casefold() for found in pattern.findall(question)}
        for found in pattern.findall(sentence):
            as_asked = re.compile(rf"(?<!\w){re.escape(found)}(?!\w)", re.IGNORECASE)
            if found.casefold() not in asked and not as_asked.search(question):
                return match
    return 0.0


_NAMES = re.compile(
    r"^\W*(?:(?:and|at|by|for|from|in|of|on|to|with) )?(?:who(?:m|se)?\b"
    r"|which (?!century|date|day|floor|grade|hour|month|number|place|position|round|time|week|year))|\bnames? of\b",
    re.IGNORECASE,
)
_TIME_OF_DAY = re.compile(r"\b(?:what|which) (?:time|hour)\b(?! of (?:the )?year)", re.IGNORECASE)
_CLOCK = re.compile(
    r"\b\d{1,2}[:.]\d\d\b|\b\d{1,2} ?(?:[ap]\.?m\b|o['’]clock)|\b(?:noon|midday|midnight|dawn|dusk|sunrise|sunset)\b",
    re.IGNORECASE,
)
_ASKS_FUTURE = re.compile(
    r"\b(?:when|day|date|month|year|time) will\b|\b(?:until|from) when\b"
    r"|\b(?:when|day|date|month|year|time) (?:is|are)\b.*\b(?:expected|planned|scheduled|due|going) to\b",
    re.IGNORECASE,
)
_FUTURE = re.compile(
    r"\b(?:will|shall|(?:is|are|was|were) to|due|expect(?:s|ed)?|plan(?:s|ned)?|scheduled|intends?|wants?|next|until"
    r"|deadline)\b",
    re.IGNORECASE,
)
_TO_COME = re.compile(
    r"\b(?:will|going to|(?:is|are) (?:expected|planned|due|scheduled)|wird|werden|soll|sollen)\b", re.IGNORECASE
)
_LATEST = re.compile(
    r"\bthe (?:\w+,? )?(?:latest|newest|most recent|current|corrected)\b|\bcurrently\b|\bright now\b|\bnow\?",
    re.IGNORECASE,
)
_CAUSE = re.compile(
    r"\b(?:because|due to|owing to|thanks to|reasons?|caus(?:e[sd]?|ing)|led to|result(?:ed|s)? (?:of|from|in)"
    r"|therefore|blamed?|prompted|forced|in order to|so that|to (?:avoid|prevent|protect|save))\b",
    re.IGNORECASE,
)
_GENITIVE = re.compile(r"['’]s?$")
_CAPITALISED = re.compile(r"\b[A-Z][\w’'-]+")
_NAME = re.compile(r"(?<!^)\b[A-Z][\w’'-]+")
_IDLE = frozenset(
    "what when where which whom whose about after also been before being compared could does from have into more less"
    " most much many said says that their them then there they this than were will with would your".split()
)
_ENDING = re.compile(r"(?<=\w{3})(?:ings?|ie[ds]|e[ds]?|s|y)$")
_EMPTY = frozenset("a an the of its their his her some all both each every another one".split())


LETTERS = 5
"""Letters by which the forms of a word are compared: count, counted."""


def terms(text: str) -> set[str]:
    """Return the beginnings of the words and numbers of a text that say what it is about."""
    return {word[:LETTERS] for word in words(text) if (len(word) > 3 or word.isdigit()) and word not in _IDLE}


def stems(text: str) -> set[str]:
    """Return the terms of a text without numbers and the endings of verbs and plurals: move, moved, moving."""
    found = (word for word in words(text) if len(word) > 3 and not word.isdigit() and word not in _IDLE)
    return {_ENDING.sub("", word)[:LETTERS] for word in found}


def names(text: str, *, first: bool = False) -> set[str]:
    """Return the capitalised words of a text in small letters and no genitive, without the first unless asked for."""
    return {_GENITIVE.sub("", word).casefold() for word in (_CAPITALISED if first else _NAME).findall(text)}


def asks_latest(question: str) -> bool:
    """Return whether a question asks for the latest state of something that changes."""
    return bool(_LATEST.search(question))


def fits_time(question: str, sentence: str) -> bool:
    """Return False if a question asks for a time of day or a day to come, and the sentence has no words for it."""
    if _ASKS_FUTURE.search(question) and not _FUTURE.search(sentence):
        return False
    return has_time_of_day(question, sentence)


def asks_to_come(question: str) -> bool:
    """Return whether a question asks for what is to come."""
    return bool(_TO_COME.search(question))


def is_plan(sentence: str) -> bool:
    """Return whether a sentence has words for what is to come."""
    return bool(_FUTURE.search(sentence))


def has_time_of_day(question: str, sentence: str) -> bool:
    """Return False if a question asks for a time of day, and the sentence has none."""
    return bool(_CLOCK.search(sentence)) or not _TIME_OF_DAY.search(question)


def states_cause(sentence: str) -> bool:
    """Return whether a sentence has a word for a cause."""
    return bool(_CAUSE.search(sentence))


def says_nothing_new(question: str, answer: str) -> bool:
    """Return whether a name is asked for, and the answer has only words of the question and numbers."""
    if not _NAMES.search(question) or answer_type(question) in ("when", "number"):
        return False
    asked = {*words(question), *_EMPTY}
    return all(word in asked or bool(find_numbers(word)) for word in words(answer))
