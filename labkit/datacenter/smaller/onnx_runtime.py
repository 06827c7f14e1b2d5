"""Dense networks in ONNX Runtime, in float32 and int8: what those by hand are compared with.

Needs the extra `serve` (onnx, onnxruntime). All runs with one thread.

Lesson: 22_smaller_models.
"""

from __future__ import annotations

import importlib.util
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from labkit.datacenter.smaller.quantization import Dense, Range

if TYPE_CHECKING:
    import onnx
    import onnxruntime

OPSET, IR_VERSION = 21, 10  # what ONNX Runtime reads since 1.18
# On x86 processors without VNNI the fast product of uint8 and int8 cuts sums of two products at 16
# bits. With this entry ONNX Runtime takes another kernel that does not; it is slower, on processors
# with VNNI too.
EXACT = "session.x64quantprecision"


def available() -> bool:
    """Tell whether onnx and onnxruntime are installed."""
    return all(importlib.util.find_spec(name) for name in ("onnx", "onnxruntime"))


def open_session(model: bytes | str | Path, exact: bool = False) -> onnxruntime.InferenceSession:
    """Return a session of ONNX Runtime on the CPU, with one thread.

    Args:
        model: its bytes, or the path of its file.
        exact: sums of integers are exact on every processor; False takes the fastest kernels.

    Raises:
        ImportError: onnxruntime is not installed: pip install 'labkit[serve]'.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3  # errors; advice on graphs is not for the reader
    options.add_session_config_entry(EXACT, str(int(exact)))
    model = model if isinstance(model, bytes) else str(model)
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def float_model(layers: Sequence[Dense]) -> onnx.ModelProto:
    """Return dense layers as a model of ONNX: Gemm and Relu, from "input" to "scores"."""
    from onnx import TensorProto, helper, numpy_helper

    nodes, constants, last = [], [], len(layers) - 1
    for i, (weights, biases) in enumerate(layers):
        constants += [numpy_helper.from_array(np.float32(weights), f"weights_{i}")]
        constants += [numpy_helper.from_array(np.float32(biases), f"biases_{i}")]
        given = "input" if i == 0 else f"output_{i - 1}"
        sums = "scores" if i == last else f"sums_{i}"
        nodes.append(helper.make_node("Gemm", [given, f"weights_{i}", f"biases_{i}"], [sums]))
        if i < last:
            nodes.append(helper.make_node("Relu", [sums], [f"output_{i}"]))
    ends = [("input", len(layers[0][0])), ("scores", len(layers[-1][1]))]
    given, found = (
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", width]) for name, width in ends
    )
    return _model(helper.make_graph(nodes, "dense", [given], [found], constants))


def static_model(layers: Sequence[Dense], ranges: Sequence[Range]) -> bytes:
    """Return the network as ONNX Runtime's own quantizer makes it: int8 weights, uint8 between.

    Args:
        layers: dense layers in float32, ReLU after each but the last.
        ranges: of the input and of each output, from `quantization.calibrate`. They replace those
            of ONNX Runtime's calibration, which adds up in another order and so parts in a last
            bit.

    Lesson: 22_smaller_models.
    """
    from onnxruntime.quantization import QuantType, quantize_static
    from onnxruntime.quantization.quant_utils import add_pre_process_metadata

    model = float_model(layers)
    add_pre_process_metadata(model)  # there is nothing to prepare, and no advice to give
    names = ["input", *(f"output_{i}" for i in range(len(layers) - 1)), "scores"]
    given = {
        name: [{"rmin": np.float32(low), "rmax": np.float32(high)}]
        for name, (low, high) in zip(names, ranges, strict=True)
    }
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "int8.onnx"
        quantize_static(
            model,
            target,
            _no_batches(len(layers[0][0])),
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            extra_options={"TensorQuantOverrides": given},
        )
        return target.read_bytes()


def run_model(model: bytes | str | Path, x: np.ndarray) -> np.ndarray:
    """Return the scores (n, classes) of a model whose input is (n, inputs) in float32."""
    session = open_session(model, exact=True)
    rows = np.asarray(x, np.float32).reshape(len(x), -1)
    return session.run(None, {session.get_inputs()[0].name: rows})[0]


def _no_batches(width: int) -> Any:
    """Return a calibration of one blank image: ONNX Runtime insists on having seen something."""
    from onnxruntime.quantization import CalibrationDataReader

    class Blank(CalibrationDataReader):
        batches = iter([{"input": np.zeros((1, width), np.float32)}])

        def get_next(self) -> dict | None:
            return next(self.batches, None)

    return Blank()


def _model(graph: onnx.GraphProto) -> onnx.ModelProto:
    from onnx import helper

    return helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION
    )
