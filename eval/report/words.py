"""Words on their way into a report: nothing hidden in them, cut where they are long, compared word by word."""

import re
from difflib import SequenceMatcher
from typing import Literal, NamedTuple

_HIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")
"""Controls (a terminal obeys them), changes of direction (a reader is misled by them), what no file can hold."""


ALIKE = 1 / 3
"""Share of its words that the longer of two texts has in common with the other, where comparing them says something."""


class Piece(NamedTuple):
    """Some words that two texts share, or that only the one or the other has."""

    kind: Literal["same", "removed", "added"]
    text: str


def visible(text: str) -> str:
    """A text in which characters that act but do not show are named, such as `⟨U+202E⟩`."""
    return _HIDDEN.sub(lambda found: f"⟨U+{ord(found[0]):04X}⟩", text)


def clip(text: str, length: int) -> str:
    """A text of at most `length` code points, cut at a word where it is cut."""
    if len(text) <= length:
        return text
    kept = text[: length - 1]
    return (kept[: kept.rfind(" ")] if " " in kept[length // 2 :] else kept).rstrip() + "…"


def word_diff(before: str, after: str) -> tuple[Piece, ...]:
    """What became of a text: `same` and `removed` are the words before, `same` and `added` those after.

    Texts that have little in common share no word: here and there an `of` that stayed is no help to a reader.
    """
    old, new = before.split(), after.split()
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    pieces: list[Piece] = []
    if sum(block.size for block in matcher.get_matching_blocks()) < ALIKE * max(len(old), len(new)):
        whole = (Piece("removed", " ".join(old)), Piece("added", " ".join(new)))
        return tuple(piece for piece in whole if piece.text)
    for kind, a, b, c, d in matcher.get_opcodes():
        if kind == "equal":
            pieces.append(Piece("same", " ".join(old[a:b])))
            continue
        if b > a:
            pieces.append(Piece("removed", " ".join(old[a:b])))
        if d > c:
            pieces.append(Piece("added", " ".join(new[c:d])))
    return tuple(pieces)
