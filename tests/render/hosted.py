"""Builds rendered models for this computer, under sanitizers, and runs them with every tensor visible."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from seatool import plan, render, resources
from seatool.boards.board import Board
from seatool.ir import Array, Graph, Tensor
from seatool.plan.program import Program
from seatool.render.model import traced

PROBE = Path(__file__).with_name("probe.c")
WARNINGS = ("-Wall", "-Wextra", "-Wconversion", "-Werror")
SANITIZERS = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all")
COMPILERS = [compiler for compiler in ("gcc", "clang") if shutil.which(compiler)]
FILLINGS = (0, 0xA5)
"""What the working memory holds before each inference; the results must not depend on it."""


def write(files: dict[str, bytes], folder: Path) -> Path:
    """Write rendered files."""
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


def sources(folder: Path) -> list[Path]:
    """All C files of a rendered model."""
    return sorted(folder.rglob("*.c"))


def build(folder: Path, compiler: str = "gcc", options: Sequence[str] = ("-O1", *SANITIZERS)) -> Path:
    """The model and the probe as one program; raises CalledProcessError on any warning."""
    program = folder / f"probe-{compiler}"
    flags = [*WARNINGS, *options, "-std=c11", "-ffp-contract=off", "-DNN_HOOKS"]
    include = [f"-I{path}" for path in (folder / "model", folder / "audio", resources.firmware() / "app")]
    files = [str(path) for path in (*sources(folder), PROBE)]
    subprocess.run([compiler, *flags, *include, *files, "-lm", "-o", str(program)], check=True)
    return program


class Hosted:
    """A planned, rendered and built model."""

    def __init__(self, program: Program, folder: Path) -> None:
        self.program = program
        self.folder = write(render.render(program), folder)
        self.binary = build(self.folder)

    @classmethod
    def of(cls, graph: Graph, board: Board, folder: Path, options: plan.PlanOptions | None = None) -> Hosted:
        """As the planner has it."""
        return cls(plan.plan(graph, board, options), folder)

    def run(self, inputs: Sequence[Sequence[Array]]) -> list[dict[str, Array]]:
        """For each set of input tensors, of one sequence if there are states: every tensor that a layer makes, and the
        outputs."""
        graph = self.program.graph
        data = [b"".join(np.ascontiguousarray(array).tobytes() for array in case) for case in inputs]
        wanted, mode = [graph.tensors[name] for name in graph.outputs], "sequence" if graph.states else "run"
        return [self._parse(case, wanted) for case in self._outputs(mode, data, wanted)]

    def embed(self, windows: Sequence[Array]) -> list[tuple[dict[str, Array], Array]]:
        """For each window of PCM: every tensor that a layer makes, and the embedding as float32."""
        output = self.program.graph.tensors[self.program.graph.outputs[0]]
        count = output.elements
        cases = self._outputs("embed", [window.tobytes() for window in windows], [], 4 * count)
        return [(self._parse(case[: -4 * count], []), np.frombuffer(case[-4 * count :], np.float32)) for case in cases]

    def _outputs(self, mode: str, data: list[bytes], results: list[Tensor], extra: int = 0) -> list[bytes]:
        """What the probe writes per input, the same whatever the memory held before."""
        size = sum(buffer.size for _, _, buffer in traced(self.program)) + sum(t.bytes for t in results) + extra
        written = [self._invoke(mode, filling, b"".join(data)) for filling in FILLINGS]
        assert all(text == written[0] for text in written), "the result depends on what the memory held before"
        assert len(written[0]) == size * len(data)
        return [written[0][start : start + size] for start in range(0, len(written[0]), size)]

    def _invoke(self, mode: str, filling: int, data: bytes) -> bytes:
        done = subprocess.run([str(self.binary), mode, str(filling)], input=data, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout

    def _parse(self, data: bytes, results: list[Tensor]) -> dict[str, Array]:
        arrays: dict[str, Array] = {}
        graph = self.program.graph
        made = [graph.tensors[name] for name, _, _ in sorted(traced(self.program), key=lambda entry: entry[1])]
        for tensor in (*made, *results):
            array = np.frombuffer(data[: tensor.bytes], tensor.dtype.numpy).reshape(tensor.shape)
            data = data[tensor.bytes :]
            assert np.array_equal(arrays.get(tensor.name, array), array), f"{tensor.name} changed after its layer"
            arrays[tensor.name] = array
        return arrays


def assert_equal(got: dict[str, Array], want: dict[str, Array], skip: Sequence[str] = ()) -> None:
    """Every tensor that was computed is bit for bit what TFLM computed; the first difference is named."""
    for name, array in got.items():
        if name in skip:
            continue
        different = np.argwhere(array != want[name])
        first = tuple(different[0]) if len(different) else ()
        assert not len(different), f"{name}{list(first)}: {array[first]}, TFLM {want[name][first]}"
