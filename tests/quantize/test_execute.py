"""Graphs run in numpy: float operators on real numbers, quantized ones exactly as integers."""

from __future__ import annotations

import numpy as np
import pytest
from float_nets import FloatNet, inputs, small_net
from seatool.ir import DType, Graph, Op, Quantization, Tensor
from seatool.quantize import Executor, execute, quantize


def test_outputs_only_unless_more_is_asked_for() -> None:
    graph = small_net()
    (sample,) = inputs(graph, 1)
    assert set(execute(graph, sample)) == set(graph.outputs)
    everything = execute(graph, sample, graph.tensors)
    assert set(everything) == set(graph.tensors)
    for name, value in everything.items():
        assert value.shape == graph.tensors[name].shape
    np.testing.assert_array_equal(everything["x"], sample[0])


def test_a_float_convolution_is_computed_by_its_definition() -> None:
    net = FloatNet((1, 3, 3, 2), seed=5)
    net.conv_2d(channels=2, kernel=1)
    graph = net.graph()
    (sample,) = inputs(graph, 1)
    weights, bias = (graph.tensors[str(name)].data for name in graph.ops[0].inputs[1:])
    expected = np.einsum("nhwi,oi->nhwo", sample[0], weights[:, 0, 0]) + bias
    low, high = graph.ops[0].attributes.fused_activation_function.bounds  # type: ignore[attr-defined]
    np.testing.assert_allclose(execute(graph, sample)[net.now], np.clip(expected, low, high), rtol=1e-5, atol=1e-6)


def test_borders_convert_between_the_two_worlds() -> None:
    quant = Quantization.per_tensor(0.5, 3)
    tensors = [
        Tensor("x", (1, 4), DType.FLOAT32),
        Tensor("q", (1, 4), DType.INT8, quant),
        Tensor("y", (1, 4), DType.FLOAT32),
    ]
    ops = (Op("enter", "QUANTIZE", ("x",), ("q",)), Op("leave", "DEQUANTIZE", ("q",), ("y",)))
    graph = Graph("borders", {t.name: t for t in tensors}, ops, ("x",), ("y",))
    values = execute(graph, [np.array([[0.0, 1.2, -80.0, 9.0]], np.float32)], graph.tensors)
    np.testing.assert_array_equal(values["q"], [[3, 5, -128, 21]])
    np.testing.assert_array_equal(values["y"], [[0.0, 1.0, -65.5, 9.0]])


def test_an_executor_can_be_used_again() -> None:
    graph = small_net()
    first, second = inputs(graph, 2)
    run = Executor(graph)
    once = run(first)
    run(second)
    np.testing.assert_array_equal(run(first)[graph.outputs[0]], once[graph.outputs[0]])


@pytest.mark.parametrize(
    "wrong",
    [[], [np.zeros((1, 6, 5, 3))], [np.zeros((6, 5, 3), np.float32)], [np.zeros((1, 6, 5, 3), np.float32)] * 2],
    ids=["none", "float64", "no batch", "too many"],
)
def test_inputs_that_do_not_fit_are_refused(wrong: list[np.ndarray]) -> None:
    with pytest.raises(ValueError, match=r"inputs|cannot be"):
        execute(small_net(), wrong)


def test_the_int8_graph_runs_on_integers() -> None:
    graph = small_net()
    int8 = quantize(graph, inputs(graph, 8)).graph
    values = execute(int8, [np.zeros((1, 6, 5, 3), np.int8)], [op.outputs[0] for op in int8.ops])
    assert {value.dtype for value in values.values()} == {np.dtype(np.int8)}
