"""Every damaged or unsupported file: a message that names the thing, exit code 2, little time and memory."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import make_invalid
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from raw_model import small
from seatool import importers
from seatool.errors import InputError
from seatool.importers import tflite
from seatool.importers.keras import hdf5, legacy
from seatool.importers.keras.hdf5 import KerasFile, unpack
from seatool.ir import Graph

EXPECTED = {
    "empty.tflite": "the file is empty",
    "truncated.tflite": "outside the file",
    "truncated_to_header.tflite": "root: offset 28 is outside the file (10 bytes)",
    "wrong_magic.tflite": "not a TFLite model: bytes 4 to 7 are b'TFL2', not b'TFL3'",
    "wrong_version.tflite": "schema version 2 is not supported, only 3",
    "root_outside.tflite": "root: offset",
    "bit_flipped.tflite": "root: offset",
    "huge_vector.tflite": "buffer 1: a vector of 4,294,967,295 elements does not fit the file",
    "same_bytes_over_and_over.tflite": "the file refers to the same bytes over and over",
    "huge_dimensions.tflite": "tensor 1 'block/pool/MaxPool2d': shape [1, 65535, 65535, 1000] is not possible",
    "huge_activation.tflite": "shape [1, 8192, 8192, 2] takes 134,217,728 bytes, more than any microcontroller has",
    "huge_window.tflite": "#0  block/pool  MAX_POOL_2D v2: the windows reach 16,777,215 places over the edge",
    "negative_dimension.tflite": "shape [1, -4, 2, 2] is not possible",
    "zero_dimension.tflite": "#0  block/pool   MAX_POOL_2D v2: tensor 1 'block/pool/MaxPool2d' is INT8[1, 0, 2, 2]",
    "too_many_dimensions.tflite": "has 9 dimensions",
    "open_dimensions.tflite": "input tensor 0 'serving_default_x:0' has open dimensions",
    "unknown_type.tflite": "tensor 1 'block/pool/MaxPool2d': element type 99 is unknown",
    "nan_scale.tflite": "tensor 1 'block/pool/MaxPool2d': quantization scale nan is not a positive number",
    "infinite_scale.tflite": "quantization scale inf is not a positive number",
    "zero_scale.tflite": "quantization scale 0.0 is not a positive number",
    "negative_scale.tflite": "quantization scale -0.5 is not a positive number",
    "zero_point_outside_type.tflite": "zero point 200 is outside the range of INT8",
    "fewer_zero_points_than_scales.tflite": "has 3 scales but 2 zero points",
    "more_scales_than_channels.tflite": "has 3 scales for 2 channels",
    "quantized_dimension_outside_shape.tflite": "quantized dimension 4 does not exist in shape [1, 2, 2, 2]",
    "missing_buffer.tflite": "tensor 2 'block/shift/offset': uses buffer 7, but the model has 2",
    "constant_without_data.tflite": "tensor 2 'block/shift/offset', which nothing produces and which has no data",
    "short_buffer.tflite": "tensor 2 'block/shift/offset': buffer 1 has 2 bytes, shape [64] of INT8 needs 64",
    "nan_weights.tflite": "tensor 2 'block/shift/offset': its constant data holds NaN",
    "buffer_outside_file.tflite": "buffer 1 lies outside the flatbuffer",
    "external_buffer.tflite": "its data is in another file (external buffer)",
    "sparse_weights.tflite": "#1  block/shift  ADD v2: tensor 2 'block/shift/offset' is sparse",
    "state.tflite": "tensor 1 'block/pool/MaxPool2d' keeps state between runs",
    "int4_weights.tflite": "tensor 2 'block/shift/offset' is INT4[2], which is not supported",
    "uint8.tflite": "serving_default_x:0 is uint8",
    "no_subgraph.tflite": "the model has no subgraph",
    "no_inputs.tflite": "the model has no inputs or no outputs",
    "no_outputs.tflite": "the model has no inputs or no outputs",
    "no_operator.tflite": "output tensor 3 'block/shift/add' is never produced",
    "input_outside_model.tflite": "input is tensor 17, but the model has tensors 0 to 3",
    "tensor_index_outside_model.tflite": "operator #1 ADD: input is tensor 99",
    "negative_tensor_index.tflite": "operator #1 ADD: input is tensor -7",
    "operator_code_outside_model.tflite": "operator 1: uses operator code 9, but the model has 2",
    "operator_without_output.tflite": "operator #1 ADD uses tensor 1 'block/pool/MaxPool2d', which nothing produces",
    "odd_field_table.tflite": "root: its field table is damaged",
    "custom_options_outside_file.tflite": "operator #1 ADD: offset 20",
    "cycle.tflite": "operator #0 MAX_POOL_2D uses tensor 3 'block/shift/add' before operator #1 produces it (a cycle)",
    "produced_twice.tflite": "operator #1 ADD writes tensor 1 'block/pool/MaxPool2d', which operator #0 already writes",
    "written_constant.tflite": "tensor 2 'block/shift/offset', which is an input or a constant of the model",
    "output_never_produced.tflite": "output tensor 3 'block/shift/add' is never produced",
    "output_is_constant.tflite": "output tensor 2 'block/shift/offset' is a constant",
    "input_is_constant.tflite": "input tensor 2 'block/shift/offset' is a constant",
    "options_of_type_none.tflite": "#0  block/pool  MAX_POOL_2D v2: strides and filter sizes must be positive",
    "wrong_options.tflite": "#0  block/pool  MAX_POOL_2D v2: its options are of type 8, not 5",
    "unknown_padding.tflite": "#0  block/pool  MAX_POOL_2D v2: 9 is not a valid Padding",
    "zero_stride.tflite": "#0  block/pool  MAX_POOL_2D v2: strides and filter sizes must be positive",
    "huge_stride.tflite": "does not follow from the input's",
    "too_many_inputs.tflite": "#0  block/pool  MAX_POOL_2D v2: has 2 inputs, more than 1",
    "too_many_outputs.tflite": "#0  block/pool  MAX_POOL_2D v2: has 2 outputs, more than 1",
    "missing_operand.tflite": "#1  block/shift  ADD v2: is malformed (shift: input 1 is missing)",
    "shapes_do_not_fit.tflite": "does not follow from the input's",
    "wrong_rank.tflite": "the input has 2 dimensions, not 4",
    "float_of_wrong_rank.tflite": "#0  block/pool  MAX_POOL_2D v2: the input has 2 dimensions, not 4",
    "future_version.tflite": "#0  block/pool  MAX_POOL_2D v99: only versions 1 to ",
    "several_unsupported.tflite": "  #4  head/mine  MyFancyOp v1: custom operator",
    "streaming_state.tflite": "operator #0 CALL_ONCE calls subgraph 0, which cannot be",
    "control_flow.tflite": "the file has 3 subgraphs; only the first is compiled",
    "float_inside_int8.tflite": "ADD v1: computes in float32 inside a quantized model",
    "not_hdf5.h5": "not an HDF5 file",
    "truncated_hdf5.h5": "the file cannot be read",
    "endless_heap.h5": "the HDF5 library fails on it: the process used more than 2 s of processor time",
    "weights_only.h5": "holds weights only",
    "description_no_json.h5": "the model's description (model_config) is damaged",
    "description_no_object.h5": "is not one of a Keras model",
    "description_nested_deeply.h5": "the model's description (model_config) is damaged",
    "subclassed_model.h5": "the model is a 'MyModel', not Sequential or functional",
    "keras_1.h5": "written by Keras 1.2.2",
    "no_layers.h5": "it has no list of layers",
    "no_output_layers.h5": "it names no input or output layers",
    "layer_without_name.h5": "layer 0 has no name",
    "unknown_output_layer.h5": "layer 'nobody' (use 0) is referred to but does not exist",
    "cyclic.h5": "the layers form a cycle at 'conv'",
    "inputs_no_list.h5": "layer 'conv': its inputs are 7",
    "output_is_input.h5": "an output of the model is computed by no layer",
    "unsupported_layers.h5": "  dense  Dense: activation 'selu'",
    "channels_first.h5": "  conv  Conv2D: data_format must be channels_last",
    "groups.h5": "layer 'conv' (Conv2D): 1 channels and 2 filters cannot be split into 2 groups",
    "open_input.h5": "layer 'image' (InputLayer): its shape [None, 4, 1] is open",
    "input_without_shape.h5": "layer 'image' (InputLayer): the file does not say the shape",
    "huge_input.h5": "layer 'image' (InputLayer): its output would have shape [1, 8388608, 8388608, 1]",
    "filters_no_number.h5": "layer 'conv' (Conv2D): filters is 'many', expected a positive integer",
    "kernel_larger_than_input.h5": "layer 'conv' (Conv2D): its window [3, 3] is larger than its input [2, 4]",
    "huge_kernel.h5": "layer 'conv' (Conv2D): kernel has shape [3, 3, 1, 2], expected [524288, 524288, 1, 2]",
    "missing_weights.h5": "layer 'dense' (Dense): the file should hold kernel, bias but has nothing",
    "missing_bias.h5": "layer 'dense' (Dense): the file should hold kernel, bias but has kernel",
    "wrong_shape.h5": "layer 'dense' (Dense): bias has shape [5], expected [3]",
    "nan_in_weights.h5": "the weights of layer 'dense': dense/bias:0 holds NaN",
    "integer_weights.h5": "the weights of layer 'dense': dense/bias:0 holds int32",
    "trained_spectrogram.h5": "layer 'conv' (Melspectrogram): the spectrogram's kernels are not a windowed Fourier",
    "truncated.h5.gz": "the gzip data is damaged or cut off",
    "damaged.h5.gz": "the gzip data is damaged or cut off",
    "gzipped_text.h5.gz": "not an HDF5 file",
    "not_zip.keras": "not a complete .keras archive",
    "unknown.bin": "not a model file of a known type",
}


@pytest.fixture(autouse=True, scope="module")
def impatience() -> Iterator[None]:
    """The files here are small: two seconds are long."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hdf5, "LIMITS", replace(hdf5.LIMITS, cpu_s=2))
        yield


