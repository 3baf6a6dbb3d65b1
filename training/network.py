"""The span reader in torch: the body of all-MiniLM-L6-v2 with two logits for each piece, start and end of an answer.

Weights are named as in the model package, so that the product's graph writer reads a trained file like the original.
The word embeddings stay those of the package and are not trained.

A trained body can be changed with little: two thin matrices are trained for each of its matrices, whose product is
added to it (Hu et al. 2021), and its norms and types as a whole.
"""

import math
from collections.abc import Iterator
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional

LAYERS = 6
HEADS = 12
WIDTH = 384
INNER = 1536
TYPES = 4
"""Kinds of a piece: 0 of the question, 1 of the context, 2 of the context and in the question, 3 the reverse."""

WORDS = "embeddings.word_embeddings.weight"
TYPED = "embeddings.token_type_embeddings.weight"

RANK = 16
SCALE = 2.0


class Changed(nn.Module):
    """A linear layer that stays as it is, with a change of low rank that is trained."""

    def __init__(self, layer: nn.Linear) -> None:
        super().__init__()
        self.layer = layer
        self.down = nn.Parameter(torch.randn(RANK, layer.in_features) / math.sqrt(layer.in_features))
        self.up = nn.Parameter(torch.zeros(layer.out_features, RANK))

    def forward(self, hidden: Tensor) -> Tensor:
        """Return the layer's output with the change."""
        change = functional.linear(functional.linear(hidden, self.down), self.up)
        return self.layer(hidden) + SCALE * change


