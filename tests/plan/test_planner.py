"""Whole plans: kernels, buffers, budgets, and what is said when something does not fit."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from seatool.boards.board import VARIABLES_BYTES
from seatool.errors import BudgetError, InputError
from seatool.ir import DType, Graph, Op, Quantization, Tensor
from seatool.kernels import Padding
from seatool.kernels.conv_2d import Conv2DAttributes
from seatool.plan import PlanOptions, Program, frontier, plan, remeasured
from seatool.plan.budget import RUNTIME_CODE_BYTES
from seatool.plan.students import student_of, students
from standins import board, chain, graph, layer, student, view

K = 1024
M7 = board(128 * K, 512 * K, 288 * K, 64 * K, stack=4 * K)
FIRMWARE = 4 * K + 512 + VARIABLES_BYTES
"""Stack, fault stack and variables."""


def assert_disjoint(program: Program) -> None:
    """No two buffers that live in one step share a byte, but for results in place."""
    scratch = [step.scratch for step in program.steps if step.scratch is not None]
    buffers = [*{id(b): b for b in program.buffers.values()}.values(), *scratch]
    for index, a in enumerate(buffers):
        assert a.offset + a.size <= program.blocks[a.region]
        for b in buffers[:index]:
            apart = a.last < b.first or b.last < a.first or a.region != b.region
            in_place = a.offset == b.offset and a.first == b.last
            assert apart or in_place or a.offset + a.size <= b.offset or b.offset + b.size <= a.offset


@pytest.mark.parametrize("student_number", [1, 2, 3])
def test_students_reach_the_bound(student_number: int) -> None:
    program = plan(student(students()[student_number].filters), M7)
    assert program.activation_bytes == program.liveness_bound == 204_800
    assert sum(program.blocks.values()) == 204_800
    assert_disjoint(program)


def test_residual_network_reaches_the_bound() -> None:
    """ResNet-8's first stack: the sum replaces nothing, three tensors of 16 KiB are alive."""
    sizes = {"x": 3072, "a": 16 * K, "b": 16 * K, "c": 16 * K, "d": 16 * K, "y": 10}
    ops = [
        layer("conv1", ["x"], ["a"]),
        layer("conv2", ["a"], ["b"]),
        layer("conv3", ["b"], ["c"]),
        layer("add", ["a", "c"], ["d"]),
        layer("head", ["d"], ["y"]),
    ]
    program = plan(graph(sizes, ops, ["x"], ["y"]), M7)
    assert program.activation_bytes == program.liveness_bound == 49_152
    assert_disjoint(program)


def test_steps_hold_kernels_scratch_and_reasons() -> None:
    program = plan(chain([100, 200, 300], scratch=64), M7)
    first, second = program.steps
    assert (first.index, first.name, first.kernel) == (0, "l1", "fast")
    assert first.scratch is not None
    assert first.scratch.size == 64
    assert dict(first.rejected) == {
        "frugal": "about 2,000 cycles, 10.00 times fast",
        "never": "it is Sunday",
    }
    assert second.scratch is not None
    assert program.macs == 500
    assert_disjoint(program)


def test_views_are_steps_without_code_and_without_memory() -> None:
    net = graph({"x": 64, "flat": 64, "y": 32}, [view("v", "x", "flat"), layer("l", ["flat"], ["y"])], ["x"], ["y"])
    program = plan(net, M7)
    assert program.steps[0].kernel is None
    assert [step.name for step in program.layers] == ["l"]
    assert program.buffers["flat"] is program.buffers["x"]
    assert program.liveness_bound == 96


def test_fast_kernel_gives_way_where_its_scratch_does_not_fit() -> None:
    net = chain([40 * K, 40 * K, 40 * K], scratch=40 * K)
    program = plan(net, board(128 * K))
    (first, second) = (step.kernel for step in program.steps if step.runs)
    assert (first, second) == ("fast", "fast")
    program = plan(net, board(128 * K), PlanOptions(ram_limit=100 * K))
    assert [step.kernel for step in program.steps if step.runs] == ["frugal", "frugal"]
    assert dict(program.steps[0].rejected)["fast"] == "its 40,960 B of scratch do not fit the budget"
    program = plan(chain([8 * K, 8 * K], scratch=200 * K), board(128 * K))
    assert "B of scratch, more than the" in dict(program.steps[0].rejected)["fast"]


