"""The instructions of an image, from the toolchain's objdump."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

from seatool.build import tools
from seatool.cycles.decode import decode
from seatool.cycles.ops import Op
from seatool.errors import ToolError

_LINE = re.compile(r" *([0-9a-f]+):\t((?:[0-9a-f]{4} ?)+) *\t(.+)")


def read(elf: Path) -> dict[int, Op]:
    """Every instruction of ``elf`` by address; ToolError where the disassembler fails."""
    objdump = _output([str(tools.require("arm-none-eabi-gcc")), "-print-prog-name=objdump"]).strip()
    return parse(_output([objdump, "--disassemble", "--wide", str(elf)]))


def parse(listing: str) -> dict[int, Op]:
    r"""The instructions of objdump's ``listing``.

    >>> [hex(op.address) for op in parse("    54c0:\tb510      \tpush\t{r4, lr}\n").values()]
    ['0x54c0']
    """
    found = {}
    for match in filter(None, map(_LINE.match, listing.splitlines())):
        address, size = int(match[1], 16), len(match[2].replace(" ", "")) // 2
        if not match[3].startswith("."):
            found[address] = decode(" ".join(match[3].split()), address, size)
    return found


def block(ops: Mapping[int, Op], address: int, count: int) -> tuple[Op, ...]:
    """``count`` instructions from ``address`` on."""
    found = []
    for _ in range(count):
        op = ops.get(address)
        if op is None:
            raise ToolError(f"the disassembler knows no instruction at 0x{address:08x}, which the firmware executed")
        found.append(op)
        address = op.end
    return tuple(found)


def _output(command: list[str]) -> str:
    result = subprocess.run(command, capture_output=True, text=True, errors="replace", env=tools.environment())
    if result.returncode:
        raise ToolError(f"{command[0]} failed: {(result.stderr.strip().splitlines() or ['it says nothing'])[0]}")
    return result.stdout
