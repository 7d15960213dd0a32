"""What the decoder makes of objdump's text: units, operands with their stages, and what may not pair."""

from __future__ import annotations

import pytest
from seatool.cycles.decode import decode, is_known
from seatool.cycles.ops import EX1, EX2, EX3, EX4, FLAGS, GE, Op


def reads(op: Op) -> set[tuple[str, int]]:
    return {(read.register, read.stage) for read in op.reads}


def writes(op: Op) -> dict[str, int]:
    return {write.register: write.stage for write in op.writes}


@pytest.mark.parametrize(
    ("line", "unit", "needed", "given"),
    [
        ("adds r0, #1", "alu", {("r0", EX2)}, {"r0": EX3, FLAGS: EX3}),
        ("add r1, sp, #8", "alu", {("r13", EX2)}, {"r1": EX3}),
        ("mov.w r3, #0", "alu", set(), {"r3": EX3}),
        ("mvns r3, r2", "alu", {("r2", EX2)}, {"r3": EX3, FLAGS: EX3}),
        ("movt r3, #4", "alu", {("r3", EX2)}, {"r3": EX3}),
        ("cmp r3, r2", "alu", {("r3", EX2), ("r2", EX2)}, {FLAGS: EX3}),
        ("bics r1, r2", "alu", {("r1", EX2), ("r2", EX2)}, {"r1": EX3, FLAGS: EX3}),
        ("addlt.w r1, r2, r3", "alu", {(FLAGS, EX2), ("r2", EX2), ("r3", EX2)}, {"r1": EX3}),
        ("sbc.w r1, r2, r3", "alu", {(FLAGS, EX2), ("r2", EX2), ("r3", EX2)}, {"r1": EX3}),
        ("add.w r3, r4, r5, lsl #2", "alu", {("r4", EX2), ("r5", EX1)}, {"r3": EX3}),
        ("mov.w r0, r1, ror #8", "alu", {("r1", EX2)}, {"r0": EX3}),
        ("lsls r0, r1", "alu", {("r0", EX2), ("r1", EX2)}, {"r0": EX3, FLAGS: EX3}),
        ("ubfx r0, r1, #4, #8", "alu", {("r1", EX1)}, {"r0": EX3}),
        ("bfi r0, r1, #4, #8", "alu", {("r0", EX2), ("r1", EX1)}, {"r0": EX3}),
        ("sxtab16 r0, r1, r2, ror #8", "alu", {("r1", EX2), ("r2", EX1)}, {"r0": EX3}),
        ("ssat r0, #8, r1, asr #3", "alu", {("r1", EX1)}, {"r0": EX4}),
        ("rev r0, r1", "alu", {("r1", EX1)}, {"r0": EX2}),
        ("sel r0, r1, r2", "alu", {("r1", EX2), ("r2", EX2), (GE, EX2)}, {"r0": EX3}),
        ("usub8 r0, r1, r2", "alu", {("r1", EX2), ("r2", EX2)}, {"r0": EX3, GE: EX3}),
        ("muls r0, r1", "mac", {("r0", EX2), ("r1", EX2)}, {"r0": EX4}),
        ("smlad r0, r1, r2, r3", "mac", {("r1", EX2), ("r2", EX2), ("r3", EX3)}, {"r0": EX4}),
        ("smmlar r0, r1, r2, r3", "mac", {("r1", EX2), ("r2", EX2), ("r3", EX3)}, {"r0": EX4}),
        ("mls r0, r1, r2, r3", "mac", {("r1", EX2), ("r2", EX2), ("r3", EX3)}, {"r0": EX4}),
        ("smull r0, r1, r2, r3", "mac", {("r2", EX2), ("r3", EX2)}, {"r0": EX4, "r1": EX4}),
        (
            "smlald r0, r1, r2, r3",
            "mac",
            {("r0", EX3), ("r1", EX3), ("r2", EX2), ("r3", EX2)},
            {"r0": EX4, "r1": EX4},
        ),
        ("ldr.w r0, [r1, #-8]", "load", {("r1", EX1)}, {"r0": EX3}),
        ("ldr.w r0, [r1], #4", "load", {("r1", EX1)}, {"r0": EX3, "r1": EX2}),
        ("ldrsb.w r0, [r1, r2]", "load", {("r1", EX1), ("r2", EX1)}, {"r0": EX4}),
        ("ldr r0, [pc, #480] @ (a38 <f+0x300>)", "load", {("r15", EX1)}, {"r0": EX3}),
        ("ldrd r0, r1, [sp, #8]", "load", {("r13", EX1)}, {"r0": EX3, "r1": EX3}),
        ("ldmia.w r0!, {r1, r2, r3}", "load", {("r0", EX1)}, {"r0": EX2, "r1": EX3, "r2": EX3, "r3": EX4}),
        ("pop {r4, pc}", "branch", {("r13", EX1)}, {"r13": EX2, "r4": EX3, "r15": EX3}),
        ("strh.w r0, [r1, #2]!", "store", {("r0", EX4), ("r1", EX1)}, {"r1": EX2}),
        ("stmdb sp!, {r4, lr}", "store", {("r13", EX1), ("r4", EX4), ("r14", EX4)}, {"r13": EX2}),
        ("bne.n 1664 <f+0x8>", "branch", set(), {}),
        ("bls.n 1664 <f+0x8>", "branch", set(), {}),
        ("bl 1664 <f>", "branch", set(), {"r14": EX3}),
        ("bx lr", "branch", {("r14", EX1)}, {}),
        ("cbz r3, 1664 <f>", "branch", set(), {}),
        ("itte eq", "none", set(), {}),
        ("vldr s0, [r1, #4]", "load", {("r1", EX1)}, {"s0": EX3}),
        ("vpush {d8-d9}", "store", {("r13", EX1), *((f"s{i}", EX4) for i in range(16, 20))}, {"r13": EX2}),
        ("vmov s0, r1", "none", {("r1", EX2)}, {"s0": 4}),
        ("vmov r1, s0", "none", {("s0", EX2)}, {"r1": EX3}),
        ("vadd.f32 s0, s1, s2", "fp", {("s1", EX2), ("s2", EX2)}, {"s0": 4}),
        ("vfma.f32 s0, s1, s2", "fpmac", {("s0", EX2), ("s1", EX2), ("s2", EX2)}, {"s0": 6}),
        ("vmrs APSR_nzcv, fpscr", "fp", {("fpflags", EX2)}, {FLAGS: EX3}),
    ],
)
def test_operands_and_results(line: str, unit: str, needed: set[tuple[str, int]], given: dict[str, int]) -> None:
    op = decode(line, 0x100, 4)
    assert (op.unit, reads(op), writes(op)) == (unit, needed, given)
    assert (op.address, op.end) == (0x100, 0x104)


