"""One C function per layer: the comment that says everything about it, and the call of its kernel."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import Enum
from typing import Any

from seatool.ir import Tensor
from seatool.kernels import Call, Operator, Ref
from seatool.plan.program import Buffer, Program, Step
from seatool.render import c
from seatool.render.names import Names, element_type

Row = tuple[str, str, str, str, str]
"""Role, name, region, offset and bytes of a buffer."""


def layer_context(program: Program, names: Names) -> list[dict[str, str]]:
    """For each layer that runs a kernel its number, name, comment and body, in order."""
    return [
        {
            "number": str(number),
            "name": step.name,
            "comment": c.comment(_comment(program, names, step, step.operator)),
            "body": _body(program, names, step, step.operator),
        }
        for number, step in enumerate(program.layers)
        if step.operator is not None
    ]


def _body(program: Program, names: Names, step: Step, operator: Operator) -> str:
    assert step.variant is not None
    call: Call = step.variant.call(operator)
    fields = {field: _value(program, names, step, operator, value) for field, value in call.fields.items()}
    return c.call(call.function, call.struct, fields)


def _value(program: Program, names: Names, step: Step, operator: Operator, value: Any) -> str:
    """A field's value in C; references become pointers."""
    if isinstance(value, (tuple, list)):
        # Empty braces would need C23; the kernel does not read what is not there.
        return "{" + ", ".join(_value(program, names, step, operator, item) for item in value or (0,)) + "}"
    if not isinstance(value, Ref):
        return c.literal(value)
    if value.what == "constant":
        return names.constants[step.name, str(value.key)]
    if value.what == "scratch":
        return names.place(step.scratch, "void") if step.scratch else "NULL"
    tensor = operator.input(int(value.key)) if value.what == "input" else operator.outputs[int(value.key)]
    return names.place(program.buffers[tensor.name], element_type(tensor))


def _comment(program: Program, names: Names, step: Step, operator: Operator) -> Iterator[str]:
    assert step.variant is not None
    inputs = [tensor for tensor in operator.inputs if tensor is not None and tensor.name in program.buffers]
    before = ", ".join(c.shape(tensor.shape) for tensor in inputs)
    after = ", ".join(c.shape(tensor.shape) for tensor in operator.outputs)
    macs = f", {macs_text(operator.macs())}" if operator.macs() else ""
    yield f"{step.name}: {operator.kind}, {before} -> {after}{macs}"
    if attributes := _attributes(operator):
        yield from c.wrapped("options", attributes)
    yield from c.wrapped("variant", f"{step.variant.name}, about {step.cost.instructions:,} instructions")
    yield from table(_rows(program, names, step, inputs, operator.outputs))


def macs_text(count: int) -> str:
    """Multiply-accumulates in a unit that people read.

    >>> macs_text(14_745_600), macs_text(16_384), macs_text(640)
    ('14.7 MMAC', '16.4 kMAC', '640 MAC')
    """
    if count >= 1_000_000:
        return f"{count / 1e6:.1f} MMAC"
    return f"{count / 1e3:.1f} kMAC" if count >= 10_000 else f"{count:,} MAC"


def _attributes(operator: Operator) -> str:
    """The options that are short enough to read: numbers, names, and flags that are set."""
    texts = []
    for name, value in vars(operator.attributes).items():
        if isinstance(value, Enum):
            texts.append(f"{name} {value.name}")
        elif isinstance(value, bool):
            texts += [name] if value else []
        elif isinstance(value, (int, float, str)):
            texts.append(f"{name} {value}")
    return ", ".join(texts)


def _rows(
    program: Program, names: Names, step: Step, inputs: list[Tensor], outputs: tuple[Tensor, ...]
) -> Iterator[Row]:
    for tensor in inputs:
        yield row("input", names.labels[tensor.name], program.buffers[tensor.name])
    for tensor in outputs:
        yield row("output", names.labels[tensor.name], program.buffers[tensor.name])
    if step.scratch is not None:
        yield row("scratch", "", step.scratch)


def row(role: str, name: str, buffer: Buffer) -> Row:
    """A line of the table of buffers."""
    return role, name, buffer.region, f"+{buffer.offset:,}", f"{buffer.size:,} B"


def table(rows: Iterable[Row]) -> Iterator[str]:
    """Buffers one below the other.

    >>> rows = [("input", "x", "axi", "+0", "25,600 B"), ("scratch", "", "dtcm", "+16", "64 B")]
    >>> print("\\n".join(table(rows)))
    input     x  axi   +0   25,600 B
    scratch      dtcm  +16      64 B
    """
    lines = list(rows)
    names, regions, offsets, sizes = (max(len(line[i]) for line in lines) for i in range(1, 5))
    for role, name, region, offset, size in lines:
        gap = "  " if names else ""
        yield f"{role:<10}{name:<{names}}{gap}{region:<{regions}}  {offset:<{offsets}}  {size:>{sizes}}"
