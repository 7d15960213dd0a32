"""Convolutions with margins of their own, which TFLM has as a PAD in front, against the reference and against TFLM."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import bands
import numpy as np
import pytest
import rig
import test_conv_2d
import test_depthwise_conv_2d
from hypothesis import given
from hypothesis import strategies as st
from seatool.importers import tflite
from seatool.ir import Graph, Op
from seatool.kernels import Padding
from seatool.kernels.conv_2d import Conv2D


@st.composite
def cases(draw: st.DrawFn) -> rig.Case:
    """A layer whose windows reach over each edge by any number of places up to all but one tap."""
    graph, inputs = draw(st.one_of(test_conv_2d.cases(), test_depthwise_conv_2d.cases()))
    reach = [(axis.kernel - 1) * axis.dilation for axis in rig.operator_of(graph).axes()]  # type: ignore[attr-defined]
    size = graph.tensors["x"].shape[1:3]
    pairs = []
    for most, places in zip(reach, size, strict=True):
        before = draw(st.integers(0, most))
        pairs.append((before, draw(st.integers(max(0, most + 1 - places - before), most))))
    return with_margins(graph, (pairs[0], pairs[1])), inputs


def with_margins(graph: Graph, margins: Any) -> Graph:
    attributes: Any = graph.ops[0].attributes
    op = replace(graph.ops[0], attributes=replace(attributes, padding=Padding.VALID, margins=margins))
    (shape,) = rig.operator_of(replace(graph, ops=(op,))).output_shapes()
    return graph.with_(ops=[op], tensors=[*graph.tensors.values(), replace(graph.tensors["y"], shape=shape)])


def separated(graph: Graph) -> Graph:
    """PAD and a convolution without padding."""
    (op,), x = graph.ops, graph.tensors["x"]
    attributes: Any = op.attributes
    amounts = rig.int32("amounts", [(0, 0), *attributes.margins, (0, 0)])
    shape = tuple(n + int(pair.sum()) for n, pair in zip(x.shape, amounts.data, strict=True))
    pad = Op("pad", "PAD", ("x", "amounts"), ("padded",))
    conv = replace(op, inputs=("padded", *op.inputs[1:]), attributes=replace(attributes, margins=None))
    padded = replace(x, name="padded", shape=shape)
    return graph.with_(tensors=[*graph.tensors.values(), amounts, padded], ops=[pad, conv])


@given(cases())
def test_kernels_equal_the_reference(case: rig.Case) -> None:
    rig.check(*case, oracle=False)


@given(cases())
def test_the_reference_equals_a_pad_in_tflm(case: rig.Case) -> None:
    graph, inputs = case
    (expected,) = rig.reference(graph, inputs)
    assert np.array_equal(rig.tflm(separated(graph), inputs)["y"], expected)


@given(cases(), st.data())
def test_bands_give_the_same(case: rig.Case, data: st.DataObject) -> None:
    data.draw(bands.check(case))


def test_no_file_holds_margins_and_no_window_sees_nothing() -> None:
    shape, weights = (1, 4, 4, 2), np.ones((2, 3, 3, 2), np.int8)
    attributes = test_conv_2d.Conv2DAttributes(Padding.VALID, 1, 1)
    plain = test_conv_2d.conv(shape, weights, None, attributes, test_conv_2d.Scales(0.1, [0.1], 0.1), (0, 0))
    graph = with_margins(plain, ((1, 2), (2, 0)))
    assert list(rig.operator_of(graph).problems()) == []
    with pytest.raises(ValueError, match="CONV_2D with margins of its own has no TFLite form"):
        tflite.write(graph)
    assert list(Conv2D.problems(rig.operator_of(with_margins(plain, ((3, 0), (0, 0)))))) == [  # type: ignore[arg-type]
        "some windows lie in the padding altogether"
    ]
