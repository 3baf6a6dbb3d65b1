"""The report of a run: its figures, and its questions with the answers before and now and the words that differ."""

import re
from collections.abc import Mapping
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any, Literal, NamedTuple

from pydantic import Field

from eval.baseline import read_baseline
from eval.gate import (
    CEILINGS,
    CHANGE_KINDS,
    FLOORS,
    Breach,
    ChangeKind,
    Decision,
    ScoredRun,
    decide,
    read_accepted,
)  # fmt: skip
from eval.gold import GoldSet
from eval.matching import matches
from eval.metrics import is_dangling
from eval.records import (
    SUPPORT,
    TRUTHFULNESS,
    Fact,
    Forbidden,
    GoldItem,
    Grade,
    Header,
    Outcome,
    Prediction,
    Record,
    Run,
)  # fmt: skip
from eval.score import Group, Mean, score, summarise

MAIN = ("recall@5", "answer_in_context", "fact_recall", "citation_recall", "citation_precision", "truthfulness")
"""The metrics of the table by type."""

Change = ChangeKind | Literal["not compared", "same"]
"""The change of a question; `not compared` has no outcome before."""

ORDER: tuple[Change, ...] = (*CHANGE_KINDS, "not compared", "same")

ALIKE = 1 / 3
"""Share of common words from which two answers are compared word by word."""

MAX_DIFFERING = 0.10
"""Share of the repeated questions whose outcomes may differ before the report calls the target unreliable."""

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


class Figure(NamedTuple):
    """The mean of a metric; `before` is None without a comparable baseline, `bound` empty without a limit."""

    metric: str
    now: Mean
    before: Mean | None
    bound: str

    @property
    def change(self) -> float | None:
        """The difference from the baseline."""
        return self.now.value - self.before.value if self.before else None


class Side(Record):
    """A prediction and its grade."""

    grade: Grade
    prediction: Prediction

    @property
    def shown(self) -> Prediction:
        """The prediction that has the outcome: the first repeat with it, if the question was asked several times."""
        return self.prediction.attempts[self.grade.shown]

    @property
    def text(self) -> str:
        """The answer, or the error instead."""
        return _text_of(self.shown)

    @property
    def repeats(self) -> list[tuple[Outcome, str]]:
        """The outcome and the answer of each repeat; empty if the question was asked once."""
        return list(zip(self.grade.repeats, map(_text_of, self.prediction.attempts), strict=False))

    def states(self, statement: Fact | Forbidden) -> bool | None:
        """Return whether the answer states a fact or something forbidden; None without an answer."""
        reply = self.shown.reply
        return matches(statement.match, reply["answer"]) if reply else None


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
        value = TRUTHFULNESS[self.after.grade.outcome]
        return ORDER.index(self.change), self.accepted, not self.item.critical, value, self.item.id

    @property
    def result(self) -> Literal["error", "failure", "skipped", "passed"]:
        """The result in JUnit: a failure if a broken rule names the question, skipped if it was as bad before."""
        if self.after.grade.outcome == "error":
            return "error"
        if self.breaches:
            return "failure"
        return "passed" if self.after.grade.good else "skipped"

    @property
    def diff(self) -> tuple[Piece, ...]:
        """Both answers, compared by word."""
        return word_diff(self.before.text if self.before else "", self.after.text)

    @property
    def facts(self) -> list[Statement]:
        """The expected facts, vital ones first."""
        ordered = sorted(self.item.facts, key=lambda fact: fact.weight != "vital")
        return [Statement(fact.text, *self._stated(fact), fact.weight == "vital") for fact in ordered]

    @property
    def forbidden(self) -> list[Statement]:
        """The statements that an answer must not make."""
        return [Statement(forbidden.why, *self._stated(forbidden)) for forbidden in self.item.must_not]

    def _stated(self, statement: Fact | Forbidden) -> tuple[bool | None, bool | None]:
        """Return whether the answers before and now state something."""
        return self.before.states(statement) if self.before else None, self.after.states(statement)

    @property
    def citations(self) -> list[dict[str, Any]]:
        """The citations of the answer now, each with its support in words, and marked `dangling` or not."""
        reply: Mapping[str, Any] = self.after.shown.reply or {"citations": []}
        return [
            {**cited, "support": SUPPORT[cited["verification"]["status"]], "dangling": is_dangling(cited, reply)}
            for cited in reply["citations"]
        ]

    @property
    def withheld(self) -> list[dict[str, str]]:
        """The withheld sentences of the answer now, each with its reason."""
        reply = self.after.shown.reply
        return list(reply["unsupported"]) if reply else []


