"""Runs the C kernels of ``firmware/nn`` on this machine: compiled once per header, called through cffi.

Every buffer is exactly as large as the tensor, lies between canaries, and is aligned to what kernels may rely on and no
more. Undefined behaviour (UBSan) ends the process with a message.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import cffi
import numpy as np
from seatool import resources
from seatool.ir import Array
from seatool.kernels import Operator, Ref, Variant

NN = resources.firmware() / "nn"
WARNINGS = ("-std=c11", "-O2", "-Wall", "-Wextra", "-Wconversion", "-Werror", "-fno-common")
TENSOR_ALIGN = 4
"""What kernels may assume of activations and scratch; the planner gives at least this."""

_CANARY = 0xA5
_MARGIN = 64
_INCLUDE = re.compile(r'^#include "(\w+\.h)"', re.M)
_NUMBER = re.compile(r"^#define (\w+) (\d+)$", re.M)
_STRUCT = re.compile(r"typedef struct[^{;]*\{[^}]*\}\s*\w+;")
_KERNEL = re.compile(r"^NN_INLINE void (\w+)\(const (\w+) \*\w+\)", re.M)


class KernelFaultError(AssertionError):
    """A kernel wrote where it must not."""


def headers_of(header: str) -> Iterator[str]:
    """``header`` and everything it includes from ``firmware/nn``, dependencies first."""
    for included in _INCLUDE.findall((NN / header).read_text()):
        yield from headers_of(included)
    yield header


@cache
def library(header: str) -> tuple[Any, Any]:
    """(ffi, library) with ``<kernel>_entry`` for each kernel of ``header``."""
    text = (NN / header).read_text()
    kernels = _KERNEL.findall(text)
    source = [
        f'#include "{header}"',
        "const char *__ubsan_default_options(void);",
        'const char *__ubsan_default_options(void) { return "abort_on_error=1:print_stacktrace=1"; }',
    ]
    for name, struct in kernels:
        source.append(f"void {name}_entry(const {struct} *a);\nvoid {name}_entry(const {struct} *a) {{ {name}(a); }}")
    ffi = cffi.FFI()
    declarations = "".join((NN / part).read_text() for part in dict.fromkeys(headers_of(header)))
    declarations = re.sub(r"/\*.*?\*/", "", declarations, flags=re.S)
    for macro, value in _NUMBER.findall(declarations):
        declarations = re.sub(rf"\b{macro}\b", value, declarations)
    for struct in _STRUCT.findall(declarations):
        ffi.cdef(struct)
    for name, struct in kernels:
        ffi.cdef(f"void {name}_entry(const {struct} *a);")
    folder = Path(tempfile.mkdtemp(prefix="seatool-kernels-"))
    (folder / "entry.c").write_text("\n".join(source))
    command = ["gcc", *WARNINGS, "-fPIC", "-shared", "-fsanitize=undefined", "-fno-sanitize-recover", f"-I{NN}"]
    subprocess.run([*command, "entry.c", "-o", "kernels.so"], cwd=folder, check=True)
    return ffi, ffi.dlopen(str(folder / "kernels.so"))


class _Buffer:
    """``size`` bytes between canaries at an address that is a multiple of ``align`` but not of ``2 * align``."""

    def __init__(self, size: int, align: int) -> None:
        self.size = size
        self._memory = np.full(size + 2 * _MARGIN + 4 * align, _CANARY, np.uint8)
        base = self._memory.ctypes.data + _MARGIN
        self._start = _MARGIN + (align - base) % (2 * align)
        self.address = self._memory.ctypes.data + self._start
        self.bytes = self._memory[self._start : self._start + size]

    def check(self, what: str) -> None:
        around = np.concatenate([self._memory[: self._start], self._memory[self._start + self.size :]])
        if (around != _CANARY).any():
            raise KernelFaultError(f"the kernel wrote outside {what}")


def _filled(data: Array, align: int) -> _Buffer:
    buffer = _Buffer(data.nbytes, align)
    buffer.bytes[:] = np.ascontiguousarray(data).reshape(-1).view(np.uint8)
    return buffer


def run(operator: Operator, variant: Variant, inputs: Sequence[Array], inplace: int | None = None) -> tuple[Array, ...]:
    """The outputs of one kernel call. Constants reach a kernel through :meth:`Variant.constants` only.

    Args:
        inputs: One array per tensor of the operator that is not constant, in the operator's order.
        inplace: Index of the input whose memory is also output 0, or None.
    """
    ffi, kernels = library(variant.header)
    variable = [i for i, t in enumerate(operator.inputs) if t is not None and not t.is_constant]
    tensors = {i: _filled(value, TENSOR_ALIGN) for i, value in zip(variable, inputs, strict=True)}
    outputs = [_Buffer(t.bytes, TENSOR_ALIGN) for t in operator.outputs]
    if inplace is not None:
        outputs[0] = tensors[inplace]
    scratch = _Buffer(variant.cost(operator).scratch, TENSOR_ALIGN)
    constants = {c.name: _filled(c.data, c.align) for c in variant.constants(operator)}
    buffers = {"input": tensors, "output": dict(enumerate(outputs)), "scratch": {0: scratch}, "constant": constants}
    call = variant.call(operator)

    def c_value(value: Any) -> Any:
        if isinstance(value, tuple):
            return [c_value(v) for v in value]
        return ffi.cast("void *", buffers[value.what][value.key].address) if isinstance(value, Ref) else value

    fields = {name: c_value(value) for name, value in call.fields.items()}
    declared = {name for name, _ in ffi.typeof(call.struct).fields}
    assert fields.keys() <= declared, f"{call.struct} has no field {sorted(fields.keys() - declared)}"
    before = {i: b.bytes.copy() for i, b in tensors.items() if i != inplace}
    getattr(kernels, f"{call.function}_entry")(ffi.new(f"{call.struct} *", fields))
    for kind, group in buffers.items():
        for key, buffer in group.items():
            buffer.check(f"{kind} {key}")
    for i, old in before.items():
        if not np.array_equal(old, tensors[i].bytes):
            raise KernelFaultError(f"the kernel changed input {i}")
    return tuple(
        b.bytes[: t.bytes].view(t.dtype.numpy).reshape(t.shape).copy()
        for b, t in zip(outputs, operator.outputs, strict=True)
    )
