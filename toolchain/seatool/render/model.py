"""Contexts of the templates of the model's header, its source and the binding."""

from __future__ import annotations

from typing import Any

import numpy as np

from seatool.plan.program import Program
from seatool.render import c
from seatool.render.layers import macs_text, row, table
from seatool.render.names import Names, Port


def header_context(program: Program, names: Names) -> dict[str, Any]:
    """What the header says: regions, inputs, outputs, and the front end's entry if there is one."""
    ports = [*names.inputs, *names.outputs]
    return {
        "model": names.model,
        "macro": names.model.upper(),
        "title": c.comment(_title(program, names)),
        "regions": [
            {
                "name": name,
                "macro": f"{names.model}_{name}".upper(),
                "place": f"{names.model}_place_{name}".upper(),
                "bytes": str(size),
            }
            for name, size in program.blocks.items()
        ],
        "initializer": "{" + ", ".join(f"name##_{name}" for name in program.blocks) + "}",
        "ports": [_port(names, port) for port in ports],
        "quantized": [_quantized(names, port) for port in ports if port.is_quantized],
        "parameters": _parameters(names),
        "frontends": _frontend(program, names),
    }


def source_context(program: Program, names: Names) -> dict[str, Any]:
    """What the source says beside its layers: where inputs and outputs are copied, what runs in which order."""
    headers = sorted({step.variant.header for step in program.steps if step.variant is not None})
    return {
        **header_context(program, names),
        "inputs": _packed(names.inputs, "input"),
        "outputs": _packed(names.outputs, "output"),
        "headers": headers,
        "map": c.comment(_memory_map(program)),
    }


def binding_context(program: Program, names: Names) -> dict[str, Any]:
    """What the firmware wants to know: names of layers, places of tensors, sizes of inputs and outputs."""
    regions = list(program.blocks)
    return {
        **source_context(program, names),
        "title": c.string(program.graph.name),
        "layer_names": [c.string(step.name) for step in program.layers],
        "tensors": [
            f"{{{c.string(name)}, {layer}, {regions.index(buffer.region)}, {buffer.offset}, {buffer.size}}}"
            for name, layer, buffer in traced(program)
        ],
        "in_place": ", ".join(["&state"] + ["NULL"] * (len(names.inputs) + len(names.outputs))),
        "no_frontends": [] if program.graph.frontend is not None else [0],
        "sum_of_inputs": " + ".join(f"{port.macro}_BYTES" for port in names.inputs),
        "sum_of_outputs": " + ".join(f"{port.macro}_BYTES" for port in names.outputs),
    }


def _title(program: Program, names: Names) -> list[str]:
    ram = " · ".join(f"{name} {size:,} B" for name, size in program.blocks.items())
    constants = sum(constant.data.nbytes for _, constant in names.arrays.values())
    return [
        f"{names.model}.h: a neural network as C functions, for {program.board.title}.",
        "",
        f"{len(program.layers)} layers · {macs_text(program.macs)} · constants {constants:,} B · RAM {ram}",
        "",
        "All working memory is in the caller's state: nothing is allocated, nothing has to be initialised, and",
        "inferences on different states may run at the same time.",
    ]


def _port(names: Names, port: Port) -> dict[str, str]:
    tensor = port.tensor
    quant = f", real = {np.float32(tensor.scale)} * (q - {tensor.zero_point})" if port.is_quantized else ""
    return {
        "name": port.name,
        "comment": c.comment([f"{port.name}: {tensor.name}, {tensor.dtype.value} {c.shape(tensor.shape)}{quant}"]),
        "macro": port.macro,
        "elements": str(tensor.elements),
        "bytes": str(tensor.bytes),
        "rank": str(len(tensor.shape)),
        "shape": "{" + ", ".join(map(str, tensor.shape)) + "}",
        "type": port.c_type,
        "place": names.place(port.buffer, port.c_type),
    }


