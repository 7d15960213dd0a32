"""Layers computed together: convolution with pooling in one pass, and chains band by band, equal TFLM bit for bit."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from hosted import Hosted, assert_equal
from nets import act, inputs_of, table
from nets import constant as make_constant
from seatool import boards, plan
from seatool.emulate.tflm import Reference
from seatool.importers import tflite
from seatool.ir import DType, Graph, Op, Quantization, Tensor
from seatool.kernels import Activation, Padding
from seatool.kernels.conv_2d import Conv2DAttributes
from seatool.kernels.pool import Pool2DAttributes
from seatool.plan.planner import Planner
from seatool.plan.search import Picks

M7 = boards.load("m7")
GROUPINGS = 5
"""Plans per chain; each takes a compilation under sanitizers."""

Layer = tuple[str, int, Padding]
"""("conv", output channels, padding), or ("pool", 2, VALID), or ("pool", 0, VALID) for all of the image."""

SAME, VALID = Padding.SAME, Padding.VALID
CHAINS: dict[str, tuple[tuple[int, int, int], tuple[Layer, ...]]] = {
    "student": (
        (12, 10, 1),
        (
            ("conv", 8, SAME),
            ("conv", 8, SAME),
            ("pool", 2, VALID),
            ("conv", 12, SAME),
            ("conv", 12, SAME),
            ("pool", 0, VALID),
        ),
    ),
    "ragged": ((19, 13, 5), (("conv", 6, VALID), ("conv", 7, SAME), ("pool", 2, VALID), ("conv", 9, VALID))),
    "shrinking": ((23, 9, 8), (("conv", 8, SAME), ("pool", 2, VALID), ("conv", 4, SAME), ("pool", 2, VALID))),
}


def network(name: str) -> Graph:
    """A chain of 3x3 convolutions and poolings with random weights."""
    (height, width, channels), layers = CHAINS[name]
    rng = np.random.default_rng(len(name))
    tensors, ops, before = table(act("x", (1, height, width, channels), 0.05, -7)), [], "x"
    for number, (kind, size, padding) in enumerate(layers):
        after = f"t{number}"
        if kind == "conv":
            weights = rng.integers(-40, 41, (size, 3, 3, channels)).astype(np.int8)
            tensors[f"w{number}"] = make_constant(f"w{number}", weights, tuple(rng.uniform(0.002, 0.01, size)), 0)
            tensors[f"b{number}"] = Tensor(
                f"b{number}", (size,), DType.INT32, None, rng.integers(-2000, 2000, size).astype(np.int32)
            )
            height, width = (height, width) if padding is SAME else (height - 2, width - 2)
            channels, options = (
                size,
                Conv2DAttributes(padding, 1, 1, Activation.RELU if number % 2 else Activation.NONE),
            )
            ops.append(Op(f"conv{number}", "CONV_2D", (before, f"w{number}", f"b{number}"), (after,), options, 3))
            quant = Quantization.per_tensor(float(np.float32(0.3)), -128 if number % 2 else 5)
        else:
            windows = (2, 2) if size else (height, width)
            options = Pool2DAttributes(padding, *windows, *windows)
            ops.append(Op(f"pool{number}", "MAX_POOL_2D", (before,), (after,), options, 2))
            height, width = height // windows[0], width // windows[1]
        tensors[after] = Tensor(after, (1, height, width, channels), DType.INT8, quant)
        before = after
    return Graph("chain", tensors, tuple(ops), ("x",), (before,))


def programs(graph: Graph) -> list[plan.Program]:
    """Plans of the frontier, those with the least RAM, that group the operators in different ways."""
    planner = Planner(graph, M7, plan.PlanOptions().limits(M7))
    seen: dict[tuple[int, ...], Picks] = {}
    for picks in planner.frontier():
        stages = tuple(len(c.candidate.stages) for c in picks.choices if c.candidate is not None)
        seen.setdefault((*stages, *(len(choice.group.operators) for choice in picks.choices)), picks)
    found = [planner.place(picks, picks.ram) for picks in seen.values()]
    return [program for program in found if program is not None][-GROUPINGS:]


@pytest.mark.slow
@pytest.mark.parametrize("name", CHAINS)
def test_every_grouping_of_a_chain_equals_tflm(name: str, tmp_path: Path) -> None:
    graph = network(name)
    reference = Reference(tflite.write(graph), graph)
    cases = inputs_of(graph, 4)
    expected = [reference.run(case) for case in cases]
    found = programs(graph)
    assert any(step.strip for program in found for step in program.steps), "no plan has a chain"
    for number, program in enumerate(found):
        hosted = Hosted(program, tmp_path / str(number))
        for want, got in zip(expected, hosted.run(cases), strict=True):
            assert_equal(got, want)
            assert got.keys() == {tensor.name for step in program.steps for tensor in step.outputs}


def test_a_chain_is_a_function_per_stage_with_a_readable_loop(tmp_path: Path) -> None:
    graph = network("shrinking")
    program = plan.plan(graph, M7, plan.PlanOptions(optimize="ram"))
    step = next(step for step in program.steps if step.strip)
    hosted, cases = Hosted(program, tmp_path), inputs_of(graph, 4)
    reference = Reference(tflite.write(graph), graph)
    for case, got in zip(cases, hosted.run(cases), strict=True):
        assert_equal(got, reference.run(case))
    source = (hosted.folder / "model" / "chain.c").read_text()
    for stage in step.stages:
        assert f"static void rows_{stage.name}(const chain_state *s, int32_t *done, int32_t end)" in source
    assert re.search(rf"layer_{step.name}\(const chain_state \*s\)\n\{{\n    int32_t done\[\d\] = \{{0\}};\n", source)
    assert re.search(r"ring +\w+ +dtcm", source)
    assert all(operator.output.name not in program.buffers for operator in step.operators[:-1])


@pytest.mark.parametrize("optimize", plan.OPTIMIZE)
def test_without_fusion_every_operator_is_a_step_and_every_tensor_exists(optimize: plan.Optimize) -> None:
    graph = network("student")
    fused = plan.plan(graph, M7, plan.PlanOptions(optimize=optimize))
    assert len(fused.steps) < len(graph.ops)
    program = plan.plan(graph, M7, plan.PlanOptions(optimize=optimize, fuse=False))
    assert [step.name for step in program.steps] == [op.name for op in graph.ops]
    assert all(len(step.stages) == 1 and step.strip is None for step in program.steps)
    assert {name for op in graph.ops for name in op.outputs} <= set(program.buffers)
