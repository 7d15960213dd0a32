"""TFLM's memory plan and the size of its arena, against the interpreter on this machine."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nets import act, binary, classifier, pointwise, residual, table
from seatool.errors import ToolError
from seatool.importers.tflite import records, write
from seatool.ir import Graph
from seatool.tflm import lifetimes, scratch
from seatool.tflm.allocations import Item, allocations, parse
from seatool.tflm.arena import MARGIN_BYTES, estimate, host_arena_bytes
from seatool.tflm.lifetimes import Buffer

MEASURED = {
    "edgel3_sea_64_int8.tflite": 212_996,
    "mlperf_tiny/kws_ref_model.tflite": 22_820,
    "mlperf_tiny/pretrainedResnet_quant.tflite": 54_996,
}
"""Bytes in use on a Cortex-M7 (QEMU) with TFLM 90b983c2 and CMSIS-NN 4ab83cc3: docs/tflm.md."""

_LINE = "[RecordingMicroAllocator] "
REPORT = f"""\
{_LINE}Arena allocation total 24272 bytes
{_LINE}Arena allocation head 16000 bytes
{_LINE}Arena allocation tail 8272 bytes
{_LINE}'TfLiteEvalTensor data' used 840 bytes with alignment overhead (requested 840 bytes for 35 allocations)
{_LINE}'Persistent TfLiteTensor data' used 128 bytes with alignment overhead (requested 128 bytes for 2 tensors)
"""


def chain(count: int) -> Graph:
    """``count`` sums of a tensor with itself."""
    names = [f"t{i}" for i in range(count + 1)]
    tensors = table(*(act(name, (1, 4, 4, 8)) for name in names))
    ops = tuple(binary("ADD", f"add{i}", (names[i], names[i]), names[i + 1]) for i in range(count))
    return Graph("chain", tensors, ops, (names[0],), (names[-1],))


def grown() -> Graph:
    """Branches of different lengths, so that lifetimes nest."""
    tensors = table(*(act(name, (1, 2, 4, 8)) for name in ("x", "a", "b", "c", "d", "e")))
    ops = (
        binary("ADD", "a", ("x", "x"), "a"),
        binary("MUL", "b", ("a", "x"), "b"),
        binary("ADD", "c", ("a", "a"), "c"),
        binary("SUB", "d", ("b", "c"), "d"),
        binary("ADD", "e", ("x", "d"), "e"),
    )
    return Graph("grown", tensors, ops, ("x",), ("e", "b"))


@pytest.mark.parametrize("graph", [residual(), classifier(), pointwise(), chain(1), chain(12), grown()])
def test_plan_is_the_interpreters(graph: Graph) -> None:
    """No kernel of these models asks for scratch memory on this machine, so the head is the plan of the tensors."""
    data = write(graph)
    model = records.parse(data, "model")
    recorded = allocations(data, host_arena_bytes(model, len(data)))
    assert lifetimes.greedy(lifetimes.tensors(model)) == recorded.head
    assert recorded.eval_tensors.count == len(model.tensors)
    assert recorded.nodes.count == len(model.ops)


@pytest.mark.parametrize("graph", [residual(), classifier(), chain(12)])
def test_estimate_is_below_this_machines_arena_but_for_scratch_and_margin(graph: Graph) -> None:
    data = write(graph)
    model = records.parse(data, "model")
    recorded = allocations(data, host_arena_bytes(model, len(data)))
    arena = estimate(model, recorded)
    asked = sum(lifetimes.aligned(size) for op in model.ops for size in scratch.buffers(op, model))
    assert recorded.head <= arena.head <= recorded.head + asked
    assert recorded.tail // 2 < arena.tail < recorded.tail
    assert arena.bytes >= arena.head + arena.tail + MARGIN_BYTES
    assert arena.bytes % 16 == 0


@pytest.mark.parametrize(("name", "used"), MEASURED.items())
def test_estimate_is_close_to_what_is_used_on_the_target(name: str, used: int, shared_data: Path) -> None:
    data = (shared_data / "models" / name).read_bytes()
    model = records.parse(data, name)
    arena = estimate(model, allocations(data, host_arena_bytes(model, len(data))))
    assert used <= arena.head + arena.tail <= used + 512


def test_small_models_need_more_to_allocate_than_to_run() -> None:
    data = write(chain(12))
    model = records.parse(data, "model")
    arena = estimate(model, allocations(data, host_arena_bytes(model, len(data))))
    assert arena.allocating > arena.head
    assert arena.bytes >= arena.allocating + arena.tail


def test_scratch_of_cmsis_nn() -> None:
    model = records.parse(write(classifier()), "classifier")
    asked = {op.kind: scratch.buffers(op, model) for op in model.ops if scratch.buffers(op, model)}
    assert asked == {"CONV_2D": (4 * 28,)}, "3x3x3 padded to 28; 3x3 depthwise and max pooling ask for nothing"
    residual_model = records.parse(write(residual()), "residual")
    assert [scratch.buffers(op, residual_model) for op in residual_model.ops] == [(), (), (), (24,)]


BUFFERS = st.lists(
    st.builds(
        lambda size, first, length: Buffer(16 * size, first, first + length),
        st.integers(1, 64),
        st.integers(0, 12),
        st.integers(0, 6),
    ),
    max_size=24,
)


@given(BUFFERS)
def test_plan_is_at_least_what_lives_at_once(buffers: list[Buffer]) -> None:
    moments = [sum(b.bytes for b in buffers if b.first <= moment <= b.last) for moment in range(20)]
    assert max(moments) <= lifetimes.greedy(buffers) <= sum(b.bytes for b in buffers)


def test_report_is_read() -> None:
    found = parse(REPORT)
    assert (found.head, found.tail, found.total) == (16_000, 8_272, 24_272)
    assert found.eval_tensors == Item(840, 35)
    assert found.tensors == Item(128, 2)
    assert found.nodes == Item()


def test_unknown_report_is_refused() -> None:
    with pytest.raises(ToolError, match="cannot be read"):
        parse("no such lines")


def test_refusal_says_what_tflm_said() -> None:
    with pytest.raises(ToolError, match=r"TFLM cannot run this model: .*\n.*(arena|allocate|Failed)"):
        allocations(write(chain(1)), 512)
