"""Curves in float32 between DEQUANTIZE and QUANTIZE: the operators against TFLM, and the tables that replace them."""

from __future__ import annotations

import numpy as np
import pytest
import rig
from hypothesis import given
from hypothesis import strategies as st
from seatool import passes
from seatool.errors import InputError
from seatool.importers import tflite
from seatool.ir import DType, Graph, Op, Tensor
from seatool.kernels import operators
from seatool.kernels.float_curve import stray
from seatool.quantize.execute import execute

KINDS = sorted(kind for kind, family in operators().items() if family.is_curve)
RANGES = {"EXP": (0.02, 0), "LOG": (0.05, -129), "SQRT": (0.1, -128)}
"""Scale and zero point of the input, so that the curve is finite; (0.05, 3) elsewhere."""
ALL = np.arange(-128, 128, dtype=np.int8).reshape(1, 256)


def chain(kinds: list[str], scale: float, zero_point: int) -> Graph:
    """All int8 values through the curves, to int8 and to int8 of another scale."""
    names = ["real", *(f"r{i}" for i in range(len(kinds)))]
    reals = [Tensor(name, ALL.shape, DType.FLOAT32) for name in names]
    x, *ys = (
        rig.tensor(name, ALL.shape, s, z) for name, s, z in (("x", scale, zero_point), ("y", 0.06, -5), ("z", 2, 1))
    )
    curves = [Op(f"c{i}", kind, (names[i],), (names[i + 1],)) for i, kind in enumerate(kinds)]
    ends = [Op(f"end{i}", "QUANTIZE", (names[-1],), (y.name,)) for i, y in enumerate(ys)]
    ops = (Op("begin", "DEQUANTIZE", ("x",), ("real",)), *curves, *ends)
    return Graph("curves", {t.name: t for t in (x, *reals, *ys)}, ops, ("x",), ("y", "z"))


def _scales(kind: str) -> tuple[float, int]:
    scale, zero = RANGES.get(kind, (0.05, 3))
    return scale, max(zero, -128)


@pytest.mark.parametrize("kind", KINDS)
def test_floats_equal_tflm_up_to_a_rounding(kind: str) -> None:
    graph = chain([kind], *_scales(kind))
    ours, truth = execute(graph, [ALL], graph.tensors)["r0"], rig.tflm(graph, [ALL])["r0"]
    finite = np.isfinite(truth)
    np.testing.assert_array_max_ulp(ours[finite], truth[finite], 1)
    assert np.array_equal(ours[~finite], truth[~finite], equal_nan=True)


@pytest.mark.parametrize("kind", KINDS)
@given(st.floats(0.005, 0.05), st.integers(-128, 127))  # up to what int32 steps hold; beyond TFLM's is undefined
def test_tables_equal_tflm(kind: str, scale: float, zero_point: int) -> None:
    if kind in ("LOG", "SQRT"):
        zero_point = -128
    graph = chain([kind], scale, zero_point)
    table, _ = passes.optimize(graph, merge=False)
    assert [op.kind for op in table.ops] == ["LOOKUP_TABLE"] * 2
    ours, truth = execute(table, [ALL], ["y", "z"]), rig.tflm(graph, [ALL])
    first = 1 if kind == "LOG" else 0  # of the logarithm of 0 TFLM's result is undefined
    for name in ("y", "z"):
        assert np.array_equal(ours[name][:, first:], truth[name][:, first:])


def test_elu_is_a_curve_in_float32_and_an_operator_in_int8() -> None:
    assert "ELU" in KINDS
    graph = rig.single("ELU", [rig.tensor("x", (256,), 0.05, 3)], [rig.tensor("y", (256,), 0.06, -5)])
    rig.check(graph, [ALL.reshape(256)])


def test_several_curves_become_one_table() -> None:
    graph = chain(["SQUARE", "NEG", "EXP"], 0.02, 7)
    table, said = passes.optimize(graph, merge=False)
    assert [op.kind for op in table.ops] == ["LOOKUP_TABLE"] * 2
    assert said[0] == "merged DEQUANTIZE, SQUARE, NEG, EXP, QUANTIZE into one table (end0)"
    ours, truth = execute(table, [ALL], ["y"])["y"], rig.tflm(graph, [ALL])["y"]
    assert np.array_equal(ours, truth)


def test_what_others_read_stays() -> None:
    graph = chain(["NEG"], 0.05, 3)
    seen = graph.with_(outputs=("y", "z", "real"))
    assert [op.kind for op in passes.optimize(seen)[0].ops] == ["DEQUANTIZE", "LOOKUP_TABLE", "LOOKUP_TABLE"]


def test_a_curve_that_leads_elsewhere_is_refused() -> None:
    graph = chain(["NEG"], 0.05, 3)
    assert not stray(graph.ops[1], graph)
    shown = graph.with_(outputs=("y", "z", "r0"))
    assert stray(shown.ops[1], shown)
    with pytest.raises(InputError, match="NEG v1: computes in float32, which is supported only all the way from DEQ"):
        tflite.read(tflite.write(shown), "shown")
    alone = rig.single("NEG", [Tensor("x", (3,), DType.FLOAT32)], [Tensor("y", (3,), DType.FLOAT32)])
    with pytest.raises(InputError, match="NEG v1: TFLM computes it in float32 only"):
        tflite.read(tflite.write(alone), "alone")
    int8 = rig.single("NEG", [rig.tensor("x", (3,), 0.5)], [rig.tensor("y", (3,), 0.5)])
    assert list(rig.operator_of(int8).problems()) == ["TFLM computes it in float32 only"]
