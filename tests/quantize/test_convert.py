"""The int8 graph follows the TFLite 8-bit quantization specification."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from float_nets import FloatNet, inputs, small_net
from seatool.errors import InputError
from seatool.ir import DType, Graph, Quantization, Tensor, dequantize_values
from seatool.kernels import Activation
from seatool.quantize import execute, quantize
from seatool.quantize.affine import BIAS_MAX, quantization


def int8_of(graph: Graph, count: int = 8) -> Graph:
    return quantize(graph, inputs(graph, count)).graph


def quant_of(graph: Graph, name: str) -> Quantization:
    return quantization(graph.tensors[name])


def test_inputs_outputs_and_activations_are_int8_per_tensor_under_their_names() -> None:
    graph = small_net()
    int8 = int8_of(graph)
    assert int8.inputs == graph.inputs
    assert int8.outputs == graph.outputs
    assert [op.name for op in int8.ops] == [op.name for op in graph.ops]
    for op in int8.ops:
        tensor = int8.tensors[op.outputs[0]]
        assert tensor.dtype is DType.INT8
        assert quantization(tensor).axis is None


@pytest.mark.parametrize(
    ("layer", "axis", "channels"),
    [(FloatNet.conv_2d, 0, 4), (FloatNet.depthwise_conv_2d, 3, 6), (FloatNet.fully_connected, 0, 5)],
)
def test_weights_are_symmetric_per_channel_and_biases_have_their_scales(
    layer: Callable[[FloatNet], str], axis: int, channels: int
) -> None:
    net = FloatNet()
    layer(net)
    int8 = int8_of(net.graph())
    weights, bias = (int8.tensors[str(name)] for name in int8.ops[0].inputs[1:])
    assert (weights.dtype, bias.dtype) == (DType.INT8, DType.INT32)
    assert quantization(weights).axis == axis
    assert len(quantization(weights).scale) == channels
    assert set(quantization(weights).zero_point) == {0}
    assert weights.data is not None
    assert weights.data.min() >= -127
    expected = quantization(weights).scales.astype(np.float64) * int8.tensors["x"].scale
    np.testing.assert_allclose(quantization(bias).scales, expected, rtol=1e-6)
    assert quantization(bias).axis == 0


def test_nearest_rounding_is_exact_to_half_a_step() -> None:
    graph = small_net()
    int8 = quantize(graph, inputs(graph, 8), data_rounding=False).graph
    for op in graph.ops:
        if op.kind in ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"):
            for name in map(str, op.inputs[1:]):
                real, quantized = graph.tensors[name].data, int8.tensors[name].data
                assert real is not None
                assert quantized is not None
                quant = quant_of(int8, name)
                error = np.abs(dequantize_values(quantized, quant) - real)
                assert error.max() <= 0.501 * max(quant.scale)


@pytest.mark.parametrize("layer", [FloatNet.pool, FloatNet.average_pool, FloatNet.transpose, FloatNet.pad])
def test_operators_that_move_values_keep_their_parameters(layer: Callable[[FloatNet], str]) -> None:
    net = FloatNet(seed=3)
    before = net.conv_2d()
    after = layer(net)
    int8 = int8_of(net.graph())
    assert quant_of(int8, after) == quant_of(int8, before)


def test_a_range_that_only_a_pool_reads_is_chosen_from_what_the_pool_keeps() -> None:
    net = FloatNet((1, 4, 4, 1))
    net.pool()
    image = np.full((1, 4, 4, 1), -8.0, np.float32)
    image[:, ::2, ::2] = 1.0
    int8 = quantize(net.graph(), [(image,)]).graph
    assert int8.tensors["x"].scale == pytest.approx(1 / 255, rel=1e-3)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("SOFTMAX", Quantization.per_tensor(1 / 256, -128)),
        ("LOGISTIC", Quantization.per_tensor(1 / 256, -128)),
        ("TANH", Quantization.per_tensor(1 / 128, 0)),
    ],
)
def test_prescribed_outputs(kind: str, expected: Quantization) -> None:
    net = FloatNet()
    net.conv_2d()
    bounded = net.add(kind, net.now, **({"beta": 1.0} if kind == "SOFTMAX" else {}))
    moved = net.transpose()
    int8 = int8_of(net.graph())
    assert quant_of(int8, bounded) == expected
    assert quant_of(int8, moved) == expected


def test_a_fused_clamp_narrows_the_range() -> None:
    net = FloatNet()
    net.add("ADD", "x", net.constant(np.float32([5.0, 5.0, 5.0])), fused_activation_function=Activation.RELU6)
    output = int8_of(net.graph()).tensors[net.now]
    assert output.zero_point == -128
    assert output.scale <= 6.0001 / 255


def concatenation(first: str, second: str, net: FloatNet) -> str:
    shape = (1, 6, 5, 6)
    return net.add("CONCATENATION", first, second, shape=shape, axis=3, fused_activation_function=0)


def test_concatenated_tensors_share_one_range() -> None:
    net = FloatNet()
    large = net.add("MUL", "x", net.constant(np.float32([9.0])), fused_activation_function=0)
    small = net.add("MUL", "x", net.constant(np.float32([0.1])), fused_activation_function=0)
    joined = concatenation(large, small, net)
    int8 = int8_of(net.graph())
    assert quant_of(int8, large) == quant_of(int8, small) == quant_of(int8, joined)
    assert [op.kind for op in int8.ops] == ["MUL", "MUL", "CONCATENATION"]


def test_a_prescribed_range_is_requantized_where_it_meets_another() -> None:
    net = FloatNet()
    bounded = net.add("LOGISTIC", "x")
    joined = concatenation("x", bounded, net)
    int8 = int8_of(net.graph())
    requantize, concatenate = int8.ops[1], int8.ops[2]
    assert (requantize.kind, requantize.inputs) == ("QUANTIZE", (bounded,))
    assert concatenate.inputs == ("x", requantize.outputs[0])
    assert quant_of(int8, bounded) == Quantization.per_tensor(1 / 256, -128)
    assert quant_of(int8, requantize.outputs[0]) == quant_of(int8, "x") == quant_of(int8, joined)


def test_equal_prescribed_ranges_meet_without_requantization() -> None:
    net = FloatNet()
    a, b = net.add("LOGISTIC", "x"), net.add("LOGISTIC", "x")
    joined = concatenation(a, b, net)
    int8 = int8_of(net.graph())
    assert "QUANTIZE" not in {op.kind for op in int8.ops}
    assert quant_of(int8, joined) == Quantization.per_tensor(1 / 256, -128)


def test_different_prescribed_ranges_are_both_requantized() -> None:
    net = FloatNet()
    a, b = net.add("LOGISTIC", "x"), net.add("TANH", "x")
    joined = concatenation(a, b, net)
    int8 = int8_of(net.graph())
    assert [op.kind for op in int8.ops] == ["LOGISTIC", "TANH", "QUANTIZE", "QUANTIZE", "CONCATENATION"]
    assert len({quant_of(int8, str(name)) for name in (*int8.ops[-1].inputs, joined)}) == 1


def test_constants_of_one_operator_used_by_another_get_their_own_parameters() -> None:
    net = FloatNet((1, 4, 4, 3))
    weights, bias = net.normal(3, 1, 1, 3), net.normal(3)
    fields = {"padding": 0, "stride_w": 1, "stride_h": 1, "fused_activation_function": Activation.NONE}
    net.add("CONV_2D", "x", weights, bias, **fields)
    net.add("CONV_2D", net.now, weights, bias, **fields)
    graph = net.graph()
    int8 = int8_of(graph)
    first, second = int8.ops
    assert first.inputs[2] == bias
    assert second.inputs[2] != bias
    for op in (first, second):
        scale = int8.tensors[str(op.inputs[0])].scale * quant_of(int8, str(op.inputs[1])).scales.astype(np.float64)
        np.testing.assert_allclose(quant_of(int8, str(op.inputs[2])).scales, scale, rtol=1e-6)
        real = dequantize_values(int8.tensors[str(op.inputs[2])].data, quant_of(int8, str(op.inputs[2])))
        np.testing.assert_allclose(real, graph.tensors[bias].data, atol=scale.max())


def test_infinite_padding_saturates_without_widening_the_range() -> None:
    net = FloatNet((1, 4, 4, 2))
    amounts = net.constant(np.array([[0, 0], [1, 1], [1, 1], [0, 0]], np.int32))
    value = net.constant(np.array(-np.inf, np.float32))
    net.add("PADV2", "x", amounts, value, shape=(1, 6, 6, 2))
    net.pool()
    int8 = int8_of(net.graph())
    assert int8.tensors[value].data == -128
    assert int8.tensors["x"].scale < 0.1


def test_biases_stay_in_range_where_a_channel_is_all_but_dead() -> None:
    net = FloatNet((1, 4, 4, 2))
    weights = np.zeros((3, 1, 1, 2), np.float32)
    weights[0], weights[1] = 1.0, 1e-20
    bias = np.array([0.5, 1e6, -3.0], np.float32)
    fields = {"padding": 0, "stride_w": 1, "stride_h": 1, "fused_activation_function": Activation.NONE}
    net.add("CONV_2D", "x", net.constant(weights), net.constant(bias), shape=(1, 4, 4, 3), **fields)
    graph = net.graph()
    int8 = int8_of(graph)
    codes = int8.tensors[str(int8.ops[0].inputs[2])].data
    assert codes is not None
    assert np.abs(codes.astype(np.int64)).max() <= BIAS_MAX
    output = execute(int8, [np.zeros((1, 4, 4, 2), np.int8)])[net.now]
    restored = dequantize_values(output, quant_of(int8, net.now))
    np.testing.assert_allclose(restored[..., 1], 1e6, rtol=0.01)


def broken() -> dict[str, Graph]:
    """Float graphs that cannot be quantized, by what is wrong."""
    dynamic = FloatNet((1, 4))
    dynamic.add("FULLY_CONNECTED", "x", "x", None, shape=(1, 1), fused_activation_function=0)
    fused = FloatNet()
    fused.add("ADD", "x", "x", fused_activation_function=Activation.TANH)
    fused.add("MUL", fused.now, "x", fused_activation_function=Activation.SIGN_BIT)
    poisoned = FloatNet()
    poisoned.add("ADD", "x", poisoned.constant(np.float32([np.nan])), fused_activation_function=0)
    mixed = small_net()
    codes = Tensor("x", (1, 6, 5, 3), DType.INT8, Quantization.per_tensor(1.0, 0))
    return {
        "computed, not constant": dynamic.graph(),
        "TANH.*\n.*SIGN_BIT": fused.graph(),
        "NaN or infinity": poisoned.graph(),
        "quantized already.*\n.*int8, not float32|int8; only float32": mixed.with_(
            tensors=[codes, *(t for t in mixed.tensors.values() if t.name != "x")]
        ),
    }


@pytest.mark.parametrize("what", broken())
def test_what_cannot_be_quantized_is_named_all_at_once(what: str) -> None:
    graph = broken()[what]
    with pytest.raises(InputError, match=what) as caught:
        quantize(graph, inputs(graph, 4))
    assert caught.value.hint is not None
