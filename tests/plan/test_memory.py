"""Waiting for memory: what plans of a real network make of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from seatool import boards
from seatool.ir import DType, Graph, Op, Quantization, Tensor
from seatool.kernels import Activation, Padding
from seatool.kernels.conv_2d import Conv2DAttributes
from seatool.kernels.pool import Pool2DAttributes
from seatool.plan import PlanOptions, Program
from seatool.plan.cycles import Memory
from seatool.plan.planner import Planner

K = 1024
M7 = boards.load("m7")


def test_nothing_waits_for_tightly_coupled_memory_alone() -> None:
    fast = replace(M7, memory=tuple(r for r in M7.memory if r.kind in ("flash", "tcm", "itcm")))
    assert Memory(fast).resident == "dtcm"
    assert Memory(M7).resident == "axi"


def student() -> Graph:
    """Eight 3x3 convolutions as in the 64-d student, with random weights."""
    rng, unit = np.random.default_rng(0), Quantization.per_tensor(0.02, -128)
    tensors, ops, (height, width) = [Tensor("x", (1, 64, 50, 1), DType.INT8, unit)], [], (64, 50)
    for number, (before, after) in enumerate(pairwise((1, 32, 32, 64, 64, 128, 128, 64, 64))):
        weights = rng.integers(-20, 21, (after, 3, 3, before)).astype(np.int8)
        tensors.append(Tensor(f"w{number}", weights.shape, DType.INT8, Quantization.per_tensor(0.005, 0), weights))
        tensors.append(Tensor(f"t{number}", (1, height, width, after), DType.INT8, unit))
        attributes = Conv2DAttributes(Padding.SAME, 1, 1, Activation.RELU)
        last = ops[-1].outputs[0] if ops else "x"
        ops.append(Op(f"conv{number}", "CONV_2D", (last, f"w{number}"), (f"t{number}",), attributes))
        if number % 2:
            height, width = (height // 2, width // 2) if number < 7 else (1, 1)
            window = (2, 2) if number < 7 else (8, 6)
            tensors.append(Tensor(f"p{number}", (1, height, width, after), DType.INT8, unit))
            options = Pool2DAttributes(Padding.VALID, window[1], window[0], *window)
            ops.append(Op(f"pool{number}", "MAX_POOL_2D", (f"t{number}",), (f"p{number}",), options))
    return Graph("student", {t.name: t for t in tensors}, tuple(ops), ("x",), (ops[-1].outputs[0],))


Plan = Callable[..., Program]


@pytest.fixture(scope="module")
def fastest() -> Plan:
    """Plans the student within limits. What may be chosen does not depend on them and is found once."""
    graph, limits = student(), PlanOptions().limits(M7)
    space = Planner(graph, M7, limits).space

    def plan(**options: int | None) -> Program:
        planner = Planner(graph, M7, PlanOptions(**options).limits(M7))
        vars(planner)["space"] = space
        return planner.choose("speed")[1]

    return plan


@pytest.mark.parametrize("flash", [None, 900 * K, 500 * K])
def test_scratch_of_real_layers_is_in_the_fastest_region(fastest: Plan, flash: int | None) -> None:
    program = fastest(flash_limit=flash)
    assert {step.scratch.region for step in program.steps if step.scratch} == {"dtcm"}
    assert all(usage.fits for usage in program.usage)


def test_spare_ram_holds_transformed_weights_where_flash_is_short(fastest: Plan) -> None:
    tight, spare = fastest(flash_limit=450_000, ram_limit=200 * K), fastest(flash_limit=450_000)
    assert not tight.residents
    assert spare.residents
    assert {buffer.region for buffer in spare.residents.values()} <= {"axi", "sram123", "sram4"}
    assert spare.cycles < tight.cycles
    assert spare.flash_bytes <= 450_000


def test_weights_are_not_streamed_again_and_again(fastest: Plan) -> None:
    """A kernel that reads more than the cache holds for every pair of tiles would wait longer than it computes."""
    program = fastest()
    pipeline = sum(step.cost.cycles for step in program.steps)
    assert pipeline < program.cycles < 1.15 * pipeline
