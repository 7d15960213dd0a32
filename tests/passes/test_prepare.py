"""Float passes: equal results up to float32 rounding, and what must not be folded."""

from __future__ import annotations

import numpy as np
import pytest
from builder import Builder, random_float
from hypothesis import given, settings
from hypothesis import strategies as st
from seatool.ir import Array, Graph
from seatool.kernels import Activation, Padding
from seatool.passes import prepare
from seatool.quantize import execute

SHAPE = (1, 5, 4, 3)
CONV = {"padding": Padding.SAME, "stride_h": 1, "stride_w": 1}


def weighted(build: Builder, kind: str, x: str, seed: int = 0, bias: bool = True) -> str:
    """A convolution or matrix product of random weights; 6 channels out."""
    channels = build.tensors[x].shape[-1]
    shapes = {
        "CONV_2D": (6, 3, 2, channels),
        "DEPTHWISE_CONV_2D": (1, 3, 2, 2 * channels),
        "FULLY_CONNECTED": (6, channels),
        "TRANSPOSE_CONV": (6, 3, 2, channels),
    }
    weights = random_float(*shapes[kind], seed=seed)
    outs = 2 * channels if kind == "DEPTHWISE_CONV_2D" else 6
    operands = [x, build.constant(weights), *([build.constant(random_float(outs, seed=seed + 1))] if bias else [])]
    if kind == "TRANSPOSE_CONV":
        shape = (*build.tensors[x].shape[:3], 6)
        return build.add(
            kind, build.constant(np.array(shape, np.int32)), operands[1], x, *operands[2:], shape=shape, **CONV
        )
    if kind == "FULLY_CONNECTED":
        return build.add(kind, *operands, shape=(1, 6))
    depth = {"depth_multiplier": 2} if kind == "DEPTHWISE_CONV_2D" else {}
    return build.add(kind, *operands, shape=(*build.tensors[x].shape[:3], outs), **CONV, **depth)


def assert_close(before: Graph, after: Graph, x: Array) -> None:
    """Surviving tensors keep their values up to rounding."""
    kept = [name for name in after.tensors if not after.tensors[name].is_constant]
    expected, got = execute(before, [x], kept), execute(after, [x], kept)
    for name in kept:
        np.testing.assert_allclose(got[name], expected[name], rtol=2e-4, atol=2e-4, err_msg=name)


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from(["CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV"]),
    st.lists(st.sampled_from(["MUL", "ADD", "SUB", "scalar", "reversed"]), max_size=4),
    st.sampled_from(["", "RELU", "RELU6"]),
    st.booleans(),
)
def test_affine_operators_and_a_clamp_fold_into_the_layer(kind: str, steps: list[str], clamp: str, bias: bool) -> None:
    build = Builder((1, 3) if kind == "FULLY_CONNECTED" else SHAPE)
    here = weighted(build, kind, "x", bias=bias)
    for number, step in enumerate(steps):
        values = random_float(*((1,) if step == "scalar" else (6,)), seed=number)
        operands = [here, build.constant(values)][:: -1 if step == "reversed" else 1]
        shape = build.tensors[here].shape
        here = build.add({"scalar": "MUL", "reversed": "ADD"}.get(step, step), *operands, shape=shape)
    if clamp:
        here = build.add(clamp, here)
    graph = build.graph(here)
    prepared = prepare(graph)
    assert [op.kind for op in prepared.ops] == [kind]
    assert_close(graph, prepared, random_float(*build.tensors["x"].shape, seed=9))


@pytest.mark.parametrize("shape", [(5, 1, 1), (4, 1), (5, 4, 6)])
def test_arithmetic_that_is_not_per_channel_stays(shape: tuple[int, ...]) -> None:
    build = Builder(SHAPE)
    y = weighted(build, "CONV_2D", "x")
    graph = build.graph(build.add("MUL", y, build.constant(random_float(*shape))))
    assert [op.kind for op in prepare(graph).ops] == ["CONV_2D", "MUL"]


def test_a_constant_minus_the_layer_stays() -> None:
    build = Builder(SHAPE)
    y = weighted(build, "CONV_2D", "x")
    graph = build.graph(build.add("SUB", build.constant(random_float(6)), y, shape=build.tensors[y].shape))
    prepared = prepare(graph)
    assert [op.kind for op in prepared.ops] == ["CONV_2D", "SUB"]
    assert_close(graph, prepared, random_float(*SHAPE))


def test_a_layer_that_is_read_twice_or_is_an_output_stays() -> None:
    build = Builder(SHAPE)
    y = weighted(build, "CONV_2D", "x")
    a = build.add("MUL", y, build.constant(random_float(6)))
    b = build.add("RELU", y)
    assert len(prepare(build.graph(a, b)).ops) == 3
    build = Builder(SHAPE)
    y = weighted(build, "CONV_2D", "x")
    z = build.add("RELU", y)
    assert len(prepare(build.graph(y, z)).ops) == 2


def test_shared_weights_are_not_scaled_for_both() -> None:
    build = Builder((1, 5, 4, 6))
    kernel, bias = build.constant(random_float(6, 1, 1, 6)), build.constant(random_float(6, seed=1))
    y = build.add("CONV_2D", "x", kernel, bias, **CONV)
    z = build.add("MUL", y, build.constant(random_float(6, seed=2)))
    graph = build.graph(build.add("CONV_2D", z, kernel, bias, **CONV))
    prepared = prepare(graph)
    assert [op.kind for op in prepared.ops] == ["CONV_2D", "CONV_2D"]
    assert_close(graph, prepared, random_float(1, 5, 4, 6))


def test_clamps_do_not_move_into_pools() -> None:
    build = Builder(SHAPE)
    sizes = {"stride_h": 2, "stride_w": 2, "filter_height": 2, "filter_width": 2}
    y = build.add("MAX_POOL_2D", "x", shape=(1, 2, 2, 3), padding=Padding.VALID, **sizes)
    graph = build.graph(build.add("RELU", y))
    assert [op.kind for op in prepare(graph).ops] == ["MAX_POOL_2D", "RELU"]


def test_the_layer_keeps_its_name_and_writes_the_last_tensor() -> None:
    build = Builder(SHAPE)
    y = weighted(build, "CONV_2D", "x")
    z = build.add("RELU6", build.add("ADD", y, build.constant(random_float(6))), name="end")
    (op,) = prepare(build.graph(z)).ops
    assert (op.name, op.outputs) == ("conv_2d_0", ("end",))
    assert op.attributes.fused_activation_function is Activation.RELU6


def test_a_sum_of_many_becomes_a_chain_of_additions() -> None:
    build = Builder((1, 4))
    doubled = build.add("ADD", "x", "x")
    total = build.add("ADD_N", "x", doubled, "x")
    after = prepare(build.graph(total))
    assert [op.kind for op in after.ops] == ["ADD", "ADD", "ADD"]
    x = random_float(1, 4)
    np.testing.assert_allclose(execute(after, [x])[total], 4 * x, rtol=1e-6)
