"""The parts of a question that asks for several things, each as a question of its own.

"How did it start, and how many were hurt?" has two parts. A comparison has two sides, each of which is measured: "Which
school has more pupils, Hillfoot or Lockside?" asks "How many pupils has Hillfoot?" and the same of Lockside. The rules
know plain cases in English; any other question has no parts.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from index.text import words
from service.records import Passage

_ASKING = r"(?:who|whom|whose|what|when|where|why|how|which)"
_AND = re.compile(
    rf"(?:,\s*|\s+)(?:and|or)\s+(?=(?:(?:at|by|for|from|in|on|to|until|since|with|of)\s+)?{_ASKING}\b)|\?\s+(?=\S)",
    re.IGNORECASE,
)
_AUXILIARY = r"(?:is|are|was|were|do|does|did|has|have|had|will|can|could|may|must)"
_AND_WHETHER = re.compile(
    # A verb behind "and" may go on with the first clause: "who was hurt and is in hospital", "and has the most pupils".
    rf",?\s+and\s+(?={_AUXILIARY}\s+(?:there|it|this|that|he|she|they|we|you|i|any(?:one|body|thing)?|some(?:one|body))\b"
    r"|(?:do|does|did)\s+(?:the|a|an|its|his|her|their)\s)",
    re.IGNORECASE,
)
_BARE = re.compile(rf"(?:\w+\s+)?{_ASKING}", re.IGNORECASE)
_THERE = re.compile(r"\w+ there\b", re.IGNORECASE)
_NAMED = re.compile(r"(?<!^)\b[A-Z][\w’'-]*(?: (?:of the |of |the )?[A-Z0-9][\w’'-]*)*")


def sub_questions(question: str) -> list[str]:
    """Return the parts of a question that asks for several things; none for a question that asks once.

    A question word alone has the words of the longest part: `Who resigned and why?` asks `why resigned`. A part that
    opens with a verb has the names of the one before it: `Who led Galt, and was he paid?` asks `was he paid (Galt)`.
    """
    parts = [part.strip(" ?") for part in _AND.split(question) if part.strip(" ?")]
    parts = [each for part in parts for each in _with_names(_AND_WHETHER.split(part))]
    stem = max(parts, key=len, default="").partition(" ")[2]
    if len(parts) < 2 or not stem:
        return []
    return [f"{part} {stem}?" if _BARE.fullmatch(part) else f"{part}?" for part in parts]


def _with_names(parts: Sequence[str]) -> list[str]:
    """Return the first part, and the others with its names where they have none and do not name a new thing."""
    found = [part.strip(" ,?") for part in parts]
    known = ", ".join(_NAMED.findall(found[0]))
    return [
        found[0],
        *(
            part if _NAMED.search(part) or _THERE.match(part) or not known else f"{part} ({known})"
            for part in found[1:]
        ),
    ]


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a comparison, in the words of the question, and the question about it alone."""

    name: str
    question: str

    @property
    def terms(self) -> frozenset[str]:
        """The words that name the side: those with a capital or a digit, or all of them if none has."""
        found = [word for word in _WORD.findall(self.name) if word.casefold() not in _EMPTY]
        named = [word for word in found if not word[0].islower()]
        return frozenset(word for each in named or found for word in words(each))

    @property
    def undated(self) -> str:
        """The question without the month of the side, for passages that are known to be of it."""
        return self.question.replace(f" in {self.name}?", "?")

    def is_in(self, passage: Passage, sentence: str = "") -> bool:
        """Return whether a passage or its title names the side; a month must be its article's, or in the sentence."""
        article = passage.article
        if _is_date(self.name):
            month = f"{article.published_at:%B %Y}" if article.published_at else ""
            return self.terms <= set(words(month)) or self.terms <= set(words(sentence))
        return self.terms <= set(words(f"{article.title or ''}\n{passage.chunk.text}"))


