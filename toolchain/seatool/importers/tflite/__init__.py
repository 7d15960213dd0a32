"""TFLite files, read and written without TensorFlow."""

from __future__ import annotations

from functools import partial

from seatool.importers.surveys import Survey
from seatool.importers.tflite import building
from seatool.importers.tflite.folding import fold
from seatool.importers.tflite.records import RawModel, parse
from seatool.importers.tflite.states import expose_states
from seatool.importers.tflite.variables import expose_variables
from seatool.importers.tflite.writer import tensor_indices, write
from seatool.ir import Graph

__all__ = ["drop_absent_bias", "file_indices", "read", "runnable", "survey", "tensor_indices", "write"]


def read(data: bytes, name: str) -> Graph:
    """The graph in a .tflite file; int8, int16x8, float32, float16 and hybrid weights.

    Args:
        data: The whole file.
        name: The file's name: it gives the graph its name and stands in error messages.

    Raises:
        InputError: The file is damaged, or the model uses what is not supported (all of it is listed).
    """
    return survey(data, name).accepted()


def survey(data: bytes, name: str) -> Survey:
    """As :func:`read`, but what is not supported is reported, not raised."""
    return building.survey(_explicit(data, name))


def runnable(data: bytes, name: str) -> bytes:
    """An int8 file as TFLM can run it: the file itself, or ``read(data, name)`` written anew where that settled open
    shapes or padding that TFLM does not do right."""
    model = _explicit(data, name)
    return write(building.build(model)) if model.rewritten else data


def _explicit(data: bytes, name: str) -> RawModel:
    """The file's records without what can be computed now, and with all that changes."""
    model = parse(data, name)
    fold(model)
    expose_states(model)
    expose_variables(model, partial(parse, data, name))
    return model


def drop_absent_bias(data: bytes, name: str) -> bytes:
    """The file with two inputs, not three, for every DEPTHWISE_CONV_2D whose third one, the bias, is -1 (absent).

    Both mean the same, but TFLM reads tensor -1 and crashes. No other byte changes.
    """
    changed = bytearray(data)
    for op in parse(data, name).ops:
        if op.kind == "DEPTHWISE_CONV_2D" and op.inputs[2:] == (-1,):
            changed[op.inputs_at : op.inputs_at + 4] = (2).to_bytes(4, "little")
    return bytes(changed)


def file_indices(data: bytes, name: str) -> dict[str, int]:
    """The number in the file itself of every tensor of ``read(data, name)``, by name."""
    return {tensor.name: tensor.index for tensor in parse(data, name).tensors}
