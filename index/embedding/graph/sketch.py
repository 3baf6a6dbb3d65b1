"""A graph while it is written down: its operators in order, and its constants."""

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

OPSET = 20

Array = NDArray[np.float32] | NDArray[np.int8] | NDArray[np.int64]


class Sketch:
    """Operators and constants, each known by the name of what it gives."""

    def __init__(self) -> None:
        self._operators: list[NodeProto] = []
        self._constants: dict[str, TensorProto] = {}

    def operator(self, kind: str, *inputs: str, output: str = "", **attributes: float | list[int]) -> str:
        """Add an operator with one output and give its name."""
        name = output or f"{kind} {len(self._operators)}"
        node = helper.make_node(kind, inputs, [name], name=name)
        node.attribute.extend(helper.make_attribute(key, value) for key, value in attributes.items())
        self._operators.append(node)
        return name

    def quantised(self, value: str) -> tuple[str, str, str]:
        """A float tensor as uint8: its numbers, their scale and their zero point, found out at every run."""
        name = f"quantised {len(self._operators)}"
        outputs = (name, f"{name} scale", f"{name} zero")
        self._operators.append(helper.make_node("DynamicQuantizeLinear", [value], outputs, name=name))
        return outputs

    def constant(self, name: str, values: Array) -> str:
        """Add a constant tensor, or another of the same name in its place, and give its name."""
        self._constants[name] = numpy_helper.from_array(np.asarray(values, order="C"), name)
        return name

    def number(self, value: float) -> str:
        """A float32 scalar."""
        return self.constant(f"number {value}", np.array(value, np.float32))

    def sizes(self, *sizes: int) -> str:
        """A list of sizes, axes or positions."""
        return self.constant(f"sizes {sizes}", np.array(sizes, np.int64))

    def model(self, name: str, inputs: list[str], output: str, width: int) -> ModelProto:
        """The graph with int64 inputs (batch, length) and a float32 output (batch, width).

        It names the oldest format that has its operators, so that older runtimes than the newest take it.
        """
        given = [helper.make_tensor_value_info(each, TensorProto.INT64, ["batch", "length"]) for each in inputs]
        wanted = helper.make_tensor_value_info(output, TensorProto.FLOAT, ["batch", width])
        graph = helper.make_graph(self._operators, name, given, [wanted], list(self._constants.values()))
        opset = helper.make_opsetid("", OPSET)
        return helper.make_model(
            graph, opset_imports=[opset], ir_version=helper.find_min_ir_version_for([opset]), producer_name="dateline"
        )
