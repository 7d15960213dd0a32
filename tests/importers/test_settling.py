"""Files that leave shapes open, as converters write them: what is open is worked out, and TFLM runs the result."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from raw_model import RawModel, RawOp, RawTensor, small
from seatool.errors import InputError, ToolError
from seatool.importers import tflite
from seatool.importers.tflite.records import LARGEST_COMPUTED
from seatool.ir import DType, Graph, Op, Quantization, Tensor
from seatool.kernels import operators
from seatool.quantize import execute
from seatool.tflm.reference import Reference

QUANT = Quantization.per_tensor(0.5, 7)
SIZES = {"x": (1, 6, 5, 2), "blocks": (6, 4, 2, 2), "flat": (24, 4), "image": (6, 4, 2, 2), "y": (1, 6, 5, 2)}
"""SPACE_TO_BATCH_ND of blocks of 2 x 3, which pads by 1 on two sides, then RESHAPE there and back, and the inverse."""
OPEN = {"x": (0,), "blocks": (0,), "flat": (0, 1), "image": (0,), "y": (0,)}


def blocks_graph() -> Graph:
    constants = {
        "block": [2, 3],
        "edges": [[1, 1], [0, 1]],
        "to_flat": [-1, 4],
        "to_image": [-1, 4, 2, 2],
        "crops": [[1, 1], [0, 1]],
    }
    tensors = {name: Tensor(name, shape, DType.INT8, QUANT) for name, shape in SIZES.items()}
    for name, values in constants.items():
        data = np.array(values, np.int32)
        tensors[name] = Tensor(name, data.shape, DType.INT32, None, data)
    ops = (
        op("SPACE_TO_BATCH_ND", "x", "block", "edges", output="blocks"),
        op("RESHAPE", "blocks", "to_flat", output="flat"),
        op("RESHAPE", "flat", "to_image", output="image"),
        op("BATCH_TO_SPACE_ND", "image", "block", "crops", output="y"),
    )
    return Graph("blocks", tensors, ops, ("x",), ("y",))


def op(kind: str, *inputs: str, output: str, **fields: Any) -> Op:
    family = operators()[kind]
    assert family.tflite is not None
    raw = {field.name: field.default for field in family.tflite.fields} | fields
    return Op(f"op_{output}", kind, inputs, (output,), family.parse(raw))


def opened(graph: Graph, axes: Mapping[str, tuple[int, ...]]) -> RawModel:
    """``graph`` as a file in which the sizes of ``axes`` are open, and 1."""
    index = {name: number for number, name in enumerate(graph.tensors)}
    buffers, tensors = [b""], []
    for tensor in graph.tensors.values():
        open_axes, quant = axes.get(tensor.name, ()), tensor.quant
        static = [1 if axis in open_axes else size for axis, size in enumerate(tensor.shape)]
        signature = [-1 if axis in open_axes else size for axis, size in enumerate(tensor.shape)]
        parameters = ((), ()) if quant is None else (quant.scale, quant.zero_point)
        buffer = len(buffers) if tensor.data is not None else 0
        buffers += [] if tensor.data is None else [tensor.data.tobytes()]
        name = tensor.dtype.name
        tensors.append(RawTensor(tensor.name, static, name, *parameters, buffer=buffer, signature=signature))
    ops = [RawOp(op.kind, [index[str(i)] for i in op.inputs], [index[o] for o in op.outputs]) for op in graph.ops]
    return RawModel(tensors, ops, [index[i] for i in graph.inputs], [index[o] for o in graph.outputs], buffers)


def test_open_shapes_are_worked_out_and_tflm_runs_the_result() -> None:
    file = opened(blocks_graph(), OPEN).bytes()
    graph = tflite.read(file, "open.tflite")
    assert {name: graph.tensors[name].shape for name in SIZES} == SIZES
    assert [op.kind for op in graph.ops] == ["PAD", "SPACE_TO_BATCH_ND", "RESHAPE", "RESHAPE", "BATCH_TO_SPACE_ND"]
    model = tflite.runnable(file, "open.tflite")
    x = np.random.default_rng(1).integers(-128, 128, SIZES["x"]).astype(np.int8)
    assert np.array_equal(Reference(model, tflite.read(model, "open.tflite")).run([x])["y"], x)
    assert np.array_equal(execute(graph, [x], ["y"])["y"], x)


def test_what_was_written_anew_is_said_and_reads_the_same() -> None:
    file = opened(blocks_graph(), OPEN).bytes()
    graph = tflite.read(file, "open.tflite")
    (note,) = graph.notes
    assert "is compared on one in which" in note
    assert "batch of one" in note
    assert "PAD" in note
    again = tflite.read(tflite.runnable(file, "open.tflite"), "open.tflite")
    assert (str(again), again.notes) == (str(graph), ())


def test_padding_is_the_zero_point_as_tflite_has_it() -> None:
    whole = blocks_graph()
    graph = whole.with_(ops=whole.ops[:1], outputs=("blocks",))
    model = tflite.runnable(opened(graph, {}).bytes(), "padded")
    x = np.full(SIZES["x"], 50, np.int8)
    blocks = Reference(model, tflite.read(model, "padded")).run([x])["blocks"]
    assert blocks[0].tolist() == [[[7, 7], [7, 7]], *[[[50, 50], [50, 50]]] * 3]
    assert np.count_nonzero(blocks == 7) == blocks.size - x.size


def definite() -> RawModel:
    whole = blocks_graph()
    return opened(whole.with_(ops=whole.ops[1:], inputs=("blocks",)), {})


@pytest.mark.parametrize("model", [small(), definite()], ids=["open batch", "nothing open"])
def test_a_file_that_needs_nothing_stays_as_it_is(model: RawModel) -> None:
    data = model.bytes()
    assert tflite.runnable(data, "m") is data
    assert tflite.read(data, "m").notes == ()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"flat": (0,)}, r"shape \[6, 4, 2, 2\] cannot become \[1, 5\]"),
        ({"flat": ()}, r"shape \[6, 4, 2, 2\] cannot become \[24, 5\]"),
    ],
)
def test_sizes_that_contradict_the_file_are_reported(change: dict[str, tuple[int, ...]], message: str) -> None:
    model = opened(blocks_graph(), OPEN | change)
    flat = next(tensor for tensor in model.tensors if tensor.name == "flat")
    flat.shape, flat.signature = [flat.shape[0], 5], [flat.signature[0], 5]
    with pytest.raises(InputError, match=message):
        tflite.read(model.bytes(), "m")


def test_a_tensor_larger_than_any_memory_is_not_made() -> None:
    many = int(LARGEST_COMPUTED)
    model = opened(blocks_graph(), OPEN)
    model.buffers[1] = np.array([many, 3], np.int32).tobytes()
    with pytest.raises(InputError, match="SPACE_TO_BATCH_ND"):
        tflite.read(model.bytes(), "m")


def filled(shape_of_input: bool) -> RawModel:
    """A FILL as large as the input, whose dimensions the file computes or has, added to the input."""
    index = {"type": "INT32", "scale": (), "zero_point": ()}
    tensors = [
        RawTensor("x", (1, 3)),
        RawTensor("dims", (2,), buffer=0 if shape_of_input else 1, **index),
        RawTensor("value", (), buffer=2),
        RawTensor("full", (1, 3)),
        RawTensor("y", (1, 3)),
    ]
    ops = [
        *([RawOp("SHAPE", (0,), (1,), options=55)] if shape_of_input else []),
        RawOp("FILL", (1, 2), (3,), options=68),
        RawOp("ADD", (0, 3), (4,), options=11, version=2, fields={0: ("int8", 0)}),
    ]
    return RawModel(tensors, ops, (0,), (4,), [b"", np.array([1, 3], np.int32).tobytes(), b"\x05"])


def test_a_computed_shape_is_made_constant_for_tflm() -> None:
    data = filled(shape_of_input=True).bytes()
    with pytest.raises(ToolError):
        Reference(data, tflite.read(data, "m"))
    model = tflite.runnable(data, "m")
    x = np.array([[1, 2, 3]], np.int8)
    assert Reference(model, tflite.read(model, "m")).run([x])["y"].tolist() == [[6, 7, 8]]
    assert "shapes that the file computes are constants" in tflite.read(data, "m").notes[0]
    untouched = filled(shape_of_input=False).bytes()
    assert tflite.runnable(untouched, "m") is untouched