def test_budget_names_every_part() -> None:
    program = plan(chain([1600, 1600], scratch=320, weights=1000), M7)
    flash, fast, *others = program.usage
    assert {part.label: (part.bytes, part.estimated) for part in flash.parts} == {
        "weights": (1000, False),
        "code": (100 + RUNTIME_CODE_BYTES, True),
    }
    assert {part.label: part.bytes for part in fast.parts} == {
        "activations": 3200,
        "scratch": 320,
        "stack": 4096,
        "fault stack": 512,
        "data": VARIABLES_BYTES,
    }
    assert [usage.needed for usage in others] == [0, 0, 0]
    assert program.flash_bytes == flash.needed


def test_equal_constants_are_stored_once() -> None:
    net = chain([16, 16, 16, 16], weights=4000)
    assert plan(net, M7).usage[0].parts[0].bytes == 4000


def test_measured_figures_replace_estimates_and_keep_the_prediction() -> None:
    program = plan(chain([1600, 1600], weights=1000), M7)
    after = remeasured(program, {"flash": 5000, "ram0": 3200 + FIRMWARE})
    code = after.usage[0].parts[-1]
    assert (code.bytes, code.estimated, code.predicted) == (4000, False, 100 + RUNTIME_CODE_BYTES)
    assert after.usage[1] == program.usage[1], "RAM is exact"
    more = remeasured(program, {"ram0": 3200 + FIRMWARE + 300}).usage[1].parts[-1]
    assert (more.label, more.bytes, more.predicted) == ("other", 300, 0), "variables of the application"
    assert after.flash_bytes == 5000
    with pytest.raises(BudgetError, match="as built does not fit test\n  flash  needs 3,000,000 B of 2,097,152"):
        remeasured(program, {"flash": 3_000_000})


def test_student_0_does_not_fit() -> None:
    """4.7 MB of weights in 2 MB of flash: what is needed, what there is, what would fit."""
    net = student(students()[0].filters)
    with pytest.raises(BudgetError) as caught:
        plan(net, M7)
    weights, code = 4_682_304, 600 + RUNTIME_CODE_BYTES
    assert caught.value.exit_code == 3
    assert caught.value.message == (
        "net does not fit test\n"
        f"  flash  needs {weights + code:,} B of 2,097,152   ████████████████████▌ 224 %\n"
        f"           weights {weights:,} · code about {code:,}\n"
        f"  ram    fits: {409_600 + FIRMWARE:,} B of 1,015,808"
    )
    assert caught.value.hint == f"what would fit: weights of 3 bits, or {weights + code - 2_097_152:,} B less in flash"


def test_smaller_student_is_named_where_a_student_does_not_fit() -> None:
    with pytest.raises(BudgetError) as caught:
        plan(convolutions(students()[0].convolutions), M7)
    assert caught.value.hint is not None
    assert caught.value.hint.startswith("what would fit: Student 1 (256-d, 1.18 MB), or weights of 3 bits, or 2,")


def test_other_networks_are_no_students() -> None:
    assert student_of(convolutions(students()[3].convolutions)) == students()[3]
    assert student_of(convolutions((8, 8))) is None


def convolutions(channels: tuple[int, ...]) -> Graph:
    """3x3 convolutions of one pixel, one after the other."""
    unit = Quantization.per_tensor(1.0, 0)
    tensors = [Tensor("t0", (1, 1, 1, 1), DType.INT8, unit)]
    ops = []
    for number, (before, after) in enumerate(pairwise((1, *channels)), start=1):
        weights = np.full((after, 3, 3, before), number, np.int8)
        tensors.append(Tensor(f"w{number}", weights.shape, DType.INT8, unit, weights))
        tensors.append(Tensor(f"t{number}", (1, 1, 1, after), DType.INT8, unit))
        inputs = (f"t{number - 1}", f"w{number}")
        ops.append(Op(f"conv{number}", "CONV_2D", inputs, (f"t{number}",), Conv2DAttributes(Padding.SAME, 1, 1)))
    return Graph("net", {t.name: t for t in tensors}, tuple(ops), ("t0",), (f"t{len(channels)}",))


def test_ram_error_names_the_peak_and_what_would_fit() -> None:
    net = chain([400 * K, 300 * K, 300 * K])
    with pytest.raises(BudgetError) as caught:
        plan(net, board(128 * K, 512 * K))
    assert caught.value.message.endswith(
        f"  ram    needs {700 * K + 1_568:,} B of 655,360   ████████████████████▌ 110 %\n"
        "           activations 716,800 · stack 1,024 · fault stack 512 · data 32\n"
        "           at l1 at once: input 409,600 + l1 307,200"
    )
    assert caught.value.hint == "what would fit: 91 % of the input area or the channels of l1, or 63,008 B less in RAM"


