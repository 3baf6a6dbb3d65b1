"""Measure the detection of conflicts on labelled pairs: `python -m benchmarks.conflicts --set 4`.

The pair reader is trained on sets 1 to 5, so that their figures are far too good. On `dev`, `dev2`, 6 and 7 the least
probabilities and some rules were chosen. Nothing was trained on set 8 or chosen by it.
"""

import argparse
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import product
from pathlib import Path
from typing import Any

from benchmarks.table import Cell, print_table
from index.records import Article
from service.conflicts.details import Statement
from service.conflicts.pair_reader import PairReader, Reading, ReadTexts
from service.conflicts.relation import Finding, compare
from service.conflicts.statement import Story

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "eval" / "pairs"
SETS = {
    "1": FOLDER / "conflicts.jsonl",
    **{str(number): FOLDER / f"conflicts_{number}.jsonl" for number in (2, 3, 4, 5, 6, 7, 8)},
    "dev": ROOT / "training" / "conflict_pairs_dev.jsonl",
    "dev2": ROOT / "training" / "conflict_pairs_dev_2.jsonl",
}
SPENT = {*"1234567", "dev", "dev2"}
"""Sets whose pairs may be looked at."""

ENOUGH = 1000
"""Details of one pair that are read: all of them."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two articles with their label, and the words of each that give its value if the label has values."""

    id: str
    label: str
    kind: str
    question: str
    articles: tuple[Article, Article]
    values: tuple[str, str] | None


def labelled(file: Path) -> Iterator[Pair]:
    """Yield the labelled pairs of a file."""
    for line in file.read_text(encoding="utf-8").splitlines():
        pair = json.loads(line)
        yield Pair(
            pair["id"],
            pair["label"],
            pair["kind"],
            pair.get("question", ""),
            (_article(pair, "a"), _article(pair, "b")),
            tuple(pair["values"]) if pair["values"] else None,
        )


def _article(pair: dict[str, Any], side: str) -> Article:
    fields = pair[side]
    return Article(
        f"{pair['id']}-{side}",
        fields["text"],
        "",
        title=fields["title"],
        source=fields["source"],
        language=pair["language"],
        published_at=datetime.fromisoformat(fields["published_at"]),
    )


def statements(pair: Pair) -> Iterator[tuple[Statement, Statement]]:
    """Yield the sentences of one article with those of the other."""
    ones, others = ([Statement(story, span) for span in story.sentences] for story in map(Story, pair.articles))
    yield from product(ones, others)


def findings(pair: Pair, read: ReadTexts) -> list[Finding]:
    """Return what the detector finds in a pair."""
    reading = Reading(read, pair.question, ENOUGH)
    return [finding for one, other in statements(pair) for finding in compare(one, other, reading)]


def label_of(found: list[Finding]) -> str:
    """Return the label that the findings give a pair."""
    relations = {finding.relation for finding in found}
    return next((label for label in ("conflict", "update") if label in relations), "none")


def is_value(pair: Pair, article: Article, span: tuple[int, int]) -> bool:
    """Return whether a place in an article touches the words that give its labelled value."""
    if pair.values is None:
        return False
    words = pair.values[pair.articles.index(article)]
    start = article.body.index(words)
    return span[0] < start + len(words) and start < span[1]


def measure(measured: Sequence[Pair], found_in: Callable[[Pair], list[Finding]], *, show: bool) -> None:
    """Print precision and recall; with `show` also the pairs that are wrong."""
    counts: Counter[tuple[str, str, str]] = Counter()
    for pair in measured:
        found = found_in(pair)
        label = label_of(found)
        counts[pair.label, pair.kind, label] += 1
        if show and label != (pair.label if pair.label in ("conflict", "update") else "none"):
            print(pair.label, pair.kind, pair.id, "->", label, [_shown(finding) for finding in found])
    _print(counts)


def _print(counts: Mapping[tuple[str, str, str], int]) -> None:
    rows: list[list[Cell]] = []
    for label in ("conflict", "update"):
        right = sum(number for (wanted, _, given), number in counts.items() if wanted == given == label)
        given = sum(number for (_, _, given), number in counts.items() if given == label)
        wanted = sum(number for (wanted, _, _), number in counts.items() if wanted == label)
        rows.append([label, right, given, wanted, right / max(1, given), right / max(1, wanted)])
    print_table(["label", "right", "given", "labelled", "precision", "recall"], rows)
    false = Counter[str]()
    kinds = Counter[str]()
    for (wanted_label, kind, given_label), number in counts.items():
        if given_label == "conflict":
            (kinds if wanted_label == "conflict" else false)[kind if wanted_label == "conflict" else wanted_label] += (
                number
            )
    print("false conflicts:", dict(false) or "none")
    print("conflicts found by kind:", dict(kinds))


def _shown(finding: Finding) -> str:
    words = [
        each.article.body[slice(*detail.span)]
        for each, detail in ((finding.earlier, finding.before), (finding.later, finding.after))
    ]
    return f"{finding.relation} {finding.before.kind} {words}"


def main() -> None:
    """Print precision and recall; with --show also the pairs that are wrong, for open pairs only."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", choices=SETS, required=True, help="the set of pairs")
    parser.add_argument("--show", action="store_true", help="print wrong pairs of a set that is spent")
    parser.add_argument("--models", type=Path, default=ROOT / "data" / "models", help="folder of the local models")
    options = parser.parse_args()
    if options.show and options.set not in SPENT:
        parser.error(f"the pairs of set {options.set} are closed: measure them without --show")
    reader = PairReader(options.models)
    measure(list(labelled(SETS[options.set])), lambda pair: findings(pair, reader.read), show=options.show)


if __name__ == "__main__":
    main()
