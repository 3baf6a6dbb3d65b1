"""The questions of a report: the answers before and now, the change, and the words that differ."""

import re
from collections.abc import Mapping
from difflib import SequenceMatcher
from typing import Any, Literal, NamedTuple

from eval.gate import Breach
from eval.matching import matches
from eval.metrics.citations import is_dangling
from eval.records import SUPPORT, TRUTHFULNESS, Forbidden, GoldItem, Prediction, Record, Verdict

Change = Literal["regressed", "improved", "changed", "not compared", "same"]
"""`changed` is another outcome, neither better nor worse; `not compared` has no outcome before."""

ORDER: tuple[Change, ...] = ("regressed", "improved", "changed", "not compared", "same")

ALIKE = 1 / 3
"""Share of common words from which two answers are compared word by word."""

_HIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")
"""Control characters, bidirectional overrides, and code points that no XML file can contain."""


class Statement(NamedTuple):
    """A fact or a forbidden statement, and whether each answer makes it; None without an answer."""

    text: str
    before: bool | None
    now: bool | None
    vital: bool = True


class Piece(NamedTuple):
    """Words that two answers share, or that only one of them has."""

    kind: Literal["same", "removed", "added"]
    text: str


class Side(Record):
    """A prediction and its verdict."""

    verdict: Verdict
    prediction: Prediction

    @property
    def text(self) -> str:
        """The answer, or the error instead."""
        reply = self.prediction.reply
        return str(reply["answer"]) if reply else f"error: {self.prediction.error or 'no reply'}"


class Row(Record):
    """A gold question with the answers before and now, and the broken rules that name it."""

    item: GoldItem
    before: Side | None
    after: Side
    change: Change
    accepted: bool = False
    breaches: tuple[Breach, ...] = ()

    @property
    def rank(self) -> tuple[int, bool, bool, float, str]:
        """The sort key: regressions first, then critical questions, then the worst outcome."""
        value = TRUTHFULNESS[self.after.verdict.outcome]
        return ORDER.index(self.change), self.accepted, not self.item.critical, value, self.item.id

    @property
    def diff(self) -> tuple[Piece, ...]:
        """Both answers, compared by word."""
        return word_diff(self.before.text if self.before else "", self.after.text)

    @property
    def facts(self) -> list[Statement]:
        """The expected facts, vital ones first."""
        before, now = _stated(self.before), _stated(self.after)
        ordered = sorted(self.item.facts, key=lambda fact: fact.weight != "vital")
        return [Statement(fact.text, before.get(fact.id), now.get(fact.id), fact.weight == "vital") for fact in ordered]

    @property
    def forbidden(self) -> list[Statement]:
        """The statements that an answer must not make."""
        return [Statement(each.why, _makes(self.before, each), _makes(self.after, each)) for each in self.item.must_not]

    @property
    def citations(self) -> list[dict[str, Any]]:
        """The citations of the answer now, each with its support in words, and marked `dangling` or not."""
        reply: Mapping[str, Any] = self.after.prediction.reply or {"citations": []}
        return [
            {**cited, "support": SUPPORT[cited["verification"]["status"]], "dangling": is_dangling(cited, reply)}
            for cited in reply["citations"]
        ]

    @property
    def withheld(self) -> list[dict[str, str]]:
        """The withheld sentences of the answer now, each with its reason."""
        reply: Mapping[str, Any] = self.after.prediction.reply or {"unsupported": []}
        return list(reply["unsupported"])


def visible(text: str) -> str:
    """Return a text with each hidden character spelled out, such as `⟨U+202E⟩`."""
    return _HIDDEN.sub(lambda found: f"⟨U+{ord(found[0]):04X}⟩", text)


def clip(text: str, length: int) -> str:
    """Cut a text to at most `length` code points, between words if possible."""
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


def _makes(side: Side | None, statement: Forbidden) -> bool | None:
    reply = side.prediction.reply if side else None
    return matches(statement.match, reply["answer"]) if reply else None


def _stated(side: Side | None) -> dict[str, bool]:
    return {tick.fact: tick.stated for tick in side.verdict.ticks} if side else {}
