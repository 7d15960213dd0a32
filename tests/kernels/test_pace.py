"""Cycles per instruction that kernels state, against the estimate of their calls."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import batch
import numpy as np
import pytest
import test_costs
import test_speed
from seatool.ir import Graph

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("cc") is None, reason="cc is not installed"),
    pytest.mark.skipif(shutil.which("qemu-system-arm") is None, reason="qemu-system-arm is not installed"),
    pytest.mark.skipif(shutil.which("arm-none-eabi-gcc") is None, reason="arm-none-eabi-gcc is not installed"),
]


def convolutions() -> Iterator[Graph]:
    rng = np.random.default_rng(0)
    for kind, shape, weights, stride in [
        ("conv", (1, 16, 25, 32), (32, 3, 3, 32), 1),
        ("conv", (1, 8, 12, 64), (64, 3, 3, 64), 1),
        ("conv", (1, 8, 16, 32), (32, 5, 3, 32), 1),
        ("conv", (1, 16, 16, 32), (64, 3, 3, 32), 2),
        ("conv", (1, 25, 5, 64), (64, 1, 1, 64), 1),
        ("conv", (1, 1, 1, 512), (64, 1, 1, 512), 1),
        ("conv", (1, 32, 32, 3), (16, 3, 3, 3), 1),
        ("depthwise", (1, 25, 5, 64), (1, 3, 3, 64), 1),
        ("depthwise", (1, 24, 24, 32), (1, 3, 3, 32), 2),
    ]:
        values = np.clip(np.rint(rng.normal(0, 32, weights)), -127, 127).astype(np.int8)
        yield test_speed._graph(kind, shape, values, stride)


@pytest.mark.parametrize("graphs", [convolutions, test_costs.layers])
def test_stated_paces_are_near_the_estimate(graphs: object, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    cases = []
    for graph in graphs():  # type: ignore[operator]
        cases += batch.cases_of(graph, [test_costs.random_values(rng, graph.tensors[name]) for name in graph.inputs])
    far = []
    for case, estimated in zip(cases, batch.paces_in_qemu(cases, tmp_path), strict=True):
        stated = case.variant.cycles_per_instruction
        if not 0.66 < estimated / stated < 1.36:
            far.append(f"{case.operator.kind} {case.variant.name} {case.operator.output}: {stated}, {estimated:.3f}")
    assert far == []
