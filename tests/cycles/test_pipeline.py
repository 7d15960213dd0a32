"""The pipeline against what others observed on the chip; docs/cycles.md names the sources of each rule."""

from __future__ import annotations

import pytest
from seatool.cycles.decode import decode
from seatool.cycles.ops import Op
from seatool.cycles.pipeline import Block, Scoreboard, eighths, misprediction_cycles


def never(op: Op) -> bool:
    return False


def always(op: Op) -> bool:
    return True


def program(*lines: str, start: int = 0, size: int = 4) -> tuple[Op, ...]:
    return tuple(decode(line, start + i * size, size) for i, line in enumerate(lines))


def cycles(*lines: str, same_bank: bool = False) -> float:
    """Cycles of one repetition among many, as micro-benchmarks measure: the difference of 4 and of 14 copies."""
    ends = []
    for copies in (4, 14):
        board = Scoreboard(always if same_bank else never)
        for op in program(*lines) * copies:
            board.issue(op)
        ends.append(board.elapsed)
    return (ends[1] - ends[0]) / 10


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        # Two at a time, if nothing is against it.
        (["nop.w", "nop.w"], 1),
        (["add.w r0, r1, r2", "eor.w r3, r4, r5"], 1),
        (["eor.w r0, r0, r1"], 1),
        # The early ALU feeds the late one in the same cycle.
        (["add.w r0, r1, r2", "eor.w r3, r0, r4"], 1),
        (["add.w r1, r0, r3", "add.w r1, r1, r2"], 1),
        (["movw r0, #1", "movt r0, #2"], 1),
        (["eor.w r0, r3, r2", "eor.w r3, r0, r4"], 2),
        # A shifted operand is needed a cycle early, and there is one shifter.
        (["eor.w r0, r0, r0, ror #1"], 2),
        (["add.w r0, r1, r2, lsl #1", "add.w r3, r4, r5, lsl #1"], 2),
        (["add.w r0, r1, r2, lsl #1", "lsr.w r3, r4, #1"], 1),
        (["and.w r0, r1, #8128", "and.w r2, r3, #8128"], 2),
        (["and.w r0, r1, #16711935", "and.w r2, r3, #16711935"], 1),
        # Bit fields and the DSP extension are the first of a pair, never the second.
        (["sxtb16 r0, r1", "add.w r2, r3, r4"], 1),
        (["sxtb16 r0, r1", "sxtb16 r2, r3"], 2),
        (["sxtb16 r0, r1", "add.w r2, r3, r4, lsl #1"], 1),
        (["ubfx r0, r1, #3, #4", "add.w r2, r3, r4, lsl #1"], 2),
        # One multiplier; a result takes a cycle more, but accumulations follow each other.
        (["smlad r0, r1, r2, r0"], 1),
        (["smlad r0, r1, r2, r0", "smlad r3, r1, r2, r3"], 2),
        (["mul r0, r0, r1"], 2),
        (["smlad r0, r1, r2, r0", "add.w r3, r4, r5"], 1),
        (["mul r0, r1, r2", "str.w r3, [r4]"], 2),
        # Words from memory reach the ALU after one cycle, the multiplier and the shifter after two.
        (["ldr.w r0, [r1, r2]", "eor.w r2, r0, r3"], 3),
        (["ldr.w r0, [r1, r2]", "mul r2, r0, r3"], 5),
        (["ldr.w r0, [r0]"], 2),
        (["ldrb.w r0, [r0]"], 3),
        (["ldr.w r0, [r1]", "smlad r2, r0, r3, r2"], 2),
        (["ldr.w r0, [r1], #4", "nop.w"], 1),
        (["ldr.w r0, [r1]", "str.w r0, [r2]"], 1),
        (["ldr.w r0, [r1]", "ldr.w r2, [r3]"], 1),
        (["str.w r0, [r1]", "str.w r2, [r3]"], 2),
        # Two registers a cycle, together with nothing.
        (["ldrd r0, r1, [r2]", "nop.w"], 2),
        (["ldmia.w r0, {r1, r2, r3, r4}", "nop.w"], 3),
        (["sdiv r0, r1, r2", "nop.w"], 8),
        # Single precision: three cycles, fused accumulation too, others five.
        (["vadd.f32 s0, s0, s1"], 3),
        (["vfma.f32 s0, s1, s2"], 3),
        (["vfma.f32 s0, s0, s2"], 5),
        (["vmul.f32 s0, s1, s2", "vadd.f32 s3, s4, s5"], 2),
        (["vmul.f32 s0, s1, s2", "add.w r0, r1, r2"], 1),
        (["vdiv.f32 s0, s1, s2"], 16),
    ],
)
def test_cycles_of_a_repeated_sequence(lines: list[str], expected: float) -> None:
    assert cycles(*lines) == expected


def test_loads_of_one_bank_do_not_pair() -> None:
    assert cycles("ldr.w r0, [r1]", "ldr.w r2, [r3]", same_bank=True) == 2


def test_result_of_a_bit_field_reaches_an_address_a_cycle_later() -> None:
    alu = cycles("add.w r0, r1, r2", "nop.w", "ldr.w r3, [r0]", "nop.w")
    assert cycles("uxtb.w r0, r1", "nop.w", "ldr.w r3, [r0]", "nop.w") == alu + 1 == 3


def block(*lines: str, start: int = 0, size: int = 4) -> Block:
    return Block(program(*lines, start=start, size=size))


def test_a_block_takes_what_its_fetches_take() -> None:
    """Eight bytes a cycle, from the word of the jump's target to that of the last instruction."""
    aligned = block(*["nop.w"] * 4, start=0x40)
    assert eighths(aligned, aligned, never) == 16
    straddling = block(*["nop.w"] * 4, start=0x44)
    assert eighths(straddling, straddling, never) == 24
    narrow = block(*["nop"] * 8, start=0x40, size=2)
    assert eighths(narrow, narrow, never) == 32


def test_falling_through_costs_no_fetch() -> None:
    first = block(*["nop.w"] * 3, start=0x40)
    second = block("nop.w", start=0x4C)
    assert eighths(first, second, never) == 4


def test_operands_are_awaited_across_blocks() -> None:
    first, second = block("mul r0, r1, r2"), block("eor.w r3, r0, r4", start=4)
    alone = block("eor.w r3, r5, r4", start=4)
    assert eighths(first, second, never) == 16
    assert eighths(first, alone, never) == 4


def test_bytes_leave_the_store_buffer_slowly() -> None:
    lines = [f"strb.w r{i}, [r8, #{i}]" for i in range(8)]
    assert eighths(None, block(*lines), never) == 8 * 19


def test_a_branch_with_its_flags_long_known_costs_less() -> None:
    late = block("subs r0, #1", "bne.n 0 <f>", size=2)
    early = block("subs r0, #1", *["eor.w r1, r1, r2"] * 4, "bne.n 0 <f>")
    assert misprediction_cycles(late, never) == 8
    assert misprediction_cycles(early, never) == 6
