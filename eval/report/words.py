"""Text on its way into a report: control characters made visible, long text cut, two answers compared by word."""

import re
from difflib import SequenceMatcher
from typing import Literal, NamedTuple

_HIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")
"""Control characters, bidirectional overrides, and code points that no XML file can contain."""

ALIKE = 1 / 3
"""Share of words that two texts need in common before a comparison word by word helps."""


class Piece(NamedTuple):
    """Some words that two texts share, or that only one of them has."""

    kind: Literal["same", "removed", "added"]
    text: str


def visible(text: str) -> str:
    """Return a text with each hidden character spelled out, such as `⟨U+202E⟩`."""
    return _HIDDEN.sub(lambda found: f"⟨U+{ord(found[0]):04X}⟩", text)


def clip(text: str, length: int) -> str:
    """Cut a text to at most `length` code points, between words where possible."""
    if len(text) <= length:
        return text
    kept = text[: length - 1]
    return (kept[: kept.rfind(" ")] if " " in kept[length // 2 :] else kept).rstrip() + "…"


def word_diff(before: str, after: str) -> tuple[Piece, ...]:
    """Compare two texts by word; texts with little in common are one removed and one added piece."""
    old, new = before.split(), after.split()
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    pieces = [Piece("removed", before), Piece("added", after)]
    if sum(block.size for block in matcher.get_matching_blocks()) >= ALIKE * max(len(old), len(new)):
        pieces = []
        for kind, a, b, c, d in matcher.get_opcodes():
            if kind == "equal":
                pieces.append(Piece("same", " ".join(old[a:b])))
            else:
                pieces += [Piece("removed", " ".join(old[a:b])), Piece("added", " ".join(new[c:d]))]
    return tuple(piece for piece in pieces if piece.text)
