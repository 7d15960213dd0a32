"""Float networks become int8 networks that TFLM computes bit for bit and that mean the same."""

from __future__ import annotations

import numpy as np
import pytest
from float_nets import HEADS, LAYERS, FloatNet, inputs, small_net
from hypothesis import given, settings
from hypothesis import strategies as st
from seatool.errors import InputError
from seatool.importers import tflite
from seatool.ir import DType, Graph, quantize_values
from seatool.quantize import METHODS, Executor, quantize
from seatool.quantize.affine import quantization
from seatool.tflm.reference import Reference


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


def test_the_same_input_makes_the_same_bytes() -> None:
    graph = small_net()
    first, second = (quantize(graph, inputs(graph, 8)) for _ in range(2))
    assert tflite.write(first.graph) == tflite.write(second.graph)
    assert first.fidelity == second.fidelity


def test_held_out_inputs_have_no_influence_on_the_result() -> None:
    graph = small_net()
    first, second = (quantize(graph, inputs(graph, 8), heldout=inputs(graph, 4, seed)).graph for seed in (2, 3))
    assert tflite.write(first) == tflite.write(second)


def test_progress_is_told_to_the_end() -> None:
    graph = small_net()
    told: list[tuple[int, int]] = []
    quantize(graph, inputs(graph, 8), advance=lambda done, total: told.append((done, total)))
    total = told[-1][1]
    assert told == [(i + 1, total) for i in range(total)]


@pytest.mark.parametrize("method", METHODS)
def test_every_method_works(method: str) -> None:
    graph = small_net()
    fidelity = quantize(graph, inputs(graph, 16), method=method).fidelity
    assert fidelity.method == method
    assert fidelity.cosine_mean > 0.99


@pytest.mark.parametrize(
    ("samples", "reason"),
    [
        ([], "no calibration inputs"),
        ([(np.zeros((1, 6, 5, 4), np.float32),)], r"input 0 is float32\[1, 6, 5, 4\]; net takes float32\[1, 6, 5, 3\]"),
        ([(np.zeros((1, 6, 5, 3)),)], r"float64\[1, 6, 5, 3\]"),
        ([()], "input 0 is ; net takes"),
        ([(np.full((1, 6, 5, 3), np.nan, np.float32),)], "input 0 holds NaN"),
    ],
)
def test_calibration_that_does_not_fit_is_refused(samples: list[tuple[np.ndarray, ...]], reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        quantize(small_net(), samples)


def test_a_layer_that_computes_nan_is_named() -> None:
    net = FloatNet((1, 2, 2, 2))
    net.add("MUL", "x", net.constant(np.float32([3e38])), fused_activation_function=0)
    net.add("SUB", net.now, net.now, fused_activation_function=0)
    with pytest.raises(InputError, match="layer sub_1 is not a number"):
        quantize(net.graph(), [(np.full((1, 2, 2, 2), 9.0, np.float32),)])


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("weight", "bias", "reason"),
    [
        (3e38, 0, "layer conv_2d_0 is not finite on calibration data"),
        (1, 2e38, "layer conv_2d_0 cannot be quantized: a scale of .* does not fit float32"),
    ],
)
def test_a_layer_beyond_float32_is_named(weight: float, bias: float, reason: str) -> None:
    net = FloatNet((1, 2, 2, 2))
    weights, bias = net.constant(np.full((2, 1, 1, 2), weight, np.float32)), net.constant(np.full(2, bias, np.float32))
    options = {"stride_w": 1, "stride_h": 1, "fused_activation_function": 0}
    net.add("CONV_2D", "x", weights, bias, **options)
    with pytest.raises(InputError, match=reason):
        quantize(net.graph(), [(np.full((1, 2, 2, 2), 3e-10 if weight == 1 else 3, np.float32),)])
