"""The parts of a generated project that do not depend on the model: build files, linker scripts, port, applications."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import jinja2

from seatool import resources
from seatool.boards.board import FAULT_STACK_BYTES, Board, Region, variables_bytes
from seatool.boards.machines import MACHINES, Machine, Window
from seatool.boards.mpu import NULL_GUARD, Access, protection

APPLICATION = ("app/binding.h", "app/harness.c", "app/harness.h", "app/main.c", "app/semihosting.c")
CORE = ("port/console.c", "port/cortex_m7/fault.c", "port/cortex_m7/startup.c")
CORE_HEADERS = ("port/console.h", "port/port.h", "port/cortex_m7/cortex_m7.h", "port/cortex_m7/fault.h")


class LinkRegion(NamedTuple):
    """A line of the linker script's MEMORY; nothing may lie in the first ``guard`` bytes."""

    name: str
    kind: str
    start: int
    size: int
    guard: int = 0


class Pin(NamedTuple):
    """A pin as macros: PD8 is port 3, pin 8."""

    name: str
    text: str
    port: int
    pin: int


def project_files(board: Board, name: str, sources: Sequence[str], stack_bytes: int | None = None) -> dict[str, bytes]:
    """Everything of a project but the compiled model, by path relative to the project.

    Args:
        board: The board to build for.
        name: The model's name, a C identifier; the images are ``build/<name>.elf`` and ``build/<name>-emulator.elf``.
        sources: The model's own files (generated C, binding, audio); those that end in ``.c`` are compiled.
        stack_bytes: The stack's size; default: the board's.
    """
    context = build_context(board, name, sources)
    host = "host/main.c"
    return {
        "Makefile": render_template("Makefile.j2", **context).encode(),
        "CMakeLists.txt": render_template("CMakeLists.txt.j2", **context).encode(),
        host: (resources.firmware() / host).read_bytes(),
        **shared_files(board, stack_bytes),
    }


def shared_files(board: Board, stack_bytes: int | None = None) -> dict[str, bytes]:
    """What images of the board have in common however they run the model: application, port, linker scripts."""
    machine = MACHINES[board.emulator]
    stack = board.stack_bytes if stack_bytes is None else stack_bytes
    texts = {
        "board.ld": linker_script(board, emulator=False, stack_bytes=stack),
        "emulator.ld": linker_script(board, emulator=True, stack_bytes=stack),
        "port/board.h": render_template("board.h.j2", board=board, pins=_pins(board)),
        f"port/{machine.port}/mpu_regions.h": mpu_table(board, machine),
    }
    files = {path: text.encode() for path, text in texts.items()}
    for path in (*APPLICATION, *CORE, *CORE_HEADERS, *_port_files(board.port), *_port_files(machine.port)):
        files[path] = (resources.firmware() / path).read_bytes()
    return files


def build_context(board: Board, name: str, sources: Sequence[str]) -> dict[str, Any]:
    """What a template of a build file wants to know; arguments as of :func:`project_files`."""
    machine = MACHINES[board.emulator]
    return {
        "board": board,
        "name": name,
        "sources": sorted(source for source in sources if source.endswith(".c")),
        "core": list(CORE),
        "port": _port_sources(board.port),
        "emulator_port": _port_sources(machine.port),
        "port_folder": f"port/{board.port}",
        "emulator_port_folder": f"port/{machine.port}",
        "flash_commands": _flash_commands(board),
        "target_flags": f"-mcpu={board.core.cpu} -mthumb -mfloat-abi=hard -mfpu={board.core.fpu}",
    }


def linker_script(board: Board, *, emulator: bool, stack_bytes: int | None = None) -> str:
    """The linker script of the board's image, or of its twin in the emulator's memory map.

    Sections ``.ram.<region>`` hold the model's blocks. ``.itcm.text`` is code that waits in flash and runs from the
    ITCM (from flash where the board has none); it starts behind :data:`NULL_GUARD` if the ITCM is at 0. The script
    fails the link where a region overflows, where a section names a region the board lacks, or where the stack or the
    vector table are not where they have to be.
    """
    machine = MACHINES[board.emulator]
    stack = board.stack_bytes if stack_bytes is None else stack_bytes
    ram = [_link_region(region, emulator) for region in board.ram]
    itcm = board.itcm
    regions = [_link_region(region, emulator) for region in (board.flash, itcm) if region is not None] + ram
    guarded = emulator or board.port == machine.port
    harness = LinkRegion("harness", "sram", machine.harness.start, machine.harness.size)
    if emulator:
        regions.append(harness)
    return render_template(
        "linker.ld.j2",
        title=f"Memory of the test image in {machine.name}" if emulator else f"Memory of {board.title}",
        board=board,
        emulator=emulator,
        regions=regions,
        ram=ram,
        itcm=itcm,
        spare=[harness] if emulator else ram,
        data=board.stack_region.name,
        data_bytes=variables_bytes(stack),
        text_offset=NULL_GUARD.size if guarded else 0,
        stack_bytes=stack,
        fault_stack_bytes=FAULT_STACK_BYTES,
    )


def mpu_table(board: Board, machine: Machine) -> str:
    """``mpu_regions.h``: the memory protection that allows exactly the board's memory in ``machine``."""
    windows = [Window(r.name, r.emulator_address, r.size) for r in board.memory if r.emulator_address is not None]
    windows += [machine.harness, *machine.peripherals]
    table = []
    for region in protection(board, machine):
        allowed = [Window("", start, size) for start, size in region.allowed()]
        names = [window.name for window in windows if any(window.overlaps(part) for part in allowed)]
        note = "guard over address 0" if region.access is Access.NOTHING else ", ".join(names)
        table.append({"base": region.base, "rasr": region.rasr, "note": note})
    return render_template("mpu_regions.h.j2", board=board, mpu=table)


def _link_region(region: Region, emulator: bool) -> LinkRegion:
    start = region.emulator_address if emulator else region.address
    assert start is not None, "every region for code or data has an address in the emulator"
    is_at_null = region.kind == "itcm" and region.address == 0
    return LinkRegion(region.name, region.kind, start, region.size, NULL_GUARD.size if is_at_null else 0)


def _pins(board: Board) -> list[Pin]:
    return [
        Pin(name.upper(), text, ord(text[1]) - ord("A"), int(text[2:])) for name, text in sorted(board.pins.items())
    ]


def _flash_commands(board: Board) -> dict[str, str]:
    """How each flash tool that the board names programs ``$(BOARD_ELF)``, by the tool's name."""
    commands = {
        "openocd": "openocd -f {} -c 'program $(BOARD_ELF) verify reset exit'",
        "pyocd": "pyocd load --no-wait --target {} $(BOARD_ELF)",
    }
    return {tool: command.format(board.probe[tool]) for tool, command in commands.items() if tool in board.probe}


def _port_files(port: str) -> list[str]:
    folder = resources.firmware() / "port" / port
    return sorted(f"port/{port}/{file.name}" for file in folder.iterdir() if file.suffix in (".c", ".h"))


def _port_sources(port: str) -> list[str]:
    return [path for path in _port_files(port) if path.endswith(".c")]


@cache
def _environment(folder: Path) -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def render_template(template: str, **context: Any) -> str:
    """The text of ``templates/project/<template>``; the same context always gives the same text."""
    return _environment(resources.templates() / "project").get_template(template).render(**context)
