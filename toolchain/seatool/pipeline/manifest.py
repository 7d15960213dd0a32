"""The manifest of a project, ``seatool.json``: its keys and their types (docs/json.md says what they mean).

The classes here are read twice: by mypy, and by :func:`check` when a manifest comes from a file.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from types import NoneType, UnionType
from typing import Any, TypedDict, get_args, get_origin, get_type_hints, is_typeddict

SCHEMA = 2
"""Version of the layout."""


class Model(TypedDict):
    """The input file: its name, without folders, and the hash of what it holds."""

    file: str
    sha256: str


class Options(TypedDict):
    """What was chosen; limits in bytes."""

    stack_bytes: int | None
    ram_limit: int | None
    flash_limit: int | None
    optimize: str
    fuse: bool
    fast_code: bool
    runtime: str


class Part(TypedDict):
    """A share of a memory region."""

    label: str
    bytes: int
    estimated: bool
    predicted: int | None


class Region(TypedDict):
    """What one memory region holds."""

    region: str
    capacity_bytes: int
    needed_bytes: int
    parts: list[Part]


class Layer(TypedDict):
    """One step of the firmware; ``operators`` are the names of what it computes, ``variant`` None where no kernel runs.

    ``outputs`` are the tensors that exist when it is done. Cycles are estimates; ``stall_cycles`` are part of them.
    """

    index: int
    name: str
    operator: str
    operators: list[str]
    variant: str | None
    macs: int
    estimated_instructions: int
    planned_cycles: int
    instructions: int | None
    estimated_cycles: int | None
    stall_cycles: int | None
    estimated_ms: float | None
    scratch_bytes: int
    resident_bytes: int
    outputs: list[str]


class Port(TypedDict):
    """An input or output of the model; ``alias``: what the file's signature calls it, if that is something else."""

    name: str
    alias: str | None
    shape: list[int]
    dtype: str
    scale: float | None
    zero_point: int | None


class LayerFidelity(TypedDict):
    """What the reports show of a layer's quantization; None: no noise at all."""

    name: str
    tensor: str
    sqnr_db: float | None


class Fidelity(TypedDict):
    """What the reports show of the quantization; docs/quantization.md lists the rest."""

    calibration: str
    cosine_mean: float
    cosine_min: float
    layers: list[LayerFidelity]
    hints: list[str]


class Quantization(TypedDict):
    """How the int8 model was made: hash of everything that went in, hash of the model, what was lost."""

    key: str
    sha256: str
    fidelity: Fidelity


class Verified(TypedDict):
    """What the last verification compared: inputs by kind, tensors of each, and tensors of TFLM's that do not exist."""

    inputs: dict[str, int]
    tensors: int
    inner_tensors: int


class TflmOperator(TypedDict):
    """An operator as TFLM runs it; ``kernel`` is what is registered for its kind, "" for TFLM's own choice."""

    index: int
    name: str
    kind: str
    kernel: str


class Tflm(TypedDict):
    """The model in TFLM: bytes of the arena, of what they consist, the region it lies in; flash as estimated."""

    arena_bytes: int
    head_bytes: int
    tail_bytes: int
    allocating_bytes: int
    margin_bytes: int
    arena_region: str
    flash_bytes: int
    operators: list[TflmOperator]


class Manifest(TypedDict):
    """``seatool.json``. ``init_instructions`` and what follows are None until they are measured."""

    schema: int
    seatool: str
    compiled: str
    name: str
    board: str
    model: Model
    options: Options
    quantization: Quantization | None
    macs: int
    ram_bytes: int
    flash_bytes: int
    liveness_bound_bytes: int
    budget: list[Region]
    layers: list[Layer]
    inputs: list[Port]
    outputs: list[Port]
    frontend: bool
    notes: list[str]
    tflm: Tflm | None
    files: dict[str, str]
    edited: dict[str, str | None]
    init_instructions: int | None
    instructions: int | None
    stack_bytes: int | None
    region_bytes: dict[str, int] | None
    bit_exact: bool | None
    verified: Verified | None
    estimated_cycles: int | None
    stall_cycles: int | None
    estimated_ms: float | None
    clock_mhz: float | None
    cycles_model: str | None
    cycles_unavailable: str | None


_ESTIMATED = ("estimated_cycles", "stall_cycles", "estimated_ms")
_WORDS = {int: "an integer", float: "a number", str: "text", bool: "true or false"}


def check(value: Any, expected: Any = Manifest, where: str = "") -> Iterator[str]:
    """What is missing or mistyped in ``value``, one sentence each; keys that are not known do not matter.

    >>> list(check({"a": ["1"]}, dict[str, list[int]]))
    ['a[0]: expected an integer, found "1"']
    """
    kind = get_origin(expected) or expected
    if is_typeddict(kind) and isinstance(value, dict):
        yield from _check_keys(value, kind, where)
    elif kind is dict and isinstance(value, dict):
        for key, item in value.items():
            yield from check(item, get_args(expected)[1], _join(where, key))
    elif kind is list and isinstance(value, list):
        for index, item in enumerate(value):
            yield from check(item, get_args(expected)[0], f"{where}[{index}]")
    elif kind is UnionType:
        options = [option for option in get_args(expected) if option is not NoneType]
        yield from () if value is None else check(value, options[0], where)
    elif not _is_a(value, kind):
        yield f"{where or 'the file'}: expected {_word(kind)}, found {_shown(value)}"


def inconsistencies(manifest: Mapping[str, Any]) -> Iterator[str]:
    """What does not go together in a manifest whose types are right, one sentence each."""
    holders = [("the file", manifest), *((f"layers[{i}]", layer) for i, layer in enumerate(manifest["layers"]))]
    for where, holder in holders:
        if len({holder[key] is None for key in _ESTIMATED}) > 1:
            yield f"{where}: {', '.join(_ESTIMATED)} are null together or not at all"
    for index, region in enumerate(manifest["budget"]):
        if region["capacity_bytes"] < 1:
            yield f"budget[{index}].capacity_bytes: expected a positive number, found {region['capacity_bytes']}"


def _check_keys(value: Mapping[str, Any], expected: type, where: str) -> Iterator[str]:
    hints = _hints(expected)
    if missing := [key for key in hints if key not in value]:
        yield f"{where or 'the file'}: missing: {', '.join(missing)}"
    for key in (key for key in hints if key in value):
        yield from check(value[key], hints[key], _join(where, key))


@cache
def _hints(expected: type) -> dict[str, Any]:
    return get_type_hints(expected)


def _is_a(value: Any, kind: Any) -> bool:
    """Whether a plain JSON value is of a type; true and false are no numbers, an integer is a number."""
    if isinstance(value, bool) or kind not in _WORDS:
        return kind is bool and isinstance(value, bool)
    return isinstance(value, (int, float) if kind is float else kind) and not _is_huge(value)


def _is_huge(value: Any) -> bool:
    """JSON has integers that are too large to calculate with."""
    return isinstance(value, int) and abs(value) >= 1 << 63


def _word(kind: Any) -> str:
    return _WORDS.get(kind, "a list" if kind is list else "an object")


def _join(where: str, key: str) -> str:
    return f"{where}.{key}" if where else key


def _shown(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
