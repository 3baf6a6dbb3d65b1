"""Flow: how far the questions came on the way to a cited answer, and where silence was right."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import takewhile
from typing import Any, Literal

from eval.metrics.abstention import abstained, is_weak
from eval.metrics.retrieval import ranked_articles, sufficient
from eval.records import GoldItem
from eval.report import Report, Side
from eval.score import GROUNDED

STEPS = ("asked", "indexed", "retrieved", "in context", "in answer", "cited")

Said = Literal["answered", "weak", "abstained"]


@dataclass(frozen=True, slots=True)
class Step:
    """A step on the way to a cited answer, and how many questions came through it and all before."""

    name: str
    before: int | None
    now: int


@dataclass(frozen=True, slots=True)
class Cell:
    """How many questions of a kind were met in one way, and which they are."""

    said: Said
    before: int | None
    ids: tuple[str, ...]


def funnel(report: Report) -> tuple[Step, ...]:
    """How far the shown questions that have evidence came; errors are in no step."""
    rows = [row for row in report.rows if row.item.evidence]
    now = [_reached(row.item, row.after) for row in rows if row.after.prediction.reply]
    compared = report.decision.exit_code != 3
    before = [_reached(row.item, row.before) for row in rows if compared and row.before and row.before.prediction.reply]
    return tuple(
        Step(name, sum(far >= at for far in before) if before else None, sum(far >= at for far in now))
        for at, name in enumerate(STEPS)
    )


def abstention(report: Report) -> tuple[tuple[str, tuple[Cell, ...]], ...]:
    """Answerable and unanswerable questions against what was said to them."""
    compared = report.decision.exit_code != 3 and any(row.before for row in report.rows)
    kinds: tuple[Said, ...] = ("answered", "weak", "abstained")
    return tuple(
        (
            name,
            tuple(
                Cell(
                    said,
                    sum(_said(row.before) == said for row in rows) if compared else None,
                    tuple(row.item.id for row in rows if _said(row.after) == said),
                )
                for said in kinds
            ),
        )
        for name, rows in (
            ("answerable", [row for row in report.rows if row.item.expect != "abstain"]),
            ("unanswerable", [row for row in report.rows if row.item.expect == "abstain"]),
        )
    )


def _reached(item: GoldItem, side: Side) -> int:
    """How many steps after the first a question came through."""
    return sum(1 for _ in takewhile(bool, _passed(item, side, side.prediction.reply or {})))


def _passed(item: GoldItem, side: Side, reply: dict[str, Any]) -> Iterator[bool]:
    figures = side.verdict.figures
    yield side.verdict.stage != "index"
    yield any(group <= set(ranked_articles(reply)) for group in sufficient(item))
    yield figures.get("answer_in_context", 0.0) >= GROUNDED
    yield figures.get("fact_recall", 0.0) >= GROUNDED
    yield _is_cited(figures)


def _is_cited(figures: Mapping[str, float]) -> bool:
    whole = min(figures.get("citation_recall", 0.0), figures.get("quote_exactness", 0.0)) >= GROUNDED
    return whole and not figures.get("dangling", 0.0)


def _said(side: Side | None) -> Said | None:
    if side is None or side.prediction.reply is None:
        return None
    reply = side.prediction.reply
    return "abstained" if abstained(reply) else "weak" if is_weak(reply) else "answered"
