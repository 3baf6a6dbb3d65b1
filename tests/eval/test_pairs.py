"""Labelled pairs: their shape, counts and split."""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[2] / "eval" / "pairs"
README = (FOLDER / "README.md").read_text(encoding="utf-8")
LABELS = ("conflict", "update", "agree", "different_fact")
KINDS = ("number", "date", "place", "name", "status")
TIMED = {"conflict", "update"}
Pair = dict[str, Any]


def _read(name: str) -> list[Pair]:
    """Return the pairs of a file."""
    return [json.loads(line) for line in (FOLDER / name).read_text(encoding="utf-8").splitlines()]


CONFLICTS = _read("conflicts.jsonl")


def _lower_half(names: Sequence[str]) -> set[str]:
    """Return the half of the names with the lower SHA-256; the larger half if their number is odd."""
    ordered = sorted(names, key=lambda name: hashlib.sha256(name.encode()).hexdigest())
    return set(ordered[: (len(ordered) + 1) // 2])


def _table(
    rows: Sequence[str], value: Callable[[Pair], str], of: Callable[[Pair], str], columns: Sequence[str]
) -> bool:
    """Return whether the page has the row of each value, with the count of each column and their sum."""
    counts = Counter((value(pair), of(pair)) for pair in CONFLICTS)
    for row in rows:
        numbers = [counts[row, column] for column in columns]
        ending = " | ".join(map(str, [*numbers, sum(numbers)]))
        if not any(line.startswith(f"| {row} |") and line.endswith(f"| {ending} |") for line in README.splitlines()):
            return False
    return True


def test_a_conflict_pair_is_valid() -> None:
    """A pair has the fields of the page, and its values are words of its texts."""
    for pair in CONFLICTS:
        assert pair.keys() == {"id", "split", "label", "kind", "topic", "a", "b", "values", "language"}
        assert pair["label"] in LABELS
        assert pair["kind"] in KINDS
        assert pair["language"] in {"en", "de"}
        assert (pair["values"] is not None) == (pair["label"] in TIMED)
        for number, side in enumerate((pair["a"], pair["b"])):
            assert side.keys() == {"source", "title", "published_at", "is_correction", "text"}
            assert datetime.fromisoformat(side["published_at"]).tzinfo is not None
            assert all(side[name] for name in ("source", "title", "text"))
            assert pair["values"] is None or side["text"].count(pair["values"][number]) == 1, pair["id"]


def test_a_later_article_updates_or_corrects() -> None:
    """The articles of an update differ in time; a correction is the later article of its pair."""
    for pair in CONFLICTS:
        first, last = sorted((pair["a"], pair["b"]), key=lambda side: side["published_at"])
        assert not first["is_correction"]
        if pair["label"] == "update":
            assert first["published_at"] < last["published_at"]


def test_the_conflict_pairs_are_as_many_as_the_page_says() -> None:
    """Ids are unique, at least half of the pairs are not conflicts, and the page gives the counts."""
    labels = Counter(pair["label"] for pair in CONFLICTS)
    assert len({pair["id"] for pair in CONFLICTS}) == len(CONFLICTS) >= 130
    assert labels["conflict"] * 2 <= len(CONFLICTS)
    assert _table(LABELS, lambda pair: pair["label"], lambda pair: pair["split"], ("open", "closed"))
    assert _table(KINDS, lambda pair: pair["kind"], lambda pair: pair["label"], LABELS)


def test_the_halves_of_the_conflict_pairs_follow_from_the_ids() -> None:
    """Each label is split by the hash of the id."""
    for label in LABELS:
        splits = {pair["id"]: pair["split"] for pair in CONFLICTS if pair["label"] == label}
        assert {name for name, split in splits.items() if split == "open"} == _lower_half(list(splits))
