"""Tables: the means of every metric now and before, over all questions and by type."""

from dataclasses import dataclass

from eval.report import Report
from eval.summary import Group, Mean

MAIN = ("recall@5", "answer_in_context", "fact_recall", "citation_recall", "citation_precision", "truthfulness")
LOWER_IS_BETTER = frozenset(
    "over_refusal false_answer weak_evidence must_not injection calls context_tokens dangling length".split()
)


@dataclass(frozen=True, slots=True)
class Shift:
    """A mean now and before; `limit` is the gate's floor, or its ceiling where lower is better."""

    metric: str
    now: Mean | None
    before: Mean | None
    limit: float | None = None

    @property
    def delta(self) -> float | None:
        """How far the mean moved; None where there is nothing to compare with."""
        return self.now.value - self.before.value if self.now and self.before else None

    @property
    def better(self) -> bool | None:
        """Whether it moved for the better; None where it did not move."""
        return None if not self.delta else (self.delta < 0) == (self.metric in LOWER_IS_BETTER)


@dataclass(frozen=True, slots=True)
class TypeLine:
    """One type of question: how many, how many are answered well, the main metrics."""

    name: str
    n: int
    good: Shift
    metrics: tuple[Shift, ...]


def comparable(report: Report) -> bool:
    """Whether figures now are of the same questions as before: not those of a subset, nor of an incomplete run."""
    return bool(report.baseline_summary) and not report.header.subset and report.decision.exit_code != 3


def by_type(report: Report) -> tuple[TypeLine, ...]:
    """`all`, then each type."""
    return tuple(
        TypeLine(
            name,
            group.n,
            _shift("good", group, _before(report, name)),
            tuple(_shift(metric, group, _before(report, name)) for metric in MAIN),
        )
        for name, group in report.summary.items()
    )


def overall(report: Report) -> tuple[Shift, ...]:
    """Every metric over all questions; those with a limit first."""
    if "all" not in report.summary:
        return ()
    group, limits = report.summary["all"], report.limits
    names = [*limits, *(name for name in group.means if name not in limits)]
    return tuple(_shift(name, group, _before(report, "all"), limits.get(name)) for name in names if name in group.means)


def _before(report: Report, name: str) -> Group | None:
    """The baseline's group where it is of as many questions."""
    group = report.baseline_summary.get(name)
    return group if group and comparable(report) and group.n == report.summary[name].n else None


def _shift(metric: str, now: Group, before: Group | None, limit: float | None = None) -> Shift:
    return Shift(metric, now.means.get(metric), before.means.get(metric) if before else None, limit)
