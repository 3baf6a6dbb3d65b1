"""Cases: each question that may be shown, with what became of it and why. Those that were lost come first."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from eval.compare import RANK
from eval.gate import Breach
from eval.matching import fires
from eval.metrics.citations import is_dangling
from eval.metrics.retrieval import ranked_articles
from eval.records import GoldItem, Prediction
from eval.report import Report, Row, Side
from eval.report.words import Piece, word_diff

Change = Literal["lost", "won", "changed", "same", "not compared"]
"""`changed` is another verdict, neither better nor worse; `not compared`: there is nothing to compare it with."""

ORDER: tuple[Change, ...] = ("lost", "won", "changed", "not compared", "same")


@dataclass(frozen=True, slots=True)
class FactLine:
    """A fact that is expected, and whether it was and is stated; None where there was no answer."""

    text: str
    vital: bool
    before: bool | None
    now: bool | None


@dataclass(frozen=True, slots=True)
class ForbiddenLine:
    """Something that must not be said, and whether it was and is said; None where there was no answer."""

    why: str
    before: bool | None
    now: bool | None


@dataclass(frozen=True, slots=True)
class CitationLine:
    """A sentence of the answer and the words it rests on; a dangling one names what the reader never saw."""

    marker: int
    sentence: str
    quote: str
    article: str
    support: str
    dangling: bool


@dataclass(frozen=True, slots=True)
class Case:
    """One question in a report."""

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
        """The answer of the baseline, empty where there is none."""
        return text_of(self.row.before.prediction) if self.row.before else ""

    @property
    def now(self) -> str:
        """The answer now."""
        return text_of(self.row.after.prediction)

    @property
    def diff(self) -> tuple[Piece, ...]:
        """The answer before and now, word by word."""
        return word_diff(self.before, self.now)

    @property
    def rewritten(self) -> bool:
        """Whether the two answers have too little in common to mark what differs."""
        return all(piece.kind != "same" for piece in self.diff)

    @property
    def facts(self) -> tuple[FactLine, ...]:
        """The facts that are expected, vital ones first."""
        ordered = sorted(self.item.facts, key=lambda fact: fact.weight != "vital")
        before, now = _ticked(self.row.before), _ticked(self.row.after)
        return tuple(
            FactLine(fact.text, fact.weight == "vital", before.get(fact.id), now.get(fact.id)) for fact in ordered
        )

    @property
    def forbidden(self) -> tuple[ForbiddenLine, ...]:
        """What must not be said."""
        return tuple(
            ForbiddenLine(
                forbidden.why,
                fires(forbidden.match, self.before) if _reply(self.row.before) else None,
                fires(forbidden.match, self.now) if _reply(self.row.after) else None,
            )
            for forbidden in self.item.must_not
        )

    @property
    def citations(self) -> tuple[CitationLine, ...]:
        """The citations of the answer now."""
        return citation_lines(self.row.after.prediction.reply)

    @property
    def retrieved(self) -> tuple[tuple[str, bool], ...]:
        """The articles that the reader saw, best first, and whether each holds evidence."""
        reply = _reply(self.row.after)
        return (
            tuple((article, article in self.item.gold_articles) for article in ranked_articles(reply)) if reply else ()
        )


def cases(report: Report) -> tuple[Case, ...]:
    """All questions that may be shown: lost, won, changed, then the others, those that are not answered well first."""
    return tuple(sorted(_cases(report), key=_rank))


def citation_lines(reply: dict[str, Any] | None) -> tuple[CitationLine, ...]:
    """The citations of a reply, in their order."""
    if reply is None:
        return ()
    return tuple(
        CitationLine(
            marker=citation["marker"],
            sentence=reply["answer"][citation["start_index"] : citation["end_index"]],
            quote=citation["cited_text"],
            article=citation["article_id"],
            support=citation["verification"]["status"],
            dangling=is_dangling(citation, reply),
        )
        for citation in reply["citations"]
    )


def text_of(prediction: Prediction) -> str:
    """What was answered, or the error that came instead."""
    return str(prediction.reply["answer"]) if prediction.reply else f"error: {prediction.error or 'no reply'}"


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
    return (
        ORDER.index(case.change),
        case.accepted,
        not case.item.critical,
        RANK[case.row.after.verdict.outcome],
        case.item.id,
    )


def _reply(side: Side | None) -> dict[str, Any] | None:
    return side.prediction.reply if side else None


def _ticked(side: Side | None) -> dict[str, bool]:
    return {tick.fact: tick.stated for tick in side.verdict.ticks} if side else {}
