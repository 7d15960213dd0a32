"""Layers computed together: convolution with pooling in one pass, and chains band by band, equal TFLM bit for bit."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from chains import CHAINS, network
from hosted import Hosted, assert_equal
from nets import inputs_of
from seatool import boards, plan
from seatool.importers import tflite
from seatool.ir import Graph
from seatool.plan.planner import Planner
from seatool.plan.search import Picks
from seatool.tflm.reference import Reference

M7 = boards.load("m7")
GROUPINGS = 5
"""Plans per chain; each takes a compilation under sanitizers."""


def programs(graph: Graph) -> list[plan.Program]:
    """Plans of the frontier, those with the least RAM, that group the operators in different ways."""
    planner = Planner(graph, M7, plan.PlanOptions().limits(M7))
    seen: dict[tuple[int, ...], Picks] = {}
    for picks in planner.frontier():
        stages = tuple(len(c.candidate.stages) for c in picks.choices if c.candidate is not None)
        seen.setdefault((*stages, *(len(choice.group.operators) for choice in picks.choices)), picks)
    found = [planner.place(picks, picks.ram, hot=True) for picks in seen.values()]
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
        assert f"LAYER_FUNCTION void rows_{stage.name}(const chain_state *s, int32_t *done, int32_t end)" in source
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
