"""Projects with a TFLM part, and the comparison, with a stand-in for TFLM that adds 1 in every operator."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from nets import binary, constant, table
from probe_project import require_tools
from raw_model import without_bias
from seatool.build.tflm import find_tflm
from seatool.cli import main
from seatool.errors import BudgetError, InputError
from seatool.importers.tflite import drop_absent_bias, write
from seatool.ir import DType, Graph, Quantization, Tensor
from seatool.pipeline import CompileOptions, compile_model, open_project
from seatool.pipeline.compare import Comparison, compare_project
from seatool.pipeline.options import Runtime
from seatool.report import comparison as report
from seatool.tflm import recorded
from stubbed import install, require_cplusplus

ONE = Quantization.per_tensor(1.0, 0)


def increments(step: int = 1) -> Graph:
    """Three additions of a constant; with 1 it is what the stand-in of TFLM computes."""
    shape = (1, 4, 4, 2)
    tensors = table(*(Tensor(name, shape, DType.INT8, ONE) for name in ("x", "a", "b", "c")))
    tensors |= table(constant("k", np.full(shape, step, np.int8), 1.0))
    names = list(tensors)
    ops = tuple(binary("ADD", names[i + 1], (names[i], "k"), names[i + 1]) for i in range(3))
    return Graph("net", tensors, ops, ("x",), ("c",))


def project(folder: Path, runtime: Runtime, step: int = 1) -> Path:
    """Compile the increments."""
    model = folder / "net.tflite"
    model.write_bytes(write(increments(step)))
    compile_model(model, folder / "project", CompileOptions(runtime=runtime))
    return folder / "project"


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return project(tmp_path_factory.mktemp("both"), "both")


@pytest.fixture(scope="module")
def tflm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    require_tools("make")
    require_cplusplus()
    return install(tmp_path_factory.mktemp("tflm") / "copy")


@pytest.fixture(scope="module")
def compared(both: Path, tflm: Path) -> Comparison:
    require_tools("qemu-system-arm")
    return compare_project(open_project(both), tflm, count=2)


def test_a_bias_that_is_not_there_is_left_out_for_tflm(tmp_path: Path) -> None:
    model = tmp_path / "net.tflite"
    model.write_bytes(without_bias("DEPTHWISE_CONV_2D", (-1,)).bytes())
    compile_model(model, tmp_path / "project", CompileOptions(runtime="both"))
    source = (tmp_path / "project" / "tflm" / "model_data.c").read_text()
    numbers = source[source.rindex("{") + 1 : source.rindex("}")].replace("\n", "").strip(" ,").split(",")
    assert bytes(map(int, numbers)) == drop_absent_bias(model.read_bytes(), "net")
    assert (tmp_path / "project" / "tflm" / "model.tflite").read_bytes() == model.read_bytes()


def test_both_parts_are_written(both: Path) -> None:
    manifest = open_project(both).manifest
    assert {"Makefile", "model/net.c", "app/binding.c", "tflm/Makefile", "tflm/main.cc"} <= set(manifest["files"])
    assert manifest["options"]["runtime"] == "both"
    assert manifest["tflm"] is not None
    kernel = "tflite::Register_ADD_INT8()"
    assert manifest["tflm"]["operators"][0] == {"index": 0, "name": "0_add", "kind": "ADD", "kernel": kernel}
    parts = (manifest["tflm"][key] for key in ("head_bytes", "allocating_bytes"))
    assert manifest["tflm"]["arena_bytes"] == max(parts) + manifest["tflm"]["tail_bytes"] + 512
    assert "With TFLM" in (both / "README.md").read_text()


def test_the_default_has_no_tflm_part(tmp_path: Path) -> None:
    manifest = open_project(project(tmp_path, "aot")).manifest
    assert manifest["tflm"] is None
    assert [name for name in manifest["files"] if name.startswith("tflm/")] == ["tflm/model.tflite"]


@pytest.mark.slow
def test_tflm_alone(tmp_path: Path, tflm: Path) -> None:
    require_tools("qemu-system-arm")
    only = open_project(project(tmp_path, "tflm"))
    assert not {"Makefile", "model/net.c", "app/binding.c", "host/main.c"} & set(only.manifest["files"])
    assert only.manifest["layers"] == []
    result = compare_project(only, tflm, count=1)
    assert result.compiled is None
    assert result.tflm is not None
    assert result.tflm.bit_exact
    assert [(row.step, row.operators) for row in result.rows] == [(None, ("ADD",))] * 3


@pytest.mark.parametrize("command", ["build", "verify", "profile"])
def test_tflm_alone_has_no_compiled_model(command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = project(tmp_path, "tflm")
    with pytest.raises(SystemExit) as stop:
        main([command, str(folder)])
    assert stop.value.code == 2
    assert "holds the model for TFLM alone" in capsys.readouterr().err


def test_both_sides_are_measured(compared: Comparison) -> None:
    compiled, tflm = compared.compiled, compared.tflm
    assert compiled is not None
    assert tflm is not None
    assert (compared.inputs, compared.difference, compared.provenance) == (6, None, None)
    assert compiled.bit_exact
    assert tflm.bit_exact
    assert (compiled.arena_bytes, tflm.model_ram_bytes) == (None, 1234), "what the stand-in says it uses"
    assert compiled.source == tflm.source == "measured"
    for side in (compiled, tflm):
        assert 0 < side.stack_bytes < side.ram_bytes < side.flash_bytes + side.ram_bytes
        assert side.instructions > 0


def test_layers_stand_side_by_side(compared: Comparison) -> None:
    assert compared.tflm is not None
    assert compared.compiled is not None
    assert sum(len(row.operators) for row in compared.rows) == 3
    assert sum(row.tflm or 0 for row in compared.rows) == pytest.approx(compared.tflm.instructions, abs=400)
    assert sum(row.compiled or 0 for row in compared.rows) == pytest.approx(compared.compiled.instructions, abs=400)


def test_report(compared: Comparison, capsys: pytest.CaptureFixture[str]) -> None:
    report.show(compared)
    text = capsys.readouterr().out
    assert "operators in TFLM" in text
    assert "TFLM      all 3 tensors equal TFLM's on this computer, on 6 inputs" in text
    assert json.loads(json.dumps(compared.to_json()))["tflm"]["source"] == "measured"


def test_a_silent_tflm_has_no_rows(compared: Comparison) -> None:
    assert compared.tflm is not None
    silent = replace(
        compared,
        tflm=replace(compared.tflm, tensors=1),
        rows=tuple(replace(row, tflm=None) for row in compared.rows),
    )
    lines = report.notes(silent)
    assert lines[1].startswith("TFLM      1 tensor equals")
    assert "announces no operators" in lines[2]


@pytest.mark.slow
def test_a_different_tflm_is_reported(tmp_path: Path, tflm: Path) -> None:
    require_tools("qemu-system-arm")
    result = compare_project(open_project(project(tmp_path, "both", step=2)), tflm, count=1)
    assert result.compiled is not None
    assert result.compiled.bit_exact
    assert result.tflm is not None
    assert not result.tflm.bit_exact
    assert result.difference is not None
    assert "in tensor a on input 0 (random)" in result.difference


def test_without_tflm_and_records_there_is_one_side(both: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    require_tools("qemu-system-arm")
    monkeypatch.delenv("TFLM_DIR", raising=False)
    result = compare_project(open_project(both), count=1)
    assert result.tflm is None
    assert report.notes(result)[-2].startswith("TFLM      not found")


def test_recorded_figures_are_marked(both: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    require_tools("qemu-system-arm")
    monkeypatch.delenv("TFLM_DIR", raising=False)
    entry = recorded.Recorded(
        title="net",
        sha256=(open_project(both).manifest["model"]["sha256"],),
        instructions=1000,
        operators={"0_add": 300, "1_add": 301, "2_add": 302},
        flash_bytes=70_000,
        model_ram_bytes=1_500,
        ram_bytes=6_000,
        stack_bytes=900,
        arena_bytes=2_000,
        bit_exact=True,
        provenance="TFLM x; y",
    )
    monkeypatch.setattr(recorded, "recorded", lambda: (entry,))
    result = compare_project(open_project(both), count=1)
    assert result.tflm is not None
    assert (result.tflm.source, result.tflm.instructions) == ("recorded", 1000)
    assert sum(row.tflm or 0 for row in result.rows) == 903
    assert "recorded  TFLM x; y" in report.notes(result)


def test_recorded_models_are_complete() -> None:
    models = recorded.recorded()
    assert len(models) >= 4
    for model in models:
        assert all(len(sha) == 64 for sha in model.sha256)
        assert sum(model.operators.values()) <= model.instructions <= sum(model.operators.values()) * 1.001
        assert model.model_ram_bytes <= model.arena_bytes < model.ram_bytes
        assert model.bit_exact
    assert recorded.find({models[0].sha256[0]}) == models[0]
    assert recorded.find({"0" * 64}) is None


@pytest.mark.slow
def test_cmake_builds_the_same_images(both: Path, tflm: Path, tmp_path: Path) -> None:
    require_tools("cmake")
    for command in (["-S", both / "tflm", "-B", tmp_path, f"-DTFLM_DIR={tflm}"], ["--build", tmp_path]):
        subprocess.run(["cmake", *command], check=True, capture_output=True)
    assert (tmp_path / "net.elf").is_file()
    assert (tmp_path / "net-emulator.elf").is_file()


def test_make_says_what_is_missing(both: Path, tmp_path: Path) -> None:
    require_tools("make")
    require_cplusplus()
    make = ["make", "-C", str(both / "tflm")]
    nothing = subprocess.run([*make, "TFLM_DIR="], capture_output=True, text=True, check=False)
    assert nothing.returncode != 0
    assert "TFLM is missing: set TFLM_DIR to your copy of tflite-micro" in nothing.stderr
    header = tmp_path / "tensorflow/lite/micro/micro_interpreter.h"
    header.parent.mkdir(parents=True)
    header.touch()
    unbuilt = subprocess.run([*make, f"TFLM_DIR={tmp_path}"], capture_output=True, text=True, check=False)
    assert "TFLM_LIB has to name one libtensorflow-microlite.a" in unbuilt.stderr


def test_tflm_is_looked_for(tflm: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TFLM_DIR", raising=False)
    monkeypatch.delenv("TFLM_LIB", raising=False)
    assert find_tflm() is None
    with pytest.raises(InputError, match="is not a copy of TFLM"):
        find_tflm(tmp_path)
    monkeypatch.setenv("TFLM_DIR", str(tflm))
    found = find_tflm()
    assert found is not None
    assert found.library.name == "libtensorflow-microlite.a"
    second = install(tmp_path / "copy")
    (only,) = second.glob("gen/*/lib/*.a")
    other = Path(str(only).replace("release_with_logs", "default"))
    other.parent.mkdir(parents=True)
    only.rename(other)
    assert find_tflm(second) is not None
    only.touch()
    with pytest.raises(InputError, match=r"several builds .*\n.*default.*\n.*release"):
        find_tflm(second)
    monkeypatch.setenv("TFLM_LIB", str(other))
    chosen = find_tflm(second)
    assert chosen is not None
    assert chosen.library == other.absolute()
    monkeypatch.setenv("TFLM_LIB", str(tmp_path / "none.a"))
    with pytest.raises(InputError, match=r"TFLM_LIB is .*none\.a: there is no such file"):
        find_tflm(second)


def test_a_path_that_make_cannot_take_is_refused(tmp_path: Path) -> None:
    require_cplusplus()
    with pytest.raises(InputError, match="my copy has a space in it"):
        find_tflm(install(tmp_path / "my copy"))


def test_an_unbuilt_tflm_is_refused(tmp_path: Path, tflm: Path) -> None:
    copy = install(tmp_path / "copy")
    next(copy.glob("gen/*/lib/*.a")).unlink()
    with pytest.raises(InputError, match="was not built for a Cortex-M7 with FPU"):
        find_tflm(copy)


def test_a_project_without_the_part_cannot_be_compared_with_it(tmp_path: Path, tflm: Path) -> None:
    require_tools("qemu-system-arm")
    with pytest.raises(InputError, match="has no TFLM part"):
        compare_project(open_project(project(tmp_path, "aot")), tflm, count=1)


def test_tflm_does_not_fit(tmp_path: Path) -> None:
    model = tmp_path / "net.tflite"
    model.write_bytes(write(increments()))
    options = CompileOptions(runtime="both", flash_limit=64_000)
    with pytest.raises(BudgetError, match="net in TFLM does not fit m7"):
        compile_model(model, tmp_path / "project", options)
    assert not (tmp_path / "project").exists()
