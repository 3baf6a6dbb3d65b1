"""The figures of a report: the mean of each metric now and before, over all questions and by type."""

from dataclasses import dataclass

from eval.report import Report
from eval.summary import Mean

MAIN = ("recall@5", "answer_in_context", "fact_recall", "citation_recall", "citation_precision", "truthfulness")


@dataclass(frozen=True, slots=True)
class Figure:
    """A mean of some questions; `before` is None where the baseline cannot be compared."""

    metric: str
    now: Mean
    before: Mean | None
    bound: str
    """The gate's floor or ceiling, empty without one."""

    @property
    def change(self) -> float | None:
        """The difference from the baseline."""
        return self.now.value - self.before.value if self.before else None


def overall(report: Report) -> list[Figure]:
    """Return every metric over all questions, those with a limit first."""
    names = report.summary["all"].means if "all" in report.summary else {}
    ordered = dict.fromkeys((*report.limits, *names))
    return [figure for name in ordered if (figure := _figure(report, "all", name))]


def by_type(report: Report) -> dict[str, list[Figure | None]]:
    """Return the share answered well and the metrics of MAIN by type; None where a metric does not apply."""
    return {group: [_figure(report, group, metric) for metric in ("good", *MAIN)] for group in report.summary}


def _figure(report: Report, group: str, metric: str) -> Figure | None:
    now, before = report.summary[group], report.baseline_summary.get(group)
    if metric not in now.means:
        return None
    # A subset and an incomplete run are of other questions than the baseline.
    compared = before and before.n == now.n and not report.header.subset and report.decision.exit_code != 3
    was = before.means.get(metric) if before and compared else None
    bound = f"{report.limits[metric]:.2f}" if group == "all" and metric in report.limits else ""
    return Figure(metric, now.means[metric], was, bound)
