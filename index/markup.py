r"""Markup in an article's text: how to recognise it, and the text without it.

Bodies are stored as they were written; readers see `readable(body)`. In every format of article these are syntax, and
everything else is text:

    *…*  _…_  **…**  __…__  ***…***   emphasis, where the signs touch the words inside and no word outside
    `…`                               code
    ~~…~~                             withdrawn words: left out
    # …  > …  - …                     heading, quote (on each line), item of a list (at the start of the text)
    [text](target)  <https://…>       link: its text, the address
    ![text](target)                   image: left out
    [^n]  [n]  [a]  [note n]  ²       reference marks of the source: left out
    | a | b |                         row of a table: "a · b"
    ---  ***  ===  ```                rules and fences on a line of their own: left out
    \*  <b>  <!-- … -->  &amp;        escapes, inline HTML, comments, the commonest entities

So `5 * 3`, `snake_case`, `C#`, `#hashtag`, `[2024]`, `f***` and addresses stay as they are. A number of one to three
digits never stays in square brackets, because it would look like a marker of an answer: a free one inside quotation
marks, or at the start of the text before a small letter, is an editor's insertion ("We sold [12] houses") and becomes
`(12)`.
"""

import html
import re
from dataclasses import dataclass, field
from typing import NamedTuple

NUMBER_MARK = r"\[\s?\d{1,3}(?:\s?(?:,(?!\d{3}\b)|[–-])\s?\d{1,3}){0,8}\s?\]"
"""A reference mark of numbers: `[2]`, `[2, 5]`, `[2–5]`, not `[1,200]`; a space may come before it."""

FOOTNOTE_MARK = r"\[\^[^\[\]\s]{1,32}\]"
"""A reference mark of Markdown: `[^1]`, `[^note]`."""

ATTACHED_MARK = (
    # Not behind an opening quotation mark or bracket; a straight quotation mark opens if a space is before it.
    rf"(?:(?:(?<=[^\s(\[{{“‘«„\"'])|(?<=[^\s(\[][\"'])){NUMBER_MARK}|(?<=\S){FOOTNOTE_MARK}"
    # A letter only behind punctuation, since an editor writes "minister[s]"; m² and km³ are units.
    r"|(?<=[^\w\s])\[(?:[a-z]|(?:note|nb|n|Anm\.|nota)\s\d{1,3}|citation needed)\](?!\w)"
    r"|(?:(?<=[^\w\s])|(?<=[^\W\d_]{4})(?<!meter)(?<!metre)(?<!meters)(?<!metres))[⁰¹²³⁴-⁹]{1,3}(?!\w))"
)
"""A reference mark directly behind a word, a stop or another mark."""

_SYNTAX = re.compile(r"[*_`~\[\]<>#|\\&⁰¹²³⁴-⁹]|^[ \t]*[-+=•]", re.MULTILINE)
_LINES = re.compile(
    # A rule, the line under a table's head, a fence of code.
    r"^[ \t]*+(?:(?P<rule>[-*_=])(?:[ \t]*(?P=rule)){2,}|\|?(?:[ \t]*:?-{2,}:?[ \t]*\|)+[ \t]*(?::?-{2,}:?)?"
    r"|(?:`{3}|~{3})[^`\n]*)[ \t]*(?:\n|\Z)"
    r"|^[ \t]*+\|(?P<row>.*)\|[ \t]*$"
    rf"|^[ \t]*+(?:(?:>[ \t]?)*>(?:[ \t]+|$)(?:#{{1,6}}[ \t]+)?|#{{1,6}}[ \t]+|{FOOTNOTE_MARK}:[ \t]*)",
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
    rf"|~~(?![\s~])[^~\n]{{1,500}}(?<!\s)~~|{FOOTNOTE_MARK}|{ATTACHED_MARK})"
    rf"|(?P<sign>\[(?!\^)(?=[^\[\]\n]{{1,500}}\]{_TARGET})|\]{_TARGET}"
    r"|(?i:</?(?:abbr|a|b|br|cite|del|div|em|font|i|img|ins|mark|p|q|small|span|strong|s|sub|sup|u)"
    r"(?:\s[^<>]{0,300})?/?>))"
    rf"|(?P<number>{NUMBER_MARK})"
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
    """An opening sign of emphasis: the sign, the index of its piece, and the offset of the words behind it."""

    sign: str
    piece: int
    begin: int


@dataclass(slots=True)
class _Inline:
    """The state of one pass over a text: the pieces so far, and the signs of emphasis that are open."""

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
            # The emphasis began with this sentence and ends in a later one.
            if not self.text[: opening.begin].strip(f"{opening.sign} \n"):
                self._pieces[opening.piece] = ""
        return "".join(self._pieces)

    def _shown(self, found: re.Match[str]) -> str:
        """Return the text that replaces a piece of syntax."""
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
        """Return "" if the sign closes an open one, which is removed as well; else the sign, now open."""
        before, behind = self.text[start - 1 : start], self.text[end : end + 1]
        if sign not in _RUNS:
            return sign
        if before and not before.isspace() and before not in "([{«“„" and _is_outside(behind, sign, _BEHIND):
            at = next((at for at, opening in enumerate(self._open) if opening.sign == sign), None)
            if at is not None and not (sign == "__" and _IDENTIFIER.fullmatch(self.text, self._open[at].begin, start)):
                self._pieces[self._open[at].piece] = ""
                del self._open[at:]
                return ""
            if not behind and _ENDED.search(self.text[max(0, start - 9) : start]):
                return ""
        if behind and not behind.isspace() and behind not in ")]},.;:!?»”" and _is_outside(before, sign, _BEFORE):
            # At most one of each kind is open, so that the time is linear in the length of the text.
            self._open = [other for other in self._open if other.sign != sign]
            self._open.append(_Opening(sign, len(self._pieces), end))
        return sign


def _is_outside(neighbour: str, sign: str, punctuation: frozenset[str]) -> bool:
    """Return whether a word ends at the sign: its neighbour is white space, punctuation or nothing."""
    if not neighbour or neighbour.isspace() or neighbour in punctuation:
        return True
    # Chinese and Japanese are written without spaces.
    return sign.startswith("*") and neighbour.isalpha() and neighbour.lower() == neighbour.upper()


# Reference marks wherever they stand; numbers look like the markers of an answer. The look-behind and
# `*+` keep the time linear in a long run of spaces.
_NUMBERED = re.compile(r"(?<!\s)\s*+[\[【]\s*\d{1,3}(?:\s*[,;–-]\s*\d{1,3})*\s*[\]】]")
_NOTED = re.compile(rf"(?<!\s)\s*+(?:{FOOTNOTE_MARK}|{ATTACHED_MARK})")


def without_marks(text: str) -> str:
    """Return a text without the reference marks of a source, such as `[2]`, `[2–5]` or `[note 3]`."""
    return without_numbers(_NOTED.sub("", without_numbers(text)))


def without_numbers(text: str) -> str:
    """Return a text without numbers in square brackets, which look like the markers of an answer."""
    while (left := _NUMBERED.sub("", text)) != text:
        text = left  # `[[1]2]` has another one without the inner one
    return text
