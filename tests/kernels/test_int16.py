"""Operators without weights on int16: the layers of the int8 tests, widened, against TFLM and the C kernels."""

from __future__ import annotations

from dataclasses import replace
from operator import itemgetter

import bands
import numpy as np
import pytest
import rig
import test_activation
import test_moves
import test_pool
import test_rearrange
import test_resize
import wide
from hypothesis import example, given
from hypothesis import strategies as st
from seatool.ir import Array, DType, Graph, Quantization, Tensor
from seatool.kernels import Padding
from seatool.kernels.activation import LeakyReluAttributes
from seatool.kernels.pool import Pool2DAttributes
from test_binary import ACTIVATIONS, binary, broadcastable

EVERY = np.arange(-32768, 32768).astype(np.int16)
SUMS = ("ADD", "SUB", "MUL", "SQUARED_DIFFERENCE", "MAXIMUM", "MINIMUM")
SCALES = st.one_of(st.sampled_from([2.0**-15, 2.0**-12, 3e-4, 0.002]), st.floats(2.0**-20, 1.0, width=32))
CURVES = ("ABS", "RELU", "RELU6", "LEAKY_RELU", "LOGISTIC", "TANH")
INTEGERS = (DType.INT8, DType.INT16, DType.INT32)


def widened(graph: Graph) -> Graph:
    """``graph`` with int16 for int8 and zero points of 0."""

    def wide_tensor(tensor: Tensor) -> Tensor:
        if tensor.dtype is not DType.INT8:
            return tensor
        assert tensor.quant is not None
        data = None if tensor.data is None else np.array(tensor.data.astype(np.int16) * 251)
        quant = Quantization.per_tensor(tensor.scale, 0)
        return replace(tensor, dtype=DType.INT16, quant=quant, data=data)

    return replace(graph, tensors={name: wide_tensor(tensor) for name, tensor in graph.tensors.items()})


@st.composite
def binaries(draw: st.DrawFn) -> Graph:
    shapes = draw(broadcastable())
    constant = draw(st.sampled_from([None, None, 0, 1]))
    data = tuple(draw(rig.arrays(shape)) if i == constant else None for i, shape in enumerate(shapes))
    quantization = [(draw(SCALES), 0) for _ in range(3)]
    kind, activation = draw(st.sampled_from(SUMS)), draw(st.sampled_from(ACTIVATIONS))
    return widened(binary(kind, shapes, quantization, activation, (data[0], data[1])))


@st.composite
def activations(draw: st.DrawFn) -> Graph:
    shape = tuple(draw(st.lists(st.integers(1, 7), min_size=1, max_size=4)))
    kind = draw(st.sampled_from(CURVES))
    alpha = draw(st.sampled_from([-0.5, 0.0, 0.01, 0.1, 0.3, 1.0, 2.5]))
    attributes = LeakyReluAttributes(float(np.float32(alpha))) if kind == "LEAKY_RELU" else None
    source = draw(SCALES)
    target = {"RELU6": source, "LOGISTIC": 2.0**-15, "TANH": 2.0**-15}.get(kind) or draw(SCALES)
    return widened(test_activation.unary(kind, shape, (source, 0), (target, 0), attributes))


def pools() -> st.SearchStrategy[Graph]:
    return test_pool.cases().map(itemgetter(0)).map(widened)


@st.composite
def resizes(draw: st.DrawFn) -> Graph:
    shape = (draw(st.sampled_from([1, 1, 2])), *(draw(st.integers(1, 7)) for _ in range(2)), draw(st.integers(1, 9)))
    size = [draw(st.sampled_from([n, 2 * n, draw(st.integers(1, 20))])) for n in shape[1:3]]
    return widened(test_resize.resized("RESIZE_NEAREST_NEIGHBOR", shape, size, draw(test_resize.conventions())))


def moved(strategy: st.SearchStrategy[Graph]) -> st.SearchStrategy[Graph]:
    """Of an operator that only moves values, ``strategy`` being one of int8."""
    borders = st.sampled_from([-1, 0, 257, -258])
    return st.tuples(strategy, borders).map(lambda drawn: _bordered(widened(drawn[0]), drawn[1]))


