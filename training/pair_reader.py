"""Train the pair reader: `python -m training.pair_reader --train FILE --dev FILE --package PATH --out PATH`.

The body of the span reader stays as it is; changes of it are trained (`training/network.py`), and a head of three
logits. The head reads the vector of [CLS] and the mean vector of each value. AdamW, linear warm-up and decay, dropout,
float32.
"""

import argparse
import json
import math
import random
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional

from index.embedding.pair_network import VALUE_TYPES
from training.network import WIDTH, SpanReader

DROPPED = 0.1
BODY_RATE, HEAD_RATE = 5e-4, 1e-3
WARM_UP = 0.1
SMOOTHED = 0.05
EXAMPLES = 16
TURNED = 0.5
"""The share of examples that are read the other way round: a conflict is one in either order."""

LABELS = ("none", "conflict", "update")


class PairReader(nn.Module):
    """Says whether two marked values are nothing to each other, a conflict, or an update."""

    def __init__(self, body: SpanReader) -> None:
        super().__init__()
        body.change()
        body.head.requires_grad_(requires_grad=False)
        plain = body.types.weight.data
        marked = plain[:2] + 0.02 * torch.randn(2, WIDTH)
        body.types = nn.Embedding.from_pretrained(torch.cat([plain, marked]), freeze=False)
        self.body = body
        self.head = nn.Linear(3 * WIDTH, len(LABELS))
        nn.init.normal_(self.head.weight, std=0.02)
        nn.init.zeros_(self.head.bias)
        self.drop = nn.Dropout(DROPPED)

    def forward(self, ids: Tensor, types: Tensor, mask: Tensor) -> Tensor:
        """Return the logits of the labels, (batch, 3); `mask` is True where a piece is."""
        places = torch.arange(ids.shape[1])
        hidden = self.body.norm(self.body.words(ids) + self.body.places(places) + self.body.types(types))
        hidden = self.drop(hidden)
        for layer in self.body.layers:
            hidden = layer(hidden, mask[:, None, None, :])
        pools = [hidden[:, 0]]
        for side in VALUE_TYPES:
            marks = ((types == side) & mask)[:, :, None]
            pools.append((hidden * marks).sum(1) / marks.sum(1).clamp(min=1))
        logits: Tensor = self.head(self.drop(torch.cat(pools, 1)))
        return logits

    def read(self, path: Path) -> None:
        """Take the weights of an earlier run."""
        stored = load_file(path)
        self.body.take_changes(stored)
        self.head.weight.data, self.head.bias.data = stored["relation.weight"], stored["relation.bias"]

    def write(self, path: Path) -> None:
        """Write what was trained."""
        tensors = self.body.changes() | {"relation.weight": self.head.weight, "relation.bias": self.head.bias}
        save_file({name: tensor.detach().contiguous().clone() for name, tensor in tensors.items()}, path)


