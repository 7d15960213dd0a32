"""Float networks become int8 networks that TFLM computes bit for bit and that mean the same."""

from __future__ import annotations

import numpy as np
import pytest
from float_nets import HEADS, LAYERS, FloatNet, inputs, small_net
from hypothesis import given, settings
from hypothesis import strategies as st
from seatool.emulate.tflm import Reference
from seatool.errors import InputError
from seatool.importers import tflite
from seatool.ir import DType, Graph, Tensor
from seatool.kernels import operators
from seatool.quantize import METHODS, Calibration, Executor, Quantized, quantize
from seatool.quantize.affine import quantization, quantize_values


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """Up to five layers and a head."""
    net = FloatNet(seed=draw(st.integers(0, 2**32 - 1)))
    for layer in draw(st.lists(st.sampled_from(LAYERS), max_size=5)):
        layer(net)
    draw(st.sampled_from(HEADS))(net)
    return net.graph()


@settings(max_examples=60, deadline=None, derandomize=True)
@given(graphs())
def test_tflm_computes_every_tensor_as_our_integer_evaluation(graph: Graph) -> None:
    quantized = quantize(graph, inputs(graph, 8))
    int8 = quantized.graph
    run, reference = Executor(int8), Reference(tflite.write(int8), int8)
    samples = inputs(graph, 3, seed=2)
    samples += [tuple(100 * x for x in samples[0])]
    for sample in samples:
        codes = [
            quantize_values(x, quantization(int8.tensors[name]), DType.INT8)
            for name, x in zip(int8.inputs, sample, strict=True)
        ]
        truth = reference.run(codes)
        ours = run(codes, truth)
        for name, expected in truth.items():
            np.testing.assert_array_equal(ours[name], expected, err_msg=name)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(graphs())
def test_int8_means_what_float_means(graph: Graph) -> None:
    samples = inputs(graph, 24)
    fidelity = quantize(graph, samples, heldout=samples[:8]).fidelity
    assert fidelity.cosine_mean > 0.97
    assert all(layer.sqnr_db > 8 for layer in fidelity.layers)
