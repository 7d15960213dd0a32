"""Tensors of the firmware as files: what exists, what it is called, and what a folder of them holds."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from nets import filters, inputs_of, residual
from seatool.cli import main
from seatool.emulate import Result
from seatool.errors import InputError
from seatool.importers import tflite
from seatool.ir import Array, Graph, Quantization
from seatool.pipeline import CompileOptions, Project, compile_model, open_project, traces
from seatool.pipeline.run import run_tensors
from seatool.pipeline.traces import Firmware, Trace
from seatool.tflm.reference import Reference
from small_model import write_small_model


def compiled(graph: Graph, folder: Path, fuse: bool = True) -> Project:
    model = folder / f"{graph.name}.tflite"
    model.write_bytes(tflite.write(graph))
    return compile_model(model, folder / graph.name, CompileOptions(fuse=fuse)).project


def firmware(project: Project) -> Firmware:
    return Firmware.of(tflite.read(project.reference, project.manifest["name"]), project.manifest["layers"])


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Two convolutions and a pooling in one step."""
    folder = tmp_path_factory.mktemp("small")
    model, calibration = write_small_model(folder)
    return compile_model(model, folder / "p", CompileOptions(calibration=calibration)).project


def test_what_lies_inside_a_step_is_named(small: Project) -> None:
    found = firmware(small)
    inner = [name for layer in small.manifest["layers"] for name in layer["operators"][:-1]]
    assert list(found.absent) == inner
    assert len(inner) > 0
    assert set(found.chosen(["all"])) == {"x", "conv1", "conv2", "pool", "flatten", "dense"} - set(inner)
    with pytest.raises(
        InputError, match=f"{inner[0]}: lies inside the step {small.manifest['layers'][0]['name']}"
    ) as e:
        found.chosen(["dense", inner[0]])
    assert "--unfused" in str(e.value.hint)


def test_names_are_layers_labels_aliases_or_tensors(tmp_path: Path) -> None:
    graph = filters()
    found = firmware(compiled(graph, tmp_path))
    by_layer = {op.name: set(op.outputs) for op in found.graph.ops}
    states = [name for name, outputs in by_layer.items() if len(outputs) == 2]
    assert set(found.chosen([states[0]])) == by_layer[states[0]]
    assert len(found.chosen([f"{states[0]}.1"])) == 1
    assert found.chosen(["input1", "sound"]) == ("sound", "more")
    (state, _) = graph.states
    assert found.chosen(["state0"]) == found.chosen([state.value]) == (state.next,)
    with pytest.raises(InputError, match="no layer or tensor inputt") as caught:
        found.chosen(["inputt"])
    assert "input" in str(caught.value.hint)


def test_a_view_of_an_input_has_the_inputs_bytes(small: Project) -> None:
    """Also where the firmware traces nothing because no code runs."""
    graph = firmware(small).graph
    made = {layer["name"]: layer["outputs"] for layer in small.manifest["layers"]}
    last = next(layer for layer in small.manifest["layers"] if layer["operators"][-1] == "pool")
    rng = np.random.default_rng(0)
    pool = rng.integers(-128, 128, graph.tensors["pool"].shape).astype(np.int8)
    run = Result(traces=[{"pool": pool.tobytes(), "dense": bytes(5)}])
    x = np.zeros(graph.tensors["x"].shape, np.int8)
    assert made[last["name"]] == ["pool"]
    layers = [{**layer, "outputs": []} if layer["variant"] is None else layer for layer in small.manifest["layers"]]
    (values,) = Firmware.of(graph, layers).values(run, [(x,)])
    np.testing.assert_array_equal(values["flatten"], pool.reshape(1, -1))


def some_traces() -> list[Trace]:
    values = np.arange(6, dtype=np.int8).reshape(3, 1, 2)
    return [
        Trace("input", "serving/x:0", "", values, Quantization.per_tensor(0.5, 3)),
        Trace("conv", "a;b/c", "CONV_2D", values.astype(np.float32) / 3),
    ]


def test_a_folder_is_read_back(tmp_path: Path) -> None:
    traces.write(tmp_path / "t", some_traces(), ["gone"], {"y": np.zeros(3)})
    assert json.loads((tmp_path / "t" / traces.LISTING).read_text())["absent"] == ["gone"]
    for want, got in zip(some_traces(), traces.read(tmp_path / "t"), strict=True):
        assert (got.label, got.tensor, got.operator, got.quant) == (want.label, want.tensor, want.operator, want.quant)
        np.testing.assert_array_equal(got.values, want.values)
    traces.write(tmp_path / "t", some_traces()[:1], [], {"y": np.zeros(3)})
    assert sorted(p.name for p in (tmp_path / "t").iterdir()) == ["input.npy", traces.RESULT, traces.LISTING]


