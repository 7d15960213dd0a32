"""Read board files: TOML, checked against ``boards/board.schema.json`` and for what a schema cannot say."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import combinations
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeGuard

from seatool import resources
from seatool.boards.board import FAULT_STACK_BYTES, STACK_ALIGNMENT_BYTES, Board, Core, Region
from seatool.boards.machines import MACHINES, Window
from seatool.boards.mpu import NULL_GUARD, protection
from seatool.errors import InputError

_UNITS = {"K": 1 << 10, "M": 1 << 20}
_PORT_CLOCKS_HZ = {"stm32h743": {400_000_000: 2, 480_000_000: 4}, "mps2_an500": {25_000_000: 0}}
"""By port: the clocks it can make, and the least wait states of the flash at each (RM0433, table 17)."""
_HINT = "boards/m7.toml is an example; boards/board.schema.json lists every key"


def available() -> list[str]:
    """Names of the boards that come with seatool, sorted."""
    return sorted(file.stem for file in resources.boards().glob("*.toml"))


def load(name_or_path: str | Path) -> Board:
    """The board called ``name_or_path`` or described by the file of that path.

    Raises InputError if there is no such board or its file is not valid; the message lists every fault.
    """
    path = _find(name_or_path)
    return parse(_read(path, ()), path)


def resolve(name_or_path: str | Path) -> dict[str, Any]:
    """The same board as plain data that stands alone, with everything that it inherits: what :func:`parse` takes."""
    path = _find(name_or_path)
    data = _read(path, ())
    parse(data, path)
    return data


def parse(data: Mapping[str, Any], path: Path) -> Board:
    """The board that ``data`` describes, at the keys of a board file; ``path`` stands in the message of InputError."""
    faults = list(dict.fromkeys(_schema_faults(data))) or list(_value_faults(data))
    if faults:
        raise _invalid(path, faults)
    board = _board(data)
    faults = list(_map_faults(board))
    if faults:
        raise _invalid(path, faults)
    return board


def size_bytes(value: int | str) -> int:
    """A size as board files write it.

    >>> size_bytes("128K"), size_bytes(64)
    (131072, 64)
    """
    if isinstance(value, int):
        return value
    return int(value[:-1]) * _UNITS[value[-1]] if value[-1] in _UNITS else int(value)


def _find(name_or_path: str | Path) -> Path:
    path = Path(name_or_path)
    if path.suffix == ".toml" or len(path.parts) > 1:
        if not path.is_file():
            raise InputError(f"{path}: there is no such board file")
        return path
    if str(name_or_path) not in available():
        raise InputError(
            f"there is no board called {str(name_or_path)!r}",
            f"boards: {', '.join(available())}; or give the path of a .toml file",
        )
    return resources.boards() / f"{name_or_path}.toml"


def _invalid(path: Path, faults: list[str]) -> InputError:
    return InputError("\n  ".join([f"{path} is not a valid board", *faults]), _HINT)


def _read(path: Path, seen: tuple[Path, ...]) -> dict[str, Any]:
    """The tables of ``path`` merged over those of its ``base``, which is a board's name or a file beside it."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise _invalid(path, [f"not TOML: {error}"]) from None
    if "base" not in data:
        return data
    base = data.pop("base")
    if not isinstance(base, str):
        raise _invalid(path, [f"base = {base!r}: expected the name of a board or a file beside this one"])
    file = path.with_name(base) if base.endswith(".toml") else resources.boards() / f"{base}.toml"
    chain = (*seen, path.resolve())
    if file.resolve() in chain:
        raise _invalid(path, [f'base = "{base}": a board cannot be based on itself'])
    if not file.is_file():
        raise _invalid(path, [f'base = "{base}": there is no such board; boards: {", ".join(available())}'])
    return _merged(_read(file, chain), data)


def _merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Tables merge key by key, and so do ``[[tables]]`` of the same name; anything else is replaced."""
    merged = dict(base)
    for key, value in changes.items():
        old = merged.get(key)
        if isinstance(old, dict) and isinstance(value, dict):
            merged[key] = _merged(old, value)
        elif _are_named(old) and _are_named(value):
            merged[key] = _merged_by_name(old, value)
        else:
            merged[key] = value
    return merged


def _are_named(value: Any) -> TypeGuard[list[dict[str, Any]]]:
    return isinstance(value, list) and all(isinstance(item, dict) and "name" in item for item in value)


def _merged_by_name(base: list[dict[str, Any]], changes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """``base`` with the tables of ``changes`` merged into those of the same name, and the others behind them."""
    names = [item["name"] for item in base]
    merged = list(base)
    for change in changes:
        if change["name"] in names:
            at = names.index(change["name"])
            merged[at] = _merged(merged[at], change)
        else:
            merged.append(change)
    return merged


@cache
def _schema() -> Any:
    return json.loads((resources.boards() / "board.schema.json").read_text(encoding="utf-8"))


def _schema_faults(data: Mapping[str, Any]) -> Iterator[str]:
    """What the schema has against ``data``: the key, the value, and what is allowed there."""
    from jsonschema import Draft202012Validator  # slow to import, and most commands need no board

    errors = Draft202012Validator(_schema()).iter_errors(data)
    for error in sorted(errors, key=lambda e: (_key(e.absolute_path), e.validator)):
        key = _key(error.absolute_path)
        where = key or "the file"
        if error.validator == "required":
            missing = [name for name in error.validator_value if name not in error.instance]
            yield f"{where}: missing: {', '.join(missing)}"
        elif error.validator == "additionalProperties":
            known = error.schema["properties"]
            for name in sorted(set(error.instance) - set(known)):
                yield f"{where}: unknown key {name}; known: {', '.join(known)}"
        else:
            yield f"{key} = {_shown(error.instance)}: expected {error.schema['description']}"


def _key(path: Any) -> str:
    """``memory[2].size`` from jsonschema's path."""
    key = ""
    for part in path:
        key += f"[{part}]" if isinstance(part, int) else f".{part}" if key else part
    return key


