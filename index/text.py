"""Sentences with their offsets: the measure in which chunks, quotes and answers are cut.

Rules, not a model: a full stop ends a sentence unless it belongs to an abbreviation, an initial or a number
(`index/stops.py`); a line that stands alone without a full stop is a heading; a row of a table, an image and a rule of
Markdown are one sentence each. The source's reference marks belong to the sentence before them. Every span is exact,
none overlap, and only white space (and CJK punctuation's missing space) lies between them.
"""

import re
from collections.abc import Iterator
from enum import Enum, auto
from typing import NamedTuple

from index.marks import ATTACHED, NUMBER
from index.stops import ABBREVIATION_LENGTH, full_stop_ends

HEADING_LENGTH = 100
QUESTION_HEADING_WORDS = 8

# Signs between a stop and the space behind it: closing signs, reference marks, the target of a link. German
# closes with “ and «.
_CLOSING = r"[\"'”’»“‘«›‹)\]*_]"
_AFTER_STOP = rf"(?:(?:{ATTACHED}|(?<=\])\([^\s()]{{0,300}}\)){_CLOSING}*+)*+"
# Tried once a run of stops, and never given back: a row of leaders may be of any length.
_END = re.compile(
    rf"(?<![.!?…؟۔।॥])(?P<stop>[.!?…؟۔।॥]++)(?P<close>{_CLOSING}*+){_AFTER_STOP}(?:[ \t]{{1,3}}{NUMBER})*+(?=\s)"
    rf"|(?P<cjk>[。！？]+[」』”’）]*)(?:{NUMBER})*+"
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
_TERMINAL = re.compile(rf"[.!?…:;,。！？؟۔।॥]{_CLOSING}*{_AFTER_STOP}(?:[ \t]{{1,3}}{NUMBER})*$")


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
        for start, end, kind in _blocks(text, headings=headings)
        for sentence in _sentences_of_block(text, start, end, kind)
    ]


class _Kind(Enum):
    """How a block is cut: into sentences, or not at all."""

    PROSE = auto()
    HEADING = auto()
    WHOLE = auto()


def _blocks(text: str, *, headings: bool) -> Iterator[tuple[int, int, _Kind]]:
    """Stretches that no sentence crosses: paragraphs, list items, headings and lines that are one sentence."""
    bounds = [0, *(edge for blank in _BLANK.finditer(text) for edge in blank.span()), len(text)]
    for start, end in zip(bounds[::2], bounds[1::2], strict=True):
        last = end == len(text)
        yield from _lines_of_paragraph(text, start, end, last=last) if headings else [(start, end, _Kind.PROSE)]


def _lines_of_paragraph(text: str, start: int, end: int, *, last: bool) -> Iterator[tuple[int, int, _Kind]]:
    """Cut a paragraph where a line is a heading, a list item or one sentence; other line ends are soft wraps."""
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
                yield block_start, begin, _Kind.PROSE
            yield begin, stop, _Kind.WHOLE if whole else _Kind.HEADING
            block_start = None
        elif block_start is None:
            block_start = begin
        elif _LIST_ITEM.match(text, begin, stop):
            yield block_start, begin, _Kind.PROSE
            block_start = begin
    if block_start is not None:
        yield block_start, end, _Kind.PROSE


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
    if following is not None and _UNDERLINE.fullmatch(following):
        return not _TERMINAL.search(bare)
    starts_new = following is not None and following.lstrip()[:1].isupper()
    return starts_new and len(bare) < 0.6 * longest and not _TERMINAL.search(bare)


def _sentences_of_block(text: str, start: int, end: int, kind: _Kind) -> Iterator[Sentence]:
    position = start
    if kind is _Kind.PROSE:
        marker = _LIST_ITEM.match(text, start, end)
        for found in _END.finditer(text, marker.end() - 1 if marker else start, end):
            if found.end() < end and _ends_sentence(text, found, position):
                yield from _stripped(text, position, found.end(), heading=False)
                position = found.end()
    yield from _stripped(text, position, end, heading=kind is _Kind.HEADING)


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
    return full_stop_ends(text[before : found.start()], next_word)


def _stripped(text: str, start: int, end: int, *, heading: bool) -> Iterator[Sentence]:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    if start < end:
        yield Sentence(start, end, heading)