def test_any_folder_of_arrays_and_any_npz_are_traces(tmp_path: Path) -> None:
    arrays = {"b": np.zeros((2, 3), np.int8), "a": np.ones((2, 1))}
    np.savez(tmp_path / "x.npz", **arrays)
    assert [trace.label for trace in traces.read(tmp_path / "x.npz")] == ["b", "a"]
    (tmp_path / "f").mkdir()
    for name, array in arrays.items():
        np.save(tmp_path / "f" / f"{name}.npy", array)
    assert [trace.label for trace in traces.read(tmp_path / "f")] == ["a", "b"]
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="nor a folder of tensors"):
        traces.read(tmp_path / "empty")


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / traces.LISTING).write_text("{"),
        lambda folder: (folder / traces.LISTING).write_text('{"schema": 9, "tensors": []}'),
        lambda folder: (folder / traces.LISTING).write_text('{"schema": 1, "tensors": [{"name": "x"}]}'),
        lambda folder: (folder / traces.LISTING).write_text('{"schema": 1, "tensors": [7]}'),
        lambda folder: (folder / "conv.npy").unlink(),
        lambda folder: np.save(folder / "conv.npy", np.zeros((3, 2, 2), np.float32)),
    ],
)
def test_a_damaged_folder_is_one_message(damage: object, tmp_path: Path) -> None:
    traces.write(tmp_path / "t", some_traces(), [], {})
    damage(tmp_path / "t")  # type: ignore[operator]
    with pytest.raises(InputError):
        traces.read(tmp_path / "t")


def test_nobody_elses_folder_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    with pytest.raises(InputError, match="not empty"):
        traces.write(tmp_path / "mine", some_traces(), [], {})
    assert (tmp_path / "mine" / "letter.txt").read_text() == "dear"


def cli(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stop:
        main([str(word) for word in words])
    captured = capsys.readouterr()
    return int(stop.value.code or 0), captured.out, captured.err


def test_what_cannot_be_written_is_refused_before_anything_runs(
    capsys: pytest.CaptureFixture[str], small: Project, tmp_path: Path
) -> None:
    np.save(tmp_path / "x.npy", np.zeros((1, 12, 8, 4), np.float32))
    run = ("run", small.path, "--input", tmp_path / "x.npy")
    assert cli(capsys, *run, "--dump", "all")[0] == 2
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").touch()
    code, _, err = cli(capsys, *run, "--dump", "all", "-o", tmp_path / "full")
    assert (code, "building" in err) == (2, False)
    assert cli(capsys, *run, "-o", tmp_path / "out")[0] == 2
    assert cli(capsys, *run, "--dump", "all", "-o", tmp_path / "out.npz")[0] == 2
    assert cli(capsys, *run, "--input", f"x={tmp_path / 'x.npy'}")[0] == 2


@pytest.mark.slow
@pytest.mark.parametrize("fuse", [True, False])
def test_dumped_tensors_of_a_sequence_are_tflms(fuse: bool, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    graph = filters()
    project = compiled(graph, tmp_path, fuse)
    cases = inputs_of(graph, 4)
    words: list[object] = ["run", project.path, "--dump", "all", "-o", tmp_path / "dump"]
    for i, name in enumerate(graph.inputs):
        np.save(tmp_path / f"{i}.npy", np.concatenate([case[i] for case in cases]))
        words += ["--input", f"{name}={tmp_path / f'{i}.npy'}"]
    for _ in range(2):  # a second run begins with the first states again
        assert cli(capsys, *words)[0] == 0
        found = {trace.tensor: trace.values for trace in traces.read(tmp_path / "dump")}
        reference = Reference(project.reference, graph)
        for index, case in enumerate(cases):
            expected: dict[str, Array] = reference.run(case)
            for name, values in found.items():
                np.testing.assert_array_equal(values[index], expected[name])
        absent = json.loads((tmp_path / "dump" / traces.LISTING).read_text())["absent"]
        assert len(found) + len(absent) == len(graph.inputs) + sum(len(op.outputs) for op in graph.ops)
        assert fuse or not absent
    with np.load(tmp_path / "dump" / traces.RESULT) as result:
        np.testing.assert_array_equal(result["y"], found["y"])


@pytest.mark.slow
def test_several_outputs_by_name(tmp_path: Path) -> None:
    project = open_project(compiled(residual(), tmp_path).path)
    graph = residual()
    (case,) = inputs_of(graph, 1)
    np.savez(tmp_path / "in.npz", **dict(zip(graph.inputs, case, strict=True)))
    got = run_tensors(project, tmp_path / "in.npz")
    expected = Reference(project.reference, graph).run(case)
    assert list(got.tensors) == list(graph.outputs)
    for name, values in got.tensors.items():
        np.testing.assert_array_equal(values[0], expected[name])
