"""Train the span reader: `python -m training.train --data PATH --package PATH --out PATH --minutes N`.

With `--body`, changes of low rank of these weights are trained (`training/network.py`) instead of all weights.

One step reads whole questions, each with its chunks. Three losses:

- the span's start and end among all pieces of all chunks of a question (shared normalisation: scores of different
  chunks become comparable; Clark and Gardner 2018), with the [CLS] of each chunk as "no answer here";
- the same within each chunk, where a chunk without the answer has to choose its [CLS];
- which chunk holds the answer, by a softmax over the chunks' scores.

AdamW, linear warm-up and decay by elapsed time, no dropout.
"""

import argparse
import json
import math
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from torch import Tensor

from index.embedding.local import load_tokenizer
from index.embedding.span_network import LONGEST_SPAN, Encoded, encode
from training.network import SpanReader

BODY_RATE, HEAD_RATE = 1.5e-4, 7.5e-4
CHANGES_RATE = 5e-4
WARM_UP = 0.06
QUESTIONS = 6
NEGATIVES = 3
LOCAL_WEIGHT, CHUNK_WEIGHT = 0.5, 0.5


@dataclass(frozen=True, slots=True)
class Group:
    """A question with its encoded chunks and, for each, the first and last pieces of its answers."""

    chunks: tuple[Encoded, ...]
    spans: tuple[tuple[tuple[int, int], ...], ...]
    answerable: bool
    set_name: str

    @property
    def length(self) -> int:
        """The pieces of the longest chunk."""
        return max(len(chunk.ids) for chunk in self.chunks)


