"""One inference in the emulator under our plugin: blocks, the ways between them, and the caches' misses, by segment.

A segment begins where the firmware enters one of a few functions of the test harness and lasts until the next one.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from seatool import emulate
from seatool.boards import Board, Region
from seatool.build import elf as elf_file
from seatool.cycles import plugin
from seatool.emulate import Result
from seatool.errors import ToolError

BEGIN = "begin"
_TIMEOUT_S = 900.0


@dataclass(frozen=True)
class Marks:
    """Functions of an image that open segments: where a layer begins and ends, where caches are emptied, where tracing
    stops. The first one that is called starts it. The hooks ``begin`` and ``end`` themselves do not count.
    """

    begin: str
    end: str
    start: str
    stop: str


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
    """What ran from one mark to the next; ``mark`` is the name of the field of Marks."""

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


@dataclass(frozen=True)
class Tracing:
    """``options`` of QEMU that make it trace, and ``read`` what it has traced."""

    options: tuple[str, ...]
    read: Callable[[], Trace]


def run(elf: Path, inputs: Sequence[bytes], board: Board, *, pcm: bool) -> tuple[Result, Trace]:
    """Run the emulator image ``elf`` as :func:`emulate.run` does, and trace the inference of the first input.

    Raises UnavailableError where the plugin cannot be had, ToolError for the run's own failures.
    """
    marks = Marks("model_layer_begin", "model_layer_end", "model_embed" if pcm else "model_run", "harness_stack_used")
    with tracing(elf, board, marks, hidden=("harness_instructions", "port_ticks")) as traced:
        result = emulate.run(elf, inputs, pcm=pcm, options=traced.options, timeout_s=_TIMEOUT_S)
        return result, traced.read()


@contextmanager
def tracing(elf: Path, board: Board, marks: Marks, hidden: Sequence[str] = ()) -> Iterator[Tracing]:
    """How to have QEMU trace the image ``elf`` for ``board``. ``hidden``: functions that do not count.

    Raises UnavailableError where the plugin cannot be had, ToolError where the image lacks a function.
    """
    library = plugin.library()
    functions = {symbol.name: symbol for symbol in elf_file.read(elf).symbols if symbol.is_function}
    needed = (*vars(marks).values(), *hidden)
    missing = set(needed) - set(functions)
    if missing:
        raise ToolError(f"{elf.name} has no function {min(missing)}", "compile the project again")
    address = {name: functions[name].address for name in needed}
    regions = [region for region in board.memory if region.emulator_address is not None]
    settings: list[tuple[str, object]] = [("region", _region(region)) for region in regions]
    settings += [("mark", address[marks.begin]), ("mark", address[marks.end])]
    settings += [("cold", address[marks.start]), ("stop", address[marks.stop])]
    settings += [("skip", f"{address[name]}:{functions[name].size}") for name in (marks.begin, marks.end, *hidden)]
    core = board.core
    settings += [("icache", f"{core.icache_bytes}:{core.icache_ways}:{core.cache_line_bytes}")]
    settings += [("dcache", f"{core.dcache_bytes}:{core.dcache_ways}:{core.cache_line_bytes}")]
    with tempfile.TemporaryDirectory(prefix="seatool-") as folder:
        out = Path(folder) / "trace.txt"
        option = plugin.argument(library, [("out", out), *settings])
        kinds = {address[name]: kind for kind, name in vars(marks).items()}
        yield Tracing(("-plugin", option), lambda: parse(out.read_text(), kinds, [region.name for region in regions]))


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
