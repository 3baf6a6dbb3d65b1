"""Measure the detection of conflicts on labelled pairs: `python -m benchmarks.conflicts [--set 2] [--split closed]`.

Set 1 is spent: both of its halves were measured, so all of it is open now. Only set 2 has a closed half.
"""

import argparse
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import product
from pathlib import Path
from typing import Any

from benchmarks.table import Cell, print_table
from index.records import Article
from service.conflicts.details import Statement
from service.conflicts.relation import Finding, compare
from service.conflicts.statement import Story

FOLDER = Path(__file__).parent.parent / "eval" / "pairs"
SETS = {"1": "conflicts.jsonl", "2": "conflicts_2.jsonl"}
SPENT = {"1"}
"""Sets whose closed half was measured: all of their pairs are open now."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two articles with their label."""

    id: str
    label: str
    kind: str
    articles: tuple[Article, Article]


def pairs(chosen: str, split: str) -> Iterator[Pair]:
    """Yield the labelled pairs of a split, of one set or of "all"."""
    for name in SETS if chosen == "all" else [chosen]:
        for line in (FOLDER / SETS[name]).read_text(encoding="utf-8").splitlines():
            pair = json.loads(line)
            if split != ("open" if name in SPENT else pair["split"]):
                continue
            yield Pair(pair["id"], pair["label"], pair["kind"], (_article(pair, "a"), _article(pair, "b")))


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


def findings(pair: Pair) -> list[Finding]:
    """Return what the detector finds in a pair."""
    ones, others = ([Statement(story, span) for span in story.sentences] for story in map(Story, pair.articles))
    return [finding for one, other in product(ones, others) for finding in compare(one, other)]


def label_of(found: list[Finding]) -> str:
    """Return the label that the findings give a pair."""
    relations = {finding.relation for finding in found}
    return next((label for label in ("conflict", "update") if label in relations), "none")


def main() -> None:
    """Print precision and recall; with --show also the pairs that are wrong, for the open split only."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--set", choices=(*SETS, "all"), default="all", help="the file of pairs")
    parser.add_argument("--split", choices=("open", "closed"), default="open")
    parser.add_argument("--show", action="store_true", help="print wrong pairs of the open split")
    options = parser.parse_args()
    if options.split == "closed" and options.set in SPENT:
        parser.error(f"set {options.set} has no closed half any more; measure it with --split open")
    counts: Counter[tuple[str, str, str]] = Counter()
    for pair in pairs(options.set, options.split):
        found = findings(pair)
        label = label_of(found)
        counts[pair.label, pair.kind, label] += 1
        is_right = label == (pair.label if pair.label in ("conflict", "update") else "none")
        if options.show and options.split == "open" and not is_right:
            print(pair.label, pair.kind, pair.id, "->", label, [_shown(finding) for finding in found])
    rows: list[list[Cell]] = []
    for label in ("conflict", "update"):
        right = sum(number for (wanted, _, given), number in counts.items() if wanted == given == label)
        given = sum(number for (_, _, given), number in counts.items() if given == label)
        wanted = sum(number for (wanted, _, _), number in counts.items() if wanted == label)
        rows.append([label, right, given, wanted, right / max(1, given), right / max(1, wanted)])
    print_table(["label", "right", "given", "labelled", "precision", "recall"], rows)
    false = Counter(
        wanted for (wanted, _, given), n in counts.items() for _ in range(n) if given == "conflict" != wanted
    )
    print("false conflicts:", dict(false) or "none")
    kinds = Counter(k for (wanted, k, given), n in counts.items() for _ in range(n) if wanted == given == "conflict")
    print("conflicts found by kind:", dict(kinds))


def _shown(finding: Finding) -> str:
    words = [
        each.article.body[slice(*detail.span)]
        for each, detail in ((finding.earlier, finding.before), (finding.later, finding.after))
    ]
    return f"{finding.relation} {finding.before.kind} {words} keys {sorted(finding.before.keys & finding.after.keys)}"


if __name__ == "__main__":
    main()
