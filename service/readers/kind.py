"""What kind of thing a question asks for, and whether a sentence has one."""

import re

_NUMBER_ASKED = (
    r"\bhow (?:many|much|old|long|far|large|big|high|tall|often)\b"
    r"|\bwhat (?:number|percentage|share|proportion|amount|price|cost)\b"
)
_NAME_ASKED = (
    r"\bwho(?:m|se)?\b|\b(?:what|which) (?:person|man|woman|company|team|party|organi[sz]ation|minister|leader"
    r"|official|club|agency)\b"
)
_KINDS = {
    "when": re.compile(r"\bwhen\b|\b(?:what|which) (?:year|date|day|month|time)\b", re.IGNORECASE),
    "number": re.compile(_NUMBER_ASKED, re.IGNORECASE),
    "why": re.compile(r"\bwhy\b|\bwhat (?:caused|led to|reason)\b", re.IGNORECASE),
    "where": re.compile(r"\bwhere\b|\b(?:what|which) (?:city|town|country|place|state|port|region)\b", re.IGNORECASE),
    "who": re.compile(_NAME_ASKED, re.IGNORECASE),
}
_DATE = re.compile(
    r"\b(?:1[5-9]|20)\d\d\b|\b(?:January|February|March|April|May|June|July|August|September|October|November|December|"
    r"Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday|yesterday|today)\b"
)
_NUMBER = re.compile(
    r"\d+(?:[.,]\d+)*|\b(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|dozen|hundred|thousand|million|"
    r"billion|half|twice|third|quarter)s?\b",
    re.IGNORECASE,
)
_CAUSE = re.compile(
    r"\b(?:because|since|due to|owing to|as a result|so that|in order to|caused?|therefore|led to|after|reason|aim|"
    r"to\s+\w+)\b",
    re.IGNORECASE,
)
_CAPITAL = re.compile(r"(?<![.!?]\s)(?<!^)\b[A-Z][\w’'-]+")
_PLACE = re.compile(r"\b(?:in|at|from|to|near|off|outside)\s+(?:the\s+)?[A-Z][\w’'-]+")


def kind_of(question: str) -> str | None:
    """`when`, `number`, `why`, `where` or `who`; None for an open question."""
    return next((kind for kind, pattern in _KINDS.items() if pattern.search(question)), None)


def kind_match(question: str, sentence: str) -> float:
    """1 where a sentence has what is asked for and the question has not, .5 for an open question, else less."""
    kind = kind_of(question)
    if kind is None:
        return 0.5
    if kind == "why":
        return 1.0 if _CAUSE.search(sentence) else 0.3
    if kind == "when":
        return float(bool(_new(_DATE, question, sentence)))
    if kind == "number":
        return float(bool(_new(_NUMBER, question, sentence)))
    names = _new(_CAPITAL, question, sentence)
    if kind == "where":
        return 1.0 if _new(_PLACE, question, sentence) else 0.5 * bool(names)
    return float(bool(names))


def _new(pattern: re.Pattern[str], question: str, sentence: str) -> set[str]:
    """What a sentence has of a kind and the question does not name as a whole word or number."""
    asked = {named.casefold() for named in pattern.findall(question)}
    found = {one for one in pattern.findall(sentence) if one.casefold() not in asked}
    return {one for one in found if not re.search(rf"(?<!\w){re.escape(one)}(?!\w)", question, re.IGNORECASE)}
