"""Sentences and their offsets: the units in which chunks, quotes and answers are cut.

Rules, not a model. A full stop ends a sentence unless it belongs to an abbreviation, an initial or a number. A line
that stands alone without a full stop is a heading. A row of a table, an image and a rule of Markdown are one sentence
each. The source's reference marks belong to the sentence before them. Every span is exact, spans do not overlap, and
only white space (which Chinese and Japanese omit) lies between them.

The rules for full stops see only the words beside the stop: a text does not always state its language, and a chunk
must be cut into the same sentences as its article. So an abbreviation that is also a word (English `sun.`, `no.`,
Spanish `art.`) counts only before a number. An ordinal (`14. Mai`, `1. FC`) is recognised by the noun behind it or by
the determiner before it. Any other number before a capital ends the sentence ("He finished 14. Maria won."), because
English ends sentences so, and German seldom writes an ordinal without one of the two.
"""

import json
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Literal, NamedTuple

from index.markup import ATTACHED_MARK, NUMBER_MARK

HEADING_LENGTH = 100
QUESTION_HEADING_WORDS = 8
ABBREVIATION_LENGTH = 40
"""Characters before a full stop that decide whether it ends the sentence."""

# Signs between a stop and the space behind it: closing signs, reference marks, the target of a link. German
# closes with “ and «.
_CLOSING = r"[\"'”’»“‘«›‹)\]*_]"
_AFTER_STOP = rf"(?:(?:{ATTACHED_MARK}|(?<=\])\([^\s()]{{0,300}}\)){_CLOSING}*+)*+"
# Possessive, so that a run of stops is matched once: a row of leaders may have any length.
_END = re.compile(
    rf"(?<![.!?…؟۔।॥])(?P<stop>[.!?…؟۔।॥]++)(?P<close>{_CLOSING}*+){_AFTER_STOP}(?:[ \t]{{1,3}}{NUMBER_MARK})*+(?=\s)"
    rf"|(?P<cjk>[。！？]+[」』”’）]*)(?:{NUMBER_MARK})*+"
)
_BLANK = re.compile(r"\n[^\S\n]*(?:\n[^\S\n]*)+")
_MARKDOWN_HEADING = re.compile(r"#{1,6}\s+\S")
_UNDERLINE = re.compile(r" {0,3}(?:={3,}|-{3,})[ \t]*")
_LIST_ITEM = re.compile(r"\s*(?:(?:[-*+•–]|\d{1,3}[.)]|\[\^[^\[\]\s]{1,32}\]:)\s+\S|\[\d{1,3}\]:?\s+[^\W\d_a-z])")
# Rows of a table, images, fences of code and rules.
_WHOLE_LINE = re.compile(
    r"\s*(?:\|.*\||(?:!\[[^\[\]]*\]\([^()]*\)\s*)+|(?:`{3}|~{3}).*|<!--.*-->|[-*_=]{3,}|(?:[-*_][ \t]+){2,}[-*_])\s*"
)
_OPENING = "\"'“‘«([*_¿¡"
_TERMINAL = re.compile(rf"[.!?…:;,。！？؟۔।॥]{_CLOSING}*{_AFTER_STOP}(?:[ \t]{{1,3}}{NUMBER_MARK})*$")

# The lists of words, each by language. An abbreviation of `may_end` ends a sentence only before a word of `starters`;
# one of `before_number` counts only before a number, because most are words that may end a sentence. `months` are those
# of languages whose ordinals have a full stop; `shared_months` are also English.
_LISTS: dict[str, dict[str, str]] = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))
_NEVER_END, _MAY_END, _BEFORE_NUMBER, _STARTERS, _MONTHS, _SHARED_MONTHS, _ORDINAL_NOUNS = (
    frozenset(" ".join(_LISTS[name].values()).split())
    for name in "never_end may_end before_number starters months shared_months ordinal_nouns".split()
)
_INITIALS = re.compile(r"(?:\w\.)+\w")
_SPACED = re.compile(r"(?:^|\s)[^\W\d_]\.\s[^\W\d_]{1,3}$")  # p. ex., t. ex., f. eks.
_WORD_BEFORE = re.compile(r"[^\s(\[\"'“‘„«—–/]+$")
_NUMBER = re.compile(r"(?:[\d.]+-)?(?P<number>\d{1,3}|[IVX]{2,6})")

_DETERMINED = re.compile(
    r"(?:^|[\s(„“\"»])(?:(?<!\bI )am|zum|vom|im|beim|ab|seit|der|die|das|den|dem|det|eine?[mnrs]?|zur|ins|diese[mnrs]?"
    r"|jede[mnrs]?|(?:sein|ihr|unser)e?[mnrs]?|\d{1,3}\.(?:,| und| oder| bis| og| eller)?)\s+\S+$",
    re.IGNORECASE,
)
_GENITIVE = re.compile(r"\bdes\s+\S+$", re.IGNORECASE)
_LISTED = re.compile(r"(?:[,;(–—-]|\bbis)\s*\S+$", re.IGNORECASE)
_DAY_AND_MONTH = re.compile(r"\b\d{1,2}\.\s+\d{1,2}$")


class Sentence(NamedTuple):
    """A half-open span of code points, and whether it is a heading rather than a statement."""

    start: int
    end: int
    heading: bool = False


_Kind = Literal["prose", "heading", "line"]
"""How a block is cut: prose into sentences, a heading and a line that is one sentence not at all."""


def sentence_spans(text: str, *, headings: bool = True) -> list[Sentence]:
    """Return the sentences and headings of a text, in order, without the white space around them.

    Without `headings` a line that stands alone is a sentence like any other: text that is still arriving has none.
    """
    spans: list[Sentence] = []
    edges = [0, *(edge for blank in _BLANK.finditer(text) for edge in blank.span()), len(text)]
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        if headings:
            for block in _blocks(text, start, end, last=end == len(text)):
                spans += _sentences(text, *block)
        else:
            spans += _sentences(text, start, end, "prose")
    return spans


