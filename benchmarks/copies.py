"""Measure the detection of copies on the labelled pairs of articles in `eval/pairs`.

usage: python -m benchmarks.copies [--closed] [--errors]

A pair counts as found if the product would compare it, because a mark is in both sketches, and takes it for a copy. The
open half is measured; the closed half, with `--closed`, is for a detector that is finished. `--errors` lists the wrong
decisions of the open half.
"""

import argparse
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.hits import Estimate, share_of
from benchmarks.options import first_line
from benchmarks.sets import read_lines
from benchmarks.table import Cell, print_table
from index.copies import Sketch, is_copy, sketch_of
from index.records import Article

PAIRS = Path(__file__).parent.parent / "eval" / "pairs" / "copies.jsonl"

Pair = Mapping[str, Any]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=first_line(__doc__))
    parser.add_argument("--closed", action="store_true", help="measure the closed half too")
    parser.add_argument("--errors", action="store_true", help="list the wrong decisions of the open half")
    options = parser.parse_args()
    splits = ("open", "closed") if options.closed else ("open",)
    labelled = read_lines(PAIRS)
    measured = {split: [(pair, is_found(pair)) for pair in labelled if pair["split"] == split] for split in splits}
    rows: list[list[Cell]] = []
    for split, pairs in measured.items():
        precision = share_of([pair["label"] == "copy" for pair, found in pairs if found])
        recall = share_of([found for pair, found in pairs if pair["label"] == "copy"])
        rows += [[f"{split}, precision", *_cells(precision), "≥ .95"], [f"{split}, recall", *_cells(recall), "≥ .90"]]
    print_table(("", "measured", "95 %", "n", "goal"), rows)
    for split, pairs in measured.items():
        all_, found_ = (
            Counter((p["label"], p["change"]) for p, found in pairs if found or every) for every in (True, False)
        )
        print(f"\n{split}: pairs taken for copies, by change")
        for (label, change), count in sorted(all_.items()):
            print(f"  {label:8} {change:25} {found_[label, change]:3} of {count}")
    for pair, found in measured["open"] if options.errors else ():
        if found != (pair["label"] == "copy"):
            print("\n{id}: {label}, {change}".format(**pair))


def is_found(pair: Pair) -> bool:
    """Return whether the product takes two articles for copies."""
    one, other = _sketch(pair["a"]), _sketch(pair["b"])
    return is_copy(one, other) and (one.digest == other.digest or bool({*one.marks} & {*other.marks}))


def _sketch(version: Pair) -> Sketch:
    return sketch_of(Article("", version["body"], "", title=version["title"]))


def _cells(figure: Estimate | None) -> list[Cell]:
    if figure is None:
        return [None, None, 0]
    return [f"{figure.value:.3f}", f"{figure.low:.3f} to {figure.high:.3f}", figure.n]


if __name__ == "__main__":
    main()
