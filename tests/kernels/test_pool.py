"""MAX_POOL_2D and AVERAGE_POOL_2D: windows of every kind against TFLM and the C kernels."""

from __future__ import annotations

import bands
import numpy as np
import pytest
import rig
from hypothesis import given
from hypothesis import strategies as st
from seatool.ir import Graph
from seatool.kernels import Activation, Padding
from seatool.kernels.pool import Pool2DAttributes
from seatool.kernels.window import Axis

KINDS = ("MAX_POOL_2D", "AVERAGE_POOL_2D")


def pool(kind: str, shape: tuple[int, ...], attributes: Pool2DAttributes, scale: float, zero_point: int) -> Graph:
    y = Axis.of(attributes.padding, shape[1], attributes.filter_height, attributes.stride_h)
    x = Axis.of(attributes.padding, shape[2], attributes.filter_width, attributes.stride_w)
    output = (shape[0], y.output, x.output, shape[3])
    return rig.single(
        kind,
        [rig.tensor("x", shape, scale, zero_point)],
        [rig.tensor("y", output, scale, zero_point)],
        attributes,
        version=2,
    )


@st.composite
def cases(draw: st.DrawFn) -> rig.Case:
    height, width = draw(st.integers(1, 12)), draw(st.integers(1, 12))
    shape = (draw(st.integers(1, 2)), height, width, draw(st.sampled_from([1, 2, 3, 4, 5, 7, 8, 12, 17])))
    padding = draw(st.sampled_from(Padding))
    limit = (height, width) if padding is Padding.VALID else (height + 3, width + 3)
    attributes = Pool2DAttributes(
        padding,
        stride_h=draw(st.integers(1, 4)),
        stride_w=draw(st.integers(1, 4)),
        filter_height=draw(st.integers(1, limit[0])),
        filter_width=draw(st.integers(1, limit[1])),
        fused_activation_function=draw(
            st.sampled_from([Activation.NONE, Activation.RELU, Activation.RELU6, Activation.RELU_N1_TO_1])
        ),
    )
    graph = pool(draw(st.sampled_from(KINDS)), shape, attributes, draw(rig.scales), draw(rig.zero_points))
    return graph, [draw(rig.arrays(shape))]


@given(cases())
def test_equals_tflm(case: rig.Case) -> None:
    rig.check(*case)


@given(cases(), st.data())
def test_bands_with_line_buffers_give_the_same(case: rig.Case, data: st.DataObject) -> None:
    data.draw(bands.check(case))


@pytest.mark.parametrize("value", [-128, 127])
@pytest.mark.parametrize("shape", [(1, 64, 50, 8), (1, 1, 255, 4), (1, 256, 1, 5)])
def test_sums_of_large_windows_do_not_overflow(shape: tuple[int, ...], value: int) -> None:
    attributes = Pool2DAttributes(Padding.VALID, 1, 1, shape[1], shape[2])
    graph = pool("AVERAGE_POOL_2D", shape, attributes, 0.1, 0)
    rig.check(graph, [np.full(shape, value, np.int8)])


def test_float_pooling_ignores_padding() -> None:
    shape = (1, 3, 3, 1)
    attributes = Pool2DAttributes(Padding.SAME, 2, 2, 2, 2)
    x = np.arange(-9, 0, dtype=np.float32).reshape(shape)
    for kind, corner in (("MAX_POOL_2D", -1.0), ("AVERAGE_POOL_2D", -1.0)):
        (y,) = rig.operator_of(pool(kind, shape, attributes, 1.0, 0)).evaluate_float(x)
        assert y.dtype == np.float32
        assert y[0, 1, 1, 0] == corner
