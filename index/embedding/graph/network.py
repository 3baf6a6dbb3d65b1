"""all-MiniLM-L6-v2 as an ONNX graph of plain operators, made from the weights of the installed package."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper, save
from safetensors import safe_open

LAYERS = 6
HEADS = 12
WIDTH = 384
EPSILON = 1e-12
OPSET = 20

Weights = Callable[[str], NDArray[np.float32]]


def write_network(weights: Path, target: Path) -> None:
    """Write the float32 network to `target`.

    Inputs `input_ids` and `attention_mask`: int64, (batch, length), length at most 512. Output `vectors`: float32,
    (batch, 384), the token vectors averaged where the mask is 1 and scaled to length 1.
    """
    sketch = _Sketch()
    with safe_open(weights, framework="numpy") as stored:
        load: Weights = stored.get_tensor
        hidden = _embed(sketch, load)
        bias = _mask_bias(sketch)
        for number in range(LAYERS):
            hidden = _encode(sketch, load, f"encoder.layer.{number}", hidden, bias)
        _pool(sketch, hidden)
    save(sketch.model(), target)


class _Sketch:
    """The nodes and constants of a graph, in the order in which they are written down."""

    def __init__(self) -> None:
        self._nodes: list[NodeProto] = []
        self._constants: dict[str, TensorProto] = {}

    def node(self, operator: str, *inputs: str, output: str = "", **attributes: Any) -> str:
        """Add an operator and give the name of its output."""
        name = output or f"{operator}_{len(self._nodes)}"
        self._nodes.append(helper.make_node(operator, inputs, [name], name=name, **attributes))
        return name

    def weight(self, name: str, values: NDArray[np.float32]) -> str:
        """Add a tensor of the model and give its name."""
        self._constants[name] = numpy_helper.from_array(np.asarray(values, order="C"), name)
        return name

    def number(self, value: float) -> str:
        """A float32 scalar; equal ones are kept once."""
        return self.weight(f"number {value}", np.array(value, np.float32))

    def shape(self, *sizes: int) -> str:
        """A vector of sizes or axes; equal ones are kept once."""
        name = f"shape {sizes}"
        self._constants[name] = numpy_helper.from_array(np.array(sizes, np.int64), name)
        return name

    def model(self) -> ModelProto:
        """The finished graph, checked for operators older runtimes do not know by naming the oldest versions it needs."""
        inputs = [
            helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "length"])
            for name in ("input_ids", "attention_mask")
        ]
        output = helper.make_tensor_value_info("vectors", TensorProto.FLOAT, ["batch", WIDTH])
        graph = helper.make_graph(self._nodes, "all-MiniLM-L6-v2", inputs, [output], list(self._constants.values()))
        opset = helper.make_opsetid("", OPSET)
        return helper.make_model(
            graph, opset_imports=[opset], ir_version=helper.find_min_ir_version_for([opset]), producer_name="dateline"
        )


def _embed(sketch: _Sketch, load: Weights) -> str:
    """The sum of word, place and (always the first) segment vectors, normalised: (batch, length, width)."""
    words = sketch.weight("words", load("embeddings.word_embeddings.weight"))
    segment = load("embeddings.token_type_embeddings.weight")[0]
    places = sketch.weight("places", load("embeddings.position_embeddings.weight") + segment)
    length = sketch.node("Shape", "input_ids", start=1, end=2)
    here = sketch.node("Slice", places, sketch.shape(0), length, sketch.shape(0))
    summed = sketch.node("Add", sketch.node("Gather", words, "input_ids"), here)
    return _norm(sketch, load, "embeddings.LayerNorm", summed)


def _mask_bias(sketch: _Sketch) -> str:
    """What is added to attention scores: 0 where the mask is 1, a large negative number elsewhere."""
    mask = sketch.node("Cast", "attention_mask", to=TensorProto.FLOAT)
    absent = sketch.node("Sub", sketch.number(1.0), mask)
    bias = sketch.node("Mul", absent, sketch.number(-1e9))
    return sketch.node("Unsqueeze", bias, sketch.shape(1, 2))


def _encode(sketch: _Sketch, load: Weights, layer: str, hidden: str, bias: str) -> str:
    """One transformer layer: attention and a feed-forward network, each added to what it read and normalised."""
    mixed = _attend(sketch, load, f"{layer}.attention", hidden, bias)
    attended = _norm(sketch, load, f"{layer}.attention.output.LayerNorm", sketch.node("Add", mixed, hidden))
    inner = sketch.node("Gelu", _linear(sketch, load, f"{layer}.intermediate.dense", attended))
    outer = _linear(sketch, load, f"{layer}.output.dense", inner)
    return _norm(sketch, load, f"{layer}.output.LayerNorm", sketch.node("Add", outer, attended))


def _attend(sketch: _Sketch, load: Weights, layer: str, hidden: str, bias: str) -> str:
    query = _heads(sketch, _linear(sketch, load, f"{layer}.self.query", hidden), [0, 2, 1, 3])
    key = _heads(sketch, _linear(sketch, load, f"{layer}.self.key", hidden), [0, 2, 3, 1])
    value = _heads(sketch, _linear(sketch, load, f"{layer}.self.value", hidden), [0, 2, 1, 3])
    scale = sketch.number((WIDTH // HEADS) ** -0.5)
    scores = sketch.node("Mul", sketch.node("MatMul", query, key), scale)
    shares = sketch.node("Softmax", sketch.node("Add", scores, bias), axis=-1)
    mixed = sketch.node("Transpose", sketch.node("MatMul", shares, value), perm=[0, 2, 1, 3])
    joined = sketch.node("Reshape", mixed, sketch.shape(0, 0, WIDTH))
    return _linear(sketch, load, f"{layer}.output.dense", joined)


def _heads(sketch: _Sketch, flat: str, order: list[int]) -> str:
    """(batch, length, width) cut into heads, its axes (batch, length, head, part) put in `order`."""
    return sketch.node("Transpose", sketch.node("Reshape", flat, sketch.shape(0, 0, HEADS, WIDTH // HEADS)), perm=order)


def _linear(sketch: _Sketch, load: Weights, name: str, value: str) -> str:
    product = sketch.node("MatMul", value, sketch.weight(f"{name}.weight", load(f"{name}.weight").T))
    return sketch.node("Add", product, sketch.weight(f"{name}.bias", load(f"{name}.bias")))


def _norm(sketch: _Sketch, load: Weights, name: str, value: str) -> str:
    gain = sketch.weight(f"{name}.weight", load(f"{name}.weight"))
    shift = sketch.weight(f"{name}.bias", load(f"{name}.bias"))
    return sketch.node("LayerNormalization", value, gain, shift, axis=-1, epsilon=EPSILON)


def _pool(sketch: _Sketch, hidden: str) -> str:
    """The masked sum over the tokens, scaled to length 1: the mean's direction is the sum's."""
    mask = sketch.node("Cast", "attention_mask", to=TensorProto.FLOAT)
    kept = sketch.node("Mul", hidden, sketch.node("Unsqueeze", mask, sketch.shape(2)))
    summed = sketch.node("ReduceSum", kept, sketch.shape(1), keepdims=0)
    return sketch.node("LpNormalization", summed, output="vectors", axis=-1, p=2)
