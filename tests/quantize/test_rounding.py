"""Weights rounded for the data make smaller output errors than weights rounded to nearest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from float_nets import FloatNet
from hypothesis import given, settings
from hypothesis import strategies as st
from seatool.ir import Array, Graph, dequantize_values
from seatool.kernels import Activation
from seatool.quantize import execute, quantize
from seatool.quantize.affine import quantization
from seatool.quantize.rounding import descend, measure_moments

LINEAR = {"padding": 0, "stride_w": 1, "stride_h": 1, "fused_activation_function": Activation.NONE}


def smooth_images(count: int, shape: tuple[int, ...], seed: int = 0) -> list[tuple[Array, ...]]:
    """Images whose neighbouring pixels are nearly alike, far from zero mean."""
    rng = np.random.default_rng(seed)
    images = np.cumsum(rng.standard_normal((count, *shape)), axis=2) * 0.05 + 3.0
    return [(image.astype(np.float32),) for image in images]


def convolution(seed: int = 0) -> Graph:
    """Filters whose taps sum to zero, like edge detectors: what is left of smooth images is small."""
    net = FloatNet((1, 8, 8, 1), seed)
    weights = net.rng.standard_normal((8, 3, 3, 1)).astype(np.float32)
    weights -= weights.mean(axis=(1, 2), keepdims=True)
    net.add("CONV_2D", "x", net.constant(weights), net.normal(8, spread=0.1), shape=(1, 8, 8, 8), **LINEAR)
    return net.graph()


def sqnr(graph: Graph, data_rounding: bool) -> float:
    samples = smooth_images(24, (1, 8, 8, 1))
    fidelity = quantize(graph, samples[:16], heldout=samples[16:], data_rounding=data_rounding).fidelity
    return next(layer.sqnr_db for layer in fidelity.layers if layer.tensor == graph.outputs[0])


def test_correlated_inputs_gain_from_it() -> None:
    graph = convolution()
    assert sqnr(graph, True) > sqnr(graph, False) + 1.0


def test_weights_move_by_one_step_at_most() -> None:
    graph = convolution()
    samples = smooth_images(8, (1, 8, 8, 1))
    refined, nearest = (quantize(graph, samples, data_rounding=flag).graph for flag in (True, False))
    name = str(graph.ops[0].inputs[1])
    a, b = refined.tensors[name], nearest.tensors[name]
    assert a.quant == b.quant
    assert a.data is not None
    assert b.data is not None
    difference = a.data.astype(int) - b.data
    assert set(np.unique(difference)) == {-1, 0, 1}
    assert a.data.min() >= -127


def with_restored_constants(graph: Graph, int8: Graph) -> Graph:
    """The float graph, computing with the real values of the int8 graph's weights and biases."""
    restored = {
        name: replace(tensor, data=dequantize_values(int8.tensors[name].data, quantization(int8.tensors[name])))
        for name, tensor in graph.tensors.items()
        if tensor.is_constant
    }
    return graph.with_(tensors=[restored.get(name, tensor) for name, tensor in graph.tensors.items()])


def test_the_mean_of_the_output_is_kept() -> None:
    graph = convolution(seed=4)
    samples = smooth_images(16, (1, 8, 8, 1))
    shifts = {}
    for flag in (True, False):
        quantized = with_restored_constants(graph, quantize(graph, samples, heldout=samples, data_rounding=flag).graph)
        errors = [execute(quantized, s)[graph.outputs[0]] - execute(graph, s)[graph.outputs[0]] for s in samples]
        shifts[flag] = np.abs(np.mean(errors, axis=(0, 1, 2, 3))).max()
    assert shifts[True] < 0.1 * shifts[False]


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([1, 5]), st.sampled_from([6, 64, 150]))
def test_descending_never_increases_the_error(seed: int, groups: int, taps: int) -> None:
    rng = np.random.default_rng(seed)
    factors = rng.standard_normal((groups, 3 * taps, taps)) @ rng.standard_normal((groups, taps, taps))
    objective = factors.transpose(0, 2, 1) @ factors / taps**2
    exact = rng.uniform(-120, 120, (groups, taps, 3))
    nearest = np.rint(exact)
    chosen = descend(exact, nearest, objective)

    def error(steps: Array) -> Array:
        e = (steps - exact).transpose(0, 2, 1)[:, :, None, :]
        return (e @ objective[:, None] @ e.swapaxes(2, 3))[..., 0, 0]

    assert (error(chosen) <= error(nearest) + 1e-9).all()
    assert np.abs(chosen - nearest).max() <= 1
    np.testing.assert_array_equal(chosen, np.rint(chosen))


def test_inputs_that_never_vary_leave_weights_where_they_are() -> None:
    exact = np.array([[[1.4], [2.6]]])
    np.testing.assert_array_equal(descend(exact, np.rint(exact), np.zeros((1, 2, 2))), np.rint(exact))


@pytest.mark.parametrize("layer", [FloatNet.conv_2d, FloatNet.depthwise_conv_2d, FloatNet.fully_connected])
def test_moments_describe_what_the_weights_are_multiplied_with(layer: Callable[[FloatNet], str]) -> None:
    net = FloatNet((1, 4, 4, 3))
    layer(net)
    graph = net.graph()
    op = graph.ops[0]
    linear = replace(op, attributes=replace(op.attributes, fused_activation_function=Activation.NONE))
    values = [sample[0] for sample in smooth_images(5, (1, 4, 4, 3))]
    moments = measure_moments(graph, op, values)
    weights, bias = (graph.tensors[str(name)].data for name in op.inputs[1:])
    assert weights is not None
    assert bias is not None
    outputs = np.stack([execute(graph.with_(ops=[linear]), [x])[op.outputs[0]] for x in values]) - bias
    outputs = outputs.reshape(-1, len(bias)).astype(np.float64)
    # A channel's mean and mean square follow from its weights and the moments of their factors.
    if moments.mean.shape[0] == 1:
        rows = weights.reshape(len(bias), -1).astype(np.float64)
        mean, square = rows @ moments.mean[0], np.einsum("ct,tu,cu->c", rows, moments.square[0], rows)
    else:
        rows = weights.reshape(-1, len(bias)).T.astype(np.float64)
        mean, square = (rows * moments.mean).sum(axis=1), np.einsum("ct,ctu,cu->c", rows, moments.square, rows)
    np.testing.assert_allclose(mean, outputs.mean(axis=0), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(square, (outputs**2).mean(axis=0), rtol=1e-4)
    assert moments.count == len(outputs)


def test_weights_that_two_operators_share_stay_nearest() -> None:
    net = FloatNet((1, 8, 8, 2))
    weights = net.normal(2, 3, 3, 2)
    net.add("CONV_2D", "x", weights, net.normal(2), **LINEAR)
    net.add("CONV_2D", net.now, weights, net.normal(2), **LINEAR)
    graph, samples = net.graph(), smooth_images(8, (1, 8, 8, 2))
    refined, nearest = (quantize(graph, samples, data_rounding=flag).graph for flag in (True, False))
    np.testing.assert_array_equal(refined.tensors[weights].data, nearest.tensors[weights].data)


def test_a_grouped_convolution_stays_nearest() -> None:
    net = FloatNet((1, 8, 8, 4))
    weights = net.normal(4, 3, 3, 2)
    net.add("CONV_2D", "x", weights, net.normal(4), **LINEAR)
    graph, samples = net.graph(), smooth_images(8, (1, 8, 8, 4))
    refined, nearest = (quantize(graph, samples, data_rounding=flag).graph for flag in (True, False))
    np.testing.assert_array_equal(refined.tensors[weights].data, nearest.tensors[weights].data)
