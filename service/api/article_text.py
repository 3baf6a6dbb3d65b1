"""Render the text of an article as HTML: Markdown is shown, and offsets are those of the stored body."""

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise, takewhile
from typing import NamedTuple
from urllib.parse import urlsplit

from index.records import Span

# A paragraph ends at an empty line, a heading or a quotation.
_BLOCK = re.compile(
    r"^ {0,3}(?P<level>#{1,6})[ \t]++(?P<heading>[^\s][^\n]{0,299})$"
    r"|(?P<quote>(?:^ {0,3}>[^\n]*+(?:\n|\Z))++)"
    r"|(?P<plain>(?:^(?![ \t\r]*+$)(?! {0,3}(?:>|#{1,6}[ \t]++[^\s][^\n]{0,299}$))[^\n]*+(?:\n|\Z))++)",
    re.MULTILINE,
)

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
    """A paragraph, a heading or a quotation: its opening tags, its start, and its text without the `#`."""

    tags: tuple[str, ...]
    start: int
    text: Span


class Piece(NamedTuple):
    """Visible characters of the body, and the opening tags of the elements around them, the outermost first."""

    start: int
    end: int
    styles: tuple[str, ...] = ()


QUOTATION = ('<blockquote dir="auto">', "<p>")
EMPHASES = {"*": ("<em>",), "**": ("<strong>",), "***": ("<strong>", "<em>")}
CODE = ("<code>",)
PICTURE = ('<span class="picture">',)
NOTE = ('<span class="ref">',)
HIGHLIGHT = ('<b class="highlight">',)


def render(body: str, quote: Span | None = None, highlight: Span | None = None) -> Rendered:
    """Return a body as paragraphs, headings and quotations, with a quote marked once in each that it touches.

    `highlight` is the place of the answer's words, which are set apart within the mark. White space between blocks
    stays, so that the text content of a body without Markdown is the body. Time is linear in the length of the body.
    """
    parts: list[str] = []
    written, marks = 0, 0
    for block in _blocks(body):
        parts += [_escaped(body[written : block.start]), *block.tags]
        for text in _runs(body, block, quote, highlight, first=not marks):
            marks += text.startswith("<mark")
            parts.append(text)
        parts.append(_closing(block.tags))
        written = block.text.end
    return Rendered("".join(parts), marks > 0)


def opening(text: str, title: str | None = None, limit: int = 180) -> str:
    """Return the first words of a body on one line, without its headings, its Markdown and a title at its start."""
    line = visible(text, with_headings=False)
    line = line.removeprefix(title or "").lstrip() or line
    return line if len(line) <= limit else f"{line[:limit].rpartition(' ')[0] or line[:limit]} …"


def visible(text: str, *, with_headings: bool = True) -> str:
    """Return the words of a text without its Markdown, on one line."""
    blocks = [
        "".join(text[piece.start : piece.end] for piece in _pieces(text, block))
        for block in _blocks(text)
        if with_headings or not block.tags[0].startswith("<h")
    ]
    return " ".join(" ".join(blocks).split())


def _blocks(body: str) -> Iterator[_Block]:
    levels: list[int] = []
    for found in _BLOCK.finditer(body):
        start, end = found.start(), found.start() + len(found[0].rstrip("\n"))
        if found["heading"]:
            level = _level(levels, len(found["level"]))
            yield _Block((f'<h{level} dir="auto">',), start, Span(*found.span("heading")))
        elif found["quote"]:
            yield _Block(QUOTATION, start, Span(start, end))
        elif found[0].strip():
            flow = ' class="flow"' if _is_wrapped(body[start:end]) else ""
            yield _Block((f'<p dir="auto"{flow}>',), start, Span(start, end))


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
    styles: tuple[str, ...] = ()
    marking = False
    for piece, inside in _split(_pieces(body, block), quote, highlight):
        if inside != marking:
            yield _closing(styles)
            styles = ()
            yield "</mark>" if marking else '<mark id="quote" tabindex="-1">' if first else "<mark>"
            marking = inside
        kept = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(styles, piece.styles, strict=False)))
        yield _closing(styles[kept:]) + "".join(piece.styles[kept:])
        yield _escaped(body[piece.start : piece.end])
        styles = piece.styles
    yield _closing(styles)
    yield "</mark>" if marking else ""


