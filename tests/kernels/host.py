"""Runs the C kernels of ``firmware/nn`` on this machine: compiled once per header, called through cffi.

Every buffer is exactly as large as the tensor and lies between forbidden pages (:mod:`guarded`): once right before one,
once right behind one. What a kernel reads or writes outside, and undefined behaviour (UBSan), is a KernelFaultError
that names the kernel, the buffer and the line.
"""

from __future__ import annotations

import re
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import cffi
import guarded
import numpy as np
from seatool import resources
from seatool.ir import Array
from seatool.kernels import Call, Operator, Ref, Variant

HERE = Path(__file__).parent
NN = resources.firmware() / "nn"
WARNINGS = ("-std=c11", "-O2", "-Wall", "-Wextra", "-Wconversion", "-Werror", "-fno-common")
TENSOR_ALIGN = 4
"""What kernels may assume of activations and scratch; the planner gives at least this."""

_SANITIZE = ("-g1", "-fsanitize=undefined", "-fno-sanitize-recover", "-fsanitize-undefined-trap-on-error")
_INCLUDE = re.compile(r'^#include "(\w+\.h)"', re.M)
_NUMBER = re.compile(r"^#define (\w+) (\d+)$", re.M)
_STRUCT = re.compile(r"typedef struct[^{;]*\{[^}]*\}\s*\w+;")
_KERNEL = re.compile(r"^NN_INLINE void (\w+)\(const (\w+) \*\w+\)", re.M)


class KernelFaultError(AssertionError):
    """A kernel read or wrote where it must not, or does what C does not define."""


class Library(NamedTuple):
    """The kernels of a header as a shared object at ``path``."""

    ffi: Any
    kernels: Any
    path: Path


def headers_of(header: str) -> Iterator[str]:
    """``header`` and everything it includes from ``firmware/nn``, dependencies first."""
    for included in _INCLUDE.findall((NN / header).read_text()):
        yield from headers_of(included)
    yield header


def entries(header: str) -> list[str]:
    """C definitions of ``<kernel>_entry``, which takes a void pointer, for each kernel of ``header``."""
    names = [name for name, _ in _KERNEL.findall((NN / header).read_text())]
    return [f"void {n}_entry(const void *a);\nvoid {n}_entry(const void *a) {{ {n}(a); }}" for n in names]


@cache
def library(header: str) -> Library:
    """``<kernel>_entry`` for each kernel of ``header``, to be called through :func:`call`."""
    kernels = _KERNEL.findall((NN / header).read_text())
    source = [f'#include "{header}"', *entries(header)]
    ffi = cffi.FFI()
    declarations = "".join((NN / part).read_text() for part in dict.fromkeys(headers_of(header)))
    declarations = re.sub(r"/\*.*?\*/", "", declarations, flags=re.S)
    for macro, value in _NUMBER.findall(declarations):
        declarations = re.sub(rf"\b{macro}\b", value, declarations)
    ffi.cdef("typedef int16_t nn_half;")
    for struct in _STRUCT.findall(declarations):
        ffi.cdef(struct)
    ffi.cdef(
        "typedef struct { int signal; uintptr_t address, program_counter; } guard_fault;"
        "guard_fault guard_call(void (*kernel)(const void *arguments), const void *arguments);"
    )
    for name, _ in kernels:
        ffi.cdef(f"void {name}_entry(const void *a);")
    folder = Path(tempfile.mkdtemp(prefix="seatool-kernels-"))
    (folder / "entry.c").write_text("\n".join(source))
    command = ["gcc", *WARNINGS, "-fPIC", "-shared", *_SANITIZE, f"-I{NN}", f"-I{HERE}", str(HERE / "guard.c")]
    subprocess.run([*command, "entry.c", "-o", "kernels.so"], cwd=folder, check=True)
    return Library(ffi, ffi.dlopen(str(folder / "kernels.so")), folder / "kernels.so")


def call(
    header: str, function: str, struct: str, fields: Mapping[str, Any], buffers: Mapping[str, guarded.Buffer]
) -> None:
    """Call ``function`` of ``header``.

    Args:
        fields: Values of ``struct`` by name; buffers stand for their addresses.
        buffers: Everything that the kernel may touch, by what messages call it.

    Raises:
        KernelFaultError: The kernel touched something else, or its behaviour is undefined.
    """
    shared = library(header)
    ffi, kernels = shared.ffi, shared.kernels

    def c_value(value: Any) -> Any:
        if isinstance(value, tuple):
            return [c_value(v) for v in value]
        return ffi.cast("void *", value.address) if isinstance(value, guarded.Buffer) else value

    arguments = ffi.new(f"{struct} *", {name: c_value(value) for name, value in fields.items()})
    entry = ffi.addressof(kernels, f"{function}_entry")
    fault = kernels.guard_call(entry, ffi.cast("const void *", arguments))
    if fault.signal:
        what = _what(fault, buffers)
        raise KernelFaultError(f"{function}: {what}, at {_line(shared, fault.program_counter)}")
    for name, buffer in buffers.items():
        if not buffer.is_intact:
            raise KernelFaultError(f"{function}: wrote outside {name}")


