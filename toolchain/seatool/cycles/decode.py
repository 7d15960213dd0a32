"""Instructions of the integer core as the pipeline sees them. ``docs/cycles.md`` gives the source of every rule."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import replace

from seatool.cycles import decode_float, text
from seatool.cycles.ops import EX1, EX2, EX3, EX4, FLAGS, GE, Op, Read, Write
from seatool.cycles.text import Text, names
from seatool.rounding import ceil_div

DIVIDE_CYCLES = 7
SYSTEM_CYCLES = 3
STORE_EIGHTHS = {"str": 8, "strb": 19, "strh": 16}

_LOADED = {"ldr": EX3, "ldrb": EX4, "ldrh": EX4, "ldrsb": EX4, "ldrsh": EX4}
_NUMBER = re.compile(r"#(-?\d+)\Z")
_INLINE_SHIFT = re.compile(r"(?:(?:lsl|lsr|asr|ror) #\d+|rrx)\Z")
_LANES = ("add8", "add16", "sub8", "sub16", "asx", "sax")


def _lanes(*prefixes: str) -> frozenset[str]:
    return frozenset(prefix + lane for prefix in prefixes for lane in _LANES)


_EXTENDS = names("sxtb sxth uxtb uxth sxtb16 uxtb16")
_REVERSES = names("rbit rev rev16 revsh")
_UNARY = names("mov mvn neg movw adr clz rrx") | _EXTENDS | _REVERSES
_COMPARES = names("cmp cmn tst teq")
_SHIFTS = names("lsl lsr asr ror")
_ADDS = names("add addw sub subw mov movw adr")
_ALU = names("adc and bic eor mvn neg orr orn rsb sbc rrx movt") | _COMPARES | _SHIFTS | _ADDS
_SATURATES = names("ssat usat ssat16 usat16")
_EXTRACTS = names("sbfx ubfx") | _SATURATES | _REVERSES
_MERGES = names("bfi pkhbt pkhtb sxtab sxtah sxtab16 uxtab uxtah uxtab16")
_SLOW = names("qadd qsub qdadd qdsub usad8 usada8") | _SATURATES | _lanes("q", "uq")
_SIMD = names("clz sel bfc") | _EXTENDS | _EXTRACTS | _MERGES | _SLOW | _lanes("s", "u", "sh", "uh")
_MULTIPLY = re.compile(r"(?:mul|smul(?:[bt][bt]|w[bt])|smu[as]dx?|smmulr?)\Z")
_ACCUMULATE = re.compile(r"(?:ml[as]|smla(?:[bt][bt]|w[bt])|sml[as]dx?|smml[as]r?)\Z")
_LONG = re.compile(r"(?:[su]mull|[su]mlal(?:[bt][bt])?|smlaldx?|smlsldx?|umaal)\Z")


def decode(line: str, address: int = 0, size: int = 4) -> Op:
    """The instruction that objdump prints as ``line``. One that is not known issues alone, its result comes late."""
    if line.startswith("v"):
        return decode_float.decode(line, address, size)
    parts = text.parse(line, address, size, _is_known)
    return _family(parts.name)(parts)


def is_known(line: str) -> bool:
    """Whether there are rules for the instruction."""
    if line.startswith("v"):
        return decode_float.is_known(line)
    return _is_known(text.parse(line, 0, 4, _is_known).name)


def _is_known(name: str) -> bool:
    return _family(name) is not _unknown


def _family(name: str) -> Callable[[Text], Op]:
    return next((make for belongs, make in _FAMILIES if belongs(name)), _unknown)


def _op(parts: Text, unit: str, reads: Iterable[Read], writes: Iterable[Write]) -> Op:
    """An instruction that may pair with any other. In an IT block it also needs the flags; branches are predicted."""
    condition = [Read(FLAGS, EX2)] if parts.conditional and unit != "branch" else []
    return Op(parts.address, parts.size, unit, (*condition, *reads), tuple(writes))


def _reads(registers: Iterable[str], stage: int, slow_load: bool = False) -> list[Read]:
    return [Read(register, stage, slow_load) for register in registers]


def _sources(parts: Text) -> list[str]:
    """What a data-processing instruction reads; with two operands the destination is the first source."""
    if parts.name in _COMPARES:
        return list(parts.registers)
    two = len(parts.operands) == 2 and parts.name not in _UNARY
    return [*parts.registers[1:], *(parts.registers[:1] if two or parts.name in ("bfi", "bfc", "movt") else ())]


def _alu(parts: Text) -> Op:
    sources = _sources(parts)
    inline = bool(_INLINE_SHIFT.search(parts.operands[-1]))
    if inline:
        # The shifted register is needed a cycle early, and then the other one cannot come from memory just in time.
        reads = [Read(parts.registers[-1], EX1), *_reads(sources[:-1], EX2, slow_load=True)]
    else:
        reads = _reads(sources, EX2)
    reads += [Read(FLAGS, EX2)] if parts.name in ("adc", "sbc") else []
    writes = [] if parts.name in _COMPARES else [Write(parts.registers[0], EX3)]
    if parts.name in _COMPARES or parts.sets_flags:
        writes.append(Write(FLAGS, EX4 if inline else EX3))
    shifted = inline or _is_shifted_constant(parts)
    plain = not shifted and not parts.conditional
    return replace(
        _op(parts, "alu", reads, writes),
        early="any" if plain and parts.name in _SHIFTS else "first" if plain and parts.name in _ADDS else "",
        takes_shifter=shifted or parts.name in _SHIFTS,
        needs_shifter=shifted,
    )


def _is_shifted_constant(parts: Text) -> bool:
    """Whether the immediate is eight bits moved elsewhere, which takes the shifter; repeated bytes do not."""
    match = _NUMBER.match(parts.operands[-1])
    if not match or parts.size == 2 or parts.name in _SHIFTS or parts.name in ("addw", "subw", "movw", "movt"):
        return False
    value = int(match[1]) & 0xFFFFFFFF
    low, second = value & 0xFF, value >> 8 & 0xFF
    return value not in (low, low * 0x10001, second * 0x1000100, low * 0x1010101)


def _simd(parts: Text) -> Op:
    """Bit fields, extensions and the parallel arithmetic of the DSP extension: first of a pair or alone."""
    sources = _sources(parts)
    if parts.name in _MERGES:
        moved = parts.registers[1] if parts.name == "bfi" else parts.registers[-1]
        early = set(sources) if parts.name == "pkhtb" else {moved}
        reads = [Read(name, EX1 if name in early else EX2, slow_load=True) for name in sources]
    else:
        reads = _reads(sources, EX1 if parts.name in _EXTRACTS else EX2)
    reads += [Read(GE, EX2)] if parts.name == "sel" else []
    reverses = parts.name in _REVERSES
    writes = [Write(parts.registers[0], EX2 if reverses else EX4 if parts.name in _SLOW else EX3, slow_early=reverses)]
    if parts.name in _lanes("s", "u"):
        writes.append(Write(GE, EX3))
    shifter = parts.name in _EXTRACTS | _MERGES or parts.name == "bfc"
    return replace(_op(parts, "alu", reads, writes), older=True, takes_shifter=shifter, needs_shifter=shifter)


def _multiply(parts: Text) -> Op:
    """Results a cycle late; the accumulator is needed a cycle late, so that accumulations follow each other."""
    long = bool(_LONG.match(parts.name))
    registers = [*parts.registers, *(parts.registers[:1] if len(parts.operands) == 2 else ())]
    results = registers[: 2 if long else 1]
    factors = registers[len(results) : len(results) + 2]
    added = registers[3:4] if _ACCUMULATE.match(parts.name) else results if long and "mull" not in parts.name else []
    reads = [*_reads(factors, EX2, slow_load=True), *_reads(added, EX3)]
    return _op(parts, "mac", reads, [Write(name, EX4) for name in results])


def _divide(parts: Text) -> Op:
    reads = _reads(parts.registers[1:], EX2)
    return replace(_op(parts, "alu", reads, [Write(parts.registers[0], EX3)]), cycles=DIVIDE_CYCLES, alone=True)


def _base_update(parts: Text) -> list[Write]:
    """The address register where the access changes it."""
    index = next((i for i, operand in enumerate(parts.operands) if "[" in operand), None)
    if index is None:
        return []
    changes = parts.operands[index].endswith("!") or index + 1 < len(parts.operands)
    return [Write(text.registers(parts.operands[index])[0], EX2)] if changes else []


def _load(parts: Text) -> Op:
    result, *address = parts.registers
    writes = [*_base_update(parts), Write(result, _LOADED[parts.name])]
    jumps = result == "r15"
    return replace(_op(parts, "branch" if jumps else "load", _reads(address, EX1), writes), alone=jumps)


def _preload(parts: Text) -> Op:
    return _op(parts, "load", _reads(parts.registers, EX1), ())


def _store(parts: Text) -> Op:
    stored, *address = parts.registers
    reads = [Read(stored, EX4), *_reads(address, EX1)]
    return replace(_op(parts, "store", reads, _base_update(parts)), drain_eighths=STORE_EIGHTHS[parts.name])


def _multiple(parts: Text) -> Op:
    """LDM, STM, LDRD, STRD, PUSH, POP: two registers a cycle, and nothing else meanwhile."""
    moved: tuple[str, ...]
    base: tuple[str, ...]
    if parts.name in ("push", "pop"):
        moved, base, changes = parts.registers, ("r13",), True
    elif parts.name in ("ldrd", "strd"):
        moved, base, changes = parts.registers[:2], parts.registers[2:], bool(_base_update(parts))
    else:
        moved, base, changes = parts.registers[1:], parts.registers[:1], parts.operands[0].endswith("!")
    cycles = ceil_div(len(moved), 2)  # two registers a cycle
    update = [Write(base[0], EX2)] if changes else []
    if parts.name.startswith("s") or parts.name == "push":
        reads = [*_reads(base, EX1), *_reads(moved, EX4)]
        return replace(_op(parts, "store", reads, update), cycles=cycles, alone=True, drain_eighths=8 * cycles)
    writes = [*update, *(Write(name, EX3 + i // 2) for i, name in enumerate(moved))]
    unit = "branch" if "r15" in moved else "load"
    return replace(_op(parts, unit, _reads(base, EX1), writes), cycles=cycles, alone=True)


def _branch(parts: Text) -> Op:
    table = parts.name in ("tbb", "tbh")
    reads = _reads(parts.registers, EX1) if table or parts.name in ("bx", "blx") else []
    writes = [Write("r14", EX3)] if parts.name in ("bl", "blx") else []
    return replace(_op(parts, "branch", reads, writes), cycles=2 if table else 1, alone=table)


def _hint(parts: Text) -> Op:
    """NOP and IT take a place of the two and do nothing else."""
    return _op(parts, "none", (), ())


def _system(parts: Text) -> Op:
    writes = [Write(name, EX4) for name in parts.registers[:1] if parts.name == "mrs"]
    return replace(_op(parts, "none", (), writes), cycles=SYSTEM_CYCLES, alone=True)


def _unknown(parts: Text) -> Op:
    writes = [Write(name, EX4) for name in parts.registers[:1]]
    return replace(_op(parts, "none", _reads(parts.registers, EX1), writes), alone=True)


_FAMILIES: tuple[tuple[Callable[[str], object], Callable[[Text], Op]], ...] = (
    (_SIMD.__contains__, _simd),
    (_ALU.__contains__, _alu),
    (_LOADED.__contains__, _load),
    (STORE_EIGHTHS.__contains__, _store),
    (lambda name: _MULTIPLY.match(name) or _ACCUMULATE.match(name) or _LONG.match(name), _multiply),
    (names("ldm ldmia ldmdb stm stmia stmdb ldrd strd push pop").__contains__, _multiple),
    (names("b bl bx blx cbz cbnz tbb tbh").__contains__, _branch),
    (names("nop it itt ite ittt itte itet itee itttt ittte ittet ittee itett itete iteet iteee").__contains__, _hint),
    (names("sdiv udiv").__contains__, _divide),
    (names("pld").__contains__, _preload),
    (names("mrs msr dmb dsb isb svc bkpt cpsid cpsie wfi wfe sev clrex").__contains__, _system),
)
