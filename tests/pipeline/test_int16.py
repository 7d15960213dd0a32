"""A network on int16 activations with int8 weights, from its file to the emulator."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from int16_model import int16_functions, int16_model
from seatool.importers import tflite
from seatool.pipeline import CompileOptions, compile_model, open_project
from seatool.pipeline.verify import verify_project


def test_reading_gives_what_was_written() -> None:
    graph = int16_model()
    read = tflite.read(tflite.write(graph), "wide.tflite")
    assert [(op.kind, op.attributes) for op in read.ops] == [(op.kind, op.attributes) for op in graph.ops]
    for name, tensor in graph.tensors.items():
        assert (read.tensors[name].dtype, read.tensors[name].quant) == (tensor.dtype, tensor.quant)
        assert tensor.data is None or np.array_equal(tensor.data, read.tensors[name].data)  # type: ignore[arg-type]


@pytest.mark.slow
@pytest.mark.parametrize("fuse", [True, False])
def test_firmware_equals_tflm(fuse: bool, tmp_path: Path) -> None:
    model, folder = tmp_path / "wide.tflite", tmp_path / "project"
    model.write_bytes(tflite.write(int16_model()))
    compile_model(model, folder, CompileOptions(fuse=fuse))
    verified = verify_project(open_project(folder), count=4)
    assert verified.inputs == {"extreme": 4, "random": 4}
    if not fuse:
        kernels = [layer["variant"] for layer in open_project(folder).manifest["layers"]]
        assert kernels == ["gemm_s16", "lanes_s16", "phases_s16", "vector_s16", "blocks_s16"]
        assert verified.tensors == 5


@pytest.mark.slow
def test_layers_without_weights_equal_tflm(tmp_path: Path) -> None:
    model, folder = tmp_path / "functions.tflite", tmp_path / "project"
    model.write_bytes(tflite.write(int16_functions()))
    compile_model(model, folder, CompileOptions(fuse=False))
    assert verify_project(open_project(folder), count=4).tensors == 6
