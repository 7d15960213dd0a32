"""TFLite files, read and written without TensorFlow."""

from __future__ import annotations

from seatool.importers.tflite.building import build
from seatool.importers.tflite.folding import fold
from seatool.importers.tflite.records import parse
from seatool.importers.tflite.writer import tensor_indices, write
from seatool.ir import Graph

__all__ = ["file_indices", "read", "tensor_indices", "write"]


def read(data: bytes, name: str) -> Graph:
    """The graph in a .tflite file; int8, int16x8, float32, float16 and hybrid weights.

    Args:
        data: The whole file.
        name: The file's name: it gives the graph its name and stands in error messages.

    Raises:
        InputError: The file is damaged, or the model uses what is not supported (all of it is listed).
    """
    model = parse(data, name)
    fold(model)
    return build(model)


def file_indices(data: bytes, name: str) -> dict[str, int]:
    """The number in the file itself of every tensor of ``read(data, name)``, by name."""
    return {tensor.name: tensor.index for tensor in parse(data, name).tensors}