def _bordered(graph: Graph, border: int) -> Graph:
    """``graph``, if of PADV2 with a value that it may have."""
    if graph.ops[0].kind != "PADV2":
        return graph
    value = replace(graph.tensors["value"], data=np.array([border], np.int16))
    return replace(graph, tensors={**graph.tensors, "value": value})


REARRANGED = (test_rearrange.stacks, test_rearrange.reversals, test_rearrange.repetitions)


def converted(shape: tuple[int, ...], source: DType, target: DType, scales: tuple[float, float]) -> Graph:
    """QUANTIZE, or DEQUANTIZE where ``target`` is float32."""
    x, y = (
        rig.tensor(name, shape, None if dtype is DType.FLOAT32 else scale, dtype=dtype)
        for name, dtype, scale in zip("xy", (source, target), scales, strict=True)
    )
    return rig.single("DEQUANTIZE" if target is DType.FLOAT32 else "QUANTIZE", [x], [y], version=2)


@st.composite
def conversions(draw: st.DrawFn) -> Graph:
    shape = tuple(draw(st.lists(st.integers(1, 7), min_size=1, max_size=4)))
    kinds = [(a, b) for a in INTEGERS for b in INTEGERS if (a, b) != (DType.INT32, DType.INT32)]
    kinds += [(DType.FLOAT32, DType.INT16), (DType.INT16, DType.FLOAT32)]
    return converted(shape, *draw(st.sampled_from(kinds)), (draw(SCALES), draw(SCALES)))


@st.composite
def values(draw: st.DrawFn, tensor: Tensor) -> Array:
    """What an input may hold."""
    if tensor.dtype is DType.INT16:
        return draw(wide.arrays(tensor.shape))
    if tensor.dtype is DType.INT8:
        return draw(rig.arrays(tensor.shape))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    if tensor.dtype is DType.INT32:
        return rng.integers(-(2**31), 2**31, tensor.shape).astype(np.int32) >> draw(st.sampled_from([0, 8, 16]))
    return (rng.integers(-80000, 80000, tensor.shape) * draw(SCALES) / 2).astype(np.float32)


ALL: tuple[st.SearchStrategy[Graph], ...] = (
    *(binaries(), activations(), conversions(), pools(), resizes()),
    *(moved(strategy()) for strategy in test_moves.ALL),
    *(moved(strategy().map(itemgetter(0))) for strategy in REARRANGED),
)


@st.composite
def case_of(draw: st.DrawFn, graphs: st.SearchStrategy[Graph]) -> rig.Case:
    """A graph without problems, and its inputs."""
    graph = draw(graphs.filter(lambda drawn: not list(rig.operator_of(drawn).problems())))
    return graph, [draw(values(graph.tensors[name])) for name in graph.inputs]


def cases() -> st.SearchStrategy[rig.Case]:
    return st.one_of([case_of(graphs) for graphs in ALL])


@pytest.mark.parametrize("number", range(len(ALL)))
def test_equals_tflm(number: int) -> None:
    @given(case_of(ALL[number]))
    def equals(case: rig.Case) -> None:
        rig.check(*case)

    equals()


@pytest.mark.parametrize("kind", ["ABS", "RELU", "LEAKY_RELU"])
@given(SCALES, SCALES)
def test_every_value(kind: str, x: float, y: float) -> None:
    attributes = LeakyReluAttributes(0.1) if kind == "LEAKY_RELU" else None
    rig.check(widened(test_activation.unary(kind, EVERY.shape, (x, 0), (y, 0), attributes)), [EVERY])


