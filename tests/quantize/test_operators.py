"""Every operator that has a float form, behind a convolution and in front of a dense layer: quantized, it still means
what it meant, and TFLM computes what our integer evaluation computes."""

from __future__ import annotations

import numpy as np
import pytest
from float_nets import FloatNet, inputs
from operator_layers import LAYERS
from seatool.importers import tflite
from seatool.ir import DType, Graph, Op, Tensor
from seatool.kernels.reduce import ArgAttributes
from seatool.quantize import Executor, quantize
from seatool.quantize.affine import quantization, quantize_values
from seatool.tflm.reference import Reference


@pytest.mark.parametrize("kind", LAYERS)
def test_an_operator_survives_quantization(kind: str) -> None:
    net = FloatNet()
    net.conv_2d()
    LAYERS[kind](net)
    net.fully_connected()
    graph = net.graph()
    samples = inputs(graph, 24)
    quantized = quantize(graph, samples, heldout=samples[:8])
    assert quantized.fidelity.cosine_mean > 0.97
    int8 = quantized.graph
    run, reference = Executor(int8), Reference(tflite.write(int8), int8)
    for sample in inputs(graph, 3, seed=2):
        codes = [quantize_values(x, quantization(int8.tensors["x"]), DType.INT8) for x in sample]
        truth = reference.run(codes)
        ours = run(codes, truth)
        for name, expected in truth.items():
            np.testing.assert_array_equal(ours[name], expected, err_msg=name)


def test_a_float_model_may_end_with_indices() -> None:
    net = FloatNet()
    net.fully_connected()
    graph = net.graph()
    tensors = {**graph.tensors, "best": Tensor("best", (1,), DType.INT32), "axis": int32([1])}
    op = Op("best", "ARG_MAX", (net.now, "axis"), ("best",), ArgAttributes(2))
    graph = Graph("net", tensors, (*graph.ops, op), ("x",), ("best",))
    samples = inputs(graph, 16)
    quantized = quantize(graph, samples, heldout=samples)
    assert quantized.graph.tensors["best"].dtype is DType.INT32
    assert quantized.fidelity.outputs[0].max_abs_error <= 1


def int32(values: list[int]) -> Tensor:
    data = np.array(values, np.int32)
    return Tensor("axis", data.shape, DType.INT32, None, data)
