"""Measure the support check on labelled sentences: how many lies and truths it verifies, shows and withholds.

usage: python -m benchmarks.support_check [--second] [--quotes] [--reporting] [--bench PATH] [--write] [--errors]

The SHA-256 of its passage's id decides the half of a row; a row with passages of both halves is left out. The first
part of the set (up to s447) is measured; `--second` measures the second part instead. Only the fitting half is read:
`--reporting` measures the reporting half too, which is for a check that is finished. `--quotes` gives the check the
words that the writer of each sentence points at, and measures the rows that have them. `--bench` measures files of
other sets (JSON Lines with `source`, `claim` and `supported`), a sample of each. `--write` writes the rates into
`service/citations/thresholds.json`; `--errors` lists the wrong decisions of the fitting half only. The int8 graph
rounds differently on other processors, which changes a rate by up to two sentences.
"""

import argparse
import hashlib
import json
import random
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.options import first_line
from benchmarks.sets import read_lines
from index.embedding.local import LocalEmbedder
from index.records import Article, Chunk
from service.citations.verify import THRESHOLDS, SupportCheck, SupportResult, Thresholds
from service.records import Passage

FOLDER = Path(__file__).parent / "support"
FIRST_PART = "s447"
"""The last row of the first part of the set."""

SAMPLE = 300
"""Rows of each other set that are measured."""

HALVES = ("fitting half", "reporting half")


@dataclass(frozen=True, slots=True)
class Row:
    """A labelled sentence with its verdict."""

    sentence: str
    supported: bool
    kind: str
    result: SupportResult

    @property
    def is_wrong(self) -> bool:
        """True for a lie that is shown and a truth that is withheld."""
        return (self.result.status != "unverified") != self.supported


def main() -> None:
    """Measure and print; write if the option says so."""
    parser = argparse.ArgumentParser(description=first_line(__doc__))
    parser.add_argument("--second", action="store_true", help="measure the second part of the set")
    parser.add_argument("--quotes", action="store_true", help="measure the rows with a quote, and give it to the check")
    parser.add_argument("--reporting", action="store_true", help="measure the reporting half too")
    parser.add_argument("--bench", type=Path, help="measure the .jsonl files of this folder")
    parser.add_argument("--write", action="store_true", help="write the rates")
    parser.add_argument("--errors", action="store_true", help="list the wrong decisions of the fitting half")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as models:
        check = SupportCheck(LocalEmbedder(Path(models)), Thresholds.read())
        if arguments.bench:
            measured = {file.stem: list(read_bench(check, file)) for file in sorted(arguments.bench.glob("*.jsonl"))}
        else:
            chosen = {name: getattr(arguments, name) for name in ("second", "quotes", "reporting")}
            halves = read_halves(check, **chosen)
            measured = {half: rows for half, rows in zip(HALVES, halves, strict=True) if rows}
    rates = {name: error_rates(rows) for name, rows in measured.items()}
    for name, rate in rates.items():
        print(f"{name}: {json.dumps(rate)}")
    if arguments.errors:
        for row in measured.get(HALVES[0], ()):
            if row.is_wrong or (row.result.status == "verified") > row.supported:
                print(f"  {row.kind}: {row.result.status} {row.result.reason} {row.result.score} {row.sentence}")
    if arguments.write:
        data = json.loads(THRESHOLDS.read_text(encoding="utf-8"))
        name = "s448 on" if arguments.second else f"up to {FIRST_PART}"
        name += ", with quotes" if arguments.quotes else ""
        options = "".join(f" --{name}" for name in ("second", "quotes", "reporting") if getattr(arguments, name))
        written = {
            "set": f"benchmarks/support {name}",
            "command": f"python -m benchmarks.support_check{options} --write",
        }
        data["rates"] = {**data.get("rates", {}), name: {**written, **rates}}
        THRESHOLDS.write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")


def read_halves(
    check: SupportCheck, *, second: bool, quotes: bool, reporting: bool = False
) -> tuple[list[Row], list[Row]]:
    """Return the rows of the fitting half and of the reporting half, with their verdicts.

    The reporting half is read only with `reporting`.
    """
    passages = {item["id"]: _passage(item) for item in read_lines(FOLDER / "passages.jsonl")}
    halves: tuple[list[Row], list[Row]] = ([], [])
    for item in read_lines(FOLDER / "sentences.jsonl"):
        sides = {_half(cited) for cited in item["passages"]}
        closed = not reporting and sides == {1}
        if _is_second(item["id"]) != second or len(sides) != 1 or closed or (quotes and not item.get("quote")):
            continue
        pairs = [(cited, item["quote"]) for cited in item["passages"]] if quotes else []
        verdict = check.check(item["sentence"], [passages[cited] for cited in item["passages"]], pairs)
        halves[sides.pop()].append(Row(item["sentence"], item["label"] == "supported", item["kind"], verdict))
    return halves


def read_bench(check: SupportCheck, file: Path) -> Iterator[Row]:
    """Yield a sample of another set, with its verdicts."""
    items = read_lines(file)
    for item in random.Random(0).sample(items, min(SAMPLE, len(items))):
        passage = _passage({"id": item["id"], "text": item["source"], "title": None, "published_at": None})
        yield Row(item["claim"], bool(item["supported"]), file.stem, check.check(item["claim"], [passage]))


def error_rates(rows: Sequence[Row]) -> dict[str, object]:
    """Return the shares of lies and truths that are verified, shown and withheld, and the wrong decisions by kind."""
    lies = [row.result.status for row in rows if not row.supported]
    truths = [row.result.status for row in rows if row.supported]
    wrong = Counter(row.kind for row in rows if row.is_wrong)
    total = Counter(row.kind for row in rows)
    return {
        "lies_verified": _share(lies.count("verified"), lies),
        "lies_shown": _share(len(lies) - lies.count("unverified"), lies),
        "lies": len(lies),
        "truths_verified": _share(truths.count("verified"), truths),
        "truths_withheld": _share(truths.count("unverified"), truths),
        "truths": len(truths),
        "wrong_by_kind": {kind: f"{wrong[kind]}/{total[kind]}" for kind in sorted(total)},
    }


def _share(count: int, of: Sequence[str]) -> float:
    return round(count / max(1, len(of)), 3)


def _is_second(row: str) -> bool:
    return int(row[1:]) > int(FIRST_PART[1:])


def _half(passage_id: str) -> int:
    return hashlib.sha256(passage_id.encode()).digest()[-1] % 2


def _passage(item: dict[str, Any]) -> Passage:
    text, date = item["text"], item["published_at"]
    published = datetime.fromisoformat(date).replace(tzinfo=UTC) if date else None
    article = Article(item["id"], text, item["id"], title=item["title"], published_at=published)
    chunk = Chunk(f"{item['id']}#0", item["id"], 0, text, 0, len(text), 0)
    return Passage(item["id"], chunk, article, 1.0, 0.0, 0.0)


if __name__ == "__main__":
    main()