class Layer(nn.Module):
    """One encoder layer; the names of its parameters follow BERT's."""

    def __init__(self) -> None:
        super().__init__()
        self.query, self.key, self.value = (nn.Linear(WIDTH, WIDTH) for _ in range(3))
        self.mixed = nn.Linear(WIDTH, WIDTH)
        self.mixed_norm = nn.LayerNorm(WIDTH, eps=1e-12)
        self.inner = nn.Linear(WIDTH, INNER)
        self.outer = nn.Linear(INNER, WIDTH)
        self.outer_norm = nn.LayerNorm(WIDTH, eps=1e-12)

    def forward(self, hidden: Tensor, mask: Tensor) -> Tensor:
        """Return the layer's output, (batch, length, width)."""
        batch, length, _ = hidden.shape
        query, key, value = (
            part(hidden).view(batch, length, HEADS, WIDTH // HEADS).transpose(1, 2)
            for part in (self.query, self.key, self.value)
        )
        attended = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        attended = attended.transpose(1, 2).reshape(batch, length, WIDTH)
        hidden = self.mixed_norm(hidden + self.mixed(attended))
        return self.outer_norm(hidden + self.outer(functional.gelu(self.inner(hidden))))


NAMES = {
    "query": "attention.self.query",
    "key": "attention.self.key",
    "value": "attention.self.value",
    "mixed": "attention.output.dense",
    "mixed_norm": "attention.output.LayerNorm",
    "inner": "intermediate.dense",
    "outer": "output.dense",
    "outer_norm": "output.LayerNorm",
}


class SpanReader(nn.Module):
    """Scores every piece of a question with its context as the start and as the end of the answer."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(30522, WIDTH)
        self.places = nn.Embedding(512, WIDTH)
        self.types = nn.Embedding(TYPES, WIDTH)
        self.norm = nn.LayerNorm(WIDTH, eps=1e-12)
        self.layers = nn.ModuleList(Layer() for _ in range(LAYERS))
        self.head = nn.Linear(WIDTH, 2)
        nn.init.normal_(self.head.weight, std=0.02)
        nn.init.zeros_(self.head.bias)

    def forward(self, ids: Tensor, types: Tensor, mask: Tensor) -> Tensor:
        """Return the logits of start and end, float32, (batch, length, 2); `mask` is True where a piece is."""
        places = torch.arange(ids.shape[1])
        hidden = self.norm(self.words(ids) + self.places(places) + self.types(types))
        attends = mask[:, None, None, :]
        for layer in self.layers:
            hidden = layer(hidden, attends)
        return self.head(hidden).float()

    @classmethod
    def read(cls, package: Path, trained: Path | None = None) -> "SpanReader":
        """Return the reader with the package's weights, or with trained ones over its word embeddings."""
        stored = load_file(package)
        if trained:
            stored |= _restored(load_file(trained))
        model = cls()
        model.words.weight.data = stored[WORDS].float()
        model.words.weight.requires_grad = False
        model.places.weight.data = stored["embeddings.position_embeddings.weight"].float()
        types = stored[TYPED].float()
        model.types.weight.data = types if len(types) == TYPES else types[torch.tensor([0, 1, 1, 0])].clone()
        _load(model.norm, stored, "embeddings.LayerNorm")
        for number, layer in enumerate(model.layers):
            for ours, theirs in NAMES.items():
                _load(getattr(layer, ours), stored, f"encoder.layer.{number}.{theirs}")
        if trained:
            _load(model.head, stored, "qa_outputs")
        return model

    def write(self, path: Path) -> None:
        """Write what was trained, under the package's names; the word embeddings are left out."""
        tensors = {
            "embeddings.position_embeddings.weight": self.places.weight,
            TYPED: self.types.weight,
            **_named(self.norm, "embeddings.LayerNorm"),
            **_named(self.head, "qa_outputs"),
        }
        for number, layer in enumerate(self.layers):
            for ours, theirs in NAMES.items():
                tensors |= _named(getattr(layer, ours), f"encoder.layer.{number}.{theirs}")
        save_file({name: tensor.detach().float().contiguous().clone() for name, tensor in tensors.items()}, path)

    def change(self) -> None:
        """Freeze the weights but for norms, types and head, and give each matrix of a layer a change of low rank."""
        head = {id(each) for each in self.head.parameters()}
        for parameter in self.parameters():
            parameter.requires_grad = id(parameter) in head
        for layer in self.layers:
            for name in NAMES:
                if not name.endswith("norm"):
                    setattr(layer, name, Changed(getattr(layer, name)))
        for part in self.modules():
            if isinstance(part, nn.LayerNorm):
                part.requires_grad_(requires_grad=True)
        self.types.weight.requires_grad = True

    def take_changes(self, stored: dict[str, Tensor]) -> None:
        """Take the changes of an earlier run; the types as well, and not the head."""
        self.types.weight.data = stored[TYPED]
        for norm, name in self._norms():
            norm.weight.data, norm.bias.data = stored[f"{name}.weight"], stored[f"{name}.bias"]
        for layer, name in self._changed():
            layer.up.data = stored[f"{name}.weight.up"].float() / SCALE
            layer.down.data = stored[f"{name}.weight.down"].float()

    def changes(self) -> dict[str, Tensor]:
        """Return the changes by name without the head; the thin matrices in float16, with the scale in one of them."""
        tensors = {TYPED: self.types.weight}
        for norm, name in self._norms():
            tensors |= _named(norm, name)
        for layer, name in self._changed():
            tensors[f"{name}.weight.up"] = (SCALE * layer.up).half()
            tensors[f"{name}.weight.down"] = layer.down.half()
        return tensors

    def write_changes(self, path: Path) -> None:
        """Write the changes and the head."""
        tensors = self.changes() | _named(self.head, "qa_outputs")
        save_file({name: tensor.detach().contiguous().clone() for name, tensor in tensors.items()}, path)

    def read_changes(self, path: Path) -> None:
        """Take the changes and the head of an earlier run."""
        stored = load_file(path)
        self.take_changes(stored)
        _load(self.head, stored, "qa_outputs")

    def _norms(self) -> Iterator[tuple[nn.Module, str]]:
        """Yield the norms with their names in the file."""
        yield self.norm, "embeddings.LayerNorm"
        for number, layer in enumerate(self.layers):
            for ours, theirs in NAMES.items():
                if ours.endswith("norm"):
                    yield getattr(layer, ours), f"encoder.layer.{number}.{theirs}"

    def _changed(self) -> Iterator[tuple[Changed, str]]:
        """Yield the layers with a change of low rank, with their names in the file."""
        for number, layer in enumerate(self.layers):
            for ours, theirs in NAMES.items():
                if not ours.endswith("norm"):
                    yield getattr(layer, ours), f"encoder.layer.{number}.{theirs}"


def _restored(stored: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the weights in float32, also those that are stored as integers with scales."""
    scales = {name.removesuffix(".scales"): part for name, part in stored.items() if name.endswith(".scales")}
    return {
        name: part.float() * scales[name][:, None] if name in scales else part.float()
        for name, part in stored.items()
        if not name.endswith(".scales")
    }


def _load(part: nn.Module, stored: dict[str, Tensor], name: str) -> None:
    part.weight.data = stored[f"{name}.weight"].float()
    part.bias.data = stored[f"{name}.bias"].float()


def _named(part: nn.Module, name: str) -> dict[str, Tensor]:
    return {f"{name}.weight": part.weight, f"{name}.bias": part.bias}
