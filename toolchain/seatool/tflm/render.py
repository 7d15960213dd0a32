"""The ``tflm/`` part of a project: the model in TFLM's interpreter, with the same application and harness around it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import jinja2
import numpy as np

from seatool import audio, resources
from seatool.audio import LogMel
from seatool.boards.board import Board
from seatool.build.project import build_context
from seatool.importers.tflite.records import RawModel, RawTensor, further_kinds, variables
from seatool.render import c
from seatool.render.names import prefix
from seatool.tflm.arena import Arena
from seatool.tflm.operators import Registration, registrations
from seatool.tflm.place import ARENA, FRONT_END

FRONT_END_LAYER = "log_mel"

_HEADERS = {"PAD": "pad.h", "TRANSPOSE": "transpose.h"}
"""Kernels' headers that the resolver's does not include."""

_C_TYPES = {"INT8": "int8_t", "UINT8": "uint8_t", "INT16": "int16_t", "INT32": "int32_t", "FLOAT32": "float"}


@dataclass(frozen=True)
class Placed:
    """What the C++ has to know beside the model: the arena, and the regions of the blocks by name."""

    arena: Arena
    regions: Mapping[str, str]


def render(
    model: RawModel, data: bytes, name: str, board: Board, placed: Placed, frontend: LogMel | None = None
) -> dict[str, bytes]:
    """The files of ``tflm/``, and with a front end those of ``audio/``, by path in the project.

    Args:
        model: The records in ``data``.
        data: The .tflite file.
        name: Prefix of the generated C and name of the images.
        board: The board to build for.
        placed: The arena and where it lies.
        frontend: The audio front end, if the firmware takes PCM.
    """
    files = {}
    if frontend is not None:
        quant = model.tensors[model.inputs[0]].quant
        assert quant is not None, "a front end writes a quantized tensor"
        files = audio.emit(frontend, quant, prefix(name))
    build = build_context(board, name, sorted(files))
    needed = registrations(model, further_kinds(data, name))
    texts = {
        "main.cc": _fill(
            "main.cc.j2",
            main_context(model, needed, name, placed, frontend) | {"variables": str(variables(data, name) or "")},
        ),
        "model_data.h": _fill("model_data.h.j2", {}),
        "model_data.c": _fill("model_data.c.j2", {"bytes": c.array(np.frombuffer(data, np.uint8))}),
        "Makefile": _fill("Makefile.j2", build),
        "CMakeLists.txt": _fill("CMakeLists.txt.j2", build),
    }
    files |= {f"tflm/{path}": text.encode() for path, text in texts.items()}
    files["tflm/debug_log.cc"] = (resources.firmware() / "tflm" / "debug_log.cc").read_bytes()
    return files


def main_context(
    model: RawModel, needed: Sequence[Registration], name: str, placed: Placed, frontend: LogMel | None
) -> dict[str, Any]:
    """What ``main.cc`` says of the model."""
    traced = traced_tensors(model)
    first = 0 if frontend is None else 1
    layers = [FRONT_END_LAYER] * first + layer_names(model)
    output = model.tensors[model.outputs[0]]
    return {
        "name": name,
        "title": c.string(name),
        "kernel_headers": sorted(_HEADERS[r.kind] for r in needed if r.kernel and r.kind in _HEADERS),
        "registrations": needed,
        "shares": _shares(placed.arena),
        "margin": f"{placed.arena.margin:,}",
        "arena_bytes": str(placed.arena.bytes),
        "arena_region": placed.regions[ARENA],
        "frontends": _frontend(name, placed, output) if frontend is not None else [],
        "layer_names": [c.string(layer) for layer in layers],
        "input_bytes": str(sum(model.tensors[index].bytes for index in model.inputs)),
        "output_bytes": str(sum(model.tensors[index].bytes for index in model.outputs)),
        "pcm_samples": str(frontend.window_samples if frontend is not None else 0),
        "embedding_count": str(math.prod(output.shape) if frontend is not None else 0),
        "tensors": [f"{{{c.string(tensor.name)}, {layer + first}, 0, 0, {tensor.bytes}}}" for layer, tensor in traced],
        "tensor_numbers": ", ".join(str(tensor.index) for _, tensor in traced),
    }


def _shares(arena: Arena) -> str:
    """What the arena consists of, but for the margin."""
    what = "of tensors and scratch" if arena.head >= arena.allocating else "while tensors are allocated"
    return f"{max(arena.head, arena.allocating):,} B {what}, {arena.tail:,} B that stay"


def layer_names(model: RawModel) -> list[str]:
    """A name per operator, in order.

    >>> from seatool.importers.tflite.records import RawOp
    >>> layer_names(RawModel("m", [], [RawOp(0, "CONV_2D", 1, (), (), 0, None)], (), ()))
    ['0_conv_2d']
    """
    return [f"{op.index}_{op.kind.lower()}" for op in model.ops]


def traced_tensors(model: RawModel) -> list[tuple[int, RawTensor]]:
    """The tensors that operators compute, each with its operator's number."""
    made = [(op.index, model.tensors[index]) for op in model.ops for index in op.outputs]
    return [(index, tensor) for index, tensor in made if tensor.bytes and not tensor.is_variable]


def _frontend(name: str, placed: Placed, output: RawTensor) -> list[dict[str, str]]:
    real = "static_cast<float>(q[i])"
    if output.quant is not None:
        zero_point = output.quant.zero_point[0]
        sign = "+" if zero_point < 0 else "-"
        real = f"{c.literal(output.quant.scale[0])} * static_cast<float>(q[i] {sign} {abs(zero_point)})"
    return [
        {
            "prefix": prefix(name),
            "macro": prefix(name).upper(),
            "region": placed.regions[FRONT_END],
            "type": _C_TYPES[output.type.name],
            "real": real,
        }
    ]


@cache
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(resources.templates() / "tflm"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def _fill(template: str, context: Mapping[str, Any]) -> str:
    return _environment().get_template(template).render(context)
