"""Fit the thresholds of `service/readers/calibration.json` on the SQuAD articles that are not held out.

usage: python -m benchmarks.calibrate --bench PATH [--work PATH] [--write]

There are three kinds of questions: answerable ones; near misses (SQuAD 2.0's unanswerable questions, written to look
answerable from a paragraph); and off-topic ones (all questions about one half of the articles, with an index of the
other half). The strength g of their evidence gives the thresholds:

- abstain: the highest g that 95 % of the answerable questions reach. At least 95 % of the off-topic questions must be
  below it. More are, which is needed: a larger index has chunks closer to any off-topic question.
- answered: the lowest g at which 70 % of the answers are right, with one half answerable questions, one quarter near
  misses and one quarter off-topic ones; missing entities hold an answer back.
- off_topic: the highest g that all but one answerable question in a thousand reach. Below it, the language model is
  not called; above it, the model may abstain.

Near misses are not fitted: they have no threshold on g, as the AUROC of `reader_quality` shows. Two more tables show
the constants that were set by hand: the right quotes and the number of quotes by `NEAR_BEST`, and the hits by
`PASSAGES_SCORED`. `--write` writes the file.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.hits import auroc
from benchmarks.judged import Judged, judge, judge_all, share
from benchmarks.options import parser, workplace
from benchmarks.sets import off_topic_sets, squad_2
from benchmarks.table import Cell, print_table
from index.embedding.local import LocalEmbedder
from service.readers.answerability import CALIBRATION, Calibration
from service.readers.evidence import PASSAGES_SCORED
from service.readers.extractive import NEAR_BEST, QUOTED

REACH_ABSTAIN = 0.95
OFF_TOPIC_TURNED_AWAY = 0.95
RIGHT_OF_ANSWERED = 0.7
REACH_OFF_TOPIC = 0.999
STEP = 0.005
COMMAND = "python -m benchmarks.calibrate --bench PATH --write"


@dataclass(frozen=True, slots=True)
class Pool:
    """The judged questions of one half of SQuAD 2.0, by kind."""

    answerable: Sequence[Judged]
    near_misses: Sequence[Judged]
    off_topic: Sequence[Judged]

    def right_of_answered(self, calibration: Calibration) -> float:
        """Return the share of right answers, with a weight for each kind of question."""
        kinds = ((self.answerable, 0.5), (self.near_misses, 0.25), (self.off_topic, 0.25))
        right = given = 0.0
        for judged, weight in kinds:
            answers = [each for each in judged if each.answerability(calibration) == "answered"]
            given += weight * len(answers) / len(judged)
            right += weight * sum(each.answered() for each in answers) / len(judged)
        return right / given if given else 1.0


def main() -> None:
    """Fit and print the thresholds; write them with `--write`."""
    options = parser((__doc__ or "").splitlines()[0])
    options.add_argument("--write", action="store_true", help="write the fitted thresholds")
    arguments = options.parse_args()
    with workplace(arguments.work) as work:
        pool = pool_of(arguments.bench, work)
        print_hand_set(pool, arguments.bench, work)
    calibration = fit(pool)
    record = described(calibration, pool)
    print(json.dumps(record, indent=2))
    if arguments.write:
        CALIBRATION.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


def pool_of(bench: Path, work: Path) -> Pool:
    """Ask all questions of the half to fit on."""
    embedder = LocalEmbedder(work / "models")
    to_fit, _ = squad_2(bench)
    own = judge(to_fit, embedder, work)
    return Pool(
        [judged for judged in own if judged.answerable],
        [judged for judged in own if not judged.answerable],
        judge_all(off_topic_sets(to_fit), embedder, work),
    )


def fit(pool: Pool) -> Calibration:
    """Return the thresholds by the rules above.

    Raises ValueError if too few off-topic questions are below `abstain`.
    """
    abstain = _reached(pool.answerable, REACH_ABSTAIN)
    turned_away = share(pool.off_topic, (judged.strength < abstain for judged in pool.off_topic)) or 0.0
    if turned_away < OFF_TOPIC_TURNED_AWAY:
        raise ValueError(
            f"{turned_away:.1%} of the off-topic questions are below abstain = {abstain}, expected at least"
            f" {OFF_TOPIC_TURNED_AWAY:.0%}"
        )
    off_topic = _reached(pool.answerable, REACH_OFF_TOPIC)
    steps = np.arange(abstain, 1, STEP).round(3)
    shipped = Calibration.read()
    candidates = (replace(shipped, abstain=abstain, answered=float(each), off_topic=off_topic) for each in steps)
    return next(each for each in candidates if pool.right_of_answered(each) >= RIGHT_OF_ANSWERED)


def _reached(judged: Sequence[Judged], part: float) -> float:
    """Return the highest step that this part of the questions reaches."""
    quantile = np.quantile([each.strength for each in judged], 1 - part, method="lower")
    return round(float(np.floor(quantile / STEP) * STEP), 3)


def described(calibration: Calibration, pool: Pool) -> dict[str, Any]:
    """Return the thresholds with the set they were fitted on and the rates there."""
    kinds = {"answerable": pool.answerable, "near_misses": pool.near_misses, "off_topic": pool.off_topic}
    rates: dict[str, Any] = {}
    for name, judged in kinds.items():
        found = [each.answerability(calibration) for each in judged]
        rates[name] = {level: _share(found, level) for level in ("answered", "weak", "abstain")}
    rates["right_of_answered"] = round(pool.right_of_answered(calibration), 3)
    return {
        "abstain": calibration.abstain,
        "answered": calibration.answered,
        "off_topic": calibration.off_topic,
        "certain_abstain": calibration.certain_abstain,
        "certain_answered": calibration.certain_answered,
        "set": "squad_v2_dev, the 18 articles that are not held out",
        "n": {name: len(judged) for name, judged in kinds.items()},
        "auroc": {name: round(_auroc(pool.answerable, kinds[name]), 3) for name in ("near_misses", "off_topic")},
        "rates": rates,
        "command": COMMAND,
    }


def _share(found: Sequence[str], level: str) -> float:
    return round(found.count(level) / len(found), 3)


def _auroc(answerable: Sequence[Judged], unanswerable: Sequence[Judged]) -> float:
    return auroc([each.strength for each in answerable], [each.strength for each in unanswerable])


def print_hand_set(pool: Pool, bench: Path, work: Path) -> None:
    """Print the effect of `NEAR_BEST` and `PASSAGES_SCORED` on the answerable questions."""
    asked = pool.answerable
    found = share(asked, (each.found(QUOTED) for each in asked)) or 1.0
    rows = [
        (
            f"{near_best}{' (set)' if near_best == NEAR_BEST else ''}",
            (share(asked, (each.answered(near_best) for each in asked)) or 0.0) / found,
            float(np.mean([len(each.quotes(near_best)) for each in asked])),
        )
        for near_best in (0.6, 0.7, 0.75, 0.8, 0.85)
    ]
    print_table(("NEAR_BEST", f"top-{QUOTED} hits kept", "sentences quoted"), rows)
    print()
    embedder = LocalEmbedder(work / "models")
    to_fit, _ = squad_2(bench)
    read = {count: judge(to_fit, embedder, work, passages_scored=count) for count in (3, 8)}
    read[PASSAGES_SCORED] = [*pool.answerable, *pool.near_misses]
    print_table(
        ("PASSAGES_SCORED", "top-1", f"top-{QUOTED}", "AUROC of g"),
        [_reading_row(count, judged) for count, judged in sorted(read.items())],
    )
    print()


def _reading_row(count: int, judged: Sequence[Judged]) -> list[Cell]:
    answerable = [each for each in judged if each.answerable]
    hits = [share(answerable, (each.found(best) for each in answerable)) for best in (1, QUOTED)]
    separated = _auroc(answerable, [each for each in judged if not each.answerable])
    return [f"{count}{' (set)' if count == PASSAGES_SCORED else ''}", *hits, separated]


if __name__ == "__main__":
    main()
