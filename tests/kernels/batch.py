"""Many kernel calls in one C program, each with literal arguments as in a generated model: on this machine, under the
sanitizers or not, and with the DSP instructions in QEMU.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import host
import numpy as np
import rig
from seatool import boards
from seatool.cycles import disassembly, trace
from seatool.cycles.estimate import Timing
from seatool.cycles.trace import Marks
from seatool.ir import Array, Graph
from seatool.kernels import Call, Operator, Ref, Variant

FOLDER = Path(__file__).parent / "batch"
_SOURCES = ("main.c", "cases.c", "data.c")
M7 = ("-mcpu=cortex-m7", "-mthumb", "-mfpu=fpv5-d16", "-mfloat-abi=hard")
# Without optimisation, which hides little, takes long, and is for the other compilers to try.
SANITIZED = ("gcc", "-O0", "-g1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
QEMU = (
    *("qemu-system-arm", "-M", "mps2-an500", "-nographic", "-monitor", "none", "-serial", "none"),
    *("-icount", "shift=6,sleep=off", "-semihosting-config", "enable=on,target=native", "-kernel", "cases.elf"),
)


@dataclass(frozen=True)
class Case:
    """One operator, its inputs, and one of the kernels that may compute it."""

    graph: Graph
    inputs: tuple[Array, ...]
    variant: Variant

    @property
    def operator(self) -> Operator:
        return rig.operator_of(self.graph)


def cases_of(graph: Graph, inputs: Sequence[Array]) -> list[Case]:
    """One case per admissible kernel."""
    operator = rig.operator_of(graph)
    return [Case(graph, tuple(inputs), v) for v in operator.variants if v.admits(operator).ok]


def cover(cases: Sequence[Case]) -> list[Case]:
    """Few of ``cases`` that have between them every kernel, and of every argument the small values and a large one."""
    having = [(case, _features(case)) for case in cases]
    missing = set().union(*(features for _, features in having))
    chosen = []
    while missing:
        case, features = max(having, key=lambda candidate: len(candidate[1] & missing))
        chosen.append(case)
        missing -= features
    return chosen


def _features(case: Case) -> set[tuple[object, ...]]:
    call = case.variant.call(case.operator)
    kernel = (case.operator.kind, case.variant.name, call.function)
    return {(*kernel, name, _class(value)) for name, value in call.fields.items()}


def _class(value: Any) -> object:
    """``value`` itself if it is a small number, otherwise what kind of value it is."""
    if isinstance(value, int):
        return value if -1 <= value <= 3 else "negative" if value < 0 else "large"
    return value.what if isinstance(value, Ref) else type(value)


def run_on_host(cases: Sequence[Case], folder: Path, compiler: Sequence[str] = SANITIZED) -> None:
    """Compare every case; AssertionError with the program's output where something differs or a sanitizer objects."""
    _write(cases, folder)
    _compile([*compiler, *_warnings(), *_SOURCES, "-lm", "-o", "cases"], folder)
    _verdict(["./cases"], folder)


def run_in_qemu(cases: Sequence[Case], folder: Path, *more: str) -> list[int]:
    """Compare every case on the emulated Cortex-M7; the instructions of each call, in order.

    ``more``: what else the compiler is told, such as a library of kernels.
    """
    _build_for_qemu(cases, folder, *more)
    lines = _verdict(QEMU, folder)
    return [int(line.split()[-1]) for line in lines if line.startswith("OK ")]


def paces_in_qemu(cases: Sequence[Case], folder: Path) -> list[float]:
    """Estimated cycles per instruction of each call, in order, if no memory were ever waited for."""
    _build_for_qemu(cases, folder)
    elf, board = folder / "cases.elf", boards.load("mps2-an500")
    with trace.tracing(elf, board, Marks("case_begin", "case_end", "all_begin", "all_end")) as traced:
        _verdict([*QEMU, *traced.options], folder)
        found = traced.read()
    timing = Timing(disassembly.read(elf), found)
    calls = [segment for segment in found.segments if segment.mark == trace.BEGIN]
    return [timing.cycles(call, board).total / timing.instructions(call) for call in calls]


def _build_for_qemu(cases: Sequence[Case], folder: Path, *more: str) -> None:
    _write(cases, folder)
    flags = ["-O2", *M7, "--specs=rdimon.specs", "-nostartfiles", "-Wl,-Tmps2.ld", *_warnings()]
    _compile(["arm-none-eabi-gcc", *flags, *_SOURCES, "startup.c", *more, "-lm", "-o", "cases.elf"], folder)


def _warnings() -> list[str]:
    return [flag for flag in host.WARNINGS if not flag.startswith("-O")] + [f"-I{host.NN}"]