_WORD = re.compile(r"[^\W_][\w'’-]*")
_EMPTY = frozenset("a an the one ones that those its their his her of in at on for to from by with and or".split())
_NAME = (
    r"(?:the )?(?!(?:Do|Does|Did|Is|Are|Was|Were|Has|Have|Had|Will|Can|Which|What|Who)\b)"
    r"[A-Z][\w’'-]*(?: (?:of |and )?[A-Z0-9][\w’'-]*)*"
)
_MORE = (
    r"(?:(?P<amount>more|fewer|less|most|fewest) (?P<noun>(?!often\b|likely\b|expensive\b)[a-z]+)"
    r"|(?P<adjective>longer|shorter|taller|higher|deeper|older|younger|faster|quicker|slower|larger|bigger|smaller"
    r"|heavier|wider|stronger|weaker|dearer|cheaper|earlier|later|more expensive|less expensive)(?P<compared> [a-z]+)?)"
)
_CHOICE = re.compile(rf"^(?P<stem>[^,]*\b{_MORE}\b[^,]*), (?P<one>[^,?]+?) or (?P<other>[^,?]+?)[ ?.]*$", re.IGNORECASE)
_EITHER = re.compile(rf"(?P<one>{_NAME}) or (?P<other>{_NAME})\b(?P<rest>.*)")
_THAN = re.compile(
    rf"^(?:is|are|was|were|did|does|do|has|have|had|will) (?P<one>.+?) (?:have |has )?{_MORE} than (?P<other>.+?)"
    r"[ ?.]*$",
    re.IGNORECASE,
)
_BETWEEN = re.compile(
    r"^(?P<stem>.+?)[, ]+between (?P<one>.+?) and (?P<other>.+?)(?:, .*)?[ ?.]*$|^compare (?P<first>.+?)"
    r" (?:with|to|and) (?P<second>.+?)[ ?.]*$",
    re.IGNORECASE,
)
_CHANGE = re.compile(
    r"^(?:how (?:much )?(?:did|has|have) (?P<a>.+?) (?:changed?|develop(?:ed)?|grown?|grow|risen?|rise|fall(?:en)?)"
    r"|what (?:has |have )?changed? (?:in|about|with|for) (?P<b>.+)"
    r"|what (?:is|was) the (?:change|difference) in (?P<c>.+))$",
    re.IGNORECASE,
)
_MONTHS = "january february march april may june july august september october november december".split()
_YEAR = re.compile(r"\b(?:19|20)\d\d\b")
_ADJECTIVES = {
    "younger": "old", "quicker": "fast", "slower": "fast", "smaller": "large", "bigger": "large",
    "taller": "tall", "higher": "high", "deeper": "deep", "older": "old", "faster": "fast",
    "larger": "large", "heavier": "heavy", "wider": "wide", "stronger": "strong", "weaker": "strong",
}  # fmt: skip
_PRICES = frozenset({"dearer", "cheaper", "more expensive", "less expensive"})


def sides(question: str) -> tuple[Side, ...]:
    """Return the two sides of a comparison; none for another question."""
    text = " ".join(question.split())
    if found := _BETWEEN.match(text):
        return _between(found)
    if found := _CHOICE.match(text):
        return _measured(
            found, text[found.end("adjective" if found["adjective"] else "noun") : found.end("stem")], found
        )
    if found := _THAN.match(text):
        return _measured(found, "", found)
    measure = re.search(_MORE, text, re.IGNORECASE)
    either = _EITHER.search(text)
    return _measured(measure, "", either) if measure and either else ()


def _between(found: re.Match[str]) -> tuple[Side, ...]:
    if found["first"]:
        return tuple(Side(each, f"{each}?") for each in (found["first"], found["second"]))
    one, other = found["one"], found["other"]
    year = _YEAR.search(other)
    if year and not _YEAR.search(one) and any(month in one.casefold() for month in _MONTHS):
        one = f"{one} {year.group()}"
    change = _CHANGE.match(found["stem"])
    topic = next((part for part in change.groups() if part), None) if change else None
    if topic is None:
        return ()
    return tuple(Side(each, f"What was {topic} {'in ' if _is_date(each) else 'for '}{each}?") for each in (one, other))


def _is_date(text: str) -> bool:
    first = text.split(" ", 1)[0].casefold()
    return first in _MONTHS or bool(_YEAR.match(text))


def _measured(measure: re.Match[str], where: str, found: re.Match[str]) -> tuple[Side, ...]:
    """Return the sides of a comparison by a measure: "more pupils", "longer"; `where` is what else is asked."""
    noun, adjective = measure["noun"], (measure["adjective"] or "").casefold()

    def ask(name: str) -> str:
        if noun:
            return f"How many {noun} has {name}{where}?"
        if adjective in _PRICES:
            return f"How much did {name} cost{where}?"
        if adjective in ("earlier", "later"):
            return f"When was {name}{where}?"
        if adjective in ("longer", "shorter"):
            return f"What is the length of {name}{where}?"  # "how long" may ask for a time
        return f"How {_ADJECTIVES[adjective]} is {name}{where}?"

    return tuple(Side(name, ask(name)) for name in (found["one"], found["other"]))
