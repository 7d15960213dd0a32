"""Layers computed together: convolution with pooling in one pass, and chains band by band, equal TFLM bit for bit."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hosted import Hosted, assert_equal
from nets import act, inputs_of, table
from nets import constant as make_constant
from seatool import boards, plan
from seatool.importers import tflite
from seatool.ir import DType, Graph, Op, Quantization, Tensor
from seatool.kernels import Activation, Padding
from seatool.kernels.conv_2d import Conv2DAttributes
from seatool.kernels.depthwise_conv_2d import DepthwiseConv2DAttributes
from seatool.kernels.pool import Pool2DAttributes
from seatool.kernels.window import Axis
from seatool.plan.planner import Planner
from seatool.plan.search import Picks
from seatool.tflm.reference import Reference

M7 = boards.load("m7")
GROUPINGS = 5
"""Plans per chain; each takes a compilation under sanitizers."""


@dataclass(frozen=True)
class Layer:
    """A convolution ("conv", "depthwise") or a pooling ("max", "average") with square windows.

    ``channels`` are the outputs of a "conv"; ``kernel`` 0 takes in all of the image.
    """

    kind: str
    channels: int = 0
    kernel: int = 3
    stride: int = 1
    padding: Padding = Padding.SAME


def conv(channels: int, kernel: int = 3, stride: int = 1, padding: Padding = Padding.SAME) -> Layer:
    return Layer("conv", channels, kernel, stride, padding)


def depthwise(stride: int = 1) -> Layer:
    return Layer("depthwise", stride=stride)


HALF, ALL = Layer("max", kernel=2, stride=2, padding=Padding.VALID), Layer("max", kernel=0, padding=Padding.VALID)
CHAINS: dict[str, tuple[tuple[int, int, int], tuple[Layer, ...]]] = {
    "student": ((12, 10, 1), (conv(8), conv(8), HALF, conv(12), conv(12), ALL)),
    "ragged": ((19, 13, 5), (conv(6, padding=Padding.VALID), conv(7), HALF, conv(9, padding=Padding.VALID))),
    "shrinking": ((23, 9, 8), (conv(8), HALF, conv(4), HALF)),
    "mobile": ((21, 18, 3), (conv(8, stride=2), depthwise(), conv(12, kernel=1), depthwise(2), conv(7, kernel=1))),
    "strided": ((26, 17, 2), (conv(6, 5), Layer("average", kernel=3, stride=2), conv(5, 4, 2), Layer("max", stride=2))),
}


class Chain:
    """A graph under construction."""

    def __init__(self, shape: tuple[int, int, int], seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.tensors, self.ops = table(act("x", (1, *shape), 0.05, -7)), []
        self.last = "x"

    def add(self, layer: Layer) -> None:
        _, height, width, depth = self.tensors[self.last].shape
        number, after, quant = len(self.ops), f"t{len(self.ops)}", self.tensors[self.last].quant
        kernel = (layer.kernel, layer.kernel) if layer.kernel else (height, width)
        y, x = (Axis.of(layer.padding, n, k, layer.stride) for n, k in zip((height, width), kernel, strict=True))
        activation = Activation.RELU if number % 2 else Activation.NONE
        inputs = (self.last,)
        if layer.kind in ("conv", "depthwise"):
            of_channels = layer.kind == "depthwise"
            count = depth if of_channels else layer.channels
            inputs += self.constants(
                number, (1, *kernel, depth) if of_channels else (count, *kernel, depth), of_channels
            )
            make = DepthwiseConv2DAttributes if of_channels else Conv2DAttributes
            options = make(layer.padding, layer.stride, layer.stride, fused_activation_function=activation)
            kind, depth = "DEPTHWISE_CONV_2D" if of_channels else "CONV_2D", count
            quant = Quantization.per_tensor(float(np.float32(0.3)), -128 if number % 2 else 5)
        else:
            kind = f"{layer.kind.upper()}_POOL_2D"
            options = Pool2DAttributes(layer.padding, layer.stride, layer.stride, *kernel)
        self.ops.append(Op(f"{layer.kind}{number}", kind, inputs, (after,), options, 3 if len(inputs) > 1 else 2))
        self.tensors[after] = Tensor(after, (1, y.output, x.output, depth), DType.INT8, quant)
        self.last = after

    def constants(self, number: int, shape: tuple[int, ...], of_channels: bool) -> tuple[str, str]:
        """Random weights and bias."""
        axis = 3 if of_channels else 0
        weights, count = self.rng.integers(-40, 41, shape).astype(np.int8), shape[axis]
        scales = tuple(self.rng.uniform(0.002, 0.01, count))
        bias = self.rng.integers(-2000, 2000, count).astype(np.int32)
        self.tensors |= table(
            make_constant(f"w{number}", weights, scales, axis), Tensor(f"b{number}", (count,), DType.INT32, None, bias)
        )
        return f"w{number}", f"b{number}"


def network(name: str) -> Graph:
    """A chain of layers with random weights."""
    shape, layers = CHAINS[name]
    chain = Chain(shape, len(name))
    for layer in layers:
        chain.add(layer)
    return Graph("chain", chain.tensors, tuple(chain.ops), ("x",), (chain.last,))


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