def _write(cases: Sequence[Case], folder: Path) -> None:
    for source in FOLDER.iterdir():
        (folder / source.name).write_bytes(source.read_bytes())
    headers = sorted({case.variant.header for case in cases})
    arrays = [array for number, case in enumerate(cases) for array in _arrays(number, case)]
    # Without the attribute clang takes arrays from 16 bytes on as aligned to 16.
    declarations = [
        f"extern const {ctype} {name}[{data.size}] __attribute__((aligned({align})));"
        for ctype, name, data, align in arrays
    ]
    table = ",\n".join(_entry(number, case) for number, case in enumerate(cases))
    (folder / "data.h").write_text("\n".join(["#include <stdint.h>", *declarations, ""]))
    (folder / "data.c").write_text("\n".join(['#include "data.h"', *(_definition(*array) for array in arrays), ""]))
    (folder / "cases.c").write_text(
        "\n".join(
            [
                *(f'#include "{header}"' for header in ("cases.h", "data.h", *headers)),
                *(_layer(number, case) for number, case in enumerate(cases)),
                f"const test_case test_cases[] = {{\n{table}\n}};",
                f"const int test_case_count = {len(cases)};\n",
            ]
        )
    )


_Array = tuple[str, str, Array, int]
"""C type, name, values, alignment."""


def _arrays(number: int, case: Case) -> Iterator[_Array]:
    """The case's inputs, constants and expected outputs."""
    operator = case.operator
    given = rig.given_values(case.graph, case.inputs)
    for i, tensor in enumerate(operator.inputs):
        if tensor is not None and not tensor.is_constant:
            yield _c_type(given[tensor.name]), f"case{number}_input{i}", given[tensor.name], host.TENSOR_ALIGN
    for constant in case.variant.constants(operator):
        yield _c_type(constant.data), f"case{number}_constant_{constant.name}", constant.data, constant.align
    for i, expected in enumerate(rig.reference(case.graph, case.inputs)):
        yield "uint8_t", f"case{number}_expected{i}", np.frombuffer(expected.tobytes(), np.uint8), 1


def _layer(number: int, case: Case) -> str:
    """The layer's function, with literal arguments."""
    operator = case.operator
    names: dict[tuple[str, int | str], str] = {("scratch", 0): "scratch"}
    names |= {("input", i): f"inputs[{i}]" for i, _ in enumerate(operator.inputs)}
    names |= {("output", i): f"outputs[{i}]" for i, _ in enumerate(operator.outputs)}
    names |= {("constant", c.name): f"case{number}_constant_{c.name}" for c in case.variant.constants(operator)}
    names |= {("resident", 0): f"case{number}_resident"}
    layer = (
        f"static void case{number}_layer(const void *const inputs[], void *const outputs[], void *scratch)\n"
        f"{{\n    (void)inputs, (void)scratch;\n    {_call(case.variant.call(operator), names)}\n}}"
    )
    if (resident := case.variant.resident(operator)) is None:
        return layer
    memory = f"static uint32_t case{number}_resident[{-(-resident.bytes // 4)}];"
    fill = f"static void case{number}_fill(void)\n{{\n    {_call(resident.fill, names)}\n}}"
    return f"{memory}\n{fill}\n{layer}"


def _call(call: Call, names: Mapping[tuple[str, int | str], str]) -> str:
    fields = ", ".join(f".{name} = {_literal(value, names)}" for name, value in call.fields.items())
    return f"{call.function}(&({call.struct}){{{fields}}});"


def _entry(number: int, case: Case) -> str:
    operator = case.operator
    inputs = ", ".join(
        "0" if t is None or t.is_constant else f"case{number}_input{i}" for i, t in enumerate(operator.inputs)
    )
    before = {output: f"case{number}_input{index}" for output, index in operator.updated.items()}
    outputs = ", ".join(
        f"{{case{number}_expected{i}, {before.get(i, 'NULL')}, {t.bytes}}}" for i, t in enumerate(operator.outputs)
    )
    label = f"{number} {operator.kind} {case.variant.name}"
    scratch = case.variant.cost(operator).scratch
    functions = f"{f'case{number}_fill' if case.variant.resident(operator) else 'NULL'}, case{number}_layer"
    return f'    {{"{label}", {functions}, {{{inputs}}}, {len(operator.outputs)}, {{{outputs}}}, {scratch}}}'


def _c_type(data: Array) -> str:
    return {"float32": "float", "bool": "uint8_t"}.get(data.dtype.name, f"{data.dtype.name}_t")


def _definition(ctype: str, name: str, data: Array, align: int) -> str:
    values = ",".join(_literal(value, {}) for value in data.reshape(-1).tolist())
    return f"const {ctype} {name}[] __attribute__((aligned({align}))) = {{{values}}};"


def _literal(value: Any, names: Mapping[tuple[str, int | str], str]) -> str:
    if isinstance(value, Ref):
        return names[value.what, value.key]
    if isinstance(value, tuple):
        return "{" + ", ".join(_literal(v, names) for v in value) + "}"
    if isinstance(value, float):
        return f"{np.float32(value).item().hex()}f"
    return f"({value + 1} - 1)" if value == -(2**31) else str(int(value))


def _compile(command: Sequence[str], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[:4000]


def _verdict(command: Sequence[str], folder: Path) -> list[str]:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    lines = done.stdout.splitlines()
    passed = done.returncode == 0 and lines and lines[-1].startswith("PASSED")
    assert passed, "\n".join([line for line in lines if not line.startswith("OK ")] + [done.stderr[:4000]])
    return lines
