"""Comparison: which questions were lost and which were won between two runs, verdict by verdict."""

from collections.abc import Sequence

from eval.records import Outcome, Record, Verdict

RANK: dict[Outcome, int] = {
    "correct": 3,
    "refused_ok": 3,
    "partial": 2,
    "over_refused": 1,
    "error": 0,
    "wrong": 0,
    "unsupported": 0,
    "false_answer": 0,
    "premise_accepted": 0,
    "compromised": 0,
    "inconsistent": 0,
}
"""How a reader is served: well, half, not at all, badly."""


class Flip(Record):
    """A question whose verdict differs."""

    id: str
    before: Outcome
    after: Outcome

    @property
    def lost(self) -> bool:
        """Whether a reader is served worse."""
        return RANK[self.after] < RANK[self.before]

    @property
    def won(self) -> bool:
        """Whether a reader is served better."""
        return RANK[self.after] > RANK[self.before]


def flips(before: Sequence[Verdict], after: Sequence[Verdict]) -> tuple[Flip, ...]:
    """The questions that both have and whose verdicts differ, lost ones first."""
    outcomes = {verdict.id: verdict.outcome for verdict in before}
    found = [
        Flip(id=verdict.id, before=outcomes[verdict.id], after=verdict.outcome)
        for verdict in after
        if verdict.id in outcomes and outcomes[verdict.id] != verdict.outcome
    ]
    return tuple(sorted(found, key=lambda flip: (not flip.lost, not flip.won, flip.id)))
