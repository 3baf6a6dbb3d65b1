"""Prepare the examples of the pair reader: the details of labelled pairs of articles that exclude each other.

usage: python -m training.pairs --out FILE [--others N] [--most N] FILE ...

Each given file has labelled pairs as `eval/pairs/README.md` describes them. Each line of the written file has two
details: their encoded pieces and types, the `label` (`conflict` or `update` if both are the labelled values, else
`none`), and the pair with its own label; also `turned`, the two the other way round, where that changes no label.
`--others` adds as many details of articles about two stories, all `none`; with `--most`, a pair has that many `none`.
"""

import argparse
import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.conflicts import Pair, is_value, labelled, statements
from index.embedding.local import load_tokenizer
from index.embedding.pair_network import encode_pair
from service.conflicts import relation
from service.conflicts.pair_reader import asked_of, marked

SEED = 5
STORIES = 70
"""Pairs of each file whose first article is compared with that of another story."""


def main() -> None:
    """Write the examples of the given files."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("files", type=Path, nargs="+", help="files of labelled pairs")
    parser.add_argument("--out", type=Path, required=True, help="file to write")
    parser.add_argument("--most", type=int, default=1000, help="details of one pair that are nothing to each other")
    parser.add_argument("--others", type=int, default=0, help="examples of articles about two stories")
    arguments = parser.parse_args()
    draw = random.Random(SEED)
    sets = [list(labelled(file)) for file in arguments.files]
    made = [example for pairs in sets for pair in pairs for example in some(list(examples(pair)), arguments.most, draw)]
    other = [example for pairs in sets for pair in of_two_stories(pairs, draw) for example in examples(pair)]
    made += draw.sample(other, min(arguments.others, len(other)))
    arguments.out.write_text("".join(json.dumps(example) + "\n" for example in made), encoding="utf-8")
    print(len(made), "examples")


def examples(pair: Pair) -> Iterator[dict[str, Any]]:
    """Yield the details of a pair that exclude each other, each two once."""
    tokenizer, seen = load_tokenizer(None), set[object]()
    for one, other in statements(pair):
        found = relation.pair_of(one, other)
        for before, after in relation.candidates(found) if found else ():
            key = (before.kind, before.span, after.span)
            if found is None or key in seen:
                continue
            seen.add(key)
            sides = ((found.earlier, before), (found.later, after))
            is_labelled = all(is_value(pair, side.article, detail.span) for side, detail in sides)
            asked, texts = asked_of(found.gap, pair.question), [marked(*side) for side in sides]
            encoded = encode_pair(tokenizer, asked, *texts)
            turned = encode_pair(tokenizer, asked, *reversed(texts))
            yield {
                "pair": pair.id,
                "of": pair.label,
                "label": pair.label if is_labelled else "none",
                "ids": encoded.ids,
                "types": encoded.types,
                "turned": None if pair.label == "update" or found.is_corrected else asdict(turned),
            }


def some(found: list[dict[str, Any]], most: int, draw: random.Random) -> list[dict[str, Any]]:
    """Return the examples of a pair, of those labelled `none` some."""
    nothing = [each for each in found if each["label"] == "none"]
    return [each for each in found if each["label"] != "none"] + draw.sample(nothing, min(most, len(nothing)))


def of_two_stories(pairs: Sequence[Pair], draw: random.Random) -> Iterator[Pair]:
    """Yield pairs of the first article of a pair and the second one of another pair of its kind."""
    for pair in draw.sample(pairs, min(STORIES, len(pairs))):
        others = [each for each in pairs if each.id != pair.id and each.kind == pair.kind]
        if others:
            other = draw.choice(others)
            yield Pair(
                f"{pair.id} {other.id}", "none", pair.kind, pair.question, (pair.articles[0], other.articles[1]), None
            )


if __name__ == "__main__":
    main()
