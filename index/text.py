"""Sentences with their offsets: the measure in which chunks, quotes and answers are cut.

Rules, not a model: a full stop ends a sentence unless it belongs to an abbreviation, an initial or a
number; a line that stands alone without a full stop is a heading. Every span is exact, none overlap,
and only white space (and CJK punctuation's missing space) lies between them.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

HEADING_LENGTH = 100
ABBREVIATION_LENGTH = 40
QUESTION_HEADING_WORDS = 8

_NEVER_ENDS = frozenset(
    "mr mrs ms dr prof st mt ft gen lt sgt col capt cmdr maj brig adm sen rep gov pres hon rev fr supt insp det messrs"
    " mme no nos fig figs vol pp ed eds art arts sec vs cf e.g i.e approx ca al dept univ jan feb mar apr jun jul aug"
    " sep sept oct nov dec".split()
)
_MAY_END = frozenset("inc ltd co corp plc llc jr sr etc bros a.m p.m ph.d b.a m.a d.c est".split())
_STARTERS = frozenset(
    "a an the this that these those it its he she they we i you his her their our my there here in on at by for from"
    " with after before when while as if but and or so yet however meanwhile since until although though under over"
    " during officials police according both most some many no not all each one two three what who why how"
    " where".split()
)
# Tried once a run of stops, and never given back: a row of leaders may be of any length.
_END = re.compile(r"(?<![.!?…])(?P<stop>[.!?…]++)(?P<close>[\"'”’»)\]*_]*+)(?=\s)|(?P<cjk>[。！？]+[」』”’）]*)")
_BLANK = re.compile(r"\n[^\S\n]*(?:\n[^\S\n]*)+")
_MARKDOWN_HEADING = re.compile(r"#{1,6}\s+\S")
_LIST_ITEM = re.compile(r"\s*(?:[-*+•–]|\d{1,3}[.)])\s+\S")
_WORD_BEFORE = re.compile(r"[^\s(\[\"'“‘«—–/]+$")
_OPENING = "\"'“‘«([*_¿¡"
_TERMINAL = re.compile(r"[.!?…:;,。！？][\"'”’»)\]*_]*$")


class Sentence(NamedTuple):
    """A half-open span of code points, and whether it is a heading rather than a statement."""

    start: int
    end: int
    heading: bool = False


def sentence_spans(text: str, *, headings: bool = True) -> list[Sentence]:
    """The sentences and headings of a text, in order, without the white space around them.

    Without `headings` a line that stands alone is a sentence like any other: text that is still coming in has none.
    """
    return [
        sentence
        for start, end, heading in _blocks(text, headings=headings)
        for sentence in _sentences_of_block(text, start, end, heading)
    ]


def _blocks(text: str, *, headings: bool) -> Iterator[tuple[int, int, bool]]:
    """Stretches that no sentence crosses: paragraphs, list items and headings."""
    bounds = [0, *(edge for blank in _BLANK.finditer(text) for edge in blank.span()), len(text)]
    for start, end in zip(bounds[::2], bounds[1::2], strict=True):
        last = end == len(text)
        yield from _lines_of_paragraph(text, start, end, last=last) if headings else [(start, end, False)]


def _lines_of_paragraph(text: str, start: int, end: int, *, last: bool) -> Iterator[tuple[int, int, bool]]:
    """Cut a paragraph where a line is a heading or a list item; other line ends are soft wraps."""
    lines = [(start + line.start(), start + line.end()) for line in re.finditer(r"[^\n]+", text[start:end])]
    longest = max((stop - begin for begin, stop in lines), default=0)
    block_start: int | None = None
    for number, (begin, stop) in enumerate(lines):
        following = text[slice(*lines[number + 1])] if number + 1 < len(lines) else None
        more = following is not None or not last
        if _is_heading(text[begin:stop], following, longest, alone=len(lines) == 1, more=more):
            if block_start is not None:
                yield block_start, begin, False
            yield begin, stop, True
            block_start = None
        elif block_start is None:
            block_start = begin
        elif _LIST_ITEM.match(text, begin, stop):
            yield block_start, begin, False
            block_start = begin
    if block_start is not None:
        yield block_start, end, False


def _is_heading(line: str, following: str | None, longest: int, *, alone: bool, more: bool) -> bool:
    bare = line.strip()
    if _MARKDOWN_HEADING.match(bare):
        return True
    if not more or not bare or len(bare) > HEADING_LENGTH or _LIST_ITEM.match(bare):
        return False
    if alone:
        is_question = bare.endswith("?") and len(bare.split()) <= QUESTION_HEADING_WORDS
        return is_question or not _TERMINAL.search(bare)
    # Within a paragraph only a line far shorter than its neighbours can be a heading; a wrapped line is about as long.
    starts_new = following is not None and following.lstrip()[:1].isupper()
    return starts_new and len(bare) < 0.6 * longest and not _TERMINAL.search(bare)


def _sentences_of_block(text: str, start: int, end: int, heading: bool) -> Iterator[Sentence]:  # noqa: FBT001
    position = start
    if not heading:
        marker = _LIST_ITEM.match(text, start, end)
        for found in _END.finditer(text, marker.end() - 1 if marker else start, end):
            if found.end() < end and _ends_sentence(text, found, position):
                yield from _stripped(text, position, found.end(), heading=False)
                position = found.end()
    yield from _stripped(text, position, end, heading=heading)


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
    """Whether a single full stop after `before` ends a sentence that `next_word` would follow."""
    match = _WORD_BEFORE.search(before)
    if match is None:
        return True
    word = match.group().lower().lstrip("*_")
    starter = next_word.lower() in _STARTERS
    if word in ("no", "nos", "art", "sec", "mar", "jan", "dec"):
        return not next_word[0].isdigit() and word in ("no", "art") and starter
    if word in _NEVER_ENDS:
        return False
    if word in _MAY_END or re.fullmatch(r"(?:\w\.)+\w", word):
        return starter and not next_word[0].isdigit()
    return not (len(word) == 1 and word.isalpha())


def _stripped(text: str, start: int, end: int, *, heading: bool) -> Iterator[Sentence]:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    if start < end:
        yield Sentence(start, end, heading)
