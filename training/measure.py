"""Measure trained weights beside the reader without a model, on the same candidates.

usage: python -m training.measure --bench PATH --package PATH --weights FILE [--changes FILE] [--work PATH]
       [--questions N]

Candidates are the sentences of the passages that retrieval ranks best. `first` and `any` are the shares of answerable
questions whose best sentence, or one of whose best three, holds the answer: by the score e of the evidence, and by the
reader (the best span in the sentence above "no answer", plus 16 e). AUROC is that of answerable against unanswerable
questions: by the strength g, and by the reader's best span plus 16 g. Nothing was trained on these questions.
"""

from collections.abc import Sequence
from pathlib import Path

import torch
from tokenizers import Tokenizer

from benchmarks.hits import auroc, holds_answer
from benchmarks.options import parser, workplace
from benchmarks.sets import CLAPNQ, RGB, Asked, QuestionSet, rejections, squad_2
from benchmarks.table import Cell, print_table
from benchmarks.trial import Trial, trial
from index.embedding.local import LocalEmbedder, load_tokenizer
from index.embedding.span_network import encode
from service.readers.evidence import Evidence
from service.records import Passage
from training.network import SpanReader
from training.train import Group, best_span, scored

WEIGHT = 16.0
"""The weight of e and g beside a span's score; the figures differ little from 8 to 24."""

PASSAGES = 8
SHOWN = 3
NO_SPAN = -30.0


def main() -> None:
    """Measure each set and print one table."""
    options = parser((__doc__ or "").splitlines()[0])
    options.add_argument("--package", type=Path, required=True, help="folder of model.safetensors and tokenizer.json")
    options.add_argument("--weights", type=Path, required=True, help="trained weights, in float32 or as shipped")
    options.add_argument("--changes", type=Path, help="trained changes of these weights")
    options.add_argument("--questions", type=int, default=300, help="questions of a kind at most, from each set")
    given = options.parse_args()
    torch.set_num_threads(1)
    model = SpanReader.read(given.package / "model.safetensors", given.weights)
    if given.changes:
        model.change()
        model.read_changes(given.changes)
    model.eval()
    tokenizer = load_tokenizer(None)
    rows: list[list[Cell]] = []
    with workplace(given.work) as work:
        embedder = LocalEmbedder(work / "models")
        for name, parts in sets(given.bench, given.questions).items():
            measured = []
            for part in parts:
                with trial(part.paragraphs, embedder, work, passages_scored=PASSAGES) as opened:
                    measured += [measure(question, opened, model, tokenizer) for question in part.questions]
            rows.append(row_of(name, measured))
    headings = ("set", "n", "first: e", "reader", "any of 3: e", "reader", "AUROC: g", "reader")
    print_table(headings, rows)


def sets(bench: Path, count: int) -> dict[str, list[QuestionSet]]:
    """Return the sets by name; those of RGB are answerable questions and its negatives."""
    return {
        "squad_v2 held out": [squad_2(bench)[1].sample(count)],
        "clapnq_dev": [QuestionSet.read(bench, CLAPNQ).sample(count)],
        "rgb_en": [QuestionSet.read(bench, RGB).sample(count), rejections(bench).sample(count)],
    }


Measured = tuple[bool, list[bool], list[bool], float, float]
"""Answerable; whether the sentences hold the answer, best first by e and by the reader; g; the reader's score."""


def measure(question: Asked, opened: Trial, model: SpanReader, tokenizer: Tokenizer) -> Measured:
    """Rank the candidates of a question both ways."""
    passages, evidence = opened.score(question)
    if not evidence.sentences:
        return question.answerable, [], [], 0.0, NO_SPAN
    spans = span_scores(question.text, passages, evidence, model, tokenizer)
    by_reader = sorted(range(len(spans)), key=lambda at: -(spans[at] + WEIGHT * evidence.sentences[at].score))
    right = [question.answerable and holds_answer(question, sentence.text) for sentence in evidence.sentences]
    best = max(spans) + WEIGHT * evidence.strength
    return question.answerable, right[:SHOWN], [right[at] for at in by_reader[:SHOWN]], evidence.strength, best


@torch.no_grad()
def span_scores(
    question: str, passages: Sequence[Passage], evidence: Evidence, model: SpanReader, tokenizer: Tokenizer
) -> list[float]:
    """Return the score of the best span in each sentence, above the "no answer" of its chunk."""
    encoded = [encode(tokenizer, question, p.article.title or "", p.chunk.text) for p in passages]
    logits, _ = scored(model, [Group(tuple(encoded), (), answerable=False, set_name="")])
    numbers = {passage.key: number for number, passage in enumerate(passages)}
    found = []
    for sentence in evidence.sentences:
        number = numbers[sentence.passage.key]
        start = sentence.span.start - sentence.passage.chunk.start_char
        pieces = encoded[number].pieces(start, start + len(sentence.text))
        if pieces is None:
            found.append(NO_SPAN)
        else:
            inside = torch.cat([logits[number, :1], logits[number, pieces[0] : pieces[1] + 1]])
            found.append(best_span(inside)[0])
    return found


def row_of(name: str, measured: Sequence[Measured]) -> list[Cell]:
    """Return a row of the table."""
    answerable = [each for each in measured if each[0]]
    unanswerable = [each for each in measured if not each[0]]
    row: list[Cell] = [name, len(answerable)]
    for shown in (1, SHOWN):
        row += [sum(any(each[side][:shown]) for each in answerable) / len(answerable) for side in (1, 2)]
    row += [auroc([each[side] for each in answerable], [each[side] for each in unanswerable]) for side in (3, 4)]
    return row


if __name__ == "__main__":
    main()