class Report(Record):
    """The content of a report. Questions of the holdout count in the figures and have no row.

    `repeated` questions were asked several times; the outcomes of the repeats of `differing` ones differ.
    """

    decision: Decision
    header: Header
    baseline: Header | None
    rows: tuple[Row, ...]
    summary: dict[str, Group]
    baseline_summary: dict[str, Group]
    latency_ms: dict[str, float] = Field(default_factory=dict)
    repeated: int = 0
    differing: int = 0
    limits: dict[str, float] = Field(default_factory=dict)
    validated: str = "not validated against people"

    @property
    def made_of(self) -> dict[str, str]:
        """The names and values of the run's header."""
        return {name: str(value) for name, value in self.header.model_dump().items()}

    @property
    def compared(self) -> dict[str, str]:
        """The header with short hashes, with the baseline's value if it differs."""
        base = {name: str(value) for name, value in self.baseline.model_dump().items()} if self.baseline else {}
        shown = {
            name: value[:16] if base.get(name, value) == value else f"{base[name][:16]} → {value[:16]}"
            for name, value in self.made_of.items()
            if value not in ("", "None")
        }
        return shown | {"shown": f"{len(self.rows)} questions", "baseline": "yes" if self.baseline else "none"}

    @property
    def is_unreliable(self) -> bool:
        """Whether the repeats of so many questions differ that a single run says little."""
        return self.differing > MAX_DIFFERING * self.repeated

    @property
    def first_question(self) -> str:
        """The id of the first regressed question, else of the first question."""
        return self.rows[0].item.id if self.rows else "ID"

    def changed(self, change: Change) -> list[Row]:
        """Return the questions with this change."""
        return [row for row in self.rows if row.change == change]

    def overall(self) -> list[Figure]:
        """Return the figure of each metric over all questions, those with a limit first."""
        names = self.summary["all"].means if "all" in self.summary else {}
        ordered = dict.fromkeys((*self.limits, *names))
        return [figure for name in ordered if (figure := self._figure("all", name))]

    def by_type(self) -> dict[str, list[Figure | None]]:
        """Return by type the share answered well and the metrics of `MAIN`; None if a metric does not apply."""
        return {group: [self._figure(group, metric) for metric in ("good", *MAIN)] for group in self.summary}

    def _figure(self, group: str, metric: str) -> Figure | None:
        now, before = self.summary[group], self.baseline_summary.get(group)
        if metric not in now.means:
            return None
        # A subset and an incomplete run have other questions than the baseline.
        comparable = before and before.n == now.n and not self.header.subset and self.decision.exit_code != 3
        was = before.means.get(metric) if before and comparable else None
        bound = f"{self.limits[metric]:.2f}" if group == "all" and metric in self.limits else ""
        return Figure(metric, now.means[metric], was, bound)


def make_report(
    gold: GoldSet,
    run: Run,
    baselines: Path,
    latency_ms: Mapping[str, float] | None = None,
    earlier: Run | None = None,
) -> Report:
    """Score a run and its baseline, or an earlier run, with today's gold and metrics, and decide."""
    after = score(gold, run)
    baseline = earlier or read_baseline(baselines, run.header.lane, gold.articles)
    before = score(gold, baseline) if baseline else ()
    scored = ScoredRun(baseline.header, before) if baseline else None
    decision = decide(gold, ScoredRun(run.header, after), scored, read_accepted(baselines))
    rows = _rows(gold, decision, _sides(run, after), _sides(baseline, before) if baseline else {})
    shown = {row.item.id for row in rows}
    return Report(
        decision=decision,
        header=run.header,
        baseline=baseline.header if baseline else None,
        rows=tuple(sorted(rows, key=lambda row: row.rank)),
        summary=summarise(after),
        baseline_summary=summarise(before) if before else {},
        repeated=sum(bool(grade.repeats) for grade in after),
        differing=sum(len(set(grade.repeats) - {"error"}) > 1 for grade in after),
        latency_ms={id_: spent for id_, spent in (latency_ms or {}).items() if id_ in shown},
        limits={**FLOORS, **CEILINGS, **gold.limits},
    )


def _sides(run: Run, grades: tuple[Grade, ...]) -> dict[str, Side]:
    predictions = {prediction.id: prediction for prediction in run.predictions}
    return {grade.id: Side(grade=grade, prediction=predictions[grade.id]) for grade in grades}


def _rows(gold: GoldSet, decision: Decision, after: Mapping[str, Side], before: Mapping[str, Side]) -> list[Row]:
    changes: dict[str, Change] = {change.id: change.kind for change in decision.changes}
    rows = []
    for item in gold.items:
        if item.split == "holdout" or item.id not in after:
            continue
        unchanged: Change = "same" if decision.exit_code != 3 and item.id in before else "not compared"
        row = Row(
            item=item,
            before=before.get(item.id),
            after=after[item.id],
            change=changes.get(item.id, unchanged),
            accepted=item.id in decision.accepted,
            breaches=tuple(breach for breach in decision.breaches if breach.question == item.id),
        )
        rows.append(row)
    return rows


def _text_of(prediction: Prediction) -> str:
    reply = prediction.reply
    return str(reply["answer"]) if reply else f"error: {prediction.error or 'no reply'}"


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