def _blocks(text: str, start: int, end: int, *, last: bool) -> Iterator[tuple[int, int, _Kind]]:
    """Cut a paragraph at lines that are a heading, a list item or one sentence; other line ends are soft wraps."""
    lines = [(start + line.start(), start + line.end()) for line in re.finditer(r"[^\n]+", text[start:end])]
    longest = max((stop - begin for begin, stop in lines), default=0)
    block_start: int | None = None
    for number, (begin, stop) in enumerate(lines):
        following = text[slice(*lines[number + 1])] if number + 1 < len(lines) else None
        more = following is not None or not last
        whole = _WHOLE_LINE.fullmatch(text, begin, stop) is not None
        alone = len(lines) == 1
        if whole or _is_heading(text[begin:stop], following, longest, alone=alone, more=more):
            if block_start is not None:
                yield block_start, begin, "prose"
            yield begin, stop, "line" if whole else "heading"
            block_start = None
        elif block_start is None:
            block_start = begin
        elif _LIST_ITEM.match(text, begin, stop):
            yield block_start, begin, "prose"
            block_start = begin
    if block_start is not None:
        yield block_start, end, "prose"


def _is_heading(line: str, following: str | None, longest: int, *, alone: bool, more: bool) -> bool:
    bare = line.strip()
    if _MARKDOWN_HEADING.match(bare):
        return True
    if not more or not bare or len(bare) > HEADING_LENGTH or _LIST_ITEM.match(bare):
        return False
    if alone:
        is_question = bare.endswith("?") and len(bare.split()) <= QUESTION_HEADING_WORDS
        return is_question or not _TERMINAL.search(bare)
    # In a paragraph only a line far shorter than its neighbours can be a heading: wrapped lines are about as long.
    if following is not None and _UNDERLINE.fullmatch(following):
        return not _TERMINAL.search(bare)
    starts_new = following is not None and following.lstrip()[:1].isupper()
    return starts_new and len(bare) < 0.6 * longest and not _TERMINAL.search(bare)


def _sentences(text: str, start: int, end: int, kind: _Kind) -> Iterator[Sentence]:
    """Cut a block into sentences and strip their white space."""
    edges = [start]
    if kind == "prose":
        marker = _LIST_ITEM.match(text, start, end)
        for found in _END.finditer(text, marker.end() - 1 if marker else start, end):
            if found.end() < end and _ends_sentence(text, found, edges[-1]):
                edges.append(found.end())
    for begin, stop in pairwise([*edges, end]):
        rest = text[begin:stop].lstrip()
        if rest:
            first = stop - len(rest)
            yield Sentence(first, first + len(rest.rstrip()), kind == "heading")


def _ends_sentence(text: str, found: re.Match[str], sentence_start: int) -> bool:
    if found["cjk"]:
        return True
    rest = text[found.end() : found.end() + 40].lstrip()
    bare = rest.lstrip(_OPENING)
    following = re.match(r"\w*", bare)
    next_word = following.group() if following else ""
    if not next_word or next_word[0].islower():
        return not next_word and bool(rest) and not found["close"]
    if found["stop"] != "." or found["close"].strip("*_"):
        return True
    before = max(sentence_start, found.start() - ABBREVIATION_LENGTH)
    return _full_stop_ends(text[before : found.start()], next_word)


def _full_stop_ends(before: str, next_word: str) -> bool:
    """Return whether a single full stop ends the sentence `before` (or its last characters) before `next_word`.

    `next_word` does not begin with a small letter.
    """
    match = _WORD_BEFORE.search(before)
    if match is None:
        return True
    word = match.group().strip("*_\\")
    if number := _NUMBER.fullmatch(word):
        return not _is_ordinal(before.strip("*_\\ "), number["number"], next_word.lower())
    # A word in capitals is a name, such as the ET of "6 p.m. ET".
    starts = next_word.lower() in _STARTERS and not (len(next_word) > 1 and next_word.isupper())
    if _SPACED.search(before) and word.islower():
        return starts
    return not _is_abbreviation(word.rpartition("-")[2], next_word, starts=starts)


def _is_abbreviation(written: str, next_word: str, *, starts: bool) -> bool:
    """Return whether the word before a full stop is an abbreviation; `starts` if the next word starts sentences."""
    word, numbered = written.lower(), next_word[0].isdigit()
    if len(word) == 1:
        return word.isalpha()
    if word in _NEVER_END:
        # ING is a bank and Ing. a title; in a text in capitals they look alike.
        return numbered or not written.isupper() or next_word.isupper() or "." in word
    if word in _MAY_END or word.endswith("str") or _INITIALS.fullmatch(word):
        return numbered or not starts
    coded = len(next_word) == 1 and not starts  # No. F-2014
    return ((numbered or coded) and word in _BEFORE_NUMBER) or written == "MM"


def _is_ordinal(before: str, number: str, following: str) -> bool:
    if before == number:
        return True  # a number alone is not a sentence
    is_day = number.isdecimal() and 1 <= int(number) <= 31
    if following.isdecimal():
        return is_day and (int(following) <= 12 or (len(following) == 4 and bool(_DAY_AND_MONTH.search(before))))
    if following in _ORDINAL_NOUNS or (is_day and following in _MONTHS):
        return True
    if following in _STARTERS:
        return False
    if is_day and following in _SHARED_MONTHS and _LISTED.search(before):
        return True
    return bool(_DETERMINED.search(before)) or (following.endswith("s") and bool(_GENITIVE.search(before)))
