r"""Markup in an article's text, and the words that a person reads of it.

Bodies are stored as they were written; what is shown of them is `readable`. Whatever the format of the article, these
are syntax, and everything else is text:

    *…*  _…_  **…**  __…__  ***…***   emphasis, where the signs touch the words inside and no word outside
    `…`                               code
    ~~…~~                             withdrawn words: left out
    # …  > …  - …                     heading, quote (on each line), item of a list (at the start of the text)
    [text](target)  <https://…>       link: its text, the address
    ![text](target)                   image: left out
    [^n]  [n]  [a]  [note n]  ²       reference marks of the source: left out (`index/marks.py`)
    | a | b |                         row of a table: "a · b"
    ---  ***  ===  ```                rules and fences on a line of their own: left out
    \*  <b>  <!-- … -->  &amp;        escapes, inline HTML, comments, the commonest entities

So `5 * 3`, `snake_case`, `C#`, `#hashtag`, `[2024]`, `f***` and addresses stay as they are. A number of one to three
digits never stays in square brackets, because it would look like a marker of an answer: one that stands free inside
quotation marks, or begins the text before a small letter, is an editor's insertion ("We sold [12] houses") and becomes
`(12)`.
"""

import html
import re
from dataclasses import dataclass, field
from typing import NamedTuple

from index.marks import ATTACHED, FOOTNOTE, NUMBER

_SYNTAX = re.compile(r"[*_`~\[\]<>#|\\&⁰¹²³⁴-⁹]|^[ \t]*[-+=•]", re.MULTILINE)
_LINES = re.compile(
    # A rule, the line under a table's head, a fence of code.
    r"^[ \t]*+(?:(?P<rule>[-*_=])(?:[ \t]*(?P=rule)){2,}|\|?(?:[ \t]*:?-{2,}:?[ \t]*\|)+[ \t]*(?::?-{2,}:?)?"
    r"|(?:`{3}|~{3})[^`\n]*)[ \t]*(?:\n|\Z)"
    r"|^[ \t]*+\|(?P<row>.*)\|[ \t]*$"
    rf"|^[ \t]*+(?:(?:>[ \t]?)*>(?:[ \t]+|$)(?:#{{1,6}}[ \t]+)?|#{{1,6}}[ \t]+|{FOOTNOTE}:[ \t]*)",
    re.MULTILINE,
)
_ITEM = re.compile(r"\s*[-*+•][ \t]+(?:\[[ xX]\][ \t]+)?")
_TARGET = (
    r"\((?=[^\s()]*[/.#:]|\s*\))<?[^\s()<>]{0,1000}(?:\([^\s()<>]{0,200}\)[^\s()<>]{0,1000})?>?"
    r"(?:\s+\"[^\"\n]{0,300}\")?\s?\)"
)
_IMAGE = rf"!\[[^\[\]\n]{{0,500}}\]{_TARGET}"
_INLINE = re.compile(
    r"(?<![\w`])(?P<tick>`{1,2})(?![\s`])(?P<code>[^`\n]{1,500})(?<!\s)(?P=tick)(?!`)"
    r"|\\(?P<escaped>[\\`*_{}\[\]()#+.!<>~|-])"
    r"|<(?P<address>(?:https?://|mailto:)[^\s<>]{1,1000})>|(?P<bare>\bhttps?://[^\s<>()\[\]]+)"
    rf"|(?P<gone><!--(?:(?!-->)[\s\S]){{0,300}}-->|\[{_IMAGE}\]{_TARGET}|{_IMAGE}"
    rf"|~~(?![\s~])[^~\n]{{1,500}}(?<!\s)~~|{FOOTNOTE}|{ATTACHED})"
    rf"|(?P<sign>\[(?!\^)(?=[^\[\]\n]{{1,500}}\]{_TARGET})|\]{_TARGET}"
    r"|(?i:</?(?:abbr|a|b|br|cite|del|div|em|font|i|img|ins|mark|p|q|small|span|strong|s|sub|sup|u)"
    r"(?:\s[^<>]{0,300})?/?>))"
    rf"|(?P<number>{NUMBER})"
    r"|(?P<entity>&(?:amp|lt|gt|quot|apos|nbsp);)"
    r"|(?P<quote>[\"“”„«»])|(?P<paragraph>\n\s*\n)|(?P<run>\*+|_+)"
)
_RUNS = frozenset(["*", "**", "***", "_", "__"])
_BEFORE = frozenset("([{\"'“‘«„—–-¿¡*_>|:;,")
_BEHIND = frozenset(")]}\"'”’»“,.;:!?…。，！？—–-*_<|[")
_IDENTIFIER = re.compile(r"[a-z0-9]+")
_ENDED = re.compile(r"[.!?…。！？][\"'”’»)]*$")


