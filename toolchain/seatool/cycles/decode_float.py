"""Instructions of the floating-point unit as the pipeline sees them."""

from __future__ import annotations

from dataclasses import replace

from seatool.cycles import text
from seatool.cycles.ops import EX1, EX2, EX3, EX4, FLAGS, FP_FLAGS, Op, Read, Write
from seatool.cycles.text import Text, names
from seatool.rounding import ceil_div

RESULT = EX4 + 1
"""Stage from which the result of an addition or a multiplication can be read: three cycles after one at EX2."""
FUSED_RESULT, CHAINED_RESULT = RESULT + 2, RESULT + 3
"""Of vfma and of vmla, which rounds in between."""
BLOCKING_CYCLES = {
    "f32": {"vdiv": 16, "vsqrt": 14},
    "f64": {"vdiv": 30, "vsqrt": 30, "vadd": 2, "vsub": 2, "vmul": 5, "vnmul": 5},
}
DOUBLE_FUSED_CYCLES = 8
"""How long instructions hold the pipeline."""

_FUSED = names("vfma vfms vfnma vfnms")
_CHAINED = names("vmla vmls vnmla vnmls")
_MEMORY = names("vldr vstr vldmia vldmdb vstmia vstmdb vpush vpop")
_ROUNDS = names("vcvt vcvta vcvtb vcvtm vcvtn vcvtp vcvtr vcvtt vrinta vrintm vrintn vrintp vrintr vrintx vrintz")
_ARITHMETIC = names("vabs vneg vadd vsub vmul vnmul vdiv vsqrt vsel vmaxnm vminnm") | _ROUNDS
_COMPARES = names("vcmp vcmpe")
_KNOWN = _FUSED | _CHAINED | _MEMORY | _ARITHMETIC | _COMPARES | names("vmov vmrs vmsr")


def decode(line: str, address: int, size: int) -> Op:
    """The instruction that objdump prints as ``line``."""
    parts = text.parse(line, address, size, _KNOWN.__contains__)
    if parts.name in _MEMORY:
        return _memory(parts)
    if parts.name in ("vmrs", "vmsr"):
        return replace(_op(parts, "fp", [Read(FP_FLAGS, EX2)], [Write(FLAGS, EX3)]), alone=True)
    if parts.name in _COMPARES:
        return _op(parts, "fp", [Read(name, EX2) for name in parts.registers], [Write(FP_FLAGS, EX2)])
    if parts.name == "vmov" and not parts.kind.startswith("f"):
        return _move(parts)
    return _arithmetic(parts)


def is_known(line: str) -> bool:
    """Whether there are rules for the instruction."""
    return text.parse(line, 0, 4, _KNOWN.__contains__).name in _KNOWN


def _op(parts: Text, unit: str, reads: list[Read], writes: list[Write]) -> Op:
    return Op(parts.address, parts.size, unit, tuple(reads), tuple(writes))


def _arithmetic(parts: Text) -> Op:
    results, sources = text.registers(parts.operands[0]), text.registers(",".join(parts.operands[1:]))
    reads = [Read(name, EX2) for name in sources]
    if parts.name not in _FUSED | _CHAINED:
        cycles = BLOCKING_CYCLES.get(parts.kind, {}).get(parts.name, 1)
        writes = [Write(name, RESULT + cycles - 1) for name in results]
        return replace(_op(parts, "fp", reads, writes), cycles=cycles)
    reads += [Read(name, EX2, chained=True) for name in results]
    writes = [Write(name, FUSED_RESULT if parts.name in _FUSED else CHAINED_RESULT) for name in results]
    return replace(_op(parts, "fpmac", reads, writes), cycles=DOUBLE_FUSED_CYCLES if parts.kind == "f64" else 1)


def _move(parts: Text) -> Op:
    """Between the cores' registers: one or two at a time."""
    results = len(parts.operands) // 2
    to_core = parts.operands[0].startswith(("r", "sl", "fp", "ip", "lr"))
    written = text.registers(",".join(parts.operands[:results]))
    read = text.registers(",".join(parts.operands[results:]))
    writes = [Write(name, EX3 if to_core else RESULT) for name in written]
    op = _op(parts, "none", [Read(name, EX2) for name in read], writes)
    return replace(op, alone=len(parts.operands) > 2)


def _memory(parts: Text) -> Op:
    single, stack = parts.name in ("vldr", "vstr"), parts.name in ("vpush", "vpop")
    first, second = text.registers(parts.operands[0]), text.registers(",".join(parts.operands[1:]))
    moved, base = (first, second) if single else (first, ("r13",)) if stack else (second, first)
    cycles = ceil_div(len(moved), 2)
    update = [Write(base[0], EX2)] if stack or parts.operands[0].endswith("!") else []
    reads = [Read(name, EX1) for name in base]
    alone = not single or len(moved) > 1
    if parts.name.startswith(("vst", "vpush")):
        reads += [Read(name, EX4) for name in moved]
        return replace(_op(parts, "store", reads, update), cycles=cycles, alone=alone, drain_eighths=8 * cycles)
    writes = [*update, *(Write(name, EX3 + i // 2) for i, name in enumerate(moved))]
    return replace(_op(parts, "load", reads, writes), cycles=cycles, alone=alone)