def test_ram_limit_is_named_where_it_is_the_reason() -> None:
    with pytest.raises(BudgetError) as caught:
        plan(chain([40 * K, 40 * K]), M7, PlanOptions(ram_limit=64 * K))
    need = 80 * K + FIRMWARE
    assert f"needs {need:,} B of 65,536" in caught.value.message
    assert caught.value.hint is not None
    assert caught.value.hint.startswith(f"what would fit: --ram {need}, or ")
    assert plan(chain([40 * K, 40 * K]), M7, PlanOptions(ram_limit=need)).blocks == {"ram0": 80 * K}


def test_flash_limit_is_checked() -> None:
    with pytest.raises(BudgetError, match="of 10,000"):
        plan(chain([16, 16], weights=9000), M7, PlanOptions(flash_limit=10_000))


def test_tensor_larger_than_every_region_is_named() -> None:
    with pytest.raises(BudgetError) as caught:
        plan(chain([16, 600 * K]), M7)
    assert "l1 alone needs 614,400 B; the largest region, ram1, has 524,288" in caught.value.message
    assert caught.value.hint == "what would fit: l1 of at most 524,288 B"


def test_stack_larger_than_its_region_leaves_room_elsewhere() -> None:
    program = plan(chain([16, 16]), board(8 * K, 64 * K), PlanOptions(stack_bytes=7 * K + 480))
    assert program.blocks == {"ram1": 32}


def test_all_operators_that_cannot_be_compiled_are_listed() -> None:
    tensors = [Tensor("x", (4,), DType.INT8), Tensor("a", (4,), DType.INT16), Tensor("y", (4,), DType.INT8)]
    ops = (layer("l1", ["x"], ["a"]), Op("l2", "NO_SUCH", ("a",), ("y",), source="#1 top/l2"))
    with pytest.raises(InputError) as caught:
        plan(Graph("net", {t.name: t for t in tensors}, ops, ("x",), ("y",)), M7)
    assert caught.value.message == (
        "net: 2 problems with its operators\n"
        "  #0 l1  STAND_IN v1: a is int16\n"
        "  #1 top/l2  NO_SUCH v1: unknown operator"
    )


def test_model_that_computes_nothing_is_refused() -> None:
    net = graph({"x": 64, "flat": 64}, [view("v", "x", "flat")], ["x"], ["flat"])
    with pytest.raises(InputError, match="no operator computes anything"):
        plan(net, M7)


def test_plans_are_reproducible() -> None:
    net = student(students()[2].filters)
    assert str(plan(net, M7).buffers) == str(plan(net, M7).buffers)


@pytest.mark.parametrize("stack", [0, -8, 4, 4100])
def test_a_stack_that_cannot_be_is_bad_input(stack: int) -> None:
    for make in (plan, frontier):
        with pytest.raises(InputError, match=f"a stack of {stack} bytes: expected a positive multiple of 8"):
            make(chain([100, 100]), M7, PlanOptions(stack_bytes=stack))


@pytest.mark.parametrize("stack", [200 * K, 128 * K, 128 * K - 512])
def test_a_stack_larger_than_its_region_is_refused_with_the_bars(stack: int) -> None:
    for make in (plan, frontier):
        with pytest.raises(BudgetError, match="does not fit test") as failure:
            make(chain([100, 100]), M7, PlanOptions(stack_bytes=stack))
        assert "ram0   needs" in failure.value.message
        assert "fault stack 512" in failure.value.message
        largest = 128 * K - 512 - VARIABLES_BYTES
        assert f"--stack {largest} at most" in str(failure.value.hint)
    assert plan(chain([100, 100]), M7, PlanOptions(stack_bytes=largest)).stack_bytes == largest


def test_every_region_of_a_plan_fits() -> None:
    """The stack's region too, where the firmware leaves next to nothing of it to the model."""
    for left in (0, 8, 64, 256):
        stack = 128 * K - 512 - VARIABLES_BYTES - left
        program = plan(chain([300, 300], scratch=64), M7, PlanOptions(stack_bytes=stack))
        assert all(usage.fits for usage in program.usage)