@pytest.mark.parametrize(
    ("line", "shifter"),
    [
        ("and.w r0, r1, #255", False),
        ("and.w r0, r1, #16711935", False),  # 0x00ff00ff
        ("and.w r0, r1, #4278255360", False),  # 0xff00ff00
        ("and.w r0, r1, #8128", True),  # 0x1fc0: 0x7f, shifted
        ("addw r0, r1, #4089", False),
        ("sub.w r0, r1, #4096", True),
        ("movw r0, #8128", False),
        ("add.w r0, r1, r2", False),
        ("add.w r0, r1, r2, lsl #1", True),
    ],
)
def test_shifted_constants_take_the_shifter(line: str, shifter: bool) -> None:
    assert decode(line).needs_shifter is shifter


def test_narrow_constants_are_never_shifted() -> None:
    assert not decode("add r1, sp, #512", size=2).needs_shifter


@pytest.mark.parametrize(
    ("line", "cycles"),
    [("ldrd r0, r1, [r2]", 1), ("push {r4, r5, lr}", 2), ("pop {r4, r5, r6, r7, pc}", 3), ("udiv r0, r1, r2", 7)],
)
def test_what_issues_alone(line: str, cycles: int) -> None:
    op = decode(line)
    assert (op.alone, op.cycles) == (True, cycles)


def test_what_is_not_known_issues_alone() -> None:
    assert not is_known("frobnicate r0, r1")
    assert decode("frobnicate r0, r1").alone