@pytest.mark.parametrize("kind", ["LOGISTIC", "TANH"])
@given(
    st.one_of(
        SCALES,
        st.floats(-13, -9).map(lambda power: float(np.float32(2.0**power))),
        st.floats(2.0**-40, 2.65625, width=32),
    )
)
@example(2.0**-12)
@example(2.0**-11)
@example(2.0**-12 * 1.0006)
@example(2.0**-12 * 1.0008)
def test_every_value_of_sigmoids(kind: str, x: float) -> None:
    rig.check(widened(test_activation.unary(kind, EVERY.shape, (x, 0), (2.0**-15, 0))), [EVERY])


@given(SCALES)
def test_every_value_of_relu6(x: float) -> None:
    rig.check(widened(test_activation.unary("RELU6", EVERY.shape, (x, 0), (x, 0))), [EVERY])


@pytest.mark.parametrize("target", [*INTEGERS, DType.FLOAT32])
@given(SCALES, SCALES)
def test_every_value_converted(target: DType, x: float, y: float) -> None:
    rig.check(converted(EVERY.shape, DType.INT16, target, (x, y)), [EVERY])


@given(pools(), st.data())
def test_pools_in_bands_with_line_buffers_give_the_same(graph: Graph, data: st.DataObject) -> None:
    x = data.draw(wide.arrays(graph.tensors["x"].shape))
    data.draw(bands.check((graph, [x])))


@pytest.mark.parametrize("value", [-32768, 32767])
def test_sums_of_the_largest_windows_do_not_overflow(value: int) -> None:
    shape = (1, 257, 255, 1)
    attributes = Pool2DAttributes(Padding.VALID, 1, 1, *shape[1:3])
    graph = widened(test_pool.pool("AVERAGE_POOL_2D", shape, attributes, 0.1, 0))
    rig.check(graph, [np.full(shape, value, np.int16)])
    larger = widened(
        test_pool.pool(
            "AVERAGE_POOL_2D", (1, 256, 256, 1), replace(attributes, filter_height=256, filter_width=256), 0.1, 0
        )
    )
    assert list(rig.operator_of(larger).problems()) == ["windows have more than 65535 values"]


@pytest.mark.parametrize("kind", SUMS)
def test_extreme_values(kind: str) -> None:
    ends = np.array([-32768, -32767, -1, 0, 1, 32767], np.int16)
    for scales in ((1.0, 1.0, 1.0), (2.0**-15, 1.0, 2.0**-10), (0.7, 0.011, 0.9)):
        graph = widened(binary(kind, ((6, 1), (1, 6)), [(scale, 0) for scale in scales]))
        rig.check(graph, [ends.reshape(6, 1), ends.reshape(1, 6)])


def test_what_int16_cannot_be_is_a_problem() -> None:
    def problems(graph: Graph) -> str:
        return " / ".join(rig.operator_of(graph).problems())

    def shifted(graph: Graph, name: str) -> Graph:
        tensor = replace(graph.tensors[name], quant=Quantization.per_tensor(0.5, 7))
        return replace(graph, tensors={**graph.tensors, name: tensor})

    sum_ = widened(binary("ADD", ((2,), (2,)), [(0.5, 0)] * 3))
    assert problems(shifted(sum_, "a")) == "a is int16 with a zero point other than 0"
    mixed = replace(sum_, tensors={**sum_.tensors, "b": rig.tensor("b", (2,), 0.5)})
    assert problems(mixed) == "b is int8; only int16 is supported beside int16"
    arguments = [rig.int32("paddings", [(1, 1)]), rig.tensor("value", (1,), 0.5, data=np.array([1], np.int8))]
    padded = widened(test_moves.moved("PADV2", (3,), arguments, [(5,)]))
    assert "251 is not one byte repeated" in problems(padded)
    assert "only int8" in problems(widened(test_activation.unary("RSQRT", (2,), (0.5, 0), (0.5, 0))))
    curve = widened(test_activation.unary("TANH", (2,), (3.0, 0), (0.5, 0)))
    assert problems(curve) == ("the output's scale is 0.5, not 1/32768 / the input's scale 3 is too small or too large")
    wrong = converted((2,), DType.INT32, DType.INT32, (0.5, 0.5))
    assert "TFLM does not convert that" in problems(wrong)
