"""Request and results files, and fault reports, without an emulator."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from seatool.emulate import faults, records
from seatool.emulate.records import Record, Result


def record(kind: Record, index: int, payload: bytes = b"") -> bytes:
    return struct.pack("<3I", kind, index, len(payload)) + payload


WHOLE = b"".join(
    [
        record(Record.ARENA, 0, struct.pack("<I", 1234)),
        record(Record.TENSOR, 0, b"a"),
        record(Record.TENSOR, 1, b"b"),
        record(Record.START, 0, struct.pack("<Q", 6_000_000_000)),
        record(Record.LAYER, 0, struct.pack("<Q", 5_000_000_000) + b"conv"),
        record(Record.LAYER, 1, struct.pack("<Q", 7) + b"pool"),
        record(Record.TOTAL, 0, struct.pack("<QI", 5_000_000_010, 99)),
        record(Record.REGION, 0, struct.pack("<I", 42) + b"dtcm"),
        record(Record.TRACE, 0, b"xx"),
        record(Record.TRACE, 1, b"y"),
        record(Record.OUTPUT, 0, b"out0"),
        record(Record.TRACE, 0, b"zz"),
        record(Record.OUTPUT, 1, b"out1"),
        record(Record.END, 2),
    ]
)


def test_results_are_read() -> None:
    assert records.parse(WHOLE, "text", trace=True) == Result(
        outputs=[b"out0", b"out1"],
        traces=[{"a": b"xx", "b": b"y"}, {"a": b"zz"}],
        layer_instructions={"conv": 5_000_000_000, "pool": 7},
        init_instructions=6_000_000_000,
        instructions=5_000_000_010,
        stack_bytes=99,
        region_bytes={"dtcm": 42},
        arena_bytes=1234,
        console="text",
    )


def test_incomplete_results_are_refused() -> None:
    for length in range(len(WHOLE)):
        with pytest.raises(ValueError, match=r"cut off|end early"):
            records.parse(WHOLE[:length], "", trace=True)


def test_lost_output_is_noticed() -> None:
    with pytest.raises(ValueError, match="end early"):
        records.parse(WHOLE.replace(record(Record.OUTPUT, 1, b"out1"), b""), "", trace=True)


def test_request() -> None:
    data = records.request([b"abcd", b"efgh"], pcm=True, trace=False, measure=True)
    assert data == b"SEAQ" + struct.pack("<3I", 0b101, 2, 4) + b"abcdefgh"


def test_request_needs_inputs_of_one_size() -> None:
    with pytest.raises(ValueError, match="at least one input"):
        records.request([], pcm=False, trace=False, measure=True)
    with pytest.raises(ValueError, match=r"different sizes: \[1, 2\]"):
        records.request([b"a", b"bc"], pcm=False, trace=False, measure=True)


def test_shares_merge_in_order() -> None:
    first = Result([b"a"], [{"t": b"1"}], {"conv": 3}, 3, 4, {"dtcm": 5}, "first")
    second = Result([b"b", b"c"], [{"t": b"2"}, {"t": b"3"}], {}, 0, 0, {}, "second")
    merged = records.merge([first, second])
    assert merged == Result(
        [b"a", b"b", b"c"], [{"t": b"1"}, {"t": b"2"}, {"t": b"3"}], {"conv": 3}, 3, 4, {"dtcm": 5}, "first"
    )


def test_outputs_are_counted_while_the_file_grows(tmp_path: Path) -> None:
    file = tmp_path / "results.bin"
    counter = records.Counter(file)
    assert counter.outputs() == 0
    seen = []
    for length in range(0, len(WHOLE) + 1, 3):
        file.write_bytes(WHOLE[:length])
        seen.append(counter.outputs())
    assert seen == sorted(seen)
    assert seen[-1] == 2


def test_console_without_a_fault(tmp_path: Path) -> None:
    assert faults.describe("probe\nFAIL something\n", tmp_path / "absent.elf") is None


def test_fault_without_the_image_keeps_its_cause(tmp_path: Path) -> None:
    console = "\nFAULT: division by zero\nexception=0x00000006 cfsr=0x02000000\npc=0x00000500 lr=0x00000400\n"
    assert faults.describe(console, tmp_path / "absent.elf") == "division by zero"


def test_fault_address_comes_from_behind_the_cause(tmp_path: Path) -> None:
    console = "address=0x11111111\nFAULT: access to memory that is not allowed\naddress=0x24080000 pc=0x00000500\n"
    described = faults.describe(console, tmp_path / "absent.elf")
    assert described == "access to memory that is not allowed: 0x24080000"