def readable(text: str) -> str:
    """Return the words of a text without its markup; a text without any comes back unchanged."""
    if not _SYNTAX.search(text):
        return text
    lined = _LINES.sub(_line, text)
    item = _ITEM.match(lined)
    words = _Inline(lined[item.end() :] if item else lined).words()
    return words if words == text else words.strip()


def _line(found: re.Match[str]) -> str:
    row = found["row"]
    if row is None:
        return ""
    cells = (cell.strip() for cell in row.split("|"))
    return " · ".join(cell for cell in cells if cell.strip("–—-")) if "|" in row else found.group()


class _Opening(NamedTuple):
    """A sign of emphasis that may open one, the piece that it is, and where its words begin."""

    sign: str
    piece: int
    begin: int


@dataclass(slots=True)
class _Inline:
    """One reading of a text from its start: its pieces so far, and the signs of emphasis that are open."""

    text: str
    _pieces: list[str] = field(default_factory=list, init=False)
    _open: list[_Opening] = field(default_factory=list, init=False)
    _in_quotes: bool = field(default=False, init=False)

    def words(self) -> str:
        """Return the text without inline syntax."""
        end = 0
        for found in _INLINE.finditer(self.text):
            self._pieces.append(self.text[end : found.start()])
            self._pieces.append(self._shown(found))
            end = found.end()
        self._pieces.append(self.text[end:])
        for opening in self._open[:1]:
            # The sentence is cut out of words that are emphasised further than it goes.
            if not self.text[: opening.begin].strip(f"{opening.sign} \n"):
                self._pieces[opening.piece] = ""
        return "".join(self._pieces)

    def _shown(self, found: re.Match[str]) -> str:
        """Return what is shown in place of a piece of syntax."""
        if found["sign"] is not None:
            return " " if found["sign"].lower().startswith("<br") else ""
        if found["gone"] is not None:
            self._pieces[-1] = self._pieces[-1].rstrip(" \t")
            return ""
        if found["number"] is not None:
            return self._number(found["number"], found.end())
        if found["run"] is not None:
            return self._emphasis(found["run"], *found.span())
        if found["entity"] is not None:
            return html.unescape(found["entity"]).replace("\xa0", " ")
        if found["quote"] is not None:
            self._in_quotes = found["quote"] == "„" or (found["quote"] != "”" and not self._in_quotes)
        if found["paragraph"] is not None:
            self._open.clear()
        return found["code"] or found["escaped"] or found["address"] or found.group()

    def _number(self, number: str, end: int) -> str:
        """Return an editor's insertion in round brackets, and nothing for a mark of the source."""
        begins = not any(piece.strip() for piece in self._pieces)
        rest = self.text[end : end + 3].lstrip()
        if self._in_quotes or (begins and not rest[:1].isupper()):
            return f"({number[1:-1].strip()})"
        self._pieces[-1] = self._pieces[-1].rstrip(" \t")
        return " " if self.text[end : end + 1].isalnum() else ""

    def _emphasis(self, sign: str, start: int, end: int) -> str:
        """Return nothing where the sign closes what is open, else the sign; an opening one goes when it is closed."""
        before, behind = self.text[start - 1 : start], self.text[end : end + 1]
        if sign not in _RUNS:
            return sign
        if before and not before.isspace() and before not in "([{«“„" and _is_outside(behind, sign, _BEHIND):
            if (opening := self._closed(sign, start)) is not None:
                self._pieces[opening.piece] = ""
                return ""
            if not behind and _ENDED.search(self.text[max(0, start - 9) : start]):
                return ""
        if behind and not behind.isspace() and behind not in ")]},.;:!?»”" and _is_outside(before, sign, _BEFORE):
            # One of a kind is open at most, so that a text of signs takes no longer than another.
            self._open = [other for other in self._open if other.sign != sign]
            self._open.append(_Opening(sign, len(self._pieces), end))
        return sign

    def _closed(self, sign: str, end: int) -> _Opening | None:
        """Return the opening with this sign; it is open no longer, nor are those after it."""
        at = next((at for at, opening in enumerate(self._open) if opening.sign == sign), None)
        if at is None or (sign == "__" and _IDENTIFIER.fullmatch(self.text, self._open[at].begin, end)):
            return None
        opening = self._open[at]
        del self._open[at:]
        return opening


def _is_outside(neighbour: str, sign: str, punctuation: frozenset[str]) -> bool:
    """Return whether a sign may stand beside a character: no word goes on through it."""
    if not neighbour or neighbour.isspace() or neighbour in punctuation:
        return True
    # Chinese and Japanese are written without spaces.
    return sign.startswith("*") and neighbour.isalpha() and neighbour.lower() == neighbour.upper()
