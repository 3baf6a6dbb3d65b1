"""Staleness: the age of an answer's articles in words, and the warning that they are old.

Only a question about the present can have a stale answer. Its words show it in English and German; a question in
another language never has the warning.
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from service.answer import STALE
from service.records import AnswerWarning, Question

_UNITS = (("years", 365.25, 1.5), ("months", 30.44, 1.5), ("weeks", 7, 2), ("days", 1, 0))
"""Units of an age with their days, and the number of units from which an age is given in them, as in the widget."""
_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
_SENTENCE = re.compile(r"(?<=[.?!…])\s+")
_SHORT_IS = re.compile(r"\b(who|what|where|when|how|why|which|it|there|that)'s\b")
_WHO_IS = re.compile(r"(?:(?:who|what) (?:is|are)|(?:who|what)'s|(?:wer|was) (?:ist|sind))\s+([^?]+)\??", re.IGNORECASE)
_DATE = re.compile(
    r"\b1\d{3}s?\b|\b20\d\ds?\b|\b\d{1,2}[./]\s?\d{1,2}\b"
    r"|\b(?:january|february|april|june|july|august|september|october|november|december)\b"
    r"|\b(?:in|since|of|by|until|from|early|mid|late|last|this|next) (?:march|may)\b|\b(?:march|may) \d"
    r"|\d(?:st|nd|rd|th)? (?:of )?(?:march|may)\b"
    r"|\b(?:januar|jänner|februar|märz|mai|juni|juli|oktober|dezember)\b"
)


def stale_warning(
    question: Question, standalone: str, newest: str | None, now: datetime, after: timedelta
) -> AnswerWarning | None:
    """Return the warning of a question about the present whose newest cited article is older than `after`.

    `newest` is its date of publication; if it is None, the age is unknown and there is no warning. A question with
    an upper limit of dates is about the past.
    """
    if newest is None or question.filters.published_before or not asks_about_present(standalone):
        return None
    published = datetime.fromisoformat(newest)
    if now - published <= after:
        return None
    return AnswerWarning(
        STALE,
        f"The latest article quoted is from {day(published)}, {age(published, now)}. Things may have changed since.",
    )


def day(moment: datetime) -> str:
    """Return a date as "31 March 2026"."""
    return f"{moment.day} {moment:%B %Y}"


def age(moment: datetime, now: datetime) -> str:
    """Return how long ago a day was: "today", "3 weeks ago", "8 months ago"; empty for a day in the future."""
    days = (now.date() - moment.date()).days
    if days < 0:
        return ""
    if days < 2:
        return ("today", "yesterday")[days]
    unit, length = next((unit, length) for unit, length, least in _UNITS if days >= least * length)
    return f"{round(days / length)} {unit} ago"


def asks_about_present(question: str) -> bool:
    """Return whether a question asks for a state of the present: "Is the bridge open?", "Who is the mayor?".

    A question with a date, a word for the past or an unknown form is not about the present.
    """
    text = " ".join(question.replace("’", "'").split())
    plain = _SHORT_IS.sub(r"\1 is", text.lower())
    if _DATE.search(plain):
        return False
    named = _WHO_IS.fullmatch(text)
    if named and all(word[0].isupper() and "'s" not in word for word in named[1].split()):
        return False  # "Who is Benedikt Orlo?" asks about a name, and not for who holds an office.
    return any(
        _is_present(sentence, language) for sentence in _SENTENCE.split(plain) for language in (_ENGLISH, _GERMAN)
    )


def _is_present(sentence: str, language: "_Language") -> bool:
    if language.today.search(sentence):
        return True
    asked = language.lead.sub("", sentence)
    if language.past.search(asked) or language.timeless.search(asked):
        return False
    if language.now.search(asked):
        return True
    words = _WORD.findall(asked)
    if not words or words[0] in language.openers:
        return bool(words)
    # "At what time …": the question word may come second.
    if not language.questions & set(words[:2]):
        return False
    finite = language.present | language.other
    first = next((place for place, word in enumerate(words) if word in finite), 0)
    return words[first] in language.present and (first < 2 or words[first - 1] not in language.joining)


@dataclass(frozen=True, slots=True)
class _Language:
    """The words of a language that show the time a question asks about."""

    lead: re.Pattern[str]
    """Words that may come before the question itself: a greeting, "and", "do you know"."""
    questions: frozenset[str]
    openers: frozenset[str]
    """Verbs that open a question about the present."""
    present: frozenset[str]
    other: frozenset[str]
    """Finite verbs that are not in the present: the first finite verb decides."""
    joining: frozenset[str]
    """Words before a verb that is not the question's own: "the bridge that is …", "the run"."""
    past: re.Pattern[str]
    now: re.Pattern[str]
    """Words for the present; a word for the past counts more."""
    today: re.Pattern[str]
    """Words for the day of the question, whatever the tense."""
    timeless: re.Pattern[str]
    """Openings that ask for a meaning, a reason or whether a report is true."""


