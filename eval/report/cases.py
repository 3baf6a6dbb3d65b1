"""The questions of a report: how each verdict changed, and why. Lost questions come first."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from eval.compare import RANK
from eval.gate import Breach
from eval.matching import fires
from eval.metrics.citations import is_dangling
from eval.records import GoldItem, Prediction
from eval.report import Report, Row, Side
from eval.report.words import Piece, word_diff

Change = Literal["lost", "won", "changed", "not compared", "same"]
"""`changed` is another verdict, neither better nor worse; `not compared` has no verdict before."""

ORDER: tuple[Change, ...] = ("lost", "won", "changed", "not compared", "same")


@dataclass(frozen=True, slots=True)
class Stated:
    """A fact or a forbidden statement, and whether each answer states it; None without an answer."""

    text: str
    before: bool | None
    now: bool | None
    vital: bool = True


@dataclass(frozen=True, slots=True)
class Cited:
    """A citation of the answer; it dangles if the reader never saw its source."""

    marker: int
    article: str
    quote: str
    status: str
    dangling: bool


@dataclass(frozen=True, slots=True)
class Case:
    """One question with its answers before and now."""

    row: Row
    change: Change
    accepted: bool
    breaches: tuple[Breach, ...]

    @property
    def item(self) -> GoldItem:
        """The gold question."""
        return self.row.item

    @property
    def before(self) -> str:
        """The baseline's answer; empty without one."""
        return _text(self.row.before.prediction) if self.row.before else ""

    @property
    def now(self) -> str:
        """The answer, or the error that came instead."""
        return _text(self.row.after.prediction)

    @property
    def diff(self) -> tuple[Piece, ...]:
        """Both answers, compared by word."""
        return word_diff(self.before, self.now)

    @property
    def facts(self) -> list[Stated]:
        """The expected facts, vital ones first."""
        before, now = _ticks(self.row.before), _ticks(self.row.after)
        ordered = sorted(self.item.facts, key=lambda fact: fact.weight != "vital")
        return [Stated(fact.text, before.get(fact.id), now.get(fact.id), fact.weight == "vital") for fact in ordered]

    @property
    def forbidden(self) -> list[Stated]:
        """The statements that an answer must not contain."""
        before, now = _reply(self.row.before), _reply(self.row.after)
        return [
            Stated(
                rule.why,
                fires(rule.match, before["answer"]) if before else None,
                fires(rule.match, now["answer"]) if now else None,
            )
            for rule in self.item.must_not
        ]

    @property
    def citations(self) -> list[Cited]:
        """The citations of the answer now."""
        reply = _reply(self.row.after) or {"citations": []}
        return [
            Cited(c["marker"], c["article_id"], c["cited_text"], c["verification"]["status"], is_dangling(c, reply))
            for c in reply["citations"]
        ]


def cases(report: Report) -> list[Case]:
    """Return the questions of the report, lost ones first, then by how bad the verdict is."""
    return sorted(_cases(report), key=_rank)


def _cases(report: Report) -> Iterator[Case]:
    flips = {flip.id: flip for flip in report.decision.flips}
    compared = report.decision.exit_code != 3
    for row in report.rows:
        change: Change = "same" if compared and row.before else "not compared"
        if flip := flips.get(row.item.id):
            change = "lost" if flip.lost else "won" if flip.won else "changed"
        broken = tuple(breach for breach in report.decision.breaches if breach.question == row.item.id)
        yield Case(row, change, row.item.id in report.decision.accepted, broken)


def _rank(case: Case) -> tuple[int, bool, bool, int, str]:
    outcome = RANK[case.row.after.verdict.outcome]
    return ORDER.index(case.change), case.accepted, not case.item.critical, outcome, case.item.id


def _text(prediction: Prediction) -> str:
    return str(prediction.reply["answer"]) if prediction.reply else f"error: {prediction.error or 'no reply'}"


def _reply(side: Side | None) -> dict[str, Any] | None:
    return side.prediction.reply if side else None


def _ticks(side: Side | None) -> dict[str, bool]:
    return {tick.fact: tick.stated for tick in side.verdict.ticks} if side else {}
