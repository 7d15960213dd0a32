"""The generated C++ compiled against stand-ins for TFLM's headers, for the target or for this computer."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from seatool import boards, build
from seatool.audio import LogMel
from seatool.build import tools
from seatool.errors import ToolError
from seatool.importers.tflite import records, write
from seatool.ir import Graph
from seatool.tflm import Arena, Placed, render

STUBS = Path(__file__).with_name("stubs")
WARNINGS = ("-Wall", "-Wextra", "-Wconversion", "-Werror")
CPLUSPLUS = ("-std=c++17", "-fno-rtti", "-fno-exceptions", "-fno-threadsafe-statics", f"-isystem{STUBS}")
ARM = ("-mcpu=cortex-m7", "-mthumb", "-mfpu=fpv5-d16", "-mfloat-abi=hard", "-O2")
TFLM_SOURCES = ("tflm/main.cc", "tflm/debug_log.cc", "tflm/model_data.c")
HOST_SOURCES = (*TFLM_SOURCES, "app/harness.c", "host/main.c", "port/console.c")
PLACED = Placed(Arena(2048, 1024, 512), {"arena": "axi", "front end": "dtcm"})


def require_cplusplus() -> None:
    """Skip the test where there is no C++ compiler for the target, or no C++ library."""
    try:
        tools.require_cplusplus()
    except ToolError as missing:
        pytest.skip(missing.message)


def files(graph: Graph, frontend: LogMel | None = None) -> dict[str, bytes]:
    """A project for m7 that holds ``graph`` in TFLM."""
    board, data = boards.load("m7"), write(graph)
    project = dict(build.project_files(board, graph.name, []))
    return project | render(records.parse(data, graph.name), data, graph.name, board, PLACED, frontend)


def write_files(contents: Mapping[str, bytes], folder: Path) -> Path:
    """Write a project."""
    for name, data in contents.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


def compile_source(project: Path, source: str, compiler: str, flags: Sequence[str], operators: int = 1) -> Path:
    """Compile one source; raises CalledProcessError on any warning."""
    output = project / f"{source}.o"
    language = CPLUSPLUS if source.endswith(".cc") else ("-std=c11",)
    stub = (f"-DSTUB_OPERATORS={operators}", "-DSTUB_BYTES=32")
    include = [f"-I{project / folder}" for folder in ("tflm", "app", "audio", "port")]
    command = [compiler, *language, *WARNINGS, *flags, *stub, *include, "-c", str(project / source), "-o", str(output)]
    subprocess.run(command, check=True)
    return output


def install(folder: Path) -> Path:
    """A copy of "TFLM" in ``folder``: the stand-ins for its headers, and a static library with nothing in it."""
    shutil.copytree(STUBS, folder)
    library = folder / "gen/cortex_m_generic_cortex-m7+fp_release_with_logs_cmsis_nn_gcc/lib/libtensorflow-microlite.a"
    library.parent.mkdir(parents=True)
    subprocess.run(["arm-none-eabi-ar", "rc", library], check=True)
    return folder


def host_program(project: Path, operators: int) -> Path:
    """The harness around the stand-in of TFLM, as a program of this computer with sanitizers."""
    sanitize = ("-g", "-O1", "-DNN_HOOKS", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
    objects = []
    for source in HOST_SOURCES:
        compiler = "g++" if source.endswith(".cc") else "gcc"
        objects.append(str(compile_source(project, source, compiler, sanitize, operators)))
    program = project / "host-program"
    subprocess.run(["g++", "-fsanitize=address,undefined", *objects, "-o", str(program)], check=True)
    return program
