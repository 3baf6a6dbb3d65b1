"""The pair reader: a trained network that reads a value in each of two texts and says how the values are related.

The body of the span reader with changes of low rank, and types that mark the two values. `training/` has the training,
its figures and the licence of the weights.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from index.embedding.graph import Network, network_name, prepare
from index.embedding.local import WEIGHTS, encodable, load_session, load_tokenizer, model_file, weights_digest
from index.embedding.span_network import BODY, CLS, SEP, file_digest

TRAINED = Path(__file__).with_name("pair_reader.safetensors")
"""The changes of the span reader's matrices, as pairs of thin matrices in float16, and the head."""

if TYPE_CHECKING:
    from tokenizers import Tokenizer

ASKED_PIECES = 40
TITLE_PIECES = 20
SIDE_PIECES = 88
"""Pieces of the text around a value, at most."""

VALUE_TYPES = (4, 5)
"""The types of the pieces of the two values."""

_PLAIN_TYPES = ((0, 3), (1, 2))
"""The types of a piece of the one or the other text: only there, or in both."""


@dataclass(frozen=True, slots=True)
class MarkedText:
    """A text with its title and the code points of the value in it."""

    title: str
    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class EncodedPair:
    """The pieces of two marked texts and their types."""

    ids: list[int]
    types: list[int]


def encode_pair(tokenizer: "Tokenizer", asked: str, one: MarkedText, other: MarkedText) -> EncodedPair:
    """Return `[CLS] asked [SEP] title: text [SEP] title: text [SEP]`, the texts cut to what is near their values.

    The type of a piece says on which side it is, whether the other side has it as well, and whether it is of a value.
    """
    (asked_ids,) = (each.ids for each in tokenizer.encode_batch([encodable(asked)], add_special_tokens=False))
    sides = [_side(tokenizer, each) for each in (one, other)]
    sets = [{piece for piece, _ in side} for side in sides]
    ids, types = [CLS, *asked_ids[:ASKED_PIECES], SEP], [0] * (2 + len(asked_ids[:ASKED_PIECES]))
    for number, side in enumerate(sides):
        shared = sets[1 - number]
        for piece, is_value in side:
            ids.append(piece)
            types.append(VALUE_TYPES[number] if is_value else _PLAIN_TYPES[number][piece in shared])
        ids.append(SEP)
        types.append(number)
    return EncodedPair(ids, types)


def _side(tokenizer: "Tokenizer", marked: MarkedText) -> list[tuple[int, bool]]:
    """Return the pieces of one text with its title, and for each whether it is of the value."""
    headed, body = tokenizer.encode_batch(
        [encodable(f"{marked.title}:"), encodable(marked.text)], add_special_tokens=False
    )
    is_value = [left < marked.end and marked.start < right for left, right in body.offsets]
    middle = is_value.index(True) if True in is_value else 0
    first = max(0, min(middle - SIDE_PIECES // 2, len(body.ids) - SIDE_PIECES))
    near = list(zip(body.ids, is_value, strict=True))[first : first + SIDE_PIECES]
    return [*((piece, False) for piece in headed.ids[:TITLE_PIECES]), *near]


class Related(NamedTuple):
    """The probabilities that two values are a conflict, or an update; what is left is that they are neither."""

    conflict: float
    update: float


class PairNetwork:
    """Reads pairs of marked texts on onnxruntime; safe to share between threads.

    Its graph is prepared in the folder `models`. Raises ConfigurationError as `prepare` does.
    """

    def __init__(self, models: Path) -> None:
        # In 8 bits it finds one conflict of ten less, and it reads a few pairs only.
        self._session = load_session(prepare(models, pair_network(), precision="fp32").path)
        self._tokenizer = load_tokenizer(None)

    def related(self, asked: str, one: MarkedText, other: MarkedText) -> Related:
        """Return how the values of two texts are related, the older text first; `asked` is read with both."""
        pair = encode_pair(self._tokenizer, asked, one, other)
        inputs = {"input_ids": np.array([pair.ids]), "piece_types": np.array([pair.types])}
        logits: NDArray[np.float64] = self._session.run(["logits"], inputs)[0][0].astype(np.float64)
        chances = np.exp(logits - logits.max())
        _, conflict, update = (chances / chances.sum()).tolist()
        return Related(conflict, update)


def pair_network() -> Network:
    """Return the network of the pair reader, as `prepare` builds it."""
    return Network(network_name("pair-reader", weights_digest(), *map(file_digest, (BODY, TRAINED))), _write)


def _write(target: Path, _largest: int | None) -> None:
    from index.embedding.network import write_pair_network

    write_pair_network(model_file(WEIGHTS), BODY, TRAINED, target)