def main() -> None:
    """Train for some passes and report on the validation examples after each."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--train", type=Path, required=True, help="examples, of training.pairs")
    parser.add_argument("--dev", type=Path, required=True, help="examples that are not trained on")
    parser.add_argument("--package", type=Path, required=True, help="folder of model.safetensors and tokenizer.json")
    parser.add_argument("--body", type=Path, default=Path("index/embedding/span_reader.safetensors"))
    parser.add_argument("--out", type=Path, required=True, help="file of the trained weights")
    parser.add_argument("--passes", type=int, default=5)
    parser.add_argument("--trained", type=Path, help="weights to go on from, by an earlier run")
    parser.add_argument("--rate", type=float, default=1.0, help="share of the learning rates; less to go on")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(arguments.seed)
    random.seed(arguments.seed)
    rows, held = (read(path) for path in (arguments.train, arguments.dev))
    model = PairReader(SpanReader.read(arguments.package / "model.safetensors", arguments.body))
    if arguments.trained:
        model.read(arguments.trained)
    optimiser = optimiser_of(model)
    rates = [arguments.rate * group["lr"] for group in optimiser.param_groups]
    steps, step, began = arguments.passes * math.ceil(len(rows) / EXAMPLES), 0, time.monotonic()
    for number in range(arguments.passes):
        losses = []
        for batch in batches(rows):
            factor = min(step / (WARM_UP * steps), 1.0, (steps - step) / ((1 - WARM_UP) * steps))
            for group, rate in zip(optimiser.param_groups, rates, strict=True):
                group["lr"] = rate * max(factor, 0.01)
            wanted = torch.tensor([LABELS.index(row["label"]) for row in batch])
            loss = functional.cross_entropy(model(*tensors_of(batch)), wanted, label_smoothing=SMOOTHED)
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
            losses.append(loss.item())
            step += 1
        model.write(arguments.out.with_suffix(f".{number + 1}.safetensors"))
        minutes = (time.monotonic() - began) / 60
        print(
            f"pass {number + 1}, {minutes:.1f} min, loss {sum(losses) / len(losses):.3f}, {report(model, held)}",
            flush=True,
        )


def optimiser_of(model: PairReader) -> torch.optim.Optimizer:
    """Return the optimiser of what is trained; the head and the types have a rate of their own."""
    head = [*model.head.parameters(), model.body.types.weight]
    body = [each for each in model.parameters() if each.requires_grad and not any(each is other for other in head)]
    matrices, vectors = ([each for each in body if (each.ndim > 1) == is_matrix] for is_matrix in (True, False))
    return torch.optim.AdamW(
        [
            {"params": matrices, "lr": BODY_RATE, "weight_decay": 0.01},
            {"params": vectors, "lr": BODY_RATE, "weight_decay": 0.0},
            {"params": head, "lr": HEAD_RATE, "weight_decay": 0.01},
        ]
    )


def read(path: Path) -> list[dict[str, Any]]:
    """Return the examples of a file."""
    with path.open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def batches(rows: Sequence[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """Yield examples of similar length together, in a new order each time."""
    order = [turned(row) if random.random() < TURNED else row for row in random.sample(list(rows), len(rows))]
    parts: list[list[dict[str, Any]]] = []
    for start in range(0, len(order), 8 * EXAMPLES):
        window = sorted(order[start : start + 8 * EXAMPLES], key=lambda row: len(row["ids"]))
        parts += [window[at : at + EXAMPLES] for at in range(0, len(window), EXAMPLES)]
    random.shuffle(parts)
    yield from parts


def turned(row: dict[str, Any]) -> dict[str, Any]:
    """Return an example with its texts the other way round, if that changes no label."""
    return row | row["turned"] if row["turned"] else row


def tensors_of(rows: Sequence[dict[str, Any]]) -> tuple[Tensor, Tensor, Tensor]:
    """Return the pieces and types of examples, padded, and where a piece is."""
    length = max(len(row["ids"]) for row in rows)
    ids, types = (
        torch.tensor([row[name] + [0] * (length - len(row[name])) for row in rows]) for name in ("ids", "types")
    )
    sizes = torch.tensor([len(row["ids"]) for row in rows])
    return ids, types, torch.arange(length)[None, :] < sizes[:, None]


@torch.no_grad()
def report(model: PairReader, rows: Sequence[dict[str, Any]]) -> str:
    """Return the average precision of conflicts among the pairs, each by its likeliest two details."""
    model.eval()
    best: dict[str, tuple[float, bool]] = {}
    for start in range(0, len(rows), EXAMPLES):
        batch = rows[start : start + EXAMPLES]
        chances = model(*tensors_of(batch)).softmax(1)[:, LABELS.index("conflict")].tolist()
        for row, chance in zip(batch, chances, strict=True):
            best[row["pair"]] = max(best.get(row["pair"], (0.0, False)), (chance, row["of"] == "conflict"))
    model.train()
    found, precisions = 0, []
    for rank, (_, is_conflict) in enumerate(sorted(best.values(), reverse=True), 1):
        found += is_conflict
        precisions += [found / rank] if is_conflict else []
    return f"average precision of conflicts {sum(precisions) / max(1, found):.3f} ({found} of {len(best)} pairs)"


if __name__ == "__main__":
    main()