def _any(*phrases: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{'|'.join(phrases)})\b")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_ENGLISH = _Language(
    lead=re.compile(
        r"^(?:(?:hi|hello|hey|please|so|and|but|or|ok|okay|well|also|now|(?:can|could) you (?:tell me|say)"
        r"|do you know|does any(?:one|body) know|any(?:one|body) know|tell me|i wonder|i want to know"
        r"|i(?: would|'d) like to know)[\s,:]+)+"
    ),
    questions=_words("who whom whose what where when why how which if whether"),
    openers=_words("is are am isn't aren't do does don't doesn't can can't cannot must may"),
    present=_words("is are am isn't aren't do does don't doesn't can can't cannot must cost costs owns runs leads")
    | _words("operates live lives work works belongs holds remains run sail sails leave leaves open opens close closes")
    | _words("heads chairs governs sell sells serve serves go goes own lead need needs"),
    other=_words("was were wasn't weren't did didn't had hadn't has have hasn't haven't will won't would could should")
    | _words("shall might"),
    joining=_words("that who which where and the a an to of in on at for his her their its"),
    past=_any(
        r"was|were|wasn't|weren't|did|didn't|had|hadn't|used to|yesterday|ago|previously|formerly|former|originally",
        r"happened|occurred|won|died|caused|resigned|became|back then|at the time|at that time",
        r"(?:last|previous|past) (?:\w+ )?(?:week|month|year|night|weekend|season|time|century|decade|spring|summer)s?",
        r"last (?:autumn|fall|winter|\w+day)",
    ),
    now=_any(
        r"still|now|currently|nowadays|yet|any ?more|already|these days|at the moment|at present",
        r"this (?:month|year|season)",
        r"^(?:has|have|hasn't|haven't)\b(?!.*\bever\b).*\b(?:been|reopened|resumed|restarted|returned|recovered|ended)",
        r"^(?:has|have|hasn't|haven't)\b(?!.*\bever\b).*\b(?:finished|started|begun|opened|closed|changed)",
    ),
    today=_any(r"today|tonight|tomorrow|right now|this (?:morning|afternoon|evening|week|weekend)"),
    timeless=re.compile(
        r"^(?:(?:why|how) (?:do|does)\b|(?:what|who) (?:is|are) an?\b|(?:is|are) (?:it|there) (?:true|any truth)\b"
        r"|what (?:do|does)\b.*\b(?:mean|say|stand for)\b)"
    ),
)
_GERMAN = _Language(
    lead=re.compile(
        r"^(?:(?:hallo|guten tag|bitte|und|aber|also|oder|so|weißt du|wissen sie|sag mir|sagen sie mir)[\s,:]+)+"
    ),
    questions=_words(
        "wer wen wem wessen was wo wohin woher wie welche welcher welches welchem welchen wann warum wieso"
    )
    | _words("wieviel wieviele ob"),
    openers=_words("ist sind kann können darf dürfen muss müssen gibt gilt gelten kostet kosten fährt fahren läuft"),
    present=_words("ist sind kann können darf dürfen muss müssen gibt gilt gelten kostet kosten fährt fahren läuft")
    | _words("laufen heißt liegt liegen leitet führt gehört gehören wohnt wohnen lebt leben arbeitet arbeiten öffnet")
    | _words("öffnen schließt schließen steht stehen"),
    other=_words("war waren wurde wurden hatte hatten hat haben wird werden würde soll sollen sollte könnte gab ging"),
    joining=_words("die der das den dem und wo"),
    past=_any(
        r"war|waren|wurde|wurden|hatte|hatten|gab|ging|kam|gestern|vorgestern|damals|früher|ehemalige\w*|einst",
        r"worden|gewesen|gestorben|passiert|geschehen|gesunken|zurückgetreten",
        r"(?:letzte|vorige|vergangene)[nrsm]? (?:woche|monat|jahr|nacht|mal|saison|sommer|winter|herbst|\w+tag)",
        r"vor \w+ (?:jahren?|tagen?|wochen?|monaten?)",
    ),
    now=_any(
        r"noch|jetzt|derzeit|zurzeit|momentan|aktuell|gerade|inzwischen|mittlerweile",
        r"diese[nrs]? (?:monat|jahr|saison)",
        r"^(?:hat|haben|ist|sind)\b.*\b(?:wieder|schon|bereits)",
    ),
    today=_any(r"heute|diese woche|dieses wochenende"),
    timeless=re.compile(r"^(?:was (?:ist|sind) eine?\b|stimmt es\b|ist es wahr\b|was heißt\b|wie funktioniert\b)"),
)
