"""What ``inspect`` says of a model: every layer as the file has it, and everything that cannot be compiled."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from nets import act, classifier, filters, residual, table
from seatool.cli import main
from seatool.importers import tflite
from seatool.ir import Graph, Op
from seatool.kernels.view import ReshapeAttributes
from seatool.pipeline import CompileOptions, compile_model
from seatool.pipeline.inspection import Inspection, inspect_model, peak_bytes
from small_model import small_model, write_small_model

INVALID = Path(__file__).parents[1] / "data" / "invalid"


def inspected(graph: Graph, folder: Path) -> Inspection:
    model = folder / f"{graph.name}.tflite"
    model.write_bytes(tflite.write(graph))
    return inspect_model(model)


def cli(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stop:
        main([str(word) for word in words])
    captured = capsys.readouterr()
    return int(stop.value.code or 0), captured.out, captured.err


def test_every_layer_with_its_tensors(tmp_path: Path) -> None:
    found = inspected(classifier(), tmp_path)
    layers = {layer.operator: layer for layer in found.layers}
    conv = layers["CONV_2D"]
    assert (conv.inputs[0].shape, conv.outputs[0].shape) == ((1, 9, 11, 3), (1, 9, 11, 8))
    assert (conv.outputs[0].scale, conv.outputs[0].zero_point) == (pytest.approx(0.04), -128)
    weights = next(port for port in conv.constants if len(port.shape) == 4)
    assert (weights.channels, weights.scale) == (8, None)
    assert conv.macs == 9 * 11 * 8 * 3 * 3 * 3
    assert conv.weight_bytes == 8 * 3 * 3 * 3 + 8 * 4
    assert conv.activation_bytes == 9 * 11 * 8
    assert conv.attributes["padding"] == "SAME"
    assert "rows" in conv.kernels
    assert dict(conv.rejected)["vector"]
    flatten = layers["RESHAPE"]
    assert (flatten.is_view, flatten.activation_bytes, flatten.weight_bytes, flatten.kernels) == (True, 0, 0, ())
    assert [port.name for port in layers["SPLIT"].outputs] == [f"{layers['SPLIT'].name}.{i}" for i in range(2)]
    assert found.macs == sum(layer.macs or 0 for layer in found.layers)
    assert found.obstacles is None
    json.dumps(found.to_json())


def test_states_and_several_inputs_and_outputs(tmp_path: Path) -> None:
    remembering = inspected(filters(), tmp_path)
    assert [port.tensor for port in remembering.states] == ["heard", "recalled"]
    assert [port.name for port in remembering.inputs] == ["input0", "input1"]
    assert len(inspected(residual(), tmp_path).outputs) == 2


def test_a_float_model_is_shown_before_quantization(tmp_path: Path) -> None:
    found = inspected(small_model(), tmp_path)
    assert (found.quantized, found.obstacles) == (False, None)
    assert {layer.outputs[0].dtype for layer in found.layers} == {"float32"}
    assert found.layers[0].weight_bytes == 4 * (8 * 3 * 3 * 4 + 8)
    assert found.layers[0].kernels, "kernels are asked as if it were int8"


def test_a_project_says_where_each_layer_is_computed(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    model, calibration = write_small_model(tmp_path)
    project = compile_model(model, tmp_path / "p", CompileOptions(calibration=calibration)).project
    found = inspect_model(tmp_path / "p")
    assert (found.file, found.quantized) == ("small.tflite", True)
    steps = {name: step for step in project.manifest["layers"] for name in step["operators"]}
    assert {layer.name: (layer.step, layer.kernel) for layer in found.layers} == {
        name: (step["name"], step["variant"]) for name, step in steps.items()
    }
    code, out, _ = cli(capsys, "inspect", tmp_path / "p")
    assert (code, "computed by" in out) == (0, True)


def test_all_unsupported_operators_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = cli(capsys, "inspect", INVALID / "several_unsupported.tflite", "--json")
    value = json.loads(out)
    assert (code, value["compiles"]) == (2, False)
    faulty = [layer for layer in value["layers"] if layer["problems"]]
    assert len(faulty) == 4 < len(value["layers"])
    assert all(layer["operator"] in value["problem"]["message"] for layer in faulty)
    code, out, _ = cli(capsys, "inspect", INVALID / "several_unsupported.tflite")
    assert (code, out.count("✗ not supported")) == (2, 4)
    assert "4 operators cannot be compiled" in out


def test_unsupported_keras_layers_stand_among_the_others(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = cli(capsys, "inspect", INVALID / "unsupported_layers.h5", "--kernels")
    assert (code, "2 layers are not supported" in out) == (2, True)
    found = inspect_model(INVALID / "unsupported_layers.h5")
    assert found.quantized is None
    assert [bool(layer.problems) for layer in found.layers].count(True) == 2
    assert len(found.layers) > 2


def test_types_that_no_graph_holds_are_named() -> None:
    found = inspect_model(INVALID / "int4_weights.tflite")
    dtypes = {port.dtype for layer in found.layers for port in layer.constants}
    assert "int4" in dtypes


def test_a_damaged_file_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = cli(capsys, "inspect", INVALID / "truncated.tflite", "--json")
    assert code == json.loads(out)["error"]["exit_code"] == 2
    assert "truncated.tflite" in err


def test_kernels_are_listed_with_reasons(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    inspected(classifier(), tmp_path)
    _, out, _ = cli(capsys, "inspect", tmp_path / "classifier.tflite", "--kernels")
    assert "view, no code" in out
    assert any(line.strip().startswith("not vector") and "pixels" in line for line in out.splitlines())
    assert "not vector" not in cli(capsys, "inspect", tmp_path / "classifier.tflite")[1]


def test_activations_at_once() -> None:
    """x 24 -> a 24 -> view 24 -> b 24, with x read again at the end: x, a (or its view) and b."""
    reshape = ReshapeAttributes((4, 6))
    tensors = table(act("x", (1, 24)), act("a", (1, 24)), act("v", (4, 6)), act("b", (1, 24)))
    ops = (
        Op("a", "ABS", ("x",), ("a",)),
        Op("v", "RESHAPE", ("a",), ("v",), reshape),
        Op("b", "ADD", ("v", "x"), ("b",)),
    )
    assert peak_bytes(Graph("g", tensors, ops, ("x",), ("b",))) == 72


def test_real_models_as_users_have_them(shared_data: Path) -> None:
    for name, macs, weights in (
        ("edgel3_sea_64_int8.tflite", 122_425_344, 398_882),
        ("mlperf_tiny/kws_ref_model.tflite", 2_656_768, 24_368),
    ):
        found = inspect_model(shared_data / "models" / name)
        assert (found.macs, found.weight_bytes, found.obstacles) == (macs, weights, None)
    student = inspect_model(shared_data / "models" / "edgel3_sea_ust_audio_emb_64.h5.gz")
    assert student.frontend is not None
    assert student.macs == 122_425_344
