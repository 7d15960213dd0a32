"""Instructions of the floating-point unit as the pipeline sees them."""

from __future__ import annotations

from seatool.cycles import text
from seatool.cycles.ops import EX1, EX2, EX3, EX4, FLAGS, FP_FLAGS, Op, Read, Write
from seatool.cycles.text import Text

RESULT = EX4 + 1
"""Stage from which the result of an addition or a multiplication can be read: three cycles after one at EX2."""
FUSED_RESULT, CHAINED_RESULT = RESULT + 2, RESULT + 3
"""Of vfma and of vmla, which rounds in between."""
BLOCKING_CYCLES = {
    **{"vdiv.f32": 16, "vsqrt.f32": 14, "vdiv.f64": 30, "vsqrt.f64": 30},
    **{"vadd.f64": 2, "vsub.f64": 2, "vmul.f64": 5, "vnmul.f64": 5},
    **{f"{name}.f64": 8 for name in ("vfma", "vfms", "vfnma", "vfnms", "vmla", "vmls", "vnmla", "vnmls")},
}
"""Instructions that hold the pipeline, in cycles."""

_FUSED = frozenset("vfma vfms vfnma vfnms".split())
_CHAINED = frozenset("vmla vmls vnmla vnmls".split())
_MEMORY = frozenset("vldr vstr vldmia vldmdb vstmia vstmdb vpush vpop".split())
_ARITHMETIC = frozenset("vabs vneg vadd vsub vmul vnmul vdiv vsqrt vcvt vcvtr vsel vmaxnm vminnm vrinta vrintm".split())
_KNOWN = _FUSED | _CHAINED | _MEMORY | _ARITHMETIC | frozenset(("vmov", "vcmp", "vcmpe", "vmrs", "vmsr"))


def decode(line: str, address: int, size: int) -> Op:
    """The instruction that objdump prints as ``line``."""
    parts = text.parse(line, address, size, _KNOWN.__contains__)
    if parts.name in _MEMORY:
        return _memory(parts)
    if parts.name == "vmrs":
        return _op(parts, "fp", [Read(FP_FLAGS, EX2)], [Write(FLAGS, EX3)], alone=True)
    if parts.name in ("vcmp", "vcmpe"):
        return _op(parts, "fp", [Read(name, EX2) for name in parts.registers], [Write(FP_FLAGS, EX2)])
    if parts.name == "vmov" and not parts.kind.startswith("f"):
        return _move(parts)
    return _arithmetic(parts)


def is_known(line: str) -> bool:
    """Whether there are rules for the instruction."""
    return text.parse(line, 0, 4, _KNOWN.__contains__).name in _KNOWN


def _op(parts: Text, unit: str, reads: list[Read], writes: list[Write], **more: object) -> Op:
    return Op(parts.address, parts.size, unit, tuple(reads), tuple(writes), **more)  # type: ignore[arg-type]


def _arithmetic(parts: Text) -> Op:
    results, sources = _results_and_sources(parts.operands)
    reads = [Read(name, EX2) for name in sources]
    adds = parts.name in _FUSED | _CHAINED
    if adds:
        reads += [Read(name, EX2, chained=True) for name in results]
    stage = FUSED_RESULT if parts.name in _FUSED else CHAINED_RESULT if parts.name in _CHAINED else RESULT
    cycles = BLOCKING_CYCLES.get(f"{parts.name}.{parts.kind}", 1)
    writes = [Write(name, RESULT + cycles - 1 if cycles > 1 else stage) for name in results]
    return _op(parts, "fpmac" if adds else "fp", reads, writes, cycles=cycles)


def _results_and_sources(operands: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return text.registers(operands[0]), text.registers(",".join(operands[1:]))


def _move(parts: Text) -> Op:
    """Between the cores' registers: one or two at a time."""
    results = len(parts.operands) // 2
    to_core = parts.operands[0].startswith(("r", "sl", "fp", "ip", "lr"))
    written = text.registers(",".join(parts.operands[:results]))
    read = text.registers(",".join(parts.operands[results:]))
    writes = [Write(name, EX3 if to_core else RESULT) for name in written]
    return _op(parts, "none", [Read(name, EX2) for name in read], writes, alone=len(parts.operands) > 2)


def _memory(parts: Text) -> Op:
    single = parts.name in ("vldr", "vstr")
    if single:
        moved, base = text.registers(parts.operands[0]), text.registers(parts.operands[1])
    elif parts.name in ("vpush", "vpop"):
        moved, base = parts.registers, ("r13",)
    else:
        base, moved = text.registers(parts.operands[0]), text.registers(parts.operands[1])
    cycles = -(-len(moved) // 2)
    update = [Write(base[0], EX2)] if parts.operands[0].endswith("!") or base == ("r13",) and not single else []
    reads = [Read(name, EX1) for name in base]
    alone = not single or len(moved) > 1
    if parts.name.startswith(("vst", "vpush")):
        reads += [Read(name, EX4) for name in moved]
        return _op(parts, "store", reads, update, cycles=cycles, alone=alone, drain_eighths=8 * cycles)
    writes = [*update, *(Write(name, EX3 + i // 2) for i, name in enumerate(moved))]
    return _op(parts, "load", reads, writes, cycles=cycles, alone=alone)
