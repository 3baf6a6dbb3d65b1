"""An article's text as HTML: its Markdown is rendered, and the offsets of quotes stay those of the stored body."""

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile
from typing import NamedTuple

from index.records import Span
from service.api.inline_text import Piece, Style, pieces

_GAP = re.compile(r"\n(?:[ \t\r]*\n)++")
_HEADING = r"^ {0,3}(?P<level>#{1,6})[ \t]++(?P<heading>[^\s][^\n]{0,299})$"
_QUOTE = r"(?P<quote>^(?: {0,3}>[^\n]*+(?:\n|\Z))++)"
_LINES = re.compile(f"{_HEADING}|{_QUOTE}", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Rendered:
    """The HTML of a body; `marked` is False where a quote was given and no visible character is in it."""

    html: str
    marked: bool


class _Block(NamedTuple):
    """A paragraph, a heading or a quotation: the HTML around it, its start, and its text without the `#`."""

    opening: str
    closing: str
    start: int
    text: Span
    quoted: bool = False


def render(body: str, quote: Span | None = None) -> Rendered:
    """Return a body as paragraphs, headings and quotations; a quote is marked, once in each of them that it touches.

    White space between blocks stays, so that a body without Markdown has itself as its text content. Time is linear
    in the length of the body.
    """
    parts: list[str] = []
    written, marks = 0, 0
    for block in _blocks(body):
        parts += [_escaped(body[written : block.start]), block.opening]
        for text in _runs(body, block, quote, first=not marks):
            marks += text.startswith("<mark")
            parts.append(text)
        parts.append(block.closing)
        written = block.text.end
    return Rendered("".join(parts), marks > 0)


def opening(text: str, title: str | None = None, limit: int = 180) -> str:
    """Return the first words of a body on one line, without its headings, its Markdown and a title at its start."""
    visible = [
        "".join(text[piece.start : piece.end] for piece in pieces(text, block.text, quoted=block.quoted))
        for block in _blocks(text)
        if not block.opening.startswith("<h")
    ]
    line = " ".join(" ".join(visible).split())
    line = line.removeprefix(title or "").lstrip() or line
    return line if len(line) <= limit else f"{line[:limit].rpartition(' ')[0] or line[:limit]} …"


def _blocks(body: str) -> Iterator[_Block]:
    levels: list[int] = []
    for paragraph in _paragraphs(body):
        done = paragraph.start
        for found in _LINES.finditer(body, paragraph.start, paragraph.end):
            yield from _plain(body, done, found.start())
            done = found.end()
            if found["quote"]:
                done = found.start() + len(found["quote"].rstrip("\n"))
                text = Span(found.start(), done)
                yield _Block('<blockquote dir="auto"><p>', "</p></blockquote>", text.start, text, quoted=True)
            else:
                level = _level(levels, len(found["level"]))
                text = Span(*found.span("heading"))
                yield _Block(f'<h{level} dir="auto">', f"</h{level}>", found.start(), text)
        yield from _plain(body, done, paragraph.end)


def _paragraphs(body: str) -> Iterator[Span]:
    start = 0
    for gap in _GAP.finditer(body):
        yield Span(start, gap.start())
        start = gap.end()
    yield Span(start, len(body))


def _plain(body: str, start: int, end: int) -> Iterator[_Block]:
    """Yield a paragraph, without the line ends around it."""
    text = body[start:end]
    span = Span(start + len(text) - len(text.lstrip("\n")), end - len(text) + len(text.rstrip("\n")))
    if span.start < span.end and text.strip():
        tag = '<p dir="auto" class="flow">' if _is_wrapped(body[span.start : span.end]) else '<p dir="auto">'
        yield _Block(tag, "</p>", span.start, span)


def _is_wrapped(text: str) -> bool:
    """Return whether line ends are those of a column, 60 to 100 characters wide, and not the author's."""
    *lines, last = text.split("\n")
    set_wide = all(60 <= len(line) <= 100 and line[0] not in "-*+|•–—0123456789" for line in lines)
    return bool(lines) and len(last) <= 100 and set_wide


def _level(levels: list[int], written: int) -> int:
    """Return the HTML level of a heading below the title, h1: none is skipped, whichever ones the author used."""
    while levels and levels[-1] >= written:
        levels.pop()
    levels.append(written)
    return min(1 + len(levels), 6)


def _runs(body: str, block: _Block, quote: Span | None, *, first: bool) -> Iterator[str]:
    """Yield the HTML inside a block; inline elements are closed and opened again at both ends of the mark."""
    styles: tuple[Style, ...] = ()
    marking = False
    for piece, inside in _split(pieces(body, block.text, quoted=block.quoted), quote):
        if inside != marking:
            yield "".join(style.closing for style in reversed(styles))
            styles = ()
            yield "</mark>" if marking else '<mark id="quote" tabindex="-1">' if first else "<mark>"
            marking = inside
        kept = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(styles, piece.styles, strict=False)))
        yield "".join(style.closing for style in reversed(styles[kept:]))
        yield "".join(style.opening for style in piece.styles[kept:])
        yield _escaped(body[piece.start : piece.end])
        styles = piece.styles
    yield "".join(style.closing for style in reversed(styles))
    yield "</mark>" if marking else ""


def _split(found: Iterator[Piece], quote: Span | None) -> Iterator[tuple[Piece, bool]]:
    """Yield pieces cut at both ends of the quote, each with whether it is inside."""
    for piece in found:
        if quote is None:
            yield piece, False
            continue
        first = min(max(piece.start, quote.start), piece.end)
        last = max(min(piece.end, quote.end), first)
        for start, end, inside in ((piece.start, first, False), (first, last, True), (last, piece.end, False)):
            if start < end:
                yield Piece(start, end, piece.styles), inside


def _escaped(text: str) -> str:
    """Escape a text so that the browser has each of its characters, carriage returns as well."""
    return html.escape(text).replace("\r", "&#13;")