def _what(fault: Any, buffers: Mapping[str, guarded.Buffer]) -> str:
    if fault.signal not in (signal.SIGSEGV, signal.SIGBUS):
        return "undefined behaviour"
    for name, buffer in buffers.items():
        place = buffer.where(fault.address)
        if place is not None:
            return f"access {place} of {name}"
    return f"access to 0x{fault.address:x}"


def _line(shared: Library, program_counter: int) -> str:
    """File and line of an address in the shared object."""
    base = int(shared.ffi.cast("uintptr_t", shared.ffi.addressof(shared.kernels, "guard_call")))
    symbols = subprocess.run(["nm", str(shared.path)], capture_output=True, text=True, check=True).stdout
    offset = int(re.search(r"^([0-9a-f]+) T guard_call$", symbols, re.M)[1], 16)  # type: ignore[index]
    command = ["addr2line", "-e", str(shared.path), hex(program_counter - base + offset)]
    place = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    return Path(place).name


def run(operator: Operator, variant: Variant, inputs: Sequence[Array], inplace: int | None = None) -> tuple[Array, ...]:
    """The outputs of one kernel. Constants reach a kernel through :meth:`Variant.constants` only.

    The kernel runs twice, with every buffer before a forbidden page and behind one.

    Args:
        inputs: One array per tensor of the operator that is not constant, in the operator's order.
        inplace: Index of the input whose memory is also output 0, or None.
    """
    first, second = (_run(operator, variant, inputs, inplace, at_end) for at_end in (True, False))
    if any(a.tobytes() != b.tobytes() for a, b in zip(first, second, strict=True)):
        raise KernelFaultError(f"{variant.name}: the result depends on memory that was never written")
    return first


def _run(
    operator: Operator, variant: Variant, inputs: Sequence[Array], inplace: int | None, at_end: bool
) -> tuple[Array, ...]:
    variable = [i for i, t in enumerate(operator.inputs) if t is not None and not t.is_constant]
    tensors = {i: guarded.filled(v, v.itemsize, at_end) for i, v in zip(variable, inputs, strict=True)}
    outputs = [guarded.Buffer(t.bytes, t.dtype.numpy.itemsize, at_end) for t in operator.outputs]
    if inplace is not None:
        outputs[0] = tensors[inplace]
    for output, index in operator.updated.items():
        outputs[output] = tensors[index]
    scratch = guarded.Buffer(variant.cost(operator).scratch, TENSOR_ALIGN, at_end)
    buffers = {"input": tensors, "output": dict(enumerate(outputs)), "scratch": {0: scratch}}
    changed = {inplace, *operator.updated.values()}
    before = {i: b.bytes.copy() for i, b in tensors.items() if i not in changed}
    memory = kept(operator, variant, at_end)
    filled = {key: b.bytes.copy() for key, b in memory.get("resident", {}).items()}
    place_and_call(variant.header, variant.call(operator), buffers | memory)
    for i, old in before.items():
        if not np.array_equal(old, tensors[i].bytes):
            raise KernelFaultError(f"{variant.name}: changed input {i}")
    for key, old in filled.items():
        if not np.array_equal(old, memory["resident"][key].bytes):
            raise KernelFaultError(f"{variant.name}: changed its resident memory")
    empty = [np.empty(t.shape, t.dtype.numpy) for t in operator.outputs]
    return tuple(buffer.array(like).copy() for buffer, like in zip(outputs, empty, strict=True))


def resident(operator: Operator, variant: Variant) -> guarded.Buffer:
    """The kernel's resident memory, filled."""
    return kept(operator, variant, at_end=True)["resident"][0]


Buffers = Mapping[str, Mapping[Any, guarded.Buffer]]
"""By kind and key of the Ref that stands for them."""


def kept(operator: Operator, variant: Variant, at_end: bool) -> dict[str, dict[Any, guarded.Buffer]]:
    """What is there between inferences: constants, and resident memory filled from them."""
    constants = {c.name: guarded.filled(c.data, c.data.itemsize, at_end) for c in variant.constants(operator)}
    memory: dict[str, dict[Any, guarded.Buffer]] = {"constant": constants}
    if (resident := variant.resident(operator)) is not None:
        memory["resident"] = {0: guarded.Buffer(resident.bytes, TENSOR_ALIGN, at_end)}
        place_and_call(variant.header, resident.fill, memory)
    return memory


def place_and_call(header: str, kernel: Call, buffers: Buffers) -> None:
    """Call ``kernel`` with the buffers that its pointers stand for."""

    def place(value: Any) -> Any:
        if isinstance(value, tuple):
            return tuple(place(v) for v in value)
        return buffers[value.what][value.key] if isinstance(value, Ref) else value

    named = {f"{kind} {key}": buffer for kind, group in buffers.items() for key, buffer in group.items()}
    fields = {name: place(value) for name, value in kernel.fields.items()}
    call(header, kernel.function, kernel.struct, fields, named)
