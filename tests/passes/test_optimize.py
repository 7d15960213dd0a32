"""int8 passes: every surviving tensor keeps every bit, against the integer reference and against TFLM."""

from __future__ import annotations

import numpy as np
import pytest
from builder import Builder, random_int8
from hypothesis import given, settings
from hypothesis import strategies as st
from seatool.importers import tflite
from seatool.ir import Array, Graph, Quantization
from seatool.kernels import Activation, Padding
from seatool.passes import optimize, same_bytes
from seatool.quantize import execute
from seatool.tflm.reference import Reference

QUANT = Quantization.per_tensor(0.05, -7)
SHAPE = (1, 4, 4, 16)
FIXED = {
    "LOGISTIC": Quantization.per_tensor(1 / 256, -128),
    "TANH": Quantization.per_tensor(1 / 128, 0),
}


def assert_same(before: Graph, after: Graph, x: Array) -> None:
    """All tensors that both graphs have are equal, and so is what TFLM makes of the first."""
    kept = [name for name in after.tensors if not after.tensors[name].is_constant]
    assert set(after.outputs) == set(before.outputs)
    expected, got = execute(before, [x], before.tensors), execute(after, [x], kept)
    truth = Reference(tflite.write(before), before).run([x])
    for name in kept:
        old = same_bytes(name)
        np.testing.assert_array_equal(got[name].ravel(), expected[old].ravel(), err_msg=name)
        np.testing.assert_array_equal(got[name].ravel(), truth[old].ravel(), err_msg=f"{name} (TFLM)")
        assert name == old or got[name].shape != expected[old].shape


quants = st.builds(Quantization.per_tensor, st.sampled_from([0.01, 0.05, 0.3]), st.sampled_from([-128, -7, 0, 100]))
STEPS = ("RELU", "RELU6", "LOGISTIC", "TANH", "QUANTIZE", "ADD", "SUB", "MUL", "MAX_POOL_2D", "same")


@st.composite
def chains(draw: st.DrawFn) -> Graph:
    """A chain of elementwise operators, pools and reshapes to the same shape, with branches into graph outputs."""
    build = Builder(SHAPE, draw(quants))
    here, outputs = "x", []
    for _ in range(draw(st.integers(1, 6))):
        kind = draw(st.sampled_from(STEPS))
        if kind in ("ADD", "SUB", "MUL"):
            constant = build.constant(np.int8([draw(st.integers(-128, 127))]), draw(quants))
            operands = [here, constant][:: draw(st.sampled_from([1, -1]))]
            here = build.add(kind, *operands, shape=SHAPE, quant=draw(quants))
        elif kind == "MAX_POOL_2D":
            sizes = {"stride_h": 1, "stride_w": 1, "filter_height": 3, "filter_width": 2}
            here = build.add(kind, here, padding=Padding.SAME, **sizes)
        elif kind == "same":
            here = build.add("RESHAPE", here)
        elif kind in ("RELU", "QUANTIZE"):
            here = build.add(kind, here, quant=draw(st.one_of(st.none(), quants)))
        else:
            here = build.add(kind, here, quant=FIXED.get(kind))
        if draw(st.integers(0, 5)) == 0:
            outputs.append(here)
    return build.graph(*dict.fromkeys([*outputs, here]))


@settings(max_examples=150, deadline=None)
@given(chains(), st.integers(0, 1000))
def test_random_chains_keep_every_bit(graph: Graph, seed: int) -> None:
    optimized, messages = optimize(graph)
    assert_same(graph, optimized, random_int8(SHAPE, seed))
    assert bool(messages) == (len(optimized.ops) < len(graph.ops))


def _prelude(build: Builder, x: str) -> str:
    gain = build.constant(np.int8([127]), Quantization.per_tensor(0.001, 0))
    offset = build.constant(np.int8([100]), Quantization.per_tensor(0.01, 0))
    y = build.add("MUL", x, gain, quant=Quantization.per_tensor(0.03, 50), name="norm_mul")
    return build.add("ADD", y, offset, quant=Quantization.per_tensor(0.02, 19), name="norm_add")


def test_a_batch_normalization_becomes_one_table() -> None:
    build = Builder(SHAPE, QUANT)
    graph = build.graph(_prelude(build, "x"))
    optimized, messages = optimize(graph)
    assert messages == ("merged MUL, ADD into one table (norm)",)
    (op,) = optimized.ops
    assert (op.name, op.kind, op.inputs, op.outputs) == ("norm", "LOOKUP_TABLE", ("x",), ("norm_add",))
    assert_same(graph, optimized, random_int8(SHAPE))


def test_a_chain_ends_where_somebody_else_reads() -> None:
    build = Builder(SHAPE, QUANT)
    y = _prelude(build, "x")
    z = build.add("TANH", y, quant=FIXED["TANH"])
    total = build.add("ADD", y, z, quant=QUANT)
    optimized, _ = optimize(build.graph(total))
    assert [op.kind for op in optimized.ops] == ["LOOKUP_TABLE", "TANH", "ADD"]
    assert_same(build.graph(total), optimized, random_int8(SHAPE))


