"""Ask what was known at a moment: `python -m benchmarks.evolving [--models PATH] [--list]`.

Each line of `evolving.jsonl` is a question about a value that changes over days or months, and a moment: `as_of` of
the request, and the clock of the pipeline. It has matchers of the value that was valid then by the articles of the gold
set, of older values, and of later ones. Half of the stories are `holdout`; they are counted apart and never listed.

- valid: the answer states the value that was valid.
- older as current: a sentence of the answer states an older value and not the valid one.
- later value: a sentence of the answer states a later value and not the valid one; it may have been announced by then.
- later article: a source was published after the moment.
- right: the first, and none of the other three.

`--list` prints the open pairs that are not answered well.
"""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from benchmarks.options import parser
from benchmarks.table import print_table
from eval.gold import read_gold
from eval.matching import matches
from eval.records import Matcher, Record
from eval.run import corpus_pipeline
from index.embedding.local import LocalEmbedder
from index.records import parse_moment
from index.text import sentence_spans
from service.answer import Answer
from service.pipeline import Pipeline
from service.records import Question

ROOT = Path(__file__).parent.parent
PAIRS = Path(__file__).with_name("evolving.jsonl")
SPLITS = ("open", "holdout")


class Pair(Record):
    """A question and a moment, with the value that was valid, the older and the later ones."""

    story: str
    split: str
    question: str
    as_of: datetime
    valid: tuple[Matcher, ...]
    older: tuple[Matcher, ...] = ()
    later: tuple[Matcher, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one pair was answered."""

    pair: Pair
    answer: str
    abstained: bool
    valid: bool
    older: bool
    later: bool
    later_article: bool

    @property
    def right(self) -> bool:
        """Whether the valid value is stated, and nothing else as current or from the future."""
        return self.valid and not (self.older or self.later or self.later_article)


def main() -> None:
    """Ask all pairs and print the table."""
    options = parser(__doc__, bench=False)
    options.add_argument("--models", type=Path, default=ROOT / "data" / "models", help="folder of the local model")
    options.add_argument("--list", action="store_true", help="print the open pairs that are not answered well")
    arguments = options.parse_args()
    pairs = [Pair.model_validate_json(line) for line in PAIRS.read_text(encoding="utf-8").splitlines()]
    outcomes = list(ask_all(pairs, arguments.models))
    head = (
        "split",
        "stories",
        "pairs",
        "valid",
        "older as current",
        "later value",
        "later article",
        "abstained",
        "right",
    )
    print_table(head, [row(split, [each for each in outcomes if each.pair.split == split]) for split in SPLITS])
    for outcome in outcomes if arguments.list else ():
        if outcome.pair.split != "holdout" and not outcome.right:
            print(f"\n{outcome.pair.as_of:%Y-%m-%d}  {outcome.pair.question}\n  {outcome.answer}")


def ask_all(pairs: Sequence[Pair], models: Path) -> Iterator[Outcome]:
    """Ask each pair on an index of the gold set's articles."""
    embedder = LocalEmbedder(models, precision="fp32")
    with corpus_pipeline(read_gold(ROOT / "eval" / "gold"), embedder, models) as pipeline, asyncio.Runner() as loop:
        for pair in pairs:
            yield outcome_of(pair, loop.run(ask(pair, pipeline)))


async def ask(pair: Pair, pipeline: Pipeline) -> Answer:
    """Return the answer to a pair's question at its moment."""
    return await replace(pipeline, clock=lambda: pair.as_of).ask(Question(pair.question, as_of=pair.as_of))


def outcome_of(pair: Pair, answer: Answer) -> Outcome:
    """Judge one answer."""
    abstained = answer.status == "not_in_sources"
    sentences = [] if abstained else [answer.answer[start:end] for start, end, *_ in sentence_spans(answer.answer)]
    others = [sentence for sentence in sentences if not matches(pair.valid, sentence)]
    moments = [source.published_at for source in answer.sources if source.published_at]
    return Outcome(
        pair=pair,
        answer=answer.answer,
        abstained=abstained,
        valid=len(others) < len(sentences),
        older=any(matches(pair.older, sentence) for sentence in others),
        later=any(matches(pair.later, sentence) for sentence in others),
        later_article=any(parse_moment(moment) > pair.as_of for moment in moments),
    )


def row(split: str, outcomes: Sequence[Outcome]) -> tuple[str | int, ...]:
    """Return the counts of one split."""
    counts = (
        sum(getattr(each, name) for each in outcomes)
        for name in ("valid", "older", "later", "later_article", "abstained", "right")
    )
    return split, len({each.pair.story for each in outcomes}), len(outcomes), *counts


if __name__ == "__main__":
    main()
