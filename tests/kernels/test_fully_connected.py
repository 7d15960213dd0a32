"""FULLY_CONNECTED against TFLM and the C kernels: depths, batches, shapes, quantization and extreme values."""

from __future__ import annotations

import math

import rig
from hypothesis import given
from hypothesis import strategies as st
from seatool.kernels.fully_connected import FullyConnectedAttributes
from weights import activations, biases, scales, weighted


@st.composite
def cases(draw: st.DrawFn) -> rig.Case:
    depth, count = (
        draw(st.sampled_from([1, 2, 3, 4, 5, 8, 30, 64, 257])),
        draw(st.sampled_from([1, 2, 3, 4, 5, 8, 11, 12])),
    )
    rows = draw(st.sampled_from([(1,), (1,), (2,), (5,), (1, 3), (2, 1, 2)]))
    keep = len(rows) > 1 and draw(st.booleans())
    shape = (*rows, depth)
    output = (*rows, count) if keep else (math.prod(rows), count)
    graph = weighted(
        "FULLY_CONNECTED",
        (shape, output),
        draw(rig.arrays((count, depth))),
        0,
        draw(st.none() | biases(count)),
        FullyConnectedAttributes(draw(activations), keep_num_dims=keep),
        draw(scales(count)),
        (draw(rig.zero_points), draw(rig.zero_points)),
        version=5,
    )
    return graph, [draw(rig.arrays(shape))]


@given(cases())
def test_equals_tflm(case: rig.Case) -> None:
    rig.check(*case)
