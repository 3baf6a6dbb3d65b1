"""Render the text of an article as HTML: Markdown is shown, and offsets are those of the stored body."""

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise, takewhile
from typing import NamedTuple
from urllib.parse import urlsplit

from index.records import Span

_GAP = re.compile(r"\n(?:[ \t\r]*\n)++")
_HEADING = r"^ {0,3}(?P<level>#{1,6})[ \t]++(?P<heading>[^\s][^\n]{0,299})$"
_QUOTE = r"(?P<quote>^(?: {0,3}>[^\n]*+(?:\n|\Z))++)"
_LINES = re.compile(f"{_HEADING}|{_QUOTE}", re.MULTILINE)

# Possessive quantifiers keep each scan linear: a token that does not end fails without backtracking.
_TARGET = (
    r"\(\s?(?P<{0}>[^()\s]{{0,2000}}+(?:\([^()\s]{{0,200}}+\)[^()\s]{{0,2000}}+){{0,9}}+)"
    r"(?:[ \t]\"[^\"\n]{{0,500}}+\")?\)"
)
_TOKEN = re.compile(
    r"(?P<escape>\\(?=[\\`*_{}\[\]()#>+.!~|-]))"
    r"|(?P<code>(?<!`)`(?P<coded>[^`\n]++)`(?!`))"
    rf"|(?P<picture>!\[(?P<alt>[^\[\]\n]*+)\]{_TARGET.format('file')})"
    rf"|(?P<link>\[(?P<label>[^\[\]\n]++)\]{_TARGET.format('target')})"
    r"|(?P<note>\[(?P<number>\^[\w-]{1,20}|[0-9]{1,3})\])"
    r"|(?P<address><(?P<bare>https?://[^\s<>]++)>)"
    r"|(?P<verbatim>https?://[^\s<>*\])]++)"
    r"|(?P<run>\*++|_++)"
)
_MARKUP = re.compile(r"[\\`\[<*_]")
_QUOTING = re.compile(r"^ {0,3}(?:> ?)++", re.MULTILINE)
_BEFORE = frozenset("([{\"'“‘«„‹<*_~—–-¿¡")
_AFTER = frozenset(")]}\"'”’»›>*_~—–-.,;:!?…،؛؟。、，：；！？」』）")


@dataclass(frozen=True, slots=True)
class Rendered:
    """The HTML of a body; `marked` is False if no visible character is in the quote."""

    html: str
    marked: bool


class _Block(NamedTuple):
    """A paragraph, a heading or a quotation: the HTML around it, its start, and its text without the `#`."""

    opening: str
    closing: str
    start: int
    text: Span
    quoted: bool = False


class Style(NamedTuple):
    """An element around some characters."""

    opening: str
    closing: str


class Piece(NamedTuple):
    """Visible characters of the body, and the elements around them, the outermost first."""

    start: int
    end: int
    styles: tuple[Style, ...] = ()


class _Run(NamedTuple):
    """A run of `*` or `_`; `of` is the run itself."""

    at: int
    of: str
    opens: bool
    closes: bool


EMPHASIS = (Style("<em>", "</em>"),)
STRONG = (Style("<strong>", "</strong>"),)
CODE = (Style("<code>", "</code>"),)
PICTURE = (Style('<span class="picture">', "</span>"),)
NOTE = (Style('<span class="ref">', "</span>"),)
HIGHLIGHT = (Style('<b class="highlight">', "</b>"),)
_EMPHASES = {1: EMPHASIS, 2: STRONG, 3: STRONG + EMPHASIS}


def render(body: str, quote: Span | None = None, highlight: Span | None = None) -> Rendered:
    """Return a body as paragraphs, headings and quotations, with a quote marked once in each that it touches.

    `highlight` is the place of the answer's words, which are set apart within the mark. White space between blocks
    stays, so that the text content of a body without Markdown is the body. Time is linear in the length of the body.
    """
    parts: list[str] = []
    written, marks = 0, 0
    for block in _blocks(body):
        parts += [_escaped(body[written : block.start]), block.opening]
        for text in _runs(body, block, quote, highlight, first=not marks):
            marks += text.startswith("<mark")
            parts.append(text)
        parts.append(block.closing)
        written = block.text.end
    return Rendered("".join(parts), marks > 0)


