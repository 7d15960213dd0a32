"""Read what we need of a 32-bit little-endian ELF file: sections in memory, symbols, and the memory map in them.

Source: Tool Interface Standard, Executable and Linking Format specification 1.2.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from seatool.errors import InputError

_IDENT = b"\x7fELF\x01\x01\x01"
_HEADER = struct.Struct("<16sHHIIIIIHHHHHH")
_PROGRAM_HEADER = struct.Struct("<8I")
_SECTION_HEADER = struct.Struct("<10I")
_SYMBOL = struct.Struct("<IIIBBH")
_PT_LOAD, _SHT_SYMTAB, _SHT_NOBITS, _SHF_ALLOC, _STT_FUNC = 1, 2, 8, 2, 2
_REGION = re.compile(r"__region_(\w+)_start\Z")


@dataclass(frozen=True)
class Section:
    """A section that occupies memory. ``load_address`` is where its contents lie in flash, None if it has none."""

    name: str
    address: int
    size: int
    load_address: int | None


@dataclass(frozen=True)
class Symbol:
    name: str
    address: int
    size: int
    is_function: bool


@dataclass(frozen=True)
class RegionUse:
    """What an image places in a memory region, in bytes. ``used`` includes the gaps of alignment between the parts."""

    region: str
    start: int
    capacity: int
    used: int
    parts: Mapping[str, int]


@dataclass(frozen=True)
class Elf:
    """An image: its sections in the order of the file, its symbols by address."""

    sections: tuple[Section, ...]
    symbols: tuple[Symbol, ...]

    @property
    def functions(self) -> dict[str, int]:
        """Code bytes by function, largest first."""
        found = {symbol.name: symbol.size for symbol in self.symbols if symbol.is_function and symbol.size}
        return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))

    def function_at(self, address: int) -> str | None:
        """Name of the function that holds ``address``."""
        for symbol in self.symbols:
            if symbol.is_function and symbol.address <= address < symbol.address + symbol.size:
                return symbol.name
        return None

    @property
    def regions(self) -> tuple[RegionUse, ...]:
        """Use of each memory region, as far as the image tells (our linker scripts leave symbols for that)."""
        addresses = {symbol.name: symbol.address for symbol in self.symbols}
        names = [match[1] for match in map(_REGION.match, addresses) if match]
        bounds = {name: (addresses[f"__region_{name}_start"], addresses[f"__region_{name}_end"]) for name in names}
        regions = [self._use(name, start, end) for name, (start, end) in bounds.items()]
        return tuple(sorted(regions, key=lambda region: region.start))

    def _use(self, name: str, start: int, end: int) -> RegionUse:
        placed = [(section.name, address, section.size) for section in self.sections for address in _places(section)]
        inside = [(part, address, size) for part, address, size in placed if start <= address < end and size]
        used = max((address + size for _, address, size in inside), default=start) - start
        return RegionUse(name, start, end - start, used, {part.lstrip("."): size for part, _, size in inside})


def _places(section: Section) -> set[int]:
    """Where a section takes room: where it runs, and where its initial contents wait."""
    places = {section.address}
    if section.load_address is not None:
        places.add(section.load_address)
    return places


def read(path: Path) -> Elf:
    """Read the ELF file ``path``; InputError where it is none, or damaged."""
    try:
        return _parse(path.read_bytes())
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file", "build the project first") from None
    except (struct.error, ValueError, IndexError):
        raise InputError(f"{path} is not an intact 32-bit little-endian ELF file", "build the project again") from None


def _parse(data: bytes) -> Elf:
    header = _HEADER.unpack_from(data)
    if not header[0].startswith(_IDENT):
        raise ValueError("not ELF")
    segments_at, sections_at = header[5], header[6]
    segments_count, sections_count, names_index = header[10], header[12], header[13]
    segments = [_PROGRAM_HEADER.unpack_from(data, segments_at + 32 * i) for i in range(segments_count)]
    headers = [_SECTION_HEADER.unpack_from(data, sections_at + 40 * i) for i in range(sections_count)]
    names_at = headers[names_index][4]
    sections = []
    symbols: list[Symbol] = []
    for name, kind, flags, address, offset, size, link, *_ in headers:
        if flags & _SHF_ALLOC:
            load = None if kind == _SHT_NOBITS else _load_address(address, segments)
            sections.append(Section(_string(data, names_at + name), address, size, load))
        elif kind == _SHT_SYMTAB:
            symbols += _symbols(data, offset, size, headers[link][4])
    return Elf(tuple(sections), tuple(sorted(symbols, key=lambda symbol: (symbol.address, symbol.name))))


def _load_address(address: int, segments: list[tuple[int, ...]]) -> int:
    for kind, _, virtual, physical, _, size, *_ in segments:
        if kind == _PT_LOAD and virtual <= address < virtual + max(size, 1):
            return physical + address - virtual
    return address


def _symbols(data: bytes, offset: int, size: int, strings: int) -> Iterator[Symbol]:
    for at in range(offset, offset + size, _SYMBOL.size):
        name, value, length, info, _, _ = _SYMBOL.unpack_from(data, at)
        is_function = info & 15 == _STT_FUNC
        yield Symbol(_string(data, strings + name), value & ~1 if is_function else value, length, is_function)


def _string(data: bytes, offset: int) -> str:
    return data[offset : data.index(b"\0", offset)].decode("ascii", "replace")