def test_every_file_has_a_test() -> None:
    assert {path.name for path in make_invalid.FOLDER.iterdir()} == EXPECTED.keys()


@pytest.mark.parametrize("name", make_invalid.TFLITE)
def test_the_files_are_what_the_script_writes(name: str) -> None:
    assert (make_invalid.FOLDER / f"{name}.tflite").read_bytes() == make_invalid.TFLITE[name]()


@pytest.mark.parametrize("name", EXPECTED)
def test_message_names_the_fault(name: str) -> None:
    tracemalloc.start()
    start = time.process_time()
    with pytest.raises(InputError) as caught:
        importers.load(make_invalid.FOLDER / name)
    seconds, (_, peak) = time.process_time() - start, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert EXPECTED[name] in caught.value.message
    assert caught.value.message.startswith(f"{name}: ")
    assert caught.value.exit_code == 2
    assert len(caught.value.message) < 1000
    assert seconds < 5
    assert peak < 20 << 20


def test_unsupported_operators_are_listed_all_at_once() -> None:
    with pytest.raises(InputError) as caught:
        importers.load(make_invalid.FOLDER / "several_unsupported.tflite")
    assert caught.value.message == (
        "several_unsupported.tflite: 4 operators cannot be compiled\n"
        "  #2  head/up    CONV_3D v3\n"
        "  #3  head/topk  TOPK_V2 v1\n"
        "  #4  head/mine  MyFancyOp v1: custom operator\n"
        "  #5  head/rank  operator code 250 v1: custom operator"
    )
    assert caught.value.hint is not None
    assert "docs/operators.md" in caught.value.hint