def _closing(tags: tuple[str, ...]) -> str:
    return "".join(f"</{tag[1:-1].partition(' ')[0]}>" for tag in reversed(tags))


def _split(found: Iterator[Piece], quote: Span | None, highlight: Span | None) -> Iterator[tuple[Piece, bool]]:
    """Yield pieces cut at the ends of the quote and of the highlight in it, each with whether it is in the quote."""
    edges = [edge for span in (quote, highlight) if span and quote for edge in span]
    for piece in found:
        cuts = sorted({piece.start, piece.end, *(edge for edge in edges if piece.start < edge < piece.end)})
        for start, end in pairwise(cuts):
            inside = quote is not None and quote.start <= start < quote.end
            set_apart = inside and highlight is not None and highlight.start <= start < highlight.end
            yield Piece(start, end, HIGHLIGHT + piece.styles if set_apart else piece.styles), inside


def _pieces(body: str, block: _Block) -> Iterator[Piece]:
    """Yield the visible characters of a block, in order, without the `>` before the lines of a quotation."""
    shown = block.text.start
    if block.tags == QUOTATION:
        # Hiding prefixes line by line keeps offsets: emphasis does not go over the end of a quoted line.
        for prefix in _QUOTING.finditer(body, block.text.start, block.text.end):
            yield from _inline(body, Span(shown, prefix.start()))
            shown = prefix.end()
    yield from _inline(body, Span(shown, block.text.end))


def _inline(body: str, text: Span, styles: tuple[str, ...] = ()) -> Iterator[Piece]:
    tokens = list(_TOKEN.finditer(body, text.start, text.end)) if _MARKUP.search(body, text.start, text.end) else []
    closes = _paired(body, text, tokens)
    shown = text.start
    for token in tokens:
        kind = token.lastgroup
        if kind == "verbatim" or (kind == "run" and token.start() not in closes):
            continue
        yield Piece(shown, token.start(), styles)
        shown = token.end()
        if kind == "run":
            emphasis = EMPHASES[token[0].replace("_", "*")]
            styles = styles[: -len(emphasis)] if closes[token.start()] else styles + emphasis
        elif kind == "link":
            yield from _inline(body, Span(*token.span("label")), styles + _anchor(token["target"]))
        elif kind == "address":
            yield Piece(*token.span("bare"), styles + _anchor(token["bare"]))
        elif kind == "code":
            yield Piece(*token.span("coded"), styles + CODE)
        elif kind == "picture":
            yield Piece(*token.span("alt"), styles + PICTURE)
        elif kind == "note":
            # The caret of `[^1]` is hidden, the brackets stay.
            start, end = token.span()
            yield Piece(start, start + 1, styles + NOTE)
            yield Piece(start + 1 + token["number"].startswith("^"), end, styles + NOTE)
    yield Piece(shown, text.end, styles)


def _anchor(target: str) -> tuple[str, ...]:
    """Return the link to an address, or nothing if a browser should not follow it."""
    url = web_address(target)
    return (f'<a href="{html.escape(url)}" rel="noopener noreferrer nofollow">',) if url else ()


def _paired(body: str, text: Span, tokens: list[re.Match[str]]) -> dict[int, bool]:
    """Return the position of each run of `*` or `_` that is one of a pair, and whether it closes the emphasis.

    A run opens and closes only at the edge of a word, so that `5*3` and `a_b` stay.
    """
    closes: dict[int, bool] = {}
    opened: dict[str, int] = {}
    for token in tokens:
        run, (start, end) = token["run"], token.span()
        if not run or len(run) > 3:
            continue
        before = body[start - 1] if start > text.start else " "
        after = body[end] if end < text.end else " "
        ends_here = (after in _AFTER or _is_apart(after)) and not before.isspace() and before not in "([{«“„"
        if ends_here and run in opened:
            closes |= {opened[run]: False, start: True}
            opened = {sign: at for sign, at in opened.items() if at < opened[run]}
        elif (before in _BEFORE or _is_apart(before)) and not after.isspace() and after not in ")]},.;:!?»”":
            # At most one of each kind stays open: elements nest six deep at most.
            opened.pop(run, None)
            opened[run] = start
    return closes


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
