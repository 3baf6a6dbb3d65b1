"""Labelled pairs: their shape, counts and split, and a digest that a change breaks."""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "eval" / "pairs"
README = (FOLDER / "README.md").read_text(encoding="utf-8")
LABELS = ("conflict", "update", "agree", "different_fact")
KINDS = ("number", "date", "place", "name", "status")
SPLITS = ("open", "closed")
TIMED = {"conflict", "update"}
Pair = dict[str, Any]
FIXED = [
    "ada2511252ce5602",
    "d2e830d68139074e",
    "f4e41254bf47cc16",
    "39732c683aedbb1e",
    "c4422e57e052c53a",
    "ee42d968a7c21796",
    "1954179c274d98e2",
    "fb269a1e58b33411",
    "86f9cfded9ccf617",
]
"""Starts of the SHA-256 of the sets of conflict pairs and the copy pairs."""


def _read(name: str) -> list[Pair]:
    """Return the pairs of a file."""
    return [json.loads(line) for line in (FOLDER / name).read_text(encoding="utf-8").splitlines()]


FIRST, SECOND = _read("conflicts.jsonl"), _read("conflicts_2.jsonl")
LATER = [_read(f"conflicts_{number}.jsonl") for number in (3, 4, 5, 6, 7, 8)]
"""Sets whose pairs were all closed when they were first measured."""

ALL = [FIRST, SECOND, *LATER]
NOT_IN_FIRST = {"case", "question"}
COPIES = _read("copies.jsonl")


def _has_counts(pairs: Sequence[Pair], row_of: Callable[[Pair], str], column_of: str, columns: Sequence[str]) -> bool:
    """Return whether the page has a row for each value, with the count of each column and their sum."""
    counts = Counter((row_of(pair), pair[column_of]) for pair in pairs)
    for row in {row_of(pair) for pair in pairs}:
        numbers = [counts[row, column] for column in columns]
        ending = "| " + " | ".join(map(str, [*numbers, sum(numbers)])) + " |"
        if not any(line.startswith(f"| {row} |") and line.endswith(ending) for line in README.splitlines()):
            return False
    return True


def test_a_conflict_pair_is_valid() -> None:
    """A pair has the fields of the page, and its values are words of its texts."""
    for pair in chain(*ALL):
        fields = pair.keys() - (set() if pair in FIRST else NOT_IN_FIRST)
        assert fields == {"id", "split", "label", "kind", "topic", "a", "b", "values", "language"}
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
    for pair in chain(*ALL):
        first, last = sorted((pair["a"], pair["b"]), key=lambda side: side["published_at"])
        assert not first["is_correction"]
        if pair["label"] == "update":
            assert first["published_at"] < last["published_at"]


@pytest.mark.parametrize("pairs", [FIRST, SECOND], ids=["first", "second"])
def test_the_conflict_pairs_are_as_many_as_the_page_says(pairs: list[Pair]) -> None:
    """Ids are unique, at least half of the pairs are not conflicts, and the page gives the counts."""
    labels = Counter(pair["label"] for pair in pairs)
    assert len({pair["id"] for pair in pairs}) == len(pairs) >= 130
    assert labels["conflict"] * 2 <= len(pairs)
    assert _has_counts(pairs, lambda pair: pair["label"], "split", SPLITS)
    assert _has_counts(pairs, lambda pair: pair["kind"], "label", LABELS)


@pytest.mark.parametrize("number", [3, 4, 5, 6, 7, 8])
def test_the_closed_pairs_are_as_many_as_the_page_says(number: int) -> None:
    """Ids are unique, fewer than half of the pairs are conflicts, and all are closed."""
    pairs = ALL[number - 1]
    labels = Counter(pair["label"] for pair in pairs)
    assert len({pair["id"] for pair in pairs}) == len(pairs) >= 120
    assert labels["conflict"] * 2 <= len(pairs)
    assert {pair["split"] for pair in pairs} == {"closed"}
    assert _has_counts(pairs, lambda pair: f"{pair['kind']}, set {number}", "label", LABELS)


def test_later_sets_have_a_question_and_a_case_for_each_pair() -> None:
    """A reader's question ends with a question mark; no text is in two sets, but for those that were changed."""
    assert all(pair["question"].endswith("?") and pair["case"] for pair in chain(*ALL[1:]))
    first, later = (
        [side["text"] for pair in pairs for side in (pair["a"], pair["b"])]
        for pairs in (FIRST, chain(*ALL[1:4], *ALL[5:]))
    )
    assert len({*first, *later}) == len(set(first)) + len(later)


@pytest.mark.parametrize("pairs", [FIRST, SECOND], ids=["first", "second"])
def test_the_halves_of_the_conflict_pairs_follow_from_the_ids(pairs: list[Pair]) -> None:
    """Each label is split by the hash of the id."""
    for label in LABELS:
        splits = {pair["id"]: pair["split"] for pair in pairs if pair["label"] == label}
        ordered = sorted(splits, key=lambda name: hashlib.sha256(name.encode()).hexdigest())
        lower_half = set(ordered[: (len(ordered) + 1) // 2])
        assert {name for name, split in splits.items() if split == "open"} == lower_half


def test_a_copy_pair_is_valid() -> None:
    """Each article has a title, a paper, a time and a body; no placeholder is left in it."""
    for pair in COPIES:
        for side in (pair["a"], pair["b"]):
            assert all(side.values()), pair["id"]
            assert datetime.fromisoformat(side["published_at"]).tzinfo is not None
            assert not {"{", "}"} & set(side["title"] + side["body"])
        assert pair["a"] != pair["b"]


def test_the_copy_pairs_are_as_many_as_the_page_says() -> None:
    """Ids are unique, at least 45 % of the pairs are distinct articles, and the page gives the counts."""
    labels = Counter(pair["label"] for pair in COPIES)
    assert len({pair["id"] for pair in COPIES}) == len(COPIES) >= 220
    assert labels["distinct"] >= 0.45 * len(COPIES)
    assert _has_counts(COPIES, lambda pair: f"{pair['change']} | {pair['label']}", "split", SPLITS)
    assert _has_counts(COPIES, lambda pair: pair["label"], "split", SPLITS)


def test_no_story_is_in_both_halves() -> None:
    """Open and closed pairs have no paragraph in common, except the footers."""
    footers = {pair["a"]["body"].split("\n\n")[-1] for pair in COPIES if pair["change"] == "boilerplate_only"}
    added = {"By our correspondent (IPS)"}
    paragraphs = {
        split: {
            paragraph
            for pair in COPIES
            if pair["split"] == split
            for side in (pair["a"], pair["b"])
            for paragraph in side["body"].split("\n\n")
        }
        for split in SPLITS
    }
    assert paragraphs["open"] & paragraphs["closed"] <= footers | added


def test_the_pairs_are_the_ones_that_were_measured() -> None:
    """The content of each set is fixed: a figure of last month was measured on these pairs."""
    sets = (*ALL, COPIES)
    hashes = [hashlib.sha256(json.dumps(pairs, sort_keys=True).encode()).hexdigest() for pairs in sets]
    assert [each[:16] for each in hashes] == FIXED
