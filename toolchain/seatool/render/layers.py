"""One C function per layer: the comment that says everything about it, and the call of its kernel."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import Enum

from seatool.ir import Tensor
from seatool.kernels import Operator
from seatool.plan.program import Buffer, Program, Step
from seatool.render import c
from seatool.render.names import Names, element_type
from seatool.render.stages import attributes, call, chain_body, rings, shared_scratch, stage_functions

Row = tuple[str, str, str, str, str]
"""Role, name, region, offset and bytes of a buffer."""


def layer_context(program: Program, names: Names) -> list[dict[str, str]]:
    """For each layer that runs a kernel its number, name, comment, body and the functions that it needs, in order."""
    return [
        {
            "number": str(number),
            "name": step.name,
            "comment": c.comment(_comment(program, names, step)),
            "attributes": attributes(step),
            "helpers": "".join(f"{helper}\n\n" for helper in stage_functions(program, names, step)),
            "body": chain_body(step) if step.strip else _body(program, names, step),
        }
        for number, step in enumerate(program.layers)
        if step.stages
    ]


def _body(program: Program, names: Names, step: Step) -> str:
    (stage,) = step.stages
    scratch = names.place(step.scratch, "void") if step.scratch else "NULL"
    return call(names, stage, scratch, lambda tensor: names.place(program.buffers[tensor.name], element_type(tensor)))


def _comment(program: Program, names: Names, step: Step) -> Iterator[str]:
    inputs = [tensor for tensor in step.inputs if tensor.name in program.buffers]
    before = ", ".join(c.shape(tensor.shape) for tensor in inputs)
    after = ", ".join(c.shape(tensor.shape) for tensor in step.outputs)
    macs = f", {macs_text(step.macs)}" if step.macs else ""
    kinds = " + ".join(operator.kind for operator in step.operators)
    yield from c.paragraph(f"{step.name}: {kinds}, {before} -> {after}{macs}")
    for operator in step.operators:
        if attributes := _attributes(operator):
            whose = f"{operator.op.name}: " if len(step.operators) > 1 else ""
            yield from c.wrapped("options", whose + attributes)
    yield from c.wrapped(
        "variant", f"{step.kernel}, about {step.cost.instructions:,} instructions, {step.cycles:,} cycles"
    )
    yield from table(_rows(program, names, step, inputs))


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


def _rows(program: Program, names: Names, step: Step, inputs: list[Tensor]) -> Iterator[Row]:
    for tensor in inputs:
        yield row("input", names.labels[tensor.name], program.buffers[tensor.name])
    for tensor in step.outputs:
        yield row("output", names.labels[tensor.name], program.buffers[tensor.name])
    for stage in (stage for stage in step.stages if stage.resident):
        yield row("resident", stage.name if len(step.stages) > 1 else "", program.residents[stage.name])
    for stage, ring in zip(step.stages, rings(step), strict=False):
        yield row("ring", names.labels[stage.output.name], ring)
    if step.scratch is not None:
        yield row("scratch", "", shared_scratch(step))


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
