"""The ELF reader, on files made here."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from seatool.build import elf
from seatool.errors import InputError

TEXT, DATA, BSS = 0x0800_0000, 0x2000_0000, 0x2000_0010


def make_elf() -> bytes:
    """An image with .text (64 bytes), .data (16, loaded behind .text), .bss (32), and symbols of two regions."""
    names = b"\0.text\0.data\0.bss\0.symtab\0.strtab\0"
    symbols = [("main", TEXT | 1, 20, 2), ("helper", (TEXT + 20) | 1, 8, 2), ("word", DATA, 4, 1)]
    for region, start, size in (("flash", TEXT, 4096), ("ram", DATA, 256)):
        symbols += [(f"__region_{region}_start", start, 0, 0), (f"__region_{region}_end", start + size, 0, 0)]
    strings, table = b"\0", bytes(16)
    for name, value, size, kind in symbols:
        table += struct.pack("<IIIBBH", len(strings), value, size, 16 | kind, 0, 1)
        strings += name.encode() + b"\0"
    body, offsets = b"", {}
    for key, part in {"text": bytes(64), "data": bytes(16), "table": table, "strings": strings, "names": names}.items():
        offsets[key] = 52 + 64 + len(body)
        body += part
    segments = struct.pack("<8I", 1, offsets["text"], TEXT, TEXT, 64, 64, 5, 4)
    segments += struct.pack("<8I", 1, offsets["data"], DATA, TEXT + 64, 16, 48, 6, 4)
    sections = bytes(40)
    sections += struct.pack("<10I", names.index(b".text"), 1, 6, TEXT, offsets["text"], 64, 0, 0, 4, 0)
    sections += struct.pack("<10I", names.index(b".data"), 1, 3, DATA, offsets["data"], 16, 0, 0, 4, 0)
    sections += struct.pack("<10I", names.index(b".bss"), 8, 3, BSS, offsets["data"], 32, 0, 0, 4, 0)
    sections += struct.pack("<10I", names.index(b".symtab"), 2, 0, 0, offsets["table"], len(table), 5, 1, 4, 16)
    sections += struct.pack("<10I", names.index(b".strtab"), 3, 0, 0, offsets["strings"], len(strings), 0, 0, 1, 0)
    sections += struct.pack("<10I", 0, 3, 0, 0, offsets["names"], len(names), 0, 0, 1, 0)
    header = struct.pack(
        "<16sHHIIIIIHHHHHH", b"\x7fELF\x01\x01\x01", 2, 40, 1, TEXT, 52, 52 + 64 + len(body), 0, 52, 32, 2, 40, 7, 6
    )
    return header + segments + body + sections


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "image.elf"
    path.write_bytes(make_elf())
    return path


def test_sections_and_where_they_load(image: Path) -> None:
    assert elf.read(image).sections == (
        elf.Section(".text", TEXT, 64, TEXT),
        elf.Section(".data", DATA, 16, TEXT + 64),
        elf.Section(".bss", BSS, 32, None),
    )


def test_regions(image: Path) -> None:
    flash, ram = sorted(elf.read(image).regions, key=lambda region: region.region)
    assert (flash.region, flash.start, flash.capacity, flash.used) == ("flash", TEXT, 4096, 80)
    assert flash.parts == {"text": 64, "data": 16}
    assert (ram.used, ram.parts) == (48, {"data": 16, "bss": 32})


def test_functions(image: Path) -> None:
    contents = elf.read(image)
    assert contents.functions == {"main": 20, "helper": 8}
    assert contents.function_at(TEXT + 19) == "main"
    assert contents.function_at(TEXT + 20) == "helper"
    assert contents.function_at(DATA) is None


@pytest.mark.parametrize("length", [0, 3, 40, 51, 100, 400])
def test_truncated_file(image: Path, length: int) -> None:
    image.write_bytes(image.read_bytes()[:length])
    with pytest.raises(InputError, match="is not an intact 32-bit little-endian ELF file"):
        elf.read(image)


@pytest.mark.parametrize("data", [b"\x7fELF\x02\x01\x01" + bytes(100), b"MZ" + bytes(100)])
def test_other_files(image: Path, data: bytes) -> None:
    image.write_bytes(data)
    with pytest.raises(InputError, match="is not an intact"):
        elf.read(image)


def test_absent_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no such file"):
        elf.read(tmp_path / "absent.elf")
