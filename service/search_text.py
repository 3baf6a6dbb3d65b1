"""The search text: what is searched and scored for a question, its asking sentences in the spelling of the articles.

A preface or a sign-off would dilute the question's vector and its terms, and a mistyped word matches nothing. On the
fitting set of `benchmarks/answerability`, a preface of twenty sentences left 1 answer of 200 without this.
"""

import re
from collections.abc import Sequence
from functools import cache
from itertools import dropwhile, islice

from index.lexical import LexicalIndex
from index.text import sentence_spans
from service.readers.evidence import GENERAL
from service.standalone import function_words, is_follow_up

STANDS_ALONE = 3
"""Words of content with which a sentence is understood without the sentences before it; a name is enough as well."""

LONG_PREFACE = 2
"""Sentences of context that a question may bring; of more, only the last and the names are kept."""

SHORT_REST = 4
"""Words behind the question that belong to it if one of them is a number: "How much was it in May? 2022"."""

MOST_UNKNOWN = 12
"""Unknown words that are looked up, because one takes up to 4 ms in an archive of 100,000 words."""

CERTAIN_LENGTH = 6
"""Letters from which on a capitalised first word is corrected to any word, not only to one like `when`."""

_ASKS = re.compile(r"[?？؟][\s\"'”’»“)\]]*$")
_QUESTION_WORD = re.compile(
    r"(?:(?:and|so|but|by|in|on|at|to|for|from|of|with|und|an|auf|bei|mit|von|für|nach|seit|um|zu) )?(?:the )?"
    r"(?:who|whom|whose|what|why|which|how|(?:when|where)(?= (?:is|are|was|were|do|does|did|has|have|had|can|will)\b)"
    r"|wer|wen|wem|wessen|wann|wo|woher|wohin|warum|wieso|welche[rsmn]?|wie)\b",
    re.IGNORECASE,
)
_OPENS = re.compile(
    rf"{_QUESTION_WORD.pattern}|(?:is|are|was|were|do(?! not)|does|did|has|can)\b"
    r"|.*\b(?:to (?:know|find out|learn)|tell (?:me|us)|let (?:me|us) know|wonder(?:ing)?|wüsste|wissen)\b",
    re.IGNORECASE | re.DOTALL,
)
_BEGINS = re.compile(
    rf"(?<=[.!…])\s+(?={_QUESTION_WORD.pattern}|(?-i:is|are|was|were|do(?! not)|does|did|has|can)\b)", re.IGNORECASE
)
_FIGURE = re.compile(r"\d")
_LEAD = re.compile(r"[^:：?]{1,80}[:：]\s+(?=\S+\s+\S+)")
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_NAME = re.compile(r"(?<![.!?]\s)(?<!^)\b[A-Z][\w’'-]+(?: [A-Z][\w’'-]+)*")
_SPACED_NUMBER = re.compile(r"(?<![\d.,])\d{1,3}(?:\s\d{3})+(?![\d.,]*\d)")
_DIGRAPH = re.compile(r"([aou])e", re.IGNORECASE)
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "å": "aa", "Å": "Aa"})


def search_text(question: str, lexical: LexicalIndex) -> str:
    """Return the text to search a generation by; most questions are their own."""
    text = _SPACED_NUMBER.sub(lambda number: _joined(number.group(), lexical), asking(question))
    if lexical.has(text):
        return text
    found = list(_WORD.finditer(text))
    # Capitals throughout distinguish no name.
    capitals = len(found) >= STANDS_ALONE and all(word.group()[0].isupper() for word in found[1:])
    parts, end = [], 0
    for word in islice((word for word in found if not lexical.has(word.group())), MOST_UNKNOWN):
        parts += [text[end : word.start()], _spelled(word, lexical, capitals=capitals)]
        end = word.end()
    return "".join([*parts, text[end:]])


def _joined(number: str, lexical: LexicalIndex) -> str:
    joined = "".join(number.split())
    return joined if lexical.has(joined) else number


def _spelled(found: re.Match[str], lexical: LexicalIndex, *, capitals: bool) -> str:
    """Return a word that no chunk has as the articles write it, or as it is.

    An absent name is not corrected, because a question about an unknown person has no answer. Only the digraphs of
    umlauts are typed for one another.
    """
    word = found.group()
    for variant in (_DIGRAPH.sub(r"\1", word), word.translate(_UMLAUTS)):
        if variant != word and lexical.has(variant):
            return variant
    is_first = not _WORD.search(found.string, 0, found.start())
    if not word.isalpha() or not (word.islower() or capitals or is_first):
        return word
    near = lexical.spelling.corrected(word)
    if near is None or (word[0].isupper() and not capitals and len(word) < CERTAIN_LENGTH and lexical.terms.of(near)):
        return word
    return near.upper() if word.isupper() else near.capitalize() if word[0].isupper() else near


def asking(question: str) -> str:
    """Return the sentences of a question that ask, with the sentences or names before them if they need these."""
    spans = sentence_spans(question, headings=False)
    # A question typed in small letters is in the span of the sentence before it.
    sentences = [part for span in spans for part in _BEGINS.split(question[span.start : span.end])]
    if len(sentences) == 1 and not _LEAD.match(question):
        return question
    sentences = [_without_lead(sentence) for sentence in sentences]
    asks = _asking_places(sentences)
    if not asks:
        return question
    asked, before, after = " ".join(sentences[at] for at in asks), sentences[: asks[0]], sentences[asks[-1] + 1 :]
    rest = " ".join(after)
    if _FIGURE.search(rest) and len(rest.split()) <= SHORT_REST:
        asked = f"{asked} {rest}"
    elif not before and not _NAME.search(asked) and len(_content(asked)) < STANDS_ALONE and is_follow_up(asked):
        before = after[:LONG_PREFACE]  # "When did it open? I mean the library."
    return " ".join([*_context(before, asked), asked])


def _asking_places(sentences: Sequence[str]) -> list[int]:
    """Return the places of the sentences that ask: with a question mark, or opening as questions and requests do."""
    marked = [at for at, sentence in enumerate(sentences) if _ASKS.search(sentence)]
    # "Can you help me?" before the question is a part of the preface.
    marked = list(dropwhile(lambda at: not _content(sentences[at]), marked))
    opens = _QUESTION_WORD if marked else _OPENS
    return sorted({*marked, *(at for at, sentence in enumerate(sentences) if opens.match(sentence))})


def _context(before: Sequence[str], asked: str) -> list[str]:
    """Return what a question needs of the sentences before it: nothing, all, or their names and the last of them."""
    names = dict.fromkeys(name for sentence in before for name in _NAME.findall(sentence))
    is_long = len(before) > LONG_PREFACE
    enough = STANDS_ALONE + (bool(names) and not is_long)  # a short context with a name may say what it is about
    stands_alone = len(_content(asked)) >= enough or _NAME.search(asked) is not None
    if stands_alone and not is_follow_up(asked):
        return []
    if not is_long:
        return list(before)
    return [", ".join(names) + "."] * bool(names) + list(before[-1:]) * (not stands_alone)


def _content(text: str) -> list[str]:
    return [word for word in _WORD.findall(text.casefold()) if word not in _empty_words()]


def _without_lead(sentence: str) -> str:
    """Return a sentence without the words before its colon, if they only announce the question."""
    lead = _LEAD.match(sentence)
    return sentence[lead.end() :] if lead and not _content(lead.group()) else sentence


@cache
def _empty_words() -> frozenset[str]:
    return function_words() | frozenset(GENERAL.split())
