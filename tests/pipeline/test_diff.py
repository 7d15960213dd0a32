"""Two models, firmwares or dumps side by side: what is matched, what differs first, where quantization loses it."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from nets import filters, inputs_of, residual
from seatool.cli import main
from seatool.errors import InputError
from seatool.importers import tflite
from seatool.ir import Array, Graph, Quantization
from seatool.pipeline import CompileOptions, compile_model, traces
from seatool.pipeline.diff import Difference, diff
from seatool.pipeline.matching import match
from seatool.pipeline.project import REFERENCE
from seatool.pipeline.recordings import shipped_student
from seatool.pipeline.sides import open_side
from seatool.pipeline.traces import INPUT, Trace
from seatool.tflm.reference import Reference
from small_model import inputs, small_model, write_small_model


def cli(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stop:
        main([str(word) for word in words])
    captured = capsys.readouterr()
    return int(stop.value.code or 0), captured.out, captured.err


def written(graph: Graph, file: Path) -> Path:
    file.write_bytes(tflite.write(graph))
    return file


def changed(graph: Graph, tensor: str, by: float) -> Graph:
    """``graph`` with ``by`` added to the first value of a constant."""
    old = graph.tensors[tensor]
    assert old.data is not None
    data = old.data.copy()
    data.flat[0] += old.dtype.numpy.type(by)
    return graph.with_(tensors=[replace(t, data=data) if t.name == tensor else t for t in graph.tensors.values()])


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The small model in float, the project made of it, and its int8 model."""
    folder = tmp_path_factory.mktemp("models")
    model, calibration = write_small_model(folder)
    project = compile_model(model, folder / "p", CompileOptions(calibration=calibration)).project
    return {"float": model, "inputs": calibration, "project": project.path, "int8": project.path / REFERENCE}


def by_layer(found: Difference) -> dict[str, Any]:
    return {pair.layer: pair for pair in found.pairs}


def test_a_model_equals_itself(capsys: pytest.CaptureFixture[str], models: dict[str, Path]) -> None:
    code, out, _ = cli(capsys, "diff", models["int8"], models["int8"])
    assert (code, "all 6 tensors" in out) == (0, True)
    found = diff(models["int8"], models["int8"])
    assert [pair.layer for pair in found.pairs] == ["input", "conv1", "conv2", "pool", "flatten", "dense"]
    assert all(pair.max_abs == 0 and pair.sqnr_db is None and pair.judged for pair in found.pairs)


def test_the_first_difference_is_where_the_models_part(
    capsys: pytest.CaptureFixture[str], models: dict[str, Path], tmp_path: Path
) -> None:
    graph = tflite.read(models["int8"].read_bytes(), "small")
    bias = str(graph.op("conv2").inputs[2])
    other = written(changed(graph, bias, 4000), tmp_path / "other.tflite")
    words = ("diff", models["int8"], other, "--input", models["inputs"])
    code, out, _ = cli(capsys, *words)
    assert code == 4
    line = next(line for line in out.splitlines() if "◀" in line)
    assert line.startswith("conv2")
    assert "first difference" in line
    code, out, _ = cli(capsys, *words, "--json")
    value = json.loads(out)
    assert (code, value["different"], value["first"]) == (4, True, "conv2")
    pairs = {layer["layer"]: layer for layer in value["layers"]}
    assert pairs["conv1"]["different"] == 0
    assert pairs["conv2"]["unit"] == "steps"
    assert pairs["conv2"]["first"][0] == 0
    assert pairs["conv2"]["first"][-1] == 0, "only the first channel's bias was changed"
    assert pairs["conv2"]["first_b"] > pairs["conv2"]["first_a"]
    assert cli(capsys, *words, "--tolerance", "255")[0] == 0


def test_what_quantization_loses_is_reported(capsys: pytest.CaptureFixture[str], models: dict[str, Path]) -> None:
    found = diff(models["float"], models["int8"], models["inputs"])
    pairs = by_layer(found)
    assert [*pairs] == ["input", "conv1", "conv2", "pool", "flatten", "dense"]
    assert not any(pair.judged for pair in found.pairs)
    assert all(pair.sqnr_db is not None and pair.sqnr_db > 25 for pair in found.pairs)
    assert pairs["flatten"].lost_db == pytest.approx(0, abs=1e-9)
    assert pairs["conv1"].lost_db == pytest.approx(pairs["input"].sqnr_db - pairs["conv1"].sqnr_db)
    assert found.most_lost is not None
    assert found.most_lost.noise == max(pair.noise for pair in found.pairs) > 0
    words = ("diff", models["float"], models["int8"], "--input", models["inputs"])
    code, out, _ = cli(capsys, *words)
    assert (code, "most is lost here" in out) == (0, True)
    assert cli(capsys, *words, "--tolerance", "1e-6")[0] == 4
    assert cli(capsys, *words, "--tolerance", "100")[0] == 0


