"""One inference in the emulator under our plugin: blocks, the ways between them, and the caches' misses, by segment.

A segment begins where the firmware enters one of a few functions of the test harness and lasts until the next one.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from seatool import emulate
from seatool.boards import Board, Region
from seatool.build import elf as elf_file
from seatool.cycles import plugin
from seatool.emulate import Result
from seatool.errors import ToolError

BEGIN, END = "model_layer_begin", "model_layer_end"
STOP = "harness_stack_used"
_HOOKS = (BEGIN, END, "harness_instructions", "port_ticks")
_TIMEOUT_S = 900.0


@dataclass(frozen=True)
class Edge:
    """Block ``to`` ran ``count`` times right after ``origin``, ``mispredicted`` times to the predictor's surprise."""

    origin: int
    to: int
    count: int
    mispredicted: int


@dataclass(frozen=True)
class Misses:
    """Cache lines fetched for instructions, loads and stores, and modified lines that had to leave."""

    fetches: int = 0
    reads: int = 0
    writes: int = 0
    written_back: int = 0


@dataclass
class Segment:
    """What ran from the function called ``mark`` to the next mark."""

    mark: str
    edges: list[Edge] = field(default_factory=list)
    misses: dict[str, Misses] = field(default_factory=dict)
    unaligned_loads: int = 0


@dataclass
class Trace:
    """``blocks``: address and number of instructions by id. ``bank_conflicts``: loads that mostly need the bank of
    memory that the access before them needed."""

    segments: list[Segment] = field(default_factory=list)
    blocks: dict[int, tuple[int, int]] = field(default_factory=dict)
    bank_conflicts: set[int] = field(default_factory=set)


def run(elf: Path, inputs: Sequence[bytes], board: Board, *, pcm: bool) -> tuple[Result, Trace]:
    """Run the emulator image ``elf`` as :func:`emulate.run` does, and trace the inference of the first input.

    Raises UnavailableError where the plugin cannot be had, ToolError for the run's own failures.
    """
    library = plugin.library()
    functions = {symbol.name: symbol for symbol in elf_file.read(elf).symbols if symbol.is_function}
    start = "model_embed" if pcm else "model_run"
    missing = {BEGIN, END, STOP, start} - set(functions)
    if missing:
        raise ToolError(f"{elf.name} has no function {min(missing)}", "compile the project again")
    regions = [region for region in board.memory if region.emulator_address is not None]
    settings: list[tuple[str, object]] = [("region", _region(region)) for region in regions]
    settings += [("mark", functions[name].address) for name in (BEGIN, END)]
    settings += [("cold", functions[start].address), ("stop", functions[STOP].address)]
    settings += [("skip", f"{functions[n].address}:{functions[n].size}") for n in _HOOKS if n in functions]
    core = board.core
    settings += [("icache", f"{core.icache_bytes}:{core.icache_ways}:{core.cache_line_bytes}")]
    settings += [("dcache", f"{core.dcache_bytes}:{core.dcache_ways}:{core.cache_line_bytes}")]
    with tempfile.TemporaryDirectory(prefix="seatool-") as folder:
        out = Path(folder) / "trace.txt"
        option = plugin.argument(library, [("out", out), *settings])
        result = emulate.run(elf, inputs, pcm=pcm, options=("-plugin", option), timeout_s=_TIMEOUT_S)
        text = out.read_text()
    names = {functions[name].address: name for name in (BEGIN, END, STOP, start)}
    return result, parse(text, names, [region.name for region in regions])


def parse(text: str, marks: dict[int, str], regions: Sequence[str]) -> Trace:
    """The plugin's file (see ``plugin/trace.c``). ToolError where it is not complete."""
    if not text.endswith("end\n"):
        raise ToolError("the trace of the emulated run is not complete", "run the command again")
    trace = Trace()
    loads: dict[int, list[int]] = {}
    for key, numbers in _lines(text):
        if key == "segment":
            trace.segments.append(Segment(marks[numbers[0]]))
        elif key == "edge":
            trace.segments[-1].edges.append(Edge(*numbers))
        elif key == "cache":
            trace.segments[-1].misses[regions[numbers[0]]] = Misses(*numbers[1:])
        elif key == "unaligned":
            trace.segments[-1].unaligned_loads = numbers[0]
        elif key == "block":
            trace.blocks[numbers[0]] = (numbers[1], numbers[2])
        elif key == "load":
            seen = loads.setdefault(numbers[0], [0, 0])
            seen[0] += numbers[1]
            seen[1] += numbers[2]
    trace.bank_conflicts = {address for address, (count, same) in loads.items() if 2 * same > count}
    return trace


def _lines(text: str) -> Iterator[tuple[str, list[int]]]:
    for line in text.splitlines():
        key, *numbers = line.split()
        yield key, [int(number) for number in numbers]


def _region(region: Region) -> str:
    return f"{region.emulator_address}:{region.size}:{region.address}:{int(region.is_cached)}"
