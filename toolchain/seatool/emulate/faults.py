"""Turn the fault handler's report (see ``firmware/port/cortex_m7/fault.c``) into words."""

from __future__ import annotations

import re
from pathlib import Path

from seatool.build import elf
from seatool.errors import SeatoolError

_CAUSE = re.compile(r"^FAULT: (.+)$", re.MULTILINE)
_LOCKUP_PC = re.compile(r"Lockup.*\bR15=([0-9a-f]{8})", re.DOTALL)
_FIELD = re.compile(r"\b(\w+)=0x([0-9a-f]{8})")
_NULL_PAGE = 1024
_NEAR = 1024
_READ_ONLY = {"vectors", "itcm"}
"""What lies in flash and in the ITCM, and in no other region."""


def describe(console: str, image: Path) -> str | None:
    """What went wrong and where, in one line; None if the console shows no fault."""
    try:
        contents = elf.read(image)
    except SeatoolError:  # a program of this computer: its addresses get no names
        contents = elf.Elf((), ())
    cause = _CAUSE.search(console)
    if cause is not None:
        fields = {name: int(value, 16) for name, value in _FIELD.findall(console[cause.end() :])}
        return f"{_cause(cause[1], fields, contents)}{_place(fields, contents)}"
    lockup = _LOCKUP_PC.search(console)
    if lockup is not None:
        return f"locked up where no fault can be handled{_place({'pc': int(lockup[1], 16)}, contents)}"
    return None


def _cause(text: str, fields: dict[str, int], image: elf.Elf) -> str:
    address = fields.get("address")
    if text == "stack overflow" and "sp" in fields:
        bottom = next((symbol.address for symbol in image.symbols if symbol.name == "__stack_bottom"), fields["sp"])
        return f"{text} by {bottom - fields['sp']:,} bytes"
    if address is None:
        return text
    if address < _NULL_PAGE:
        return f"access through a null pointer, at 0x{address:08x}"
    for region in image.regions:
        behind = address - region.start - region.capacity
        if _READ_ONLY & region.parts.keys() and region.start <= address and behind < 0:
            return f"write to {region.region} at 0x{address:08x}"
        if 0 <= behind < _NEAR:
            text += f", {behind} bytes behind the end of {region.region}"
    return f"{text}: 0x{address:08x}"


def _place(fields: dict[str, int], image: elf.Elf) -> str:
    for register, words in (("pc", ", in"), ("caller", ", in or below"), ("lr", ", called from")):
        address = fields.get(register)
        if address is None:
            continue
        function = image.function_at(address & ~1)
        if function is not None:
            return f"{words} {function.partition('.')[0]} ({register} 0x{address & ~1:08x})"
    return ""