def test_arithmetic_with_a_vector_is_no_table() -> None:
    build = Builder(SHAPE, QUANT)
    offset = build.constant(random_int8((16,)), QUANT)
    y = build.add("ADD", "x", offset)
    graph = build.graph(build.add("TANH", y, quant=FIXED["TANH"]))
    optimized, messages = optimize(graph)
    assert [op.kind for op in optimized.ops] == ["ADD", "TANH"]
    assert messages == ()


@pytest.mark.parametrize(
    ("kind", "activation"),
    [("RELU", Activation.RELU), ("RELU6", Activation.RELU6)],
)
@pytest.mark.parametrize("producer", ["MAX_POOL_2D", "ADD"])
def test_a_clamp_moves_into_its_producer(producer: str, kind: str, activation: Activation) -> None:
    build = Builder(SHAPE, QUANT)
    if producer == "ADD":
        y = build.add("ADD", "x", "x", quant=Quantization.per_tensor(0.1, 5))
    else:
        sizes = {"stride_h": 1, "stride_w": 1, "filter_height": 2, "filter_width": 2}
        y = build.add("MAX_POOL_2D", "x", padding=Padding.SAME, **sizes)
    graph = build.graph(build.add(kind, y, name="clamp"))
    optimized, messages = optimize(graph)
    (op,) = optimized.ops
    assert (op.kind, op.outputs) == (producer, ("clamp",))
    assert op.attributes.fused_activation_function is activation
    assert messages == (f"fused clamp ({kind}) into {op.name}",)
    assert_same(graph, optimized, random_int8(SHAPE))


def test_a_clamp_that_rescales_stays() -> None:
    build = Builder(SHAPE, QUANT)
    y = build.add("ADD", "x", "x")
    graph = build.graph(build.add("RELU", y, quant=Quantization.per_tensor(0.02, -128)))
    assert [op.kind for op in optimize(graph)[0].ops] == ["ADD", "RELU"]


def test_a_clamp_that_never_acts_is_dropped() -> None:
    build = Builder(SHAPE, Quantization.per_tensor(0.02, -128))
    y = build.add("RELU", "x")
    graph = build.graph(build.add("TANH", y, quant=FIXED["TANH"], name="end"))
    optimized, messages = optimize(graph)
    assert [(op.kind, op.inputs) for op in optimized.ops] == [("TANH", ("x",))]
    assert messages == ("dropped relu_0 (RELU), which changes nothing",)
    assert_same(graph, optimized, random_int8(SHAPE))


def test_reshapes_to_the_same_shape_are_dropped_in_a_row_and_before_outputs() -> None:
    build = Builder(SHAPE, QUANT)
    y = build.add("TANH", "x", quant=FIXED["TANH"])
    a = build.add("RESHAPE", y)
    b = build.add("RESHAPE", a, name="out")
    other = build.add("ADD", a, "x")
    graph = build.graph(b, other)
    optimized, _ = optimize(graph)
    assert [op.kind for op in optimized.ops] == ["TANH", "ADD"]
    assert optimized.outputs == ("out", other)
    assert_same(graph, optimized, random_int8(SHAPE))


def test_a_copy_from_input_to_output_stays() -> None:
    build = Builder(SHAPE, QUANT)
    graph = build.graph(build.add("RESHAPE", "x"))
    assert [op.kind for op in optimize(graph)[0].ops] == ["RESHAPE"]


def test_empty_padding_and_idle_transposes_are_dropped() -> None:
    build = Builder(SHAPE, QUANT)
    y = build.add("PAD", "x", build.constant(np.zeros((4, 2), np.int32)))
    z = build.add("TRANSPOSE", y, build.constant(np.int32([0, 1, 2, 3])))
    swapped = build.add("TRANSPOSE", z, build.constant(np.int32([0, 2, 1, 3])))
    graph = build.graph(swapped)
    optimized, _ = optimize(graph)
    assert [(op.kind, op.inputs[0]) for op in optimized.ops] == [("TRANSPOSE", "x")]
    assert_same(graph, optimized, random_int8(SHAPE))


def test_what_depends_on_constants_only_is_computed() -> None:
    build = Builder(SHAPE, QUANT)
    constant = build.constant(random_int8((1, 1, 1, 16)), QUANT)
    moved = build.add("TANH", constant, quant=FIXED["TANH"])
    graph = build.graph(build.add("ADD", "x", moved, quant=QUANT))
    optimized, messages = optimize(graph)
    assert [op.kind for op in optimized.ops] == ["ADD"]
    assert messages == ("computed tanh_0 (TANH) at compile time",)
    assert_same(graph, optimized, random_int8(SHAPE))


def test_without_merging_only_constants_are_computed() -> None:
    build = Builder(SHAPE, QUANT)
    one = build.add("RELU", build.constant(np.int8([3]), QUANT), shape=(1,), quant=QUANT)
    here = build.add("RESHAPE", build.add("RELU", build.add("MUL", "x", one, shape=SHAPE, quant=QUANT)))
    graph = build.graph(here)
    kept, said = optimize(graph, merge=False)
    assert [op.kind for op in kept.ops] == ["MUL", "RELU", "RESHAPE"]
    assert len(said) == 1
    assert len(optimize(graph)[0].ops) < 3