def opening(text: str, title: str | None = None, limit: int = 180) -> str:
    """Return the first words of a body on one line, without its headings, its Markdown and a title at its start."""
    visible = [
        "".join(text[piece.start : piece.end] for piece in _pieces(text, block.text, quoted=block.quoted))
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


def _runs(body: str, block: _Block, quote: Span | None, highlight: Span | None, *, first: bool) -> Iterator[str]:
    """Yield the HTML inside a block; inline elements are closed and opened again at both ends of the mark."""
    styles: tuple[Style, ...] = ()
    marking = False
    for piece, inside in _split(_pieces(body, block.text, quoted=block.quoted), quote, highlight):
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


def _split(found: Iterator[Piece], quote: Span | None, highlight: Span | None) -> Iterator[tuple[Piece, bool]]:
    """Yield pieces cut at the ends of the quote and of the highlight in it, each with whether it is in the quote."""
    edges = [edge for span in (quote, highlight) if span and quote for edge in span]
    for piece in found:
        cuts = sorted({piece.start, piece.end, *(edge for edge in edges if piece.start < edge < piece.end)})
        for start, end in pairwise(cuts):
            inside = quote is not None and quote.start <= start < quote.end
            set_apart = inside and highlight is not None and highlight.start <= start < highlight.end
            yield Piece(start, end, HIGHLIGHT + piece.styles if set_apart else piece.styles), inside


def _pieces(body: str, text: Span, *, quoted: bool = False) -> Iterator[Piece]:
    """Yield the visible characters of a part of the body, in order; `quoted` hides the `>` before its lines."""
    if not quoted:
        yield from _inline(body, text)
        return
    shown = text.start
    # Hiding prefixes line by line keeps offsets: emphasis does not go over the end of a quoted line.
    for prefix in _QUOTING.finditer(body, text.start, text.end):
        yield from _inline(body, Span(shown, prefix.start()))
        shown = prefix.end()
    yield from _inline(body, Span(shown, text.end))


def _inline(body: str, text: Span, around: tuple[Style, ...] = ()) -> Iterator[Piece]:
    if not _MARKUP.search(body, text.start, text.end):
        yield from _piece(text, around)
        return
    tokens = list(_TOKEN.finditer(body, text.start, text.end))
    closes = _paired(body, text, tokens)
    styles, shown = around, text.start
    for token in tokens:
        kind = token.lastgroup
        if kind == "verbatim" or (kind == "run" and token.start() not in closes):
            continue
        yield from _piece(Span(shown, token.start()), styles)
        shown = token.end()
        if kind == "run":
            emphasis = _EMPHASES[len(token[0])]
            styles = styles[: -len(emphasis)] if closes[token.start()] else styles + emphasis
        else:
            yield from _embedded(body, token, styles)
    yield from _piece(Span(shown, text.end), styles)


def _embedded(body: str, token: re.Match[str], styles: tuple[Style, ...]) -> Iterator[Piece]:
    """Yield the visible characters of a link, a picture, a code or a note; an escape has none."""
    if token["link"]:
        yield from _inline(body, Span(*token.span("label")), styles + _anchor(token["target"]))
    elif token["address"]:
        yield from _piece(Span(*token.span("bare")), styles + _anchor(token["bare"]))
    elif token["code"]:
        yield from _piece(Span(*token.span("coded")), styles + CODE)
    elif token["picture"]:
        yield from _piece(Span(*token.span("alt")), styles + PICTURE)
    elif token["note"]:
        # The caret of `[^1]` is hidden, the brackets stay.
        start, end = token.span("note")
        hidden = token["number"].startswith("^")
        yield from _piece(Span(start, start + 1), styles + NOTE)
        yield from _piece(Span(start + 1 + hidden, end), styles + NOTE)


def _piece(text: Span, styles: tuple[Style, ...]) -> Iterator[Piece]:
    if text.start < text.end:
        yield Piece(text.start, text.end, styles)


def _anchor(target: str) -> tuple[Style, ...]:
    """Return the link to an address, or nothing if a browser should not follow it."""
    url = web_address(target)
    if url is None:
        return ()
    return (Style(f'<a href="{html.escape(url)}" rel="noopener noreferrer nofollow">', "</a>"),)


def _paired(body: str, text: Span, tokens: list[re.Match[str]]) -> dict[int, bool]:
    """Return the position of each run that is one of a pair, and whether it closes the emphasis."""
    closes: dict[int, bool] = {}
    opened: list[_Run] = []
    for run in (_run(body, text, token) for token in tokens if token["run"]):
        if len(run.of) > 3:
            continue
        place = next((place for place, other in enumerate(opened) if other.of == run.of), None)
        if run.closes and place is not None:
            closes |= {opened[place].at: False, run.at: True}
            del opened[place:]
        elif run.opens:
            # At most one of each kind stays open: elements nest six deep at most.
            opened = [other for other in opened if other.of != run.of] + [run]
    return closes


def _run(body: str, text: Span, token: re.Match[str]) -> _Run:
    """Return a run, and whether it may open and close: only at the edge of a word, so that `5*3` and `a_b` stay."""
    start, end = token.span()
    before = body[start - 1] if start > text.start else " "
    after = body[end] if end < text.end else " "
    opens = (before in _BEFORE or _is_apart(before)) and not after.isspace() and after not in ")]},.;:!?»”"
    closes = (after in _AFTER or _is_apart(after)) and not before.isspace() and before not in "([{«“„"
    return _Run(start, token[0], opens, closes)


def _is_apart(character: str) -> bool:
    """Return whether emphasis may touch a character: white space, and letters of scripts without capitals."""
    return character.isspace() or (character.isalpha() and character.lower() == character.upper())


def web_address(url: str | None) -> str | None:
    """Return an address if a browser may follow it: http or https, with a host."""
    if url is None:
        return None
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return url if parts.scheme in ("http", "https") and parts.netloc else None


def _escaped(text: str) -> str:
    """Escape a text so that the browser has each of its characters, carriage returns as well."""
    return html.escape(text).replace("\r", "&#13;")