def _shown(value: Any) -> str:
    text = json.dumps(value, default=str)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _value_faults(data: Mapping[str, Any]) -> Iterator[str]:
    """Faults across keys, before a Board can be made."""
    names = [region["name"] for region in data["memory"]]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f'memory: two regions are called "{name}"'
    flash = sum(region["kind"] == "flash" for region in data["memory"])
    if flash != 1:
        yield f"memory: {flash} regions of kind flash; there has to be exactly one"
    if not any(region["kind"] in ("tcm", "sram") for region in data["memory"]):
        yield "memory: no region of kind tcm or sram, so there is no room for data"
    mapped = data["emulator"]["regions"]
    for name in sorted(set(mapped) - set(names)):
        yield f"emulator.regions: there is no region called {name}; regions: {', '.join(names)}"
    for region in data["memory"]:
        if region["kind"] != "itcm" and region["name"] not in mapped:
            yield f"emulator.regions: {region['name']} has no address"
    yield from _timing_faults(data)


def _timing_faults(data: Mapping[str, Any]) -> Iterator[str]:
    clock, clocks = data["core"]["clock_hz"], _PORT_CLOCKS_HZ[data["port"]]
    if clock not in clocks:
        yield f"core.clock_hz = {clock}: port {data['port']} runs at {' or '.join(map(str, clocks))}"
    has_cache = "icache" in data["core"] or "dcache" in data["core"]
    for region in data["memory"]:
        name, states, filled = region["name"], region.get("wait_states", 0), "line_fill_cycles" in region
        least = clocks.get(clock, 0) if region["kind"] == "flash" else 0
        if states < least:
            yield f"memory: {name} needs {least} wait states at {clock} Hz; wait_states = {states}"
        if filled and region["kind"] in ("tcm", "itcm"):
            yield f"memory: {name} is tightly coupled: line_fill_cycles has no meaning there"
        elif filled and not has_cache:
            yield f"memory: {name} has line_fill_cycles, but the core has no cache"
        elif has_cache and not filled and region["kind"] in ("flash", "sram"):
            yield f"memory: {name} has no line_fill_cycles, but the core has a cache"


def _board(data: Mapping[str, Any]) -> Board:
    mapped = data["emulator"]["regions"]
    core = dict(data["core"])
    core["icache_bytes"], core["dcache_bytes"] = (size_bytes(core.pop(key, 0)) for key in ("icache", "dcache"))
    return Board(
        name=data["name"],
        title=data["title"],
        core=Core(**core),
        memory=tuple(
            Region(**{**region, "size": size_bytes(region["size"])}, emulator_address=mapped.get(region["name"]))
            for region in data["memory"]
        ),
        emulator=data["emulator"]["machine"],
        port=data["port"],
        stack_bytes=size_bytes(data["stack"]),
        probe=MappingProxyType(dict(data.get("probe", {}))),
        pins=MappingProxyType(dict(data.get("pins", {}))),
    )


def _map_faults(board: Board) -> Iterator[str]:
    """Faults of the two memory maps: the board's own and the emulator's."""
    own = [Window(region.name, region.address, region.size) for region in board.memory]
    emulated = [Window(r.name, r.emulator_address, r.size) for r in board.memory if r.emulator_address is not None]
    for where, windows in (("memory", own), ("emulator.regions", emulated)):
        for a, b in combinations(windows, 2):
            if a.overlaps(b):
                yield f"{where}: {a.name} (0x{a.start:08x} to 0x{a.end - 1:08x}) overlaps {b.name} at 0x{b.start:08x}"
    yield from (f"memory: {w.name} ends behind 0xffffffff" for w in own if w.end > 1 << 32)
    machine = MACHINES[board.emulator]
    for window in emulated:
        if not any(memory.holds(window.start, window.size) for memory in machine.memory):
            ranges = ", ".join(f"0x{m.start:08x} to 0x{m.end - 1:08x}" for m in machine.memory)
            yield f"emulator.regions: {window.name} is outside the RAM of {machine.name} ({ranges})"
    if board.flash.emulator_address != 0:
        yield f"emulator.regions: flash has to be at 0, where {machine.name} fetches its first vectors"
    itcm = board.itcm
    if itcm is not None and itcm.address == NULL_GUARD.start and itcm.size <= NULL_GUARD.size:
        yield f"memory: {itcm.name} has {itcm.size} bytes; at address 0 null pointers take the first {NULL_GUARD.size}"
    room = board.stack_region.size - FAULT_STACK_BYTES
    if board.stack_bytes % STACK_ALIGNMENT_BYTES or board.stack_bytes > room:
        multiple = f"a multiple of {STACK_ALIGNMENT_BYTES}"
        yield f"stack = {board.stack_bytes}: expected {multiple}, at most {room} ({board.stack_region.name})"
    try:
        protection(board, machine)
    except ValueError as error:
        yield f"emulator.regions: {error}"
