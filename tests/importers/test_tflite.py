"""TFLite files: what real exports look like, folding, layer names, and writing."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from raw_model import RawModel, RawOp, RawTensor, small, without_bias
from seatool.errors import InputError
from seatool.importers import tflite
from seatool.importers.tflite import records, schema
from seatool.importers.tflite.flatbuffer import File
from seatool.importers.tflite.folding import fold
from seatool.importers.tflite.tables import TableBuilder
from seatool.ir import DType, Graph, Quantization, Tensor
from seatool.kernels import Activation, Padding, bind
from seatool.quantize import execute
from seatool.tflm.reference import IsolatedReference, Reference

FLOAT = {"type": "FLOAT32", "scale": (), "zero_point": ()}
INDEX = {"type": "INT32", "scale": (), "zero_point": ()}


def read(model: RawModel) -> Graph:
    return tflite.read(model.bytes(), "a/small.tflite")


def test_reads_tensors_operators_and_attributes() -> None:
    graph = read(small())
    pool, add = graph.ops
    assert (graph.name, graph.inputs, graph.outputs) == ("small", ("serving_default_x:0",), ("block/shift/add",))
    assert (pool.name, pool.kind, pool.version, pool.source) == ("pool", "MAX_POOL_2D", 2, "#0 block/pool")
    assert (pool.attributes.padding, pool.attributes.filter_height) == (Padding.VALID, 2)
    assert add.attributes.fused_activation_function is Activation.NONE
    output, offset = graph.tensors["block/shift/add"], graph.tensors["block/shift/offset"]
    assert (output.shape, output.dtype, output.quant) == ((1, 2, 2, 2), DType.INT8, Quantization.per_tensor(0.75, 3))
    assert offset.data is not None
    assert offset.data.tolist() == [1, -1]


def test_open_batch_is_one() -> None:
    assert read(small()).tensors["serving_default_x:0"].shape == (1, 4, 4, 2)


def test_quantized_dimension_3_of_a_vector_means_its_only_axis() -> None:
    model = small()
    model.tensors[2] = RawTensor("w", (2,), scale=(0.5, 0.25), zero_point=(0, 0), axis=3, buffer=1)
    model.ops[1].kind, model.ops[1].options, model.ops[1].version = "ADD", 0, 1
    model.tensors[2].type = "INT32"
    model.buffers[1] = bytes(8)
    quant = records.parse(model.bytes(), "m").tensors[2].quant
    assert quant == Quantization((0.5, 0.25), (0, 0), 0)


def test_missing_zero_points_are_zero() -> None:
    model = small()
    model.tensors[2].zero_point = ()
    assert read(model).tensors["block/shift/offset"].zero_point == 0


def test_tflm_gets_zero_points_of_its_own_where_a_file_has_none() -> None:
    """Without them it takes a tensor as not quantized, and computes nonsense or refuses the model."""
    model = small()
    for tensor in model.tensors:
        tensor.zero_point = ()
    data = model.bytes()
    graph = tflite.read(data, "model.tflite")
    assert any("the zero point 0" in note for note in graph.notes)
    x = np.arange(-16, 16, dtype=np.int8).reshape(1, 4, 4, 2)
    model = tflite.runnable(data, "model.tflite")
    run, outputs = Reference(model, tflite.read(model, "model.tflite")).run([x]), list(graph.outputs)
    for name, expected in execute(graph, [x], outputs).items():
        assert np.array_equal(run[name], expected)
    assert tflite.runnable(small().bytes(), "model.tflite") == small().bytes()


def test_names_joined_from_many_are_cut_in_messages() -> None:
    model = small()
    model.tensors[1].name = ";".join(f"block/pool/part{i}" for i in range(20))
    model.tensors[1].scale = ()
    with pytest.raises(InputError, match=r"MAX_POOL_2D v2: block/pool/part0\.\.\. has no per-tensor quantization"):
        read(model)


def test_missing_options_are_the_defaults() -> None:
    model = small()
    model.ops[1].options = 0
    assert read(model).ops[1].attributes.fused_activation_function is Activation.NONE


def test_missing_and_repeated_names_are_made_unique() -> None:
    model = small()
    for tensor, name in zip(model.tensors, ("", "x", "x", "x_1"), strict=True):
        tensor.name = name
    assert list(read(model).tensors) == ["tensor_0", "x", "x_1", "x_1_1"]
    assert tflite.file_indices(model.bytes(), "m") == {"tensor_0": 0, "x": 1, "x_1": 2, "x_1_1": 3}


@pytest.mark.parametrize("codes", [(0, 17), (17, 0), (17, 17)])
def test_operator_code_is_the_larger_of_the_two_fields(codes: tuple[int, int]) -> None:
    build = TableBuilder()
    table = build.table({0: ("int8", codes[0]), 3: ("int32", codes[1])})
    root = File(build.finish(table, b"TEST"), "code").root()
    assert records._kind(root) == ("MAX_POOL_2D", 1, False)


def test_further_subgraphs_that_nothing_uses_are_ignored() -> None:
    model = small()
    model.subgraphs = 3
    graph = read(model)
    assert len(graph.ops) == 2
    assert graph.notes == ("a/small.tflite: has 3 subgraphs; only the first is compiled",)
    assert read(small()).notes == ()


def test_the_signature_of_the_subgraph_that_is_compiled_is_named() -> None:
    model = small()
    model.subgraphs, model.signatures = 2, {1: "decode", 0: "encode"}
    assert read(model).notes == ("a/small.tflite: has 2 subgraphs; only the first (signature encode) is compiled",)


def test_several_inputs_and_outputs_keep_their_order() -> None:
    model = small()
    model.tensors.append(RawTensor("second", (1, 2, 2, 2)))
    model.ops[1].inputs = (1, 4)
    model.inputs, model.outputs = (4, 0), (3, 1)
    graph = read(model)
    assert graph.inputs == ("second", "serving_default_x:0")
    assert graph.outputs == ("block/shift/add", "block/pool/MaxPool2d")


def _reshape(inputs: tuple[int, ...], options: int) -> RawModel:
    tensors = [
        RawTensor("x", (1, 2, 3)),
        RawTensor("shape", (2,), buffer=1, **INDEX),
        RawTensor("y", (1, 6)),
    ]
    buffers = [b"", np.array([-1, 6], np.int32).tobytes()]
    return RawModel(tensors, [RawOp("RESHAPE", inputs, (2,), options=options)], (0,), (2,), buffers)


@pytest.mark.parametrize(("inputs", "options"), [((0, 1), 0), ((0,), 17), ((0, 1), 17)])
def test_reshape_with_and_without_options_and_shape_tensor(inputs: tuple[int, ...], options: int) -> None:
    graph = read(_reshape(inputs, options))
    assert graph.tensors[graph.ops[0].outputs[0]].shape == (1, 6)
    x = np.arange(6, dtype=np.int8).reshape(1, 2, 3)
    assert Reference(tflite.write(graph), graph).run([x])["y"].tolist() == [[0, 1, 2, 3, 4, 5]]


def test_shape_arithmetic_of_an_open_batch_is_folded() -> None:
    tensors = [
        RawTensor("x", (1, 2, 3), signature=(-1, 2, 3)),
        RawTensor("shape", (3,), **INDEX),
        RawTensor("zero", (1,), buffer=1, **INDEX),
        RawTensor("one", (1,), buffer=2, **INDEX),
        RawTensor("batch", (), **INDEX),
        RawTensor("size", (), buffer=3, **INDEX),
        RawTensor("target", (2,), **INDEX),
        RawTensor("y", (1, 6)),
    ]
    ops = [
        RawOp("SHAPE", (0,), (1,), options=55),
        RawOp("STRIDED_SLICE", (1, 2, 3, 3), (4,), options=32, fields={4: ("int32", 1)}),
        RawOp("PACK", (4, 5), (6,), options=59, fields={0: ("int32", 2)}),
        RawOp("RESHAPE", (0, 6), (7,)),
    ]
    numbers = [np.int32(n).tobytes() for n in (0, 1, 6)]
    graph = read(RawModel(tensors, ops, (0,), (7,), [b"", *numbers]))
    assert [op.kind for op in graph.ops] == ["RESHAPE"]
    target = graph.tensors["target"].data
    assert target is not None
    assert target.tolist() == [1, 6]


@pytest.mark.parametrize(
    ("kind", "operands", "options", "expected"),
    [
        ("ADD", [[4, 2], [3, 5]], 11, [7, 7]),
        ("SUB", [[4, 2], [3, 5]], 28, [1, -3]),
        ("MAXIMUM", [[4, 2], [3, 5]], 39, [4, 5]),
        ("MINIMUM", [[4, 2], [3, 5]], 39, [3, 2]),
        ("FLOOR_DIV", [[7, -7], [2, 2]], 65, [3, -4]),
        ("SLICE", [[4, 2, 3], [1], [-1]], 48, [2, 3]),
        ("BROADCAST_ARGS", [[1, 3], [2, 1, 1]], 0, [2, 1, 3]),
        ("CAST", [[4, 2]], 37, [4, 2]),
    ],
)
def test_arithmetic_on_shapes_is_folded(
    kind: str, operands: list[list[int]], options: int, expected: list[int]
) -> None:
    count = len(operands)
    tensors = [
        RawTensor("x", (6,)),
        *(RawTensor(f"c{i}", (len(values),), buffer=i + 1, **INDEX) for i, values in enumerate(operands)),
        RawTensor("result", (len(expected),), **INDEX),
        RawTensor("y", (6,)),
    ]
    inputs = tuple(range(1, count + 1))
    ops = [RawOp(kind, inputs, (count + 1,), options=options), RawOp("RESHAPE", (0, count + 1), (count + 2,))]
    buffers = [b"", *(np.array(values, np.int32).tobytes() for values in operands)]
    model = RawModel(tensors, ops, (0,), (count + 2,), buffers)
    raw = records.parse(model.bytes(), "m")
    fold(raw)
    assert [op.kind for op in raw.ops] == ["RESHAPE"]
    folded = raw.tensors[count + 1].data
    assert folded is not None
    assert folded.tolist() == expected


def test_half_precision_weights_become_float32() -> None:
    tensors = [
        RawTensor("x", (1, 4), **FLOAT),
        RawTensor("half", (4,), "FLOAT16", (), (), buffer=1),
        RawTensor("w", (4,), **FLOAT),
        RawTensor("y", (1, 4), **FLOAT),
    ]
    ops = [RawOp("DEQUANTIZE", (1,), (2,)), RawOp("MUL", (0, 2), (3,), options=21)]
    values = np.array([0.5, 1.25, -3, 65504], np.float16)
    graph = read(RawModel(tensors, ops, (0,), (3,), [b"", values.tobytes()]))
    assert [op.kind for op in graph.ops] == ["MUL"]
    assert graph.tensors["w"].dtype is DType.FLOAT32
    np.testing.assert_array_equal(graph.tensors["w"].data, values)


def test_int8_weights_of_float_operators_become_float32() -> None:
    tensors = [
        RawTensor("x", (1, 2), **FLOAT),
        RawTensor("w", (1, 2), scale=(0.5, 0.25), zero_point=(0, 0), axis=1, buffer=1),
        RawTensor("y", (1, 2), **FLOAT),
    ]
    graph = read(RawModel(tensors, [RawOp("MUL", (0, 1), (2,), options=21)], (0,), (2,), [b"", bytes([3, 252])]))
    assert (graph.tensors["w"].dtype, graph.tensors["w"].quant) == (DType.FLOAT32, None)
    np.testing.assert_array_equal(graph.tensors["w"].data, [[1.5, -1.0]])


@pytest.mark.parametrize(
    ("tensor", "kind", "name"),
    [
        ("m/re_lu/Relu;m/bn/FusedBatchNormV3;m/conv2d_5/Conv2D;m/conv2d_3/BiasAdd;m/conv2d_3/Conv2D1", "ADD", "re_lu"),
        ("m/block_1/skip/add", "ADD", "block_1_skip"),
        ("m/bn/batchnorm/add_1", "ADD", "bn"),
        ("StatefulPartitionedCall:0", "ADD", "add"),
        ("", "ADD", "add"),
        ("42", "ADD", "add"),
        ("m/tanh/Tanh", "ADD", "tanh_layer"),
    ],
)
def test_layer_names(tensor: str, kind: str, name: str) -> None:
    model = small()
    model.tensors[1].name, model.tensors[3].name = "m/pool/MaxPool2d", tensor
    assert read(model).ops[1].name == name


def test_two_operators_of_one_layer_get_their_kinds_as_suffix() -> None:
    model = small()
    model.tensors[1].name, model.tensors[3].name = "m/norm/mul", "m/norm/add"
    assert [op.name for op in read(model).ops] == ["norm_max_pool_2d", "norm_add"]


@pytest.mark.parametrize("absent", [(), (-1,)], ids=["left out", "-1"])
@pytest.mark.parametrize("kind", ["CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"])
def test_layers_without_bias(kind: str, absent: tuple[int, ...]) -> None:
    data = without_bias(kind, absent).bytes()
    graph = tflite.read(data, "m.tflite")
    x = np.random.default_rng(1).integers(-128, 128, graph.tensors["x"].shape).astype(np.int8)
    layer = bind(graph.ops[0], graph)
    (expected,) = layer.evaluate(x, graph.tensors["w"].data, None)
    for file in (data, tflite.write(graph)):
        with IsolatedReference(file, "m.tflite") as reference:  # a crash would end the tests
            np.testing.assert_array_equal(reference.run([x])["y"], expected)


def test_of_a_file_without_bias_one_number_is_changed_for_tflm() -> None:
    data = without_bias("DEPTHWISE_CONV_2D", (-1,)).bytes()
    changed = tflite.drop_absent_bias(data, "m.tflite")
    assert [(a, b) for a, b in zip(data, changed, strict=True) if a != b] == [(3, 2)]
    for kind, absent in (("CONV_2D", (-1,)), ("DEPTHWISE_CONV_2D", ())):
        data = without_bias(kind, absent).bytes()
        assert tflite.drop_absent_bias(data, "m.tflite") == data


def test_written_files_read_back_equal() -> None:
    graph = read(small())
    data = tflite.write(graph)
    again = tflite.read(data, "a/small.tflite")
    assert again.ops == graph.ops
    assert list(again.tensors) == list(graph.tensors)
    for name, tensor in graph.tensors.items():
        assert _content(again.tensors[name]) == _content(tensor)
    assert tflite.write(again) == data
    assert tflite.tensor_indices(graph) == tflite.file_indices(data, "m")


def _content(tensor: Tensor) -> tuple[object, ...]:
    return tensor.shape, tensor.dtype, tensor.quant, None if tensor.data is None else tensor.data.tobytes()


@pytest.mark.parametrize("size", range(1, 40))
def test_constants_are_aligned_to_16_bytes(size: int) -> None:
    build = TableBuilder()
    data = b"\xa5" * size
    file = build.finish(build.table({0: build.bytes(data), 1: build.string("x" * (size % 7))}), b"TEST")
    assert file.index(data) % 16 == 0


def test_operator_table_is_complete() -> None:
    assert len(schema.OPERATOR_NAMES) == 210
    names = {3: "CONV_2D", 32: "CUSTOM", 114: "QUANTIZE", 127: "PLACEHOLDER_FOR_GREATER_OP_CODES", 150: "GELU"}
    assert {code: schema.OPERATOR_NAMES[code] for code in names} == names


def test_reading_imports_neither_tensorflow_nor_h5py(tmp_path: Path) -> None:
    (tmp_path / "m.tflite").write_bytes(small().bytes())
    code = (
        "import sys; from seatool import importers; importers.load(sys.argv[1]);"
        "sys.exit(sum(m in sys.modules for m in ('tensorflow', 'keras', 'h5py', 'requests')))"
    )
    assert subprocess.run([sys.executable, "-c", code, str(tmp_path / "m.tflite")], check=False).returncode == 0


REAL = {
    "edgel3_sea_64_int8.tflite": (15, "audio_embedding_layer_1"),
    "mlperf_tiny/kws_ref_model.tflite": (13, "depthwise_conv2d_3"),
    "mlperf_tiny/pretrainedResnet_quant.tflite": (16, "conv2d_8"),
}


@pytest.mark.parametrize("name", REAL)
def test_real_models_survive_a_round_trip_through_tflm(name: str, shared_data: Path) -> None:
    data = (shared_data / "models" / name).read_bytes()
    start = time.perf_counter()
    graph = tflite.read(data, name)
    assert time.perf_counter() - start < 0.5  # takes 5 ms
    count, layer = REAL[name]
    assert len(graph.ops) == count
    assert layer in [op.name for op in graph.ops]
    rng = np.random.default_rng(0)
    x = [rng.integers(-128, 128, graph.tensors[i].shape).astype(np.int8) for i in graph.inputs]
    ours, theirs = Reference(tflite.write(graph), graph).run(x), Reference(data, graph).run(x)
    assert ours.keys() == theirs.keys()
    for tensor in ours:
        np.testing.assert_array_equal(ours[tensor], theirs[tensor])
