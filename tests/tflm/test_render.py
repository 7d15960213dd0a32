"""The ``tflm/`` part of a project: what it says, that it compiles, and that it does what the harness expects."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import streaming
from nets import act, binary, classifier, residual, table
from seatool import audio, emulate
from seatool.errors import ToolError
from seatool.importers import tflite
from seatool.importers.tflite import write
from seatool.ir import Graph
from stubbed import ARM, PLACED, TFLM_SOURCES, compile_source, files, host_program, require_cplusplus, write_files


def sums() -> Graph:
    """Three sums; all tensors have the 32 bytes that the stand-in of TFLM works with."""
    names = ("x", "a", "b", "c")
    tensors = table(*(act(name, (1, 4, 4, 2)) for name in names))
    ops = tuple(binary("ADD", names[i + 1], (names[i], names[i]), names[i + 1]) for i in range(3))
    return Graph("sums", tensors, ops, ("x",), ("c",))


def test_main_says_what_the_model_needs() -> None:
    main = files(residual())["tflm/main.cc"].decode()
    assert "2,048 B of tensors and scratch, 1,024 B that stay, and a margin of 512 B." in main
    assert "using Resolver = tflite::MicroMutableOpResolver<4>;" in main
    assert "TF_LITE_ENSURE_STATUS(resolver.AddAdd(tflite::Register_ADD_INT8()));" in main
    assert f"constexpr uint32_t kArenaBytes = {PLACED.arena.bytes};" in main
    assert 'alignas(16) uint8_t arena[kArenaBytes] __attribute__((section(".ram.axi")));' in main
    assert "const uint32_t model_input_bytes = 576;" in main
    assert '"0_add",\n    "1_mul",\n    "2_max_pool_2d",\n    "3_average_pool_2d",' in main
    assert '{"scaled", 1, 0, 0, 288},' in main


def test_model_in_flash_is_the_file() -> None:
    source = files(sums())["tflm/model_data.c"].decode()
    assert "_Alignas(16) const uint8_t model_data[]" in source
    numbers = source[source.rindex("{") + 1 : source.rindex("}")].replace("\n", "").strip(" ,").split(",")
    assert bytes(map(int, numbers)) == write(sums())


def test_same_model_same_files() -> None:
    assert files(classifier()) == files(classifier())


def stream() -> Graph:
    """A model with a variable."""
    return tflite.read(streaming.ring(np.zeros((1, 3, 4), np.int8)).bytes(), "stream")


def test_variables_are_made_in_the_arena() -> None:
    main = files(stream())["tflm/main.cc"].decode()
    assert "tflite::MicroResourceVariables::Create(allocator, 1);" in main
    assert "Interpreter(model, *resolver, allocator, variables, profiler());" in main
    assert all(f"resolver.Add{name}()" in main for name in ("CallOnce", "VarHandle", "ReadVariable", "AssignVariable"))
    assert "MicroResourceVariables" not in files(sums())["tflm/main.cc"].decode()


@pytest.mark.parametrize("graph", [sums(), residual(), classifier(), stream()])
@pytest.mark.parametrize("hooks", [(), ("-DNN_HOOKS",)])
def test_target_compiler_has_nothing_to_say(graph: Graph, hooks: tuple[str, ...], tmp_path: Path) -> None:
    require_cplusplus()
    project = write_files(files(graph), tmp_path)
    for source in TFLM_SOURCES:
        compiler = "arm-none-eabi-g++" if source.endswith(".cc") else "arm-none-eabi-gcc"
        compile_source(project, source, compiler, (*ARM, *hooks))


def test_nothing_runs_before_main(tmp_path: Path) -> None:
    """The start-up code calls no constructors, and there is no heap for operator new."""
    require_cplusplus()
    built = compile_source(write_files(files(sums()), tmp_path), "tflm/main.cc", "arm-none-eabi-g++", ARM)
    listed = subprocess.run(["arm-none-eabi-objdump", "-ht", built], capture_output=True, text=True, check=True).stdout
    for word in (".init_array", "atexit", "_Znwj", "_Znaj", "__cxa_guard"):
        assert word not in listed


def test_harness_runs_it(tmp_path: Path) -> None:
    program = host_program(write_files(files(sums()), tmp_path), operators=3)
    inputs = [np.arange(32, dtype=np.int8).tobytes(), bytes(32)]
    run = emulate.run_host(program, inputs, trace=True)
    assert run.arena_bytes == 1234
    assert list(run.layer_instructions) == ["0_add", "1_add", "2_add"]
    assert run.outputs == [bytes(value + 3 for value in data) for data in inputs]
    for data, trace in zip(inputs, run.traces, strict=True):
        assert trace == {name: bytes(value + 1 + i for value in data) for i, name in enumerate("abc")}


def test_harness_reports_a_refusal(tmp_path: Path) -> None:
    small = replace(PLACED, arena=replace(PLACED.arena, head=0, tail=0, allocating=0, margin=16))
    contents = files(sums())
    size = f"kArenaBytes = {PLACED.arena.bytes};".encode()
    contents["tflm/main.cc"] = contents["tflm/main.cc"].replace(size, f"kArenaBytes = {small.arena.bytes};".encode())
    program = host_program(write_files(contents, tmp_path), operators=3)
    with pytest.raises(ToolError, match="TFLM could not allocate the tensors"):
        emulate.run_host(program, [bytes(32)])


def test_front_end_is_layer_zero(tmp_path: Path) -> None:
    require_cplusplus()
    contents = files(sums(), audio.LogMel.from_parameters())
    main = contents["tflm/main.cc"].decode()
    assert '"log_mel",\n    "0_add",' in main
    assert '{"a", 1, 0, 0, 32},' in main
    assert "audio_log_mel(&sums_audio_tables, pcm, scratch, interpreter->input(0)->data.int8);" in main
    assert set(contents) >= {"audio/audio_log_mel.c", "audio/audio_fft.c", "audio/sums_audio_tables.c"}
    compile_source(write_files(contents, tmp_path), "tflm/main.cc", "arm-none-eabi-g++", (*ARM, "-DNN_HOOKS"))