def _quantized(names: Names, port: Port) -> dict[str, str]:
    """Macros and helpers of a tensor with a scale. The limits are those before the zero point is added."""
    tensor = port.tensor
    info = np.iinfo(tensor.dtype.numpy)
    return {
        "name": port.name,
        "macro": port.macro,
        "type": port.c_type,
        "scale": c.literal(tensor.scale),
        "zero_point": c.literal(tensor.zero_point),
        "min": c.literal(int(info.min)),
        "max": c.literal(int(info.max)),
        "low": c.literal(float(int(info.min) - tensor.zero_point)),
        "high": c.literal(float(int(info.max) - tensor.zero_point)),
    }


def _packed(ports: tuple[Port, ...], start: str) -> list[dict[str, str]]:
    """Ports one behind the other from the pointer ``start``; ``packed`` is where each begins."""
    result = []
    for port in ports:
        result.append({"name": port.name, "macro": port.macro, "packed": start})
        start += f" + {port.macro}_BYTES"
    return result


def _parameters(names: Names) -> str:
    inputs = [f"const {port.c_type} *{port.name}" for port in names.inputs]
    outputs = [f"{port.c_type} *{port.name}" for port in names.outputs]
    return ", ".join([f"{names.model}_state *state", *inputs, *outputs])


def _frontend(program: Program, names: Names) -> list[dict[str, str]]:
    """One entry for the front end, none where there is none."""
    log_mel = program.graph.frontend
    if log_mel is None:
        return []
    step, port = program.steps[0], names.outputs[0]
    assert step.scratch is not None
    first = program.buffers[program.graph.inputs[0]]
    rows = [row("output", program.graph.inputs[0], first), row("scratch", "", step.scratch)]
    return [
        {
            "name": step.name,
            "comment": c.comment(
                [
                    f"{step.name}: {log_mel.window_samples} samples at {log_mel.sample_rate} Hz to "
                    f"{log_mel.bands} mel bands in {log_mel.frames} frames",
                    *table(rows),
                ]
            ),
            "samples": str(log_mel.window_samples),
            "rate": str(log_mel.sample_rate),
            "embedding": str(port.tensor.elements),
            "input": names.place(first),
            "scratch": names.place(step.scratch, "float"),
            "output": port.name,
            "type": port.c_type,
            "real": f"{names.model}_dequantize_{port.name}(q[i])" if port.is_quantized else "(float)q[i]",
        }
    ]


def _memory_map(program: Program) -> list[str]:
    """Every buffer with the layers during which it holds something."""
    names = [step.name for step in program.steps] or [""]
    buffers = {id(buffer): buffer for buffer in program.buffers.values()}.values()
    lines = [
        (row("", buffer.name, buffer), f"{names[buffer.first]} .. {names[buffer.last]}")
        for buffer in sorted(buffers, key=lambda b: (list(program.blocks).index(b.region), b.first, b.offset))
    ]
    texts = table(line for line, _ in lines)
    return ["Where the tensors are, and from which layer to which.", ""] + [
        f"{text.strip()}  {life}" for text, (_, life) in zip(texts, lines, strict=True)
    ]


def traced(program: Program) -> list[tuple[str, int, Any]]:
    """Tensors that a layer has made when it returns, views of them included: name, layer number, buffer."""
    made_by: dict[str, int] = {}
    traced = []
    layers = {step.name: number for number, step in enumerate(program.layers)}
    if program.graph.frontend is not None:
        made_by |= dict.fromkeys(program.graph.inputs, 0)
        traced += [(name, 0, program.buffers[name]) for name in program.graph.inputs]
    for step in program.steps:
        if step.operator is None:
            continue
        for tensor in step.operator.outputs:
            source = step.operator.input(0).name if not step.runs else None
            layer = layers[step.name] if source is None else made_by.get(source)
            if layer is not None:
                made_by[tensor.name] = layer
                traced.append((tensor.name, layer, program.buffers[tensor.name]))
    return traced
