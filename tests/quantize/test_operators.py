"""Every operator that has a float form, behind a convolution and in front of a dense layer: quantized, it still means
what it meant, and TFLM computes what our integer evaluation computes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from float_nets import FloatNet, inputs
from seatool.emulate.tflm import Reference
from seatool.importers import tflite
from seatool.ir import DType
from seatool.quantize import Executor, quantize
from seatool.quantize.affine import quantization, quantize_values

Layer = Callable[[FloatNet], str]


def unary(kind: str) -> Layer:
    return lambda net: net.add(kind, net.now)


def positive(net: FloatNet) -> str:
    """Something well above zero."""
    net.add("ABS", net.now)
    return net.add("ADD", net.now, net.constant(np.array(0.5, np.float32)), fused_activation_function=0)


def rsqrt(net: FloatNet) -> str:
    positive(net)
    return net.add("RSQRT", net.now)


def quotient(net: FloatNet) -> str:
    before = net.now
    return net.add("DIV", before, positive(net), fused_activation_function=0)


def squared_difference(net: FloatNet) -> str:
    return net.add("SQUARED_DIFFERENCE", net.now, net.normal(net.shape[-1]))


def prelu(net: FloatNet) -> str:
    return net.add("PRELU", net.now, net.normal(1, 1, net.shape[-1], spread=0.3))


def selection(net: FloatNet) -> str:
    """The first of two tensors where it is larger than the second and not below zero."""
    first = net.now
    second = net.add("SUB", net.normal(1), first, fused_activation_function=0)
    larger = net.add("GREATER", first, second, dtype=DType.BOOL)
    negative = net.add("LESS", first, net.constant(np.zeros(1, np.float32)), dtype=DType.BOOL)
    both = net.add("LOGICAL_AND", larger, net.add("LOGICAL_NOT", negative, dtype=DType.BOOL), dtype=DType.BOOL)
    return net.add("SELECT_V2", both, first, second)


LAYERS: dict[str, Layer] = {
    **{kind: unary(kind) for kind in ("ABS", "ELU", "HARD_SWISH")},
    "DIV": quotient,
    "PRELU": prelu,
    "RSQRT": rsqrt,
    "SELECT_V2": selection,
    "SQUARED_DIFFERENCE": squared_difference,
}


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
