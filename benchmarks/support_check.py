"""Measure the support check on its labelled set: its error rates on the fitting half and on the reporting half.

usage: python -m benchmarks.support_check [--fit] [--write] [--errors] [--second]

The SHA-256 of its passage's id decides the half of a row; a row with passages of both halves is left out. The
thresholds are those of `service/citations/thresholds.json`, or with `--fit` the lowest ones at which at most one lie in
twenty is verified and at most one in ten is shown. `--write` writes thresholds and rates into that file; `--errors`
lists the wrong decisions of the fitting half only. The int8 graph rounds differently on other processors, which
changes a rate by up to two sentences.

The first part of the set (up to s447) is measured. `--second` measures the fitting half of the second part instead,
never its reporting half, which is to be opened once, after the check has been changed.
"""

import argparse
import hashlib
import json
import tempfile
from collections import Counter
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from index.embedding.local import LocalEmbedder
from index.records import Article, Chunk
from service.citations.verify import THRESHOLDS, SupportCheck, SupportResult, Thresholds
from service.records import Passage

FOLDER = Path(__file__).parent / "support"
FIRST_PART = "s447"
"""The last row of the first part of the set."""

TOLERATED_LIES = {"verified": 0.05, "partial": 0.1}


@dataclass(frozen=True, slots=True)
class Row:
    """A labelled sentence and its verdict at a threshold of 0."""

    sentence: str
    supported: bool
    kind: str
    result: SupportResult

    def shown(self, level: str, threshold: float) -> bool:
        """Return whether the sentence is shown with this level of support or a higher one."""
        certain = level == "partial" or self.result.status == "verified"
        return self.result.reason is None and certain and self.result.score >= threshold


def main() -> None:
    """Measure and print; fit and write if the options say so."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fit", action="store_true", help="fit the thresholds instead of reading them")
    parser.add_argument("--write", action="store_true", help="write thresholds and rates")
    parser.add_argument("--errors", action="store_true", help="list the wrong decisions of the fitting half")
    parser.add_argument("--second", action="store_true", help="measure the fitting half of the second part")
    arguments = parser.parse_args()
    halves = read_halves(second=arguments.second)
    thresholds = asdict(Thresholds.read())
    if arguments.fit:
        thresholds = {name: fit(halves[0], name, tolerated) for name, tolerated in TOLERATED_LIES.items()}
    partial = thresholds["partial"]
    rates = {
        half: {name: error_rates(rows, name, least) for name, least in thresholds.items()}
        for half, rows in zip(("fitted on", "reported on"), halves, strict=True)
        if rows
    }
    for half, by_threshold in rates.items():
        for name, rate in by_threshold.items():
            print(f"{half}, shown from {name!r}: {json.dumps(rate)}")
    print(f"thresholds: {json.dumps(thresholds)}")
    if arguments.errors:
        for row in halves[0]:
            if row.shown("partial", partial) != row.supported:
                print(f"  {row.kind}: {row.result.reason} {row.result.score} {row.sentence}")
    if arguments.write:
        command = "python -m benchmarks.support_check --write"
        THRESHOLDS.write_text(json.dumps({**thresholds, "rates": rates, "command": command}, indent=2) + "\n")


def read_halves(*, second: bool = False) -> tuple[list[Row], list[Row]]:
    """Return the rows of the fitting half and of the reporting half, with their verdicts."""
    passages = {item["id"]: _passage(item) for item in _lines(FOLDER / "passages.jsonl")}
    halves: tuple[list[Row], list[Row]] = ([], [])
    with tempfile.TemporaryDirectory() as models:
        check = SupportCheck(LocalEmbedder(Path(models)), Thresholds(verified=0.0, partial=0.0))
        for item in _lines(FOLDER / "sentences.jsonl"):
            if _is_second(item["id"]) != second:
                continue
            sides = {_half(cited) for cited in item["passages"]}
            if len(sides) == 1 and not (second and sides == {1}):
                verdict = check.check(item["sentence"], [passages[cited] for cited in item["passages"]])
                row = Row(item["sentence"], item["label"] == "supported", item["kind"], verdict)
                halves[sides.pop()].append(row)
    return halves


def _is_second(row: str) -> bool:
    return int(row[1:]) > int(FIRST_PART[1:])


def fit(rows: list[Row], level: str, tolerated: float) -> float:
    """Return the lowest threshold at which the share of lies shown is at most `tolerated`."""
    lies = [row for row in rows if not row.supported]
    thresholds = (step / 100 for step in range(101))
    return next(least for least in thresholds if sum(row.shown(level, least) for row in lies) <= tolerated * len(lies))


def error_rates(rows: list[Row], level: str, threshold: float) -> dict[str, object]:
    """Return the rates of missed lies and of withheld truths, and the wrong decisions by kind."""
    lies = [row for row in rows if not row.supported]
    truths = [row for row in rows if row.supported]
    missed = sum(row.shown(level, threshold) for row in lies)
    withheld = sum(not row.shown(level, threshold) for row in truths)
    wrong = Counter(row.kind for row in rows if row.shown(level, threshold) != row.supported)
    total = Counter(row.kind for row in rows)
    return {
        "missed_lies": round(missed / len(lies), 3),
        "lies": len(lies),
        "false_withholding": round(withheld / len(truths), 3),
        "truths": len(truths),
        "wrong_by_kind": {kind: f"{wrong[kind]}/{total[kind]}" for kind in sorted(total)},
    }


def _half(passage_id: str) -> int:
    return hashlib.sha256(passage_id.encode()).digest()[-1] % 2


def _lines(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _passage(item: dict[str, str]) -> Passage:
    text = item["text"]
    published = datetime.fromisoformat(item["published_at"]).replace(tzinfo=UTC)
    article = Article(item["id"], text, item["id"], title=item["title"], published_at=published)
    chunk = Chunk(f"{item['id']}#0", item["id"], 0, text, 0, len(text), 0)
    return Passage(item["id"], chunk, article, 1.0, 0.0, 0.0)


if __name__ == "__main__":
    main()
