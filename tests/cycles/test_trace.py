"""Reading the plugin's file and objdump's listing."""

from __future__ import annotations

import pytest
from seatool.cycles import disassembly, trace
from seatool.cycles.trace import Edge, Misses
from seatool.errors import ToolError

TEXT = """\
segment 100
edge 0 1 1 0
edge 1 2 30 2
cache 0 3 4 5 6
cache 1 0 0 0 0
unaligned 7
segment 200
unaligned 0
block 2 1024 5
block 1 1000 3
load 1028 10 6
load 1028 10 5
load 1000 10 5
end
"""


def test_trace_is_read() -> None:
    found = trace.parse(TEXT, {100: "begin", 200: "end"}, ["flash", "axi"])
    first, second = found.segments
    assert (first.mark, second.mark) == ("begin", "end")
    assert first.edges == [Edge(0, 1, 1, 0), Edge(1, 2, 30, 2)]
    assert first.misses == {"flash": Misses(3, 4, 5, 6), "axi": Misses()}
    assert (first.unaligned_loads, second.unaligned_loads) == (7, 0)
    assert found.blocks == {1: (1000, 3), 2: (1024, 5)}
    assert found.bank_conflicts == {1028}


def test_incomplete_trace_is_refused() -> None:
    with pytest.raises(ToolError, match="the trace of the emulated run is not complete"):
        trace.parse(TEXT.removesuffix("end\n"), {100: "begin", 200: "end"}, ["flash", "axi"])


LISTING = """
probe.elf:     file format elf32-littlearm

Disassembly of section .text:

00000400 <f>:
     400:\tb510      \tpush\t{r4, lr}
     402:\tf7ff fffd \tbl\t400 <f>
     406:\tbd10      \tpop\t{r4, pc}
     408:\t00000001 \t.word\t0x00000001
"""


def test_listing_is_read() -> None:
    ops = disassembly.parse(LISTING)
    assert [(op.address, op.size) for op in disassembly.block(ops, 0x400, 3)] == [(0x400, 2), (0x402, 4), (0x406, 2)]


def test_code_that_the_listing_lacks_is_an_error() -> None:
    with pytest.raises(ToolError, match="no instruction at 0x00000408"):
        disassembly.block(disassembly.parse(LISTING), 0x406, 2)
