"""Measure the detection of conflicts on labelled pairs: `python -m benchmarks.conflicts [--set 2] [--closed]`.

Set 1 is spent: both of its halves were measured, so all of it is open now. The closed half of set 2 was measured as
well, but nothing was fitted on it. Set 2 has questions that a reader might ask, for which the detector compares.

    python -m benchmarks.conflicts --folds      open pairs, each measured by weights that were fitted without its pair
    python -m benchmarks.conflicts --write      fit the weights on the open pairs and write `weights.json`
"""

import argparse
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

from benchmarks.table import Cell, print_table
from index.embedding.span_network import AnswerSpan, SpanNetwork
from index.records import Article
from service.conflicts import relation
from service.conflicts.details import Statement
from service.conflicts.relation import Finding, Questioner, Weights, compare
from service.conflicts.statement import Story

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "eval" / "pairs"
SETS = {"1": "conflicts.jsonl", "2": "conflicts_2.jsonl"}
SPENT = {"1"}
"""Sets whose closed half was measured: all of their pairs are open now."""

WEIGHTS = ROOT / "service" / "conflicts" / "weights.json"
COMMAND = "python -m benchmarks.conflicts --write"
LEAST = 0.5
"""The least probability of one fact: read off `--folds`, so that precision is above .9 on both sets."""

ENOUGH = 1000
"""Questions about one pair, all of whose sentences are compared."""

FEATURES = ("asked", "answered", "unasked", "context", "head", "scopes", "names", "apart")
KINDS = ("number", "date", "name", "place")
PENALTY, PENALTY_OF_KINDS = 1.0, 0.3
"""Weights of the squares of the weights of features and of kinds."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two articles with their label, and the words of each that give its value if the label has values."""

    id: str
    label: str
    kind: str
    question: str
    articles: tuple[Article, Article]
    values: tuple[str, str] | None


@dataclass(frozen=True, slots=True)
class Case:
    """Two details of a pair: their features, with the kind as one of them, and whether they are the labelled values."""

    pair: str
    row: list[float]
    is_one_fact: bool


def pairs(chosen: str, split: str) -> Iterator[Pair]:
    """Yield the labelled pairs of a split, of one set or of "all"."""
    for name in SETS if chosen == "all" else [chosen]:
        for line in (FOLDER / SETS[name]).read_text(encoding="utf-8").splitlines():
            pair = json.loads(line)
            if split == ("open" if name in SPENT else pair["split"]):
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


def findings(pair: Pair, ask: relation.Ask) -> list[Finding]:
    """Return what the detector finds in a pair."""
    asking = Questioner(ask, pair.question, ENOUGH)
    return [finding for one, other in statements(pair) for finding in compare(one, other, asking)]


def label_of(found: list[Finding]) -> str:
    """Return the label that the findings give a pair."""
    relations = {finding.relation for finding in found}
    return next((label for label in ("conflict", "update") if label in relations), "none")


def asker(models: Path) -> relation.Ask:
    """Return the span reader, which reads each text for each question once."""
    network = SpanNetwork(models)

    @cache
    def ask(question: str, title: str, text: str) -> AnswerSpan | None:
        return network.answers(question, title, text, [(0, len(text))])[0]

    return ask


def cases(pair: Pair, ask: relation.Ask) -> Iterator[Case]:
    """Yield the details of a pair whose values exclude each other, but for states."""
    asking = Questioner(ask, pair.question, ENOUGH)
    for one, other in statements(pair):
        sentences = relation.pair_of(one, other)
        if sentences is None or not relation.is_same_story(sentences):
            continue
        for before, after in relation.candidates(sentences):
            if before.kind == "status":
                continue
            found = relation.features(sentences, before, after) | relation.answers(sentences, before, after, asking)
            row = [*(found[name] for name in FEATURES), *(float(before.kind == kind) for kind in KINDS)]
            sides = ((sentences.earlier, before), (sentences.later, after))
            yield Case(pair.id, row, all(_is_value(pair, side.article, detail.span) for side, detail in sides))


def _is_value(pair: Pair, article: Article, span: tuple[int, int]) -> bool:
    """Return whether a place in an article is in the words that give its labelled value."""
    if pair.values is None:
        return False
    words = pair.values[pair.articles.index(article)]
    start = article.body.index(words)
    return span[0] < start + len(words) and start < span[1]


def fitted(known: Sequence[Case]) -> Weights:
    """Return the weights of a logistic regression on cases."""
    rows, wanted = np.array([case.row for case in known]), np.array([case.is_one_fact for case in known], float)
    penalty = np.diag([PENALTY] * len(FEATURES) + [PENALTY_OF_KINDS] * len(KINDS))
    weights = np.zeros(rows.shape[1])
    for _ in range(50):
        chance = 1 / (1 + np.exp(-rows @ weights))
        slope = (rows.T * (chance * (1 - chance))) @ rows + penalty
        weights -= np.linalg.solve(slope, rows.T @ (chance - wanted) + penalty @ weights)
    rounded = [round(float(weight), 2) for weight in weights]
    return Weights(
        dict(zip(FEATURES, rounded, strict=False)), dict(zip(KINDS, rounded[len(FEATURES) :], strict=True)), LEAST
    )


def write(known: Sequence[Case], measured: Sequence[Pair]) -> None:
    """Write the weights that are fitted on cases, with what they are fitted on."""
    weights = fitted(known)
    made = {
        "set": "eval/pairs/conflicts.jsonl and the open half of conflicts_2.jsonl",
        "pairs": len(measured),
        "details": len(known),
        "of_one_fact": sum(case.is_one_fact for case in known),
        "command": COMMAND,
        "least": weights.least,
        "features": weights.features,
        "kinds": weights.kinds,
    }
    WEIGHTS.write_text(json.dumps(made, indent=2) + "\n", encoding="utf-8")


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
    parser.add_argument("--set", choices=(*SETS, "all"), default="all", help="the file of pairs")
    parser.add_argument("--closed", action="store_true", help="measure the closed half, once")
    parser.add_argument("--show", action="store_true", help="print wrong pairs of the open half")
    parser.add_argument("--folds", action="store_true", help="fit the weights without the pair that is measured")
    parser.add_argument("--write", action="store_true", help="fit and write the weights")
    parser.add_argument("--models", type=Path, default=ROOT / "data" / "models", help="folder of the local models")
    options = parser.parse_args()
    if options.closed and (options.set in SPENT or options.folds or options.write):
        parser.error("a closed half is measured once, with the weights as they are; set 1 has none any more")
    ask = asker(options.models)
    measured = list(pairs(options.set, "closed" if options.closed else "open"))
    known = (
        [case for pair in pairs("all", "open") for case in cases(pair, ask)] if options.folds or options.write else []
    )
    if options.write:
        write(known, measured)
        relation.weights.cache_clear()

    def found_in(pair: Pair) -> list[Finding]:
        if not options.folds:
            return findings(pair, ask)
        left_out = fitted([case for case in known if case.pair != pair.id])
        with patch.object(relation, "weights", lambda: left_out):
            return findings(pair, ask)

    measure(measured, found_in, show=options.show and not options.closed)


if __name__ == "__main__":
    main()
