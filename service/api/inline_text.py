"""Markdown inside a paragraph: which characters are shown, and in which elements."""

import html
import re
from collections.abc import Iterator
from typing import NamedTuple

from index.records import Span
from service.api.web_address import web_address

# Possessive quantifiers keep each scan linear: a token that does not end is given up at once.
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


class Style(NamedTuple):
    """An element around some characters."""

    opening: str
    closing: str


class Piece(NamedTuple):
    """Characters of the body that are shown, and the elements around them, the outermost first."""

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
_EMPHASES = {1: EMPHASIS, 2: STRONG, 3: STRONG + EMPHASIS}


def pieces(body: str, text: Span, *, quoted: bool = False) -> Iterator[Piece]:
    """Yield the characters of a part of the body that are shown, in order; `quoted` hides the `>` before its lines."""
    if not quoted:
        yield from _pieces(body, text)
        return
    shown = text.start
    # Hiding prefixes line by line keeps offsets: emphasis does not go over the end of a quoted line.
    for prefix in _QUOTING.finditer(body, text.start, text.end):
        yield from _pieces(body, Span(shown, prefix.start()))
        shown = prefix.end()
    yield from _pieces(body, Span(shown, text.end))


def _pieces(body: str, text: Span, around: tuple[Style, ...] = ()) -> Iterator[Piece]:
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
    """Yield what is shown of a link, a picture, a code or a note; of an escape, nothing but the next character."""
    if token["link"]:
        yield from _pieces(body, Span(*token.span("label")), styles + _anchor(token["target"]))
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
    """Return the link to an address, or nothing where a browser should not follow it."""
    url = web_address(target)
    if url is None:
        return ()
    return (Style(f'<a href="{html.escape(url)}" rel="noopener noreferrer nofollow">', "</a>"),)


def _paired(body: str, text: Span, tokens: list[re.Match[str]]) -> dict[int, bool]:
    """Return where emphasis begins and ends: the place of each run that is one of a pair, and whether it closes."""
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
    """Return a run with whether it may open and close: words end outside of it, so that `5*3` and `a_b` stay."""
    start, end = token.span()
    before = body[start - 1] if start > text.start else " "
    after = body[end] if end < text.end else " "
    opens = (before in _BEFORE or _is_apart(before)) and not after.isspace() and after not in ")]},.;:!?»”"
    closes = (after in _AFTER or _is_apart(after)) and not before.isspace() and before not in "([{«“„"
    return _Run(start, token[0], opens, closes)


def _is_apart(character: str) -> bool:
    """Return whether emphasis may touch a character: white space, and letters of scripts without capitals."""
    return character.isspace() or (character.isalpha() and character.lower() == character.upper())
