"""Measure whether a later correction is found: `python -m benchmarks.corrections [--closed] [--list]`.

The pairs are those of `eval/pairs/conflicts.jsonl` whose articles have different dates.

- corrections: the later article corrects the earlier one, of the same source; found if a sentence is superseded.
- others: the other pairs that are no conflict, read as if the later article were a correction by the same source. None
  is one, so each that is found is wrong; a real archive has few such articles.

Only the open half is read; `--closed` measures the other half, once, when the finder is finished. `--list` prints what
was found in the open half.
"""

import argparse
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

from benchmarks.sets import read_lines
from benchmarks.table import print_table
from index.records import Article
from index.text import sentence_spans
from service.superseded import Superseded, superseding

PAIRS = Path(__file__).parent.parent / "eval" / "pairs" / "conflicts.jsonl"


def article_of(name: str, excerpt: dict[str, Any], *, as_correction: bool) -> Article:
    """Return an excerpt as an article of one source, if wanted with the title of a correction."""
    return Article(
        article_id=name,
        body=excerpt["text"],
        origin=f"/{name}",
        title=f"Correction: {excerpt['title']}" if as_correction else excerpt["title"],
        source="Post",
        published_at=datetime.fromisoformat(excerpt["published_at"]),
    )


def found_in(pair: dict[str, Any], *, as_correction: bool) -> list[tuple[str, Superseded]]:
    """Return the sentences of the earlier excerpt that the later one corrects."""
    earlier, later = sorted((pair["a"], pair["b"]), key=lambda excerpt: str(excerpt["published_at"]))
    article = article_of("earlier", earlier, as_correction=False)
    other = article_of("later", later, as_correction=as_correction)
    claims = [article.body[span.start : span.end] for span in sentence_spans(article.body)]
    return [(claim, found) for claim in claims if (found := superseding(claim, article, [other]))]


def main() -> None:
    """Print how many pairs are found, of each kind."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--closed", action="store_true")
    options.add_argument("--list", action="store_true")
    given = options.parse_args()
    split = "closed" if given.closed else "open"
    pairs, hits = Counter[str](), Counter[str]()
    for pair in read_lines(PAIRS):
        is_correction = any(pair[side]["is_correction"] for side in "ab") and pair["label"] == "conflict"
        if pair["split"] != split or pair["a"]["published_at"] == pair["b"]["published_at"]:
            continue
        if pair["label"] == "conflict" and not is_correction:
            continue
        kind = "corrections" if is_correction else "others"
        found = found_in(pair, as_correction=not is_correction)
        pairs[kind] += 1
        hits[kind] += bool(found)
        if given.list and not given.closed:
            for claim, superseded in found:
                print(f"{kind} {pair['id']}: {claim} -> {superseded.text}")
    print_table(["pairs", "n", "found"], [[kind, pairs[kind], hits[kind]] for kind in ("corrections", "others")])


if __name__ == "__main__":
    main()
