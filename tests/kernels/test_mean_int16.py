"""MEAN and SUM on int16: every choice of axes against TFLM and the C kernel."""

from __future__ import annotations

import numpy as np
import pytest
import rig
import wide
from hypothesis import given
from hypothesis import strategies as st
from test_int16 import widened
from test_mean import mean


@st.composite
def cases(draw: st.DrawFn) -> rig.Case:
    shape = tuple(draw(st.lists(st.sampled_from([1, 2, 3, 5, 8, 13]), min_size=1, max_size=5)))
    axes = draw(st.lists(st.integers(-len(shape), len(shape) - 1), min_size=1, max_size=len(shape)))
    source = draw(rig.scales), 0
    target = draw(st.sampled_from([source, (draw(rig.scales), 0)]))
    kind = draw(st.sampled_from(["MEAN", "SUM"]))
    return widened(mean(shape, axes, draw(st.booleans()), source, target, kind)), [draw(wide.arrays(shape))]


@given(cases())
def test_equals_tflm(case: rig.Case) -> None:
    rig.check(*case)


@pytest.mark.parametrize("value", [-32768, 32767])
def test_long_sums_do_not_overflow(value: int) -> None:
    graph = widened(mean((255, 257), (0, 1), True, (0.1, 0), (0.1, 0)))
    rig.check(graph, [np.full((255, 257), value, np.int16)])


@pytest.mark.parametrize("ratio", [2.0**-33, 2.0**-28, 2.0**-10, 1.0, 2.0**10, 2.0**20])
@pytest.mark.parametrize("kind", ["MEAN", "SUM"])
def test_extreme_ratios_of_scales(kind: str, ratio: float) -> None:
    x = (np.arange(-120, 120) * 259).astype(np.int16).reshape(1, 8, 6, 5)
    rig.check(widened(mean(x.shape, (1, 2), False, (2.0**-3 * ratio, 0), (2.0**-3, 0), kind)), [x])


def test_more_summands_than_fit_are_a_problem() -> None:
    graph = widened(mean((256, 256), (0, 1), True, (0.1, 0), (0.1, 0)))
    assert list(rig.operator_of(graph).problems()) == ["65536 summands; up to 65535 are supported"]
