"""The fidelity report: figures that mean what they say, and hints for what went wrong."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from float_nets import FloatNet, inputs, small_net
from seatool.ir import Array, Graph, Quantization
from seatool.kernels import Activation
from seatool.quantize import Fidelity, quantize
from seatool.quantize.fidelity import Comparison, cosine


def pointwise(weights: Array, bias: Array, activation: Activation = Activation.NONE) -> Graph:
    """One 1x1 convolution, weights [out, in]."""
    net = FloatNet((1, 6, 5, weights.shape[1]))
    filters = net.constant(weights[:, None, None].astype(np.float32))
    shape = (1, 6, 5, len(weights))
    fields = {"padding": 0, "stride_w": 1, "stride_h": 1, "fused_activation_function": activation}
    net.add("CONV_2D", "x", filters, net.constant(bias.astype(np.float32)), shape=shape, **fields)
    return net.graph()


def report(graph: Graph, heldout_gain: float = 1.0) -> Fidelity:
    heldout = [tuple(np.float32(heldout_gain) * x for x in sample) for sample in inputs(graph, 8, seed=2)]
    return quantize(graph, inputs(graph, 32), heldout=heldout, method="minmax").fidelity


def test_noise_saturation_and_extremes_are_counted() -> None:
    comparison = Comparison(Quantization.per_tensor(1.0, 0))
    comparison.add(np.array([3.0, -4.0, 127.4, 130.0], np.float32), np.array([3, -3, 127, 127], np.int8))
    assert comparison.sqnr_db == pytest.approx(
        10 * math.log10((9 + 16 + 127.4**2 + 130.0**2) / (1 + 0.4**2 + 9)), rel=1e-4
    )
    layer = comparison.layer("tensor", "layer", "ADD")
    assert layer.saturated == 0.25
    assert layer.max_abs_error == 3.0
    assert (layer.low, layer.high) == (-4.0, 130.0)


def test_saturation_that_is_meant_is_no_noise() -> None:
    comparison = Comparison(Quantization.per_tensor(1.0, -128), clipped=True)
    comparison.add(np.array([-500.0, 3.0, 900.0], np.float32), np.array([-128, -125, 127], np.int8))
    assert comparison.sqnr_db == math.inf
    assert comparison.layer("t", "l", "RELU6").saturated == 0.0


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ([1, 2], [2, 4], 1.0),
        ([1, 0], [0, 1], 0.0),
        ([1, 0], [-1, 0], -1.0),
        ([0, 0], [0, 0], 1.0),
        ([0, 0], [1, 0], 0.0),
    ],
)
def test_cosine(a: list[float], b: list[float], expected: float) -> None:
    assert cosine(np.array(a), np.array(b)) == pytest.approx(expected)


def test_layers_come_worst_first_and_all_of_them() -> None:
    graph = small_net()
    fidelity = report(graph)
    figures = [layer.sqnr_db for layer in fidelity.layers]
    assert figures == sorted(figures)
    assert {layer.tensor for layer in fidelity.layers} == {*graph.inputs, *(op.outputs[0] for op in graph.ops)}
    assert (fidelity.calibration_samples, fidelity.heldout_samples) == (32, 8)
    assert fidelity.heldout == "8 samples"


def test_the_split_is_reported() -> None:
    graph = small_net()
    fidelity = quantize(graph, inputs(graph, 20)).fidelity
    assert (fidelity.calibration_samples, fidelity.heldout_samples) == (15, 5)
    assert fidelity.heldout.startswith("every fourth clip")


def test_the_report_is_json() -> None:
    graph = pointwise(np.eye(2), np.zeros(2))
    fidelity = quantize(graph, [(np.zeros((1, 6, 5, 2), np.float32),)]).fidelity
    document = json.loads(json.dumps(fidelity.to_json(), allow_nan=False))
    assert document["cosine_mean"] == document["cosine_min"] == 1.0
    assert document["layers"][0]["sqnr_db"] is None
    assert document["outputs"][0]["tensor"] == graph.outputs[0]
    assert document["calibration_samples"] == 1
    assert set(document) >= {"calibration", "heldout", "heldout_samples", "method", "max_abs_error", "hints"}


def test_a_good_model_gets_no_hints() -> None:
    rng = np.random.default_rng(0)
    graph = pointwise(rng.standard_normal((8, 3)), rng.standard_normal(8))
    assert report(graph).hints == ()


def hint(fidelity: Fidelity, beginning: str) -> str:
    """The one hint that begins so."""
    (found,) = [text for text in fidelity.hints if text.startswith(beginning)]
    return found


def test_narrow_calibration_is_noticed() -> None:
    text = hint(report(pointwise(np.eye(3), np.zeros(3)), heldout_gain=2.0), "calibration is too narrow")
    assert "input by" in text
    assert "conv_2d_0 by" in text


def test_outlier_channels_are_noticed() -> None:
    weights = np.random.default_rng(0).standard_normal((8, 3))
    weights[5] *= 100
    texts = [text for text in report(pointwise(weights, np.zeros(8))).hints if text.startswith("outlier channel")]
    assert len(texts) == 2
    assert all("conv_2d_0" in text for text in texts)


def test_dead_channels_are_counted() -> None:
    weights = np.random.default_rng(0).standard_normal((8, 3))
    weights[2:4] = 0
    assert hint(report(pointwise(weights, np.zeros(8))), "channels that were zero").endswith("conv_2d_0 2")


def test_biases_that_make_weights_coarser_are_noticed() -> None:
    graph = pointwise(np.ones((2, 2)), np.array([0.0, -1e12]), Activation.RELU6)
    assert "the bias of 1 channel is huge" in hint(report(graph), "conv_2d_0")


def test_a_model_that_int8_ruins_is_called_so() -> None:
    text = hint(report(pointwise(np.eye(3), np.zeros(3)), heldout_gain=1e-3), "int8 loses much of this model")
    assert "conv_2d_0" in text or "input" in text