def test_a_coarse_layer_is_found(models: dict[str, Path], tmp_path: Path) -> None:
    """Weights of conv2 with the four low bits gone: that is where it is lost."""
    graph = tflite.read(models["int8"].read_bytes(), "small")
    name = str(graph.op("conv2").inputs[1])
    weights = graph.tensors[name]
    assert weights.data is not None
    coarse = replace(weights, data=(weights.data >> 4 << 4).astype(np.int8))
    other = graph.with_(tensors=[coarse if t.name == name else t for t in graph.tensors.values()])
    found = diff(models["float"], written(other, tmp_path / "coarse.tflite"), models["inputs"])
    assert found.most_lost is not None
    assert found.most_lost.layer == "conv2"


def test_float_sums_may_round_otherwise(models: dict[str, Path], tmp_path: Path) -> None:
    slightly = written(changed(small_model(), "b5", 1e-7), tmp_path / "slightly.tflite")
    assert diff(models["float"], slightly).first is None
    clearly = written(changed(small_model(), "b5", 0.1), tmp_path / "clearly.tflite")
    first = diff(models["float"], clearly).first
    assert first is not None
    assert (first.layer, first.unit) == ("dense", "real")
    assert diff(models["float"], clearly, tolerance=0.2).first is None


def test_several_inputs_and_states_run_as_one_sequence(tmp_path: Path) -> None:
    for graph in (residual(), filters()):
        model = written(graph, tmp_path / f"{graph.name}.tflite")
        found = diff(model, model, count=3)
        assert found.first is None
        assert len(found.pairs) == len(graph.inputs) + sum(len(op.outputs) for op in graph.ops)


def test_other_inputs_are_refused_in_one_message(models: dict[str, Path], tmp_path: Path) -> None:
    other = written(residual(), tmp_path / "residual.tflite")
    with pytest.raises(InputError, match=r"both sides need the same inputs: small takes \[1, 12, 8, 4\]"):
        diff(models["float"], other)
    np.save(tmp_path / "x.npy", np.zeros((1, 3)))
    with pytest.raises(InputError, match="does not fit the model's input"):
        diff(models["float"], models["int8"], tmp_path / "x.npy")
    with pytest.raises(InputError, match="neither side has an audio front end"):
        diff(models["float"], models["int8"], tmp_path / "x.wav")


def test_integers_of_a_file_mean_the_same_to_both(models: dict[str, Path], tmp_path: Path) -> None:
    graph = tflite.read(models["int8"].read_bytes(), "small")
    np.save(tmp_path / "x.npy", np.full(graph.tensors["x"].shape, 100, np.int8))
    pair = by_layer(diff(models["float"], models["int8"], tmp_path / "x.npy"))["input"]
    assert pair.max_abs == 0


def dump(folder: Path, *arrays: Trace) -> Path:
    traces.write(folder, arrays, [], {})
    return folder


def trace(name: str, values: Array, operator: str = "RELU", quant: Quantization | None = None) -> Trace:
    return Trace(name, f"t/{name}", operator, values, quant)


