"""FULLY_CONNECTED on int16 against TFLM and the C kernel: depths, batches, biases of both kinds and extreme values."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import rig
import wide
from hypothesis import given
from hypothesis import strategies as st
from seatool.ir import Array, DType, Graph
from seatool.kernels.fully_connected import FullyConnectedAttributes
from seatool.kernels.fully_connected_int16 import FullyConnectedInt16
from seatool.kernels.weighted_int16 import EXACT, HIGH, SHORT, WIDE
from weights import Scales, activations, weighted


def dense(rows: int, weights: Array, bias: Array | None, attributes: FullyConnectedAttributes, scales: Scales) -> Graph:
    """A layer of ``weights`` (out channels, in channels) on so many rows."""
    shapes = (rows, weights.shape[1]), (rows, weights.shape[0])
    return weighted(
        "FULLY_CONNECTED", shapes, weights, 0, bias, attributes, scales, (0, 0), version=11, dtype=DType.INT16
    )


@st.composite
def cases(draw: st.DrawFn) -> rig.Case:
    depth = draw(st.sampled_from([1, 2, 3, 4, 5, 8, 30, 64, 257, 1100]))
    rows, count = draw(st.sampled_from([1, 1, 2, 5])), draw(st.sampled_from([1, 2, 3, 4, 5, 8, 11]))
    attributes = FullyConnectedAttributes(draw(activations), quantized_bias_type=draw(st.sampled_from([0, wide.INT32])))
    weights, bias = draw(rig.arrays((count, depth))), draw(st.none() | wide.biases(count))
    graph = dense(rows, weights, bias, attributes, draw(wide.scales(count)))
    return graph, [draw(wide.arrays((rows, depth)))]


@given(cases())
def test_equals_tflm(case: rig.Case) -> None:
    rig.check(*case)


FORMS = {
    "fits 32 bits": (512, 127, np.int64, 0, 2.0**-9, HIGH),
    "one more than fits 32 bits": (512, -128, np.int64, 0, 2.0**-9, WIDE),
    "the bias does not fit": (64, 1, np.int64, 2**31, 2.0**-9, WIDE),
    "several chunks": (1200, -128, np.int64, 0, 2.0**-9, WIDE),
    "sums above 2^32": (4100, -128, np.int64, 2**45, 2.0**-24, WIDE),
    "shift to the left": (16, 1, np.int64, 0, 100.0, WIDE),
    "tiny factor": (64, -128, np.int64, 0, 2.0**-19, WIDE),
    "factor taken for zero": (64, -128, np.int64, 0, 2.0**-33, HIGH),
    "short sums": (200, 127, np.int32, 1000, 2.0**-9, SHORT),
    "sums that wrap": (1200, -128, np.int32, 2**31 - 1, 2.0**-9, EXACT),
}


@pytest.mark.parametrize("name", FORMS)
@pytest.mark.parametrize("value", [-32768, 32767])
def test_forms_of_rescaling(name: str, value: int) -> None:
    depth, weight, dtype, bias, factor, form = FORMS[name]
    weights = np.full((5, depth), weight, np.int8)
    scales = Scales(2.0**-12, [factor], 2.0**-12)
    graph = dense(1, weights, np.full(5, bias, dtype), FullyConnectedAttributes(), scales)
    operator = rig.operator_of(graph)
    assert isinstance(operator, FullyConnectedInt16)
    assert operator.requantize_form == form
    rig.check(graph, [np.full((1, depth), value, np.int16)])


def test_what_tflm_cannot_rescale_is_a_problem() -> None:
    def problems(bias: Array | None, factor: float) -> str:
        scales = Scales(2.0**-12, [factor], 2.0**-12)
        graph = dense(1, np.ones((3, 8), np.int8), bias, FullyConnectedAttributes(), scales)
        return " / ".join(rig.operator_of(graph).problems())

    assert problems(None, 127.0) == ""
    assert "too far apart (a factor of 128;" in problems(None, 128.0)
    assert problems(np.zeros(3, np.int32), 128.0) == ""
    assert "too far apart" in problems(np.zeros(3, np.int32), 2.0**30)
    assert "2^47" in problems(np.full(3, 2**47), 0.5)
    assert "2^47" in problems(np.full(3, -(2**63)), 0.5)
    assert problems(np.zeros(2, np.int64), 0.5) == "the bias has 2 elements for 3 output channels"
    assert "only int64 and int32 are supported" in problems(np.zeros(3, np.int16), 0.5)


def test_zero_points_other_than_0_and_mixed_types_are_problems() -> None:
    graph = dense(1, np.ones((3, 8), np.int8), None, FullyConnectedAttributes(), Scales(1, [1], 1))
    shifted = rig.tensor("x", (1, 8), 1.0, 7, dtype=DType.INT16)
    narrow = rig.tensor("x", (1, 8), 1.0, 0)
    for x, problem in (
        (shifted, "x is int16 with a zero point other than 0"),
        (narrow, "x is int8; input and output must both be int16"),
    ):
        changed = replace(graph, tensors={**graph.tensors, "x": x})
        assert list(rig.operator_of(changed).problems()) == [problem]
