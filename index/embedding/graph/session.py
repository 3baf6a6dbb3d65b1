"""How a graph is run: one thread and one text a run, in a session that many threads may share."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from index.embedding import Vector
from index.errors import ConfigurationError


class Session:
    """A graph, loaded.

    One thread, because the threads of a run wait for one another at every operator. One text, because int8 scales
    what it reads by the largest value of the whole run, so that neighbours would change a text's vector. Raises
    ConfigurationError where the runtime does not take the graph.
    """

    def __init__(self, path: Path) -> None:
        # Read when the library loads: without it onnxruntime keeps a device id and reports home.
        os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
        import onnxruntime
        from onnxruntime.capi import onnxruntime_pybind11_state as refusals

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
        try:
            self._session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        except (
            refusals.Fail,
            refusals.InvalidGraph,
            refusals.InvalidProtobuf,
            refusals.NotImplemented,
            refusals.RuntimeException,
        ) as error:
            raise ConfigurationError(
                f"onnxruntime {onnxruntime.__version__} does not run {path}: {error}",
                "Delete the file, or let DATELINE_MODELS name an empty folder that can be written: it is made anew.",
            ) from error

    def vector(self, ids: Sequence[int]) -> Vector:
        """The vector of one text, shape (384,), from the numbers of its pieces; at most 512 of them."""
        pieces = np.array([ids], np.int64)
        rows = self._session.run(["vectors"], {"input_ids": pieces, "attention_mask": np.ones_like(pieces)})
        vector: Vector = rows[0][0]
        return vector
