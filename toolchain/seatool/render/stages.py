"""The calls of kernels, and the functions of a step whose stages compute each other's rows band by band."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from seatool.ir import Tensor
from seatool.kernels import Call, Ref
from seatool.plan.program import Buffer, Program, Stage, Step
from seatool.plan.states import INITIAL, is_uniform
from seatool.render import c
from seatool.render.names import Names, element_type

BANDS_HEADER = "nn_bands.h"
"""The file in ``firmware/nn`` that the functions need."""


def call(names: Names, stage: Stage, scratch: str, place: Callable[[Tensor], str], **others: str) -> str:
    """The call of a stage's kernel. ``place`` gives the pointer to a tensor; ``others`` are fields with their C."""

    def pointer(ref: Ref) -> str:
        if ref.what == "scratch":
            return scratch
        if ref.what in ("input", "output"):
            tensors = stage.operator.inputs if ref.what == "input" else stage.operator.outputs
            tensor = tensors[int(ref.key)]
            assert tensor is not None
            return place(tensor)
        return _kept(names, stage, ref)

    return _call(stage.variant.call(stage.operator), pointer, **others)


def fill(names: Names, stage: Stage) -> str:
    """The call that fills a stage's resident memory."""
    assert stage.resident is not None
    return _call(stage.resident.fill, lambda ref: _kept(names, stage, ref))


def reset(names: Names, label: str) -> str:
    """The C that gives a state its first value."""
    state = names.states[label]
    place = names.place(names.program.buffers[state.value], "void")
    if is_uniform(state):
        value = np.frombuffer(state.initial.tobytes()[:1], np.int8).item()
        return f"{c.INDENT}memset({place}, {c.literal(value)}, {state.initial.nbytes});"
    return f"{c.INDENT}memcpy({place}, {names.constants[label, INITIAL]}, {state.initial.nbytes});"


def _kept(names: Names, stage: Stage, ref: Ref) -> str:
    """The pointer to what is there between inferences: a constant or resident memory."""
    if ref.what == "constant":
        return names.constants[stage.name, str(ref.key)]
    return names.place(names.program.residents[stage.name], "void")


def _call(kernel: Call, pointer: Callable[[Ref], str], **others: str) -> str:
    fields = {name: _value(value, pointer) for name, value in kernel.fields.items()} | others
    return c.call(kernel.function, kernel.struct, fields)


def _value(value: Any, pointer: Callable[[Ref], str]) -> str:
    """A field's value in C; references become pointers."""
    if isinstance(value, (tuple, list)):
        # Empty braces would need C23; the kernel does not read what is not there.
        return "{" + ", ".join(_value(item, pointer) for item in value or (0,)) + "}"
    return pointer(value) if isinstance(value, Ref) else c.literal(value)


def rings(step: Step) -> list[Buffer]:
    """The rings behind the stages of ``step``, but for the last stage."""
    if step.strip is None:
        return []
    return [_part(step, begin, end) for begin, end in zip(step.strip.offsets, step.strip.offsets[1:], strict=False)]


def shared_scratch(step: Step) -> Buffer:
    """What the kernels of ``step`` use as scratch, one after the other."""
    assert step.scratch is not None
    return step.scratch if step.strip is None else _part(step, step.strip.offsets[-1], step.scratch.size)


def _part(step: Step, begin: int, end: int) -> Buffer:
    assert step.scratch is not None
    return replace(step.scratch, offset=step.scratch.offset + begin, size=end - begin)


def chain_body(step: Step) -> str:
    """Ask the last stage of a chain for all of its rows."""
    assert step.strip is not None
    last = len(step.stages) - 1
    return (
        f"{c.INDENT}int32_t done[{last + 1}] = {{0}};\n"
        f"{c.INDENT}rows_{step.stages[last].name}(s, done, {step.strip.bands[last].height});"
    )


def stage_functions(program: Program, names: Names, step: Step) -> Iterator[str]:
    """For each stage of a chain the function that computes its rows up to a given one; none for other steps."""
    if step.strip is None:
        return
    held = dict(zip((stage.output.name for stage in step.stages), rings(step), strict=False))
    rows = dict(zip(held, step.strip.rings, strict=True))

    def place(tensor: Tensor) -> str:
        return names.place(held.get(tensor.name) or program.buffers[tensor.name], element_type(tensor))

    for number, stage in enumerate(step.stages):
        others = {"first_row": "first", "rows": "rows"}
        if number:
            others["input_ring"] = c.literal(rows[stage.operator.input(0).name])
        if stage.output.name in rows:
            others["output_ring"] = c.literal(rows[stage.output.name])
        body = call(names, stage, names.place(shared_scratch(step), "void"), place, **others)
        yield _stage_function(names.model, step, number, body)


def attributes(step: Step) -> str:
    """What the functions of a layer are declared with."""
    return "NN_FAST_CODE LAYER_FUNCTION " if step.fast_code else "LAYER_FUNCTION "


def _stage_function(model: str, step: Step, number: int, body: str) -> str:
    assert step.strip is not None
    band, stage = step.strip.bands[number], step.stages[number]
    pull = [f"        {_pull(step, number)}"] if number else []
    return "\n".join(
        [
            c.comment(
                [f"{stage.name}: rows before `end`, {band.rows} at a time; done[{number}] says how many there are."]
            ),
            f"{attributes(step)}void rows_{stage.name}(const {model}_state *s, int32_t *done, int32_t end)",
            "{",
            f"    while (done[{number}] < end) {{",
            f"        const int32_t first = done[{number}], rows = nn_smaller({band.rows}, end - first);",
            *pull,
            *("    " + line if line else line for line in body.split("\n")),
            f"        done[{number}] += rows;",
            "    }",
            "}",
        ]
    )


def _pull(step: Step, number: int) -> str:
    """Ask the stage before for the rows that the next band sees."""
    assert step.strip is not None
    window, before = step.strip.bands[number].window, step.strip.bands[number - 1]
    reach = (window.kernel - 1) * window.dilation + 1 - window.before
    end = f"first + rows + {reach - 1}" if window.stride == 1 else f"(first + rows - 1) * {window.stride} + {reach}"
    seen = f"nn_smaller({end}, {window.size})"
    times = f"{before.stored} * " if before.stored > 1 else ""
    return f"rows_{step.stages[number - 1].name}(s, done, {times}{seen});"
