"""Orders to a machine in the text of an article, from the words that address one to the end of the paragraph.

The extractive reader does not quote them, and they do not count as evidence. Only words that address nothing but a
machine begin an order: a salutation, a role in the second person, the tags and tokens of chat prompts. News uses the
verbs of such orders every day. A heuristic for plain cases: a language model is protected by its prompt and by the
support check.
"""

import re
from collections.abc import Iterator

from index.records import Span

PARAGRAPH = 2_000
"""Code points before a stretch of text in which its paragraph may begin."""

_MODEL = r"(?:language models?|llms?|chatbots?|automatic readers?|ai (?:assistants?|models?|systems?|readers?|agents?))"
_SALUTE = r"(?:dear|attention|note to|notice to|message (?:to|for)|instructions? to)"
_WHICH = r"(?: (?:that|which|who|reading|of|on|in) [^.!?\n:,]{1,40})?"
_ADDRESS = re.compile(
    rf"(?:^|(?<=[.!?]\s)|(?<=\n))[^\w\n]{{0,20}}{_SALUTE}\W+(?:any |all |the |every )?{_MODEL}{_WHICH}[:,]"
    rf"|\byou(?: are|['’]re)(?: now)?(?: an?| the)?(?: helpful)? (?:{_MODEL}|assistant(?= and\b|[.,;:]| without\b))"
    r"|\bassistant instructions:",
    re.IGNORECASE,
)
_TOKEN = re.compile(
    r"</?(?:system|assistant|instructions?|prompt)\b[^<>\n]{0,80}>|\[/?(?:INST|SYSTEM)\]|<\|"
    r'|\bSYSTEM (?:MESSAGE|PROMPT):|"role"\s*:\s*"(?:system|assistant)"'
)
_OPENING, _CLOSING = re.compile("[“«„]"), re.compile("[”»]")


def orders_to_machines(text: str, start: int, end: int) -> list[Span]:
    """Return the stretches of `text[start:end]` that give orders to a machine; the paragraph may begin before it."""
    begin = max(0, start - PARAGRAPH, text.rfind("\n\n", 0, start))
    return [found for found in _orders(text, begin, end) if found.end > start]


def _orders(text: str, begin: int, end: int) -> Iterator[Span]:
    for pattern in (_ADDRESS, _TOKEN):
        for found in pattern.finditer(text, begin, end):
            if pattern is _TOKEN or not _is_quoted(text, found.start()):
                closing = text.find("\n\n", found.end(), end)
                yield Span(found.start(), end if closing < 0 else closing)


def _is_quoted(text: str, at: int) -> bool:
    """Whether a place is inside quotation marks: reported speech is news."""
    before = text[max(0, at - PARAGRAPH, text.rfind("\n\n", 0, at)) : at + 1]
    return before.count('"') % 2 == 1 or len(_OPENING.findall(before)) > len(_CLOSING.findall(before))