def test_missing_file_and_strange_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nothing\.tflite: cannot be read: No such file"):
        importers.load(tmp_path / "nothing.tflite")
    with pytest.raises(InputError, match="a folder, but not a SavedModel"):
        importers.load(tmp_path)


def refusal(read: Callable[[], Graph]) -> str:
    """The message of the InputError that ``read`` raises within seconds; empty when it returns a graph."""
    start = time.process_time()
    try:
        read()
        message = ""
    except InputError as error:
        message = error.message
    assert time.process_time() - start < 5
    return message


def _survives(data: bytes) -> None:
    message = refusal(lambda: tflite.read(data, "fuzzed.tflite"))
    assert not message or message.startswith("fuzzed.tflite: ")


@settings(max_examples=800, deadline=None)
@given(st.lists(st.integers(0, 8 * len(small().bytes()) - 1), min_size=1, max_size=4))
def test_flipped_bits_never_crash_the_reader(bits: list[int]) -> None:
    _survives(_flipped(small().bytes(), bits))


@given(st.integers(0, len(small().bytes())))
def test_truncation_never_crashes_the_reader(length: int) -> None:
    _survives(small().bytes()[:length])


@settings(max_examples=300, deadline=None)
@given(st.integers(0, len(small().bytes()) // 4 - 1), st.sampled_from([0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF]))
def test_extreme_words_never_crash_the_reader(word: int, value: int) -> None:
    data = bytearray(small().bytes())
    data[4 * word : 4 * word + 4] = value.to_bytes(4, "little")
    _survives(bytes(data))


KERAS = make_invalid.keras_file(make_invalid.keras_model(), make_invalid.keras_weights())


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 8 * len(KERAS) - 1), min_size=1, max_size=4))
def test_flipped_bits_never_crash_the_keras_reader(bits: list[int]) -> None:
    data = _flipped(KERAS, bits)
    message = refusal(lambda: legacy.read(KerasFile(unpack(data, "fuzzed.h5"), "fuzzed.h5")))
    assert not message or message.startswith("fuzzed.h5: ")


def _flipped(data: bytes, bits: list[int]) -> bytes:
    changed = bytearray(data)
    for bit in bits:
        changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)
