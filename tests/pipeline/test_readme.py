"""The project's README: the call that it shows compiles, runs, and computes what TFLM computes."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
from nets import filters, inputs_of, residual
from seatool.importers import tflite
from seatool.ir import Graph
from seatool.pipeline import CompileOptions, Project, compile_model
from seatool.tflm.reference import Reference

PROGRAM = """\
#include <stdio.h>
#include "{name}.h"
{buffers}
int main(void)
{{
{setup}
    while ({read}) {{
{call}
        {write};
    }}
    return 0;
}}
"""


def several() -> Graph:
    """Two inputs, two outputs, two states."""
    graph = filters()
    return graph.with_(outputs=("y", "sum"))


def compiled(graph: Graph, folder: Path, name: str | None = None) -> Project:
    model = folder / f"{graph.name}.tflite"
    model.write_bytes(tflite.write(graph))
    return compile_model(model, folder / "p", CompileOptions(name=name)).project


def readme(project: Project) -> str:
    return (project.path / "README.md").read_text(encoding="utf-8")


def program(project: Project, graph: Graph, name: str) -> str:
    """A program around the README's lines that reads inputs and writes outputs, one inference after the other."""
    (block,) = re.findall(r"```c\n(.*?)```", readme(project), re.DOTALL)
    state, init, run = (line for line in block.splitlines() if line.strip())
    arguments = re.findall(r"\w+", run.split("&state")[1].split(")")[0])
    assert len(arguments) == len(graph.inputs) + len(graph.outputs)
    sizes = [f"{name}_{argument}_BYTES".upper() for argument in arguments]
    buffers = [f"static int8_t {argument}[{size}];" for argument, size in zip(arguments, sizes, strict=True)]
    count = len(graph.inputs)
    reads = [f"fread({a}, {s}, 1, stdin) == 1" for a, s in zip(arguments[:count], sizes[:count], strict=True)]
    writes = [f"fwrite({a}, {s}, 1, stdout)" for a, s in zip(arguments[count:], sizes[count:], strict=True)]
    return PROGRAM.format(
        name=name,
        buffers="\n".join(buffers),
        setup=f"{state}\n{init}",
        read=" && ".join(reads),
        call=run,
        write=";\n        ".join(writes),
    )


@pytest.mark.parametrize("graph", [residual(), several()], ids=["residual", "several"])
def test_the_call_compiles_and_computes_what_tflm_computes(graph: Graph, tmp_path: Path) -> None:
    project = compiled(graph, tmp_path)
    source = tmp_path / "main.c"
    source.write_text(program(project, graph, graph.name))
    model = project.path / "model"
    flags = ["-std=c11", "-O2", "-Wall", "-Wextra", "-Werror", f"-I{model}"]
    command = ["gcc", *flags, str(source), *map(str, sorted(model.glob("*.c"))), "-lm", "-o", str(tmp_path / "main")]
    subprocess.run(command, check=True)
    cases = inputs_of(graph, 4)
    data = b"".join(array.tobytes() for case in cases for array in case)
    done = subprocess.run([str(tmp_path / "main")], input=data, capture_output=True, check=True)
    reference, at = Reference(project.reference, graph), 0
    for case in cases:
        expected = reference.run(case)
        for name in graph.outputs:
            got = np.frombuffer(done.stdout, np.int8, expected[name].size, at)
            np.testing.assert_array_equal(got, expected[name].ravel())
            at += got.nbytes
    assert at == len(done.stdout)


def test_it_says_what_the_arguments_are_and_what_is_remembered(tmp_path: Path) -> None:
    text = readme(compiled(several(), tmp_path))
    assert "| `input1` | int8 [1, 20], `more` |" in text
    assert "| `output0` | int8 [1, 9], `y` |" in text
    assert "where a new sequence begins" in text


def test_a_model_whose_name_is_taken_has_another_prefix(tmp_path: Path) -> None:
    project = compiled(filters(), tmp_path, "model")
    assert "model_net_run(&state" in readme(project)
    assert "`model/model_net.h`" in readme(project)
    assert (project.path / "model" / "model_net.h").is_file()
