"""Kernels that compute a band of rows at a time, called as in a chain of layers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import guarded
import host
import numpy as np
import rig
from hypothesis import strategies as st
from seatool.ir import Array
from seatool.kernels import Bands, Operator, Variant
from seatool.plan.strips import input_end


@st.composite
def check(draw: st.DrawFn, case: rig.Case) -> None:
    """Demand that every configuration of the kernels that has bands computes in them what the reference computes."""
    graph, (x,) = case
    operator = rig.operator_of(graph)
    (expected,) = rig.reference(graph, [x])
    admitted = (variant for variant in operator.variants if variant.admits(operator).ok)
    banded = [option for variant in admitted for option in variant.options(operator) if option.bands(operator)]
    for variant in banded:
        spare = draw(st.integers(0, 2)), draw(st.integers(0, 2))
        assert np.array_equal(run(operator, variant, x, spare), expected), variant.name


def run(operator: Operator, variant: Variant, x: Array, spare: Sequence[int] = (0, 0)) -> Array:
    """Output 0, computed from one image band by band.

    Args:
        spare: Rows of the input's and the output's ring beyond those that a band needs.
    """
    bands = variant.bands(operator)
    assert bands is not None
    held = _seen(bands) + spare[0], bands.rows // bands.stored + spare[1]
    seen, made = (np.full((n, *t.shape[2:]), 77, x.dtype) for n, t in zip(held, (x, operator.output), strict=True))
    tensors = [guarded.filled(rows, rows.itemsize, at_end=True) for rows in (seen, made)]
    seen, made = tensors[0].array(seen), tensors[1].array(made)
    scratch = guarded.Buffer(variant.cost(operator).scratch, host.TENSOR_ALIGN, at_end=True)
    buffers = {"input": {0: tensors[0]}, "output": {0: tensors[1]}, "scratch": {0: scratch}}
    buffers |= host.kept(operator, variant, at_end=True)
    call = variant.call(operator)
    output, loaded = np.zeros(operator.output.shape, x.dtype), 0
    for first in range(0, bands.height, bands.rows):
        rows = min(bands.rows, bands.height - first)
        for row in range(loaded, end := input_end(bands, first + rows)):
            seen[row % len(seen)] = x[0, row]
        loaded = max(loaded, end)
        changes = {"first_row": first, "rows": rows, "input_ring": held[0], "output_ring": held[1]}
        host.place_and_call(variant.header, replace(call, fields={**call.fields, **changes}), buffers)
        for row in range(first // bands.stored, (first + rows) // bands.stored):
            output[0, row] = made[row % len(made)]
    return output


def _seen(bands: Bands) -> int:
    """Input rows that a band sees at most."""
    window = bands.window
    return (bands.rows - 1) * window.stride + (window.kernel - 1) * window.dilation + 1