def test_dumps_are_compared(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    x, y = np.arange(8, dtype=np.int8).reshape(2, 1, 4), np.arange(6, dtype=np.float32).reshape(2, 3)
    a = dump(tmp_path / "a", trace("x", x, INPUT), trace("y", y))
    b = dump(tmp_path / "b", trace("x", x, INPUT), trace("y", y * np.float32(1.5)))
    assert cli(capsys, "diff", a, a)[0] == 0
    assert diff(a, b).first is not None
    np.savez(tmp_path / "c.npz", y=y, x=x + np.int8(2))
    found = diff(a, tmp_path / "c.npz")
    assert {(pair.layer, pair.max_abs) for pair in found.pairs} == {("x", 2.0), ("y", 0.0)}
    longer = dump(tmp_path / "d", trace("x", np.zeros((3, 1, 4), np.int8)))
    with pytest.raises(InputError, match=r"x: .* holds 2 inferences, .* 3"):
        diff(a, longer)
    with pytest.raises(InputError, match="no tensor in common"):
        diff(a, dump(tmp_path / "e", trace("z", np.zeros((2, 99)))))
    with pytest.raises(InputError, match="--input has no use"):
        diff(a, b, tmp_path / "c.npz")


@pytest.mark.filterwarnings("error")
def test_nan_differs_and_is_json(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    y = np.ones((1, 3), np.float32)
    a, b = dump(tmp_path / "a", trace("y", y)), dump(tmp_path / "b", trace("y", y * np.float32(np.nan)))
    code, out, _ = cli(capsys, "diff", a, b, "--json")
    assert code == 4
    assert json.loads(out, parse_constant=lambda text: pytest.fail(text))["layers"][0]["max_abs"] is None
    endless = dump(tmp_path / "e", trace("y", y * np.float32(np.inf)))
    assert [cli(capsys, "diff", side, side)[0] for side in (endless, b)] == [0, 0]
    assert cli(capsys, "diff", a, endless)[0] == 4
    zeros = dump(tmp_path / "z", trace("y", 0 * y))
    (pair,) = diff(zeros, a).pairs
    assert pair.sqnr_db == -math.inf
    assert cli(capsys, "diff", zeros, a)[0] == 4


def test_a_dump_brings_its_inputs(tmp_path: Path) -> None:
    graph = filters()
    model = written(graph, tmp_path / "filters.tflite")
    cases = inputs_of(graph, 3)
    reference = Reference(model.read_bytes(), graph)
    values = [reference.run(case) for case in cases]
    found = traces.traces_of(graph, values, [*graph.inputs, "middle", "y"])
    assert diff(dump(tmp_path / "a", *found), model).first is None
    with pytest.raises(InputError, match="do not hold the model's input input1") as caught:
        diff(model, dump(tmp_path / "b", *found[:1]))
    assert "--input" in str(caught.value.hint)


def test_edits_of_a_project_are_mentioned(tmp_path: Path) -> None:
    model = written(filters(), tmp_path / "filters.tflite")
    project = compile_model(model, tmp_path / "p").project
    assert open_side(project.path).what == "firmware in the emulator"
    (project.path / "model" / "filters.c").write_text("mine")
    assert open_side(project.path).what == "firmware in the emulator, 1 of its files edited"


def traced(*names: str, sizes: tuple[int, ...] = (), prefix: str = "") -> list[Trace]:
    shapes = sizes or (4,) * len(names)
    return [
        Trace(name, prefix + name, "CONV_2D", np.zeros((1, size))) for name, size in zip(names, shapes, strict=True)
    ]


def test_tensors_of_one_name_are_pairs_whatever_their_order() -> None:
    assert match(traced("a", "b", "c"), traced("b", "a", "c")) == [(0, 1), (1, 0), (2, 2)]
    assert match(traced("a", "b"), traced("b", "a", sizes=(4, 5))) == [(1, 0)]


def test_layers_that_were_numbered_anew_are_matched_in_order() -> None:
    a, b = traced("conv", "conv_1", "conv_2"), traced("conv_1", "conv_2", "conv_3", prefix="model/")
    assert match(a, b) == [(0, 0), (1, 1), (2, 2)]


def test_what_was_put_in_between_is_left_out_by_name_or_shape() -> None:
    a = traced("c1", "c2", "c3")
    assert match(a, traced("c1", "new", "c2", "c3", prefix="m/")) == [(0, 0), (1, 2), (2, 3)]
    assert match(a, traced("u", "v", "w", "x", sizes=(9, 4, 4, 4))) == [(0, 1), (1, 2), (2, 3)]
    image = [Trace("i", "i", INPUT, np.zeros((1, 4)))]
    assert match(image, traced("c1")) == []


@pytest.mark.slow
def test_a_model_against_its_firmware(
    capsys: pytest.CaptureFixture[str], models: dict[str, Path], tmp_path: Path
) -> None:
    code, out, _ = cli(capsys, "diff", models["int8"], models["project"])
    assert (code, "equal" in out, "inside fused steps" in out) == (0, True, True)
    np.save(tmp_path / "x.npy", inputs(2))
    found = diff(models["float"], models["project"], tmp_path / "x.npy")
    assert [pair.layer for pair in found.pairs] == ["input", "pool", "flatten", "dense"]
    assert all(label in found.b.absent for label in found.only_a)
    folder = tmp_path / "dump"
    assert cli(capsys, "run", models["project"], "--input", tmp_path / "x.npy", "--dump", "all", "-o", folder)[0] == 0
    assert cli(capsys, "diff", folder, models["int8"])[0] == 0
    assert cli(capsys, "diff", models["project"], folder)[0] == 0
    other = np.load(folder / "dense.npy")
    other[1, 0, 2] ^= 1
    np.save(folder / "dense.npy", other)
    code, out, _ = cli(capsys, "diff", models["int8"], folder, "--json")
    assert (code, json.loads(out)["first"]) == (4, "dense")
    last = json.loads(out)["layers"][-1]
    assert last["first"] == [1, 0, 2]
    assert last["first_b"] == last["first_a"] + (1 if last["first_a"] % 2 == 0 else -1) == other[1, 0, 2]


@pytest.mark.slow
def test_a_student_hears_the_shipped_recording(tmp_path: Path) -> None:
    project = compile_model(shipped_student(), tmp_path / "p").project
    found = diff(shipped_student(), project.path, count=2)
    assert found.inputs == "2 windows of the recording that seatool ships"
    assert all((pair.sqnr_db or math.inf) > 15 for pair in found.pairs)
    assert found.most_lost is not None
