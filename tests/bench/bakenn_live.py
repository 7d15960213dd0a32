"""BakeNN with its CMSIS-NN on the int8 model of a project, in the emulator, where ``bakenn[tflite]`` is installed.

It refuses the models as they are. So the graph is cut down to what it takes and written anew: from the first
convolution on, and without RESHAPE and SOFTMAX at its end, which favours it a little.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from seatool.importers import load, tflite
from seatool.ir import Array, Graph
from seatool.tflm.reference import Reference

HERE = Path(__file__).resolve().parent
KERNELS = HERE.parent / "kernels"
sys.path.insert(0, str(KERNELS))
import batch  # noqa: E402

NAME = "model"
VERSIONS = {"CONV_2D": 3, "MAX_POOL_2D": 2}
"""The oldest of an operator with int8 in TFLite, which BakeNN insists on; TFLM takes any."""


class RefusedError(Exception):
    """BakeNN does not take the model."""


FLAGS = ("-O3", *batch.M7, "-ffunction-sections", "-fdata-sections", "-DBAKENN_CMSIS_NN_BUILTIN_MEMORY")
MAIN = """
#include <stdio.h>
#include <string.h>
#include "bknn_model.h"
#include "data.h"

static uint8_t arena[BKNN_MODEL_ARENA_SIZE] __attribute__((aligned(BKNN_MODEL_ARENA_ALIGNMENT)));
static int8_t output[BKNN_MODEL_OUTPUT_BYTES];

/* FPGAIO's 25 MHz counter; with -icount shift=6 an instruction takes 64 ns, which is 1.6 ticks. */
static uint32_t instructions(void)
{
    return (uint32_t)((uint64_t)*(volatile uint32_t *)0x40028018u * 40 / 64);
}

int main(void)
{
    uint32_t start = instructions();
    bknn_model_infer(arena, input, output);
    printf("%u\\n", (unsigned)(instructions() - start));
    return memcmp(output, expected, sizeof expected) != 0;
}
"""


def installed() -> bool:
    """Whether BakeNN and what its importer needs can be imported."""
    return all(importlib.util.find_spec(name) is not None for name in ("bakenn", "tflite", "flatbuffers"))


def title() -> str:
    return f"BakeNN {importlib.metadata.version('bakenn')} with its CMSIS-NN"


def cut(graph: Graph) -> Graph:
    """``graph`` from its first convolution on, without RESHAPE and SOFTMAX at its end."""
    kinds = [op.kind for op in graph.ops]
    first, end = kinds.index("CONV_2D"), len(kinds)
    while kinds[end - 1] in ("RESHAPE", "SOFTMAX"):
        end -= 1
    ops = tuple(replace(op, version=max(op.version, VERSIONS.get(op.kind, 1))) for op in graph.ops[first:end])
    used = {name for op in ops for name in (*op.inputs, *op.outputs) if name}
    tensors = {name: tensor for name, tensor in graph.tensors.items() if name in used}
    ends = {"inputs": (str(ops[0].inputs[0]),), "outputs": ops[-1].outputs}
    return replace(graph, ops=ops, tensors=tensors, frontend=None, aliases={}, **ends)


def measure(model: Path, folder: Path) -> dict[str, Any]:
    """Instructions of one inference, RAM and flash in bytes.

    Raises RefusedError where BakeNN does not take the model, AssertionError where the output is not TFLM's. RAM is
    BakeNN's arena, with input and output; flash the constants and the code that is reached from its entry.
    """
    import bakenn

    graph = cut(load(model))
    data = tflite.write(graph)
    folder.mkdir()
    (folder / "model.tflite").write_bytes(data)
    policy = bakenn.KernelPolicy.STATIC_PRIORITY
    options = bakenn.CBackendOptions(kernel_policy=policy, enable_cmsis_nn=True, target=bakenn.CORTEX_M4)
    out = folder / "generated"
    try:
        made = bakenn.compile_tflite(str(folder / "model.tflite"), str(out), name=NAME, backend_options=options)
    except bakenn.BakeNNError as error:
        raise RefusedError(str(error)) from None
    _write_main(folder, graph, data)
    instructions = int(_run(folder, out))
    memory = made.artifacts.memory_report
    ram = memory.arena_bytes + memory.input_bytes + memory.output_bytes
    return {"instructions": instructions, "ram_bytes": ram, "flash_bytes": _flash(folder, out)}


def _write_main(folder: Path, graph: Graph, data: bytes) -> None:
    """A program that counts one inference on random numbers and compares the output with TFLM's."""
    x = np.random.default_rng(0).integers(-128, 128, graph.tensors[graph.inputs[0]].shape).astype(np.int8)
    expected = Reference(data, graph).run([x])[graph.outputs[0]]
    (folder / "main.c").write_text(MAIN)
    (folder / "data.h").write_text(_array("input", x) + _array("expected", expected))


def _array(name: str, values: Array) -> str:
    return f"static const int8_t {name}[{values.size}] = {{{','.join(map(str, values.reshape(-1).tolist()))}}};\n"


def _sources(out: Path) -> list[str]:
    includes = (out, out / "third_party/cmsis_nn/Include", out / "third_party/cmsis_core/Include")
    sources = sorted([*out.glob("*.c"), *out.glob("third_party/*/Source/*/*.c")])
    return [*(f"-I{path}" for path in includes), *map(str, sources)]


def _run(folder: Path, out: Path) -> str:
    start = ["--specs=rdimon.specs", "-nostartfiles", f"-Wl,-T{KERNELS / 'batch' / 'mps2.ld'}"]
    sources = [str(folder / "main.c"), str(KERNELS / "batch" / "startup.c"), *_sources(out)]
    _gcc(*start, *sources, "-lm", "-o", str(folder / "cases.elf"))
    done = subprocess.run(batch.QEMU, cwd=folder, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, f"BakeNN's output is not TFLM's, or its program failed: {done.stderr}"
    return done.stdout


def _flash(folder: Path, out: Path) -> int:
    entry = ["-r", "-nostdlib", "-Wl,--gc-sections", f"-Wl,-e,bknn_{NAME}_infer"]
    _gcc(*entry, *_sources(out), "-o", str(folder / "model.o"))
    text, initialised = _command("arm-none-eabi-size", str(folder / "model.o")).splitlines()[1].split()[:2]
    return int(text) + int(initialised)


def _gcc(*arguments: str) -> None:
    _command("arm-none-eabi-gcc", *FLAGS, *arguments)


def _command(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[:4000]
    return done.stdout