def options() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of train.jsonl and validation.jsonl")
    parser.add_argument("--package", type=Path, required=True, help="folder of model.safetensors and tokenizer.json")
    parser.add_argument("--out", type=Path, required=True, help="file of the trained weights")
    parser.add_argument("--minutes", type=float, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--body", type=Path, help="trained weights that stay; changes of them are trained")
    parser.add_argument("--trained", type=Path, help="weights (with --body: changes) to go on from, by an earlier run")
    parser.add_argument("--rate", type=float, default=1.0, help="share of the learning rates; less to go on")
    parser.add_argument("--negatives", type=int, default=NEGATIVES, help="chunks without the answer, of each question")
    parser.add_argument("--again", default="", help="set whose questions are read twice as often")
    parser.add_argument("--bfloat16", action="store_true", help="multiply in bfloat16: faster where the CPU has it")
    return parser


def main() -> None:
    """Train within the time given, saving now and then, and report on the validation questions."""
    arguments = options().parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(arguments.seed)
    random.seed(arguments.seed)
    tokenizer = load_tokenizer(None)
    rows = read(arguments.data / "train.jsonl")
    rows += [row for row in rows if row["set"] == arguments.again]
    held = [encoded(row, tokenizer, 7) for row in read(arguments.data / "validation.jsonl")]
    model = model_of(arguments.package / "model.safetensors", arguments.body, arguments.trained)
    write = model.write_changes if arguments.body else model.write
    head = list(model.head.parameters()) + list(model.types.parameters())
    body = [p for p in model.parameters() if p.requires_grad and not any(p is h for h in head)]
    optimiser = torch.optim.AdamW(
        [
            {"params": body, "lr": CHANGES_RATE if arguments.body else BODY_RATE},
            {"params": head, "lr": HEAD_RATE},
        ],
        weight_decay=0.01,
    )
    rates = [g["lr"] * arguments.rate for g in optimiser.param_groups]
    began, seconds = time.monotonic(), arguments.minutes * 60
    seen, saved, losses = 0, began, []
    model.train()
    for groups in batches(rows, tokenizer, arguments.negatives):
        done = (time.monotonic() - began) / seconds
        if done >= 1:
            break
        factor = min(done / WARM_UP, 1.0) if done < WARM_UP else (1 - done) / (1 - WARM_UP)
        for part, rate in zip(optimiser.param_groups, rates, strict=True):
            part["lr"] = rate * max(factor, 0.01)
        with torch.autocast("cpu", torch.bfloat16, enabled=arguments.bfloat16):
            loss = loss_of(model, groups)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(body + head, 1.0)
        optimiser.step()
        seen += len(groups)
        losses.append(loss.item())
        if len(losses) % 100 == 0:
            rate = seen / (time.monotonic() - began)
            print(f"{done:.3f} {seen} questions, {rate:.2f}/s, loss {sum(losses[-100:]) / 100:.3f}", flush=True)
        if time.monotonic() - saved > 900:
            saved = time.monotonic()
            write(arguments.out)
            print(report(model, held[:200]), flush=True)
    write(arguments.out)
    print(report(model, held[:600]), flush=True)


def model_of(package: Path, body: Path | None, trained: Path | None) -> SpanReader:
    """Return the model to train: all of it, or, with the weights of a body, changes of these."""
    model = SpanReader.read(package, body or trained)
    if body:
        model.change()
        if trained:
            model.read_changes(trained)
    return model


def read(path: Path) -> list[dict[str, Any]]:
    """Return the rows of a file of examples."""
    with path.open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def encoded(row: dict[str, Any], tokenizer: Tokenizer, most: int, titled: float = 1.0) -> Group:
    """Return a question with at most so many chunks, those with an answer first; titles stay with a probability."""
    gold = [chunk for chunk in row["chunks"] if chunk["spans"]] or row["chunks"][:1]
    others = [chunk for chunk in row["chunks"] if chunk not in gold]
    if most < len(others) + len(gold):
        others = random.sample(others, max(0, min(len(others), most - len(gold))))
    chosen = [*gold[:2], *others]
    titled_now = random.random() < titled
    chunks, spans = [], []
    for chunk in chosen:
        made = encode(tokenizer, row["question"], chunk["title"] if titled_now else "", chunk["text"])
        placed = [made.pieces(*span) for span in chunk["spans"]]
        chunks.append(made)
        spans.append(tuple(span for span in placed if span))
    return Group(tuple(chunks), tuple(spans), any(spans), row["set"])


def batches(rows: Sequence[dict[str, Any]], tokenizer: Tokenizer, negatives: int) -> Iterator[list[Group]]:
    """Yield questions of similar length together, in a new order each time through."""
    order = list(rows)
    while True:
        random.shuffle(order)
        for start in range(0, len(order), 240):
            window = [encoded(row, tokenizer, 1 + negatives, titled=0.7) for row in order[start : start + 240]]
            window.sort(key=lambda group: group.length)
            parts = [window[at : at + QUESTIONS] for at in range(0, len(window), QUESTIONS)]
            random.shuffle(parts)
            yield from parts


def scored(model: SpanReader, groups: Sequence[Group]) -> tuple[Tensor, Tensor]:
    """Return the logits of all chunks of all groups, -inf where no answer can be, and which group each is of."""
    chunks = [chunk for group in groups for chunk in group.chunks]
    length = max(len(chunk.ids) for chunk in chunks)
    ids = torch.zeros(len(chunks), length, dtype=torch.long)
    types = torch.zeros(len(chunks), length, dtype=torch.long)
    mask = torch.zeros(len(chunks), length, dtype=torch.bool)
    allowed = torch.zeros(len(chunks), length, dtype=torch.bool)
    for row, chunk in enumerate(chunks):
        size = len(chunk.ids)
        ids[row, :size] = torch.tensor(chunk.ids)
        types[row, :size] = torch.tensor(chunk.types)
        mask[row, :size] = True
        allowed[row, 0] = True
        allowed[row, chunk.first : chunk.first + len(chunk.offsets)] = True
    logits = model(ids, types, mask)
    owners = torch.tensor([at for at, group in enumerate(groups) for _ in group.chunks])
    return logits.masked_fill(~allowed[:, :, None], -math.inf), owners


def loss_of(model: SpanReader, groups: Sequence[Group]) -> Tensor:
    """Return the mean loss of the questions."""
    logits, owners = scored(model, groups)
    spans = [each for group in groups for each in group.spans]
    total = torch.zeros(())
    gold = torch.zeros_like(logits, dtype=torch.bool)
    for row, places in enumerate(spans):
        for first, last in places:
            gold[row, first, 0] = True
            gold[row, last, 1] = True
        if not places:
            gold[row, 0] = True
    chosen = logits.masked_fill(~gold, -math.inf)
    local = (logits.logsumexp(1) - chosen.logsumexp(1)).mean(1)
    inner = logits[:, 1:].logsumexp(1)
    scores = (inner - logits[:, 0]).sum(1) / 2
    for at, group in enumerate(groups):
        rows = owners == at
        target = rows.nonzero().flatten()
        if group.answerable:
            holds = torch.tensor([bool(places) for places in group.spans])
            numerator = chosen[target[holds]].flatten(0, 1).logsumexp(0)
            if len(target) > 1:
                total = total + CHUNK_WEIGHT * (scores[target].logsumexp(0) - scores[target[holds]].logsumexp(0))
        else:
            numerator = logits[target, 0].logsumexp(0)
        total = total + (logits[target].flatten(0, 1).logsumexp(0) - numerator).mean()
        total = total + LOCAL_WEIGHT * local[target].mean()
    return total / len(groups)


@torch.no_grad()
def report(model: SpanReader, groups: Sequence[Group]) -> str:
    """Return how often the best span touches an answer, and how well the score separates the unanswerable."""
    model.eval()
    right, answerable, scores = 0, 0, {True: [], False: []}
    for group in groups:
        logits, _ = scored(model, [group])
        best = max((best_span(logits[row]), row) for row in range(len(group.chunks)))
        (score, first, last), row = best
        scores[group.answerable].append(score)
        if group.answerable:
            answerable += 1
            right += any(first <= end and start <= last for start, end in group.spans[row])
    model.train()
    pairs = [(a > b) + 0.5 * (a == b) for a in scores[True] for b in scores[False]]
    return f"best span right {right}/{answerable}, AUROC {sum(pairs) / max(1, len(pairs)):.3f} (n {len(groups)})"


def best_span(logits: Tensor) -> tuple[float, int, int]:
    """Return the score of a chunk's best span above its null, and its first and last piece."""
    starts, ends = logits[1:, 0], logits[1:, 1]
    sums = (starts[:, None] + ends[None, :]).triu()
    sums = sums.masked_fill(torch.ones_like(sums, dtype=torch.bool).triu(LONGEST_SPAN), -math.inf)
    sums = sums.masked_fill(torch.ones_like(sums, dtype=torch.bool).tril(-1), -math.inf)
    at = int(sums.argmax())
    first, last = divmod(at, sums.shape[1])
    return float(sums.flatten()[at] - logits[0].sum()), first + 1, last + 1


if __name__ == "__main__":
    main()
