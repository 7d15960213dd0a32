"""The compiled model beside the same model in TFLM: instructions, memory, and whether both compute the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from seatool import emulate, tflm
from seatool.build import Built
from seatool.build.tflm import TflmBuild, build_tflm, find_tflm
from seatool.emulate import Result
from seatool.errors import InputError
from seatool.files import digest
from seatool.importers import tflite
from seatool.importers.tflite import records
from seatool.ir import Array, Graph
from seatool.pipeline.build import build_project
from seatool.pipeline.progress import Stage, silent
from seatool.pipeline.project import Project
from seatool.pipeline.tensors import pack, unpack
from seatool.pipeline.verify import Case, compare, compare_outputs, extreme_cases, random_cases
from seatool.tflm import recorded
from seatool.tflm.reference import IsolatedReference

Source = Literal["measured", "recorded"]


@dataclass(frozen=True)
class Figures:
    """What one inference of the network costs; without the audio front end, which is the same C in both images.

    Attributes:
        instructions: Of the first input, counted in the emulator.
        flash_bytes: Everything in flash, measured on the board's ELF file.
        model_ram_bytes: What the model works in: activations and scratch, or the used part of TFLM's arena.
        ram_bytes: Everything in RAM, the reserved stack included, measured on the board's ELF file.
        stack_bytes: The deepest stack of an inference.
        arena_bytes: What TFLM's arena was given; None for the compiled model.
        tensors: How many tensors of each input were compared with those of TFLM on this machine.
        bit_exact: Whether all of them are equal.
        source: Measured now, or recorded earlier.
    """

    instructions: int
    flash_bytes: int
    model_ram_bytes: int
    ram_bytes: int
    stack_bytes: int
    arena_bytes: int | None
    tensors: int
    bit_exact: bool
    source: Source


@dataclass(frozen=True)
class Row:
    """A step of the compiled model and the operators that do its work in TFLM, with the instructions of either.

    ``step`` is None for operators that the compiled model does without.
    """

    step: str | None
    operators: tuple[str, ...]
    kernel: str | None
    compiled: int | None
    tflm: int | None


@dataclass(frozen=True)
class Comparison:
    """Both sides, as far as they exist; ``inputs`` were run through what was measured.

    ``provenance`` says where recorded figures come from; ``difference`` where TFLM on the target computes something
    else than TFLM on this machine.
    """

    project: Project
    inputs: int
    compiled: Figures | None
    tflm: Figures | None
    rows: tuple[Row, ...]
    provenance: str | None
    difference: str | None

    def to_json(self) -> dict[str, Any]:
        """As docs/json.md has it."""
        return {
            "inputs": self.inputs,
            "compiled": vars(self.compiled) if self.compiled else None,
            "tflm": vars(self.tflm) if self.tflm else None,
            "layers": [vars(row) for row in self.rows],
            "provenance": self.provenance,
            "difference": self.difference,
        }


def compare_project(
    project: Project, tflm_dir: Path | None = None, count: int = 4, stage: Stage = silent
) -> Comparison:
    """Run both images of ``project`` on ``count`` random inputs and the extreme ones, and count the first.

    Where there is no TFLM (neither ``tflm_dir`` nor TFLM_DIR in the environment) its side is what was recorded for the
    model, if anything was. A project without the compiled model has TFLM's side only.

    Raises VerificationError where the compiled model differs from TFLM on this machine; that TFLM on the target
    differs from it is reported. InputError where the project has no TFLM part, or TFLM no library for the core.
    """
    installed = find_tflm(tflm_dir)
    if installed and project.manifest["tflm"] is None:
        raise InputError(f"{project.path} has no TFLM part", "compile the model with --runtime both")
    graph = tflite.read(project.reference, project.manifest["name"])
    cases = [*random_cases(graph, count), *extreme_cases(graph)]
    with IsolatedReference(project.reference, graph.name) as reference:
        expected = [reference.run(case.inputs) for case in cases]
    work = _Work(project, graph, cases, expected, stage)
    compiled = work.compiled() if project.manifest["options"]["runtime"] != "tflm" else None
    in_tflm = work.in_tflm(installed) if installed else _recorded(project)
    rows = _rows(project, compiled, in_tflm)
    provenance = in_tflm.provenance if in_tflm else None
    return Comparison(
        project,
        len(cases),
        compiled.figures if compiled else None,
        in_tflm.figures if in_tflm else None,
        rows,
        provenance,
        in_tflm.difference if in_tflm else None,
    )


@dataclass(frozen=True)
class _Side:
    """Figures, the instructions of each layer or operator by name, and what is to be said about them."""

    figures: Figures
    layers: Mapping[str, int]
    provenance: str | None = None
    difference: str | None = None


@dataclass(frozen=True)
class _Work:
    """The inputs, and what TFLM on this machine makes of them."""

    project: Project
    graph: Graph
    cases: Sequence[Case]
    expected: Sequence[Mapping[str, Array]]
    stage: Stage

    def compiled(self) -> _Side:
        """Build, run and check the compiled model."""
        project, built = build_project(self.project, self.stage)
        run, tensors = self._run(built, "the compiled model"), 0
        for where, expected, trace, output in self._results(run):
            tensors = compare(project.manifest["layers"], expected, trace, where)
            compare_outputs(self.graph, expected, output, where)
        ram_bytes = project.manifest["ram_bytes"]
        return _Side(self._figures(built, run, ram_bytes, None, tensors, True), run.layer_instructions)

    def in_tflm(self, installed: TflmBuild) -> _Side:
        """Build, run and check the TFLM part."""
        with self.stage("building with TFLM"):
            built = build_tflm(self.project.path, installed)
        run = self._run(built, "TFLM")
        difference = next(filter(None, (self._difference(*result) for result in self._results(run))), None)
        tensors = len(run.traces[0]) or len(self.graph.outputs)
        part = self.project.manifest["tflm"]
        assert part is not None, "there is a TFLM part, for it was built"
        figures = self._figures(built, run, run.arena_bytes, part["arena_bytes"], tensors, difference is None)
        # A library without messages announces no operators: then only the total was counted.
        layers = run.layer_instructions if any(run.layer_instructions.values()) else {}
        return _Side(figures, layers, difference=difference)

    def _run(self, built: Built, what: str) -> Result:
        with self.stage(f"running {what} on {len(self.cases)} inputs") as advance:
            packed = [pack(case.inputs) for case in self.cases]
            sequence = bool(self.graph.states)
            return emulate.run(built.emulator_elf, packed, trace=True, sequence=sequence, progress=advance)

    def _results(self, run: Result) -> Iterator[tuple[str, Mapping[str, Array], Mapping[str, bytes], bytes]]:
        """Per input: where we are, what is expected, what was traced, and the output."""
        for index, case in enumerate(self.cases):
            yield f"input {index} ({case.kind})", self.expected[index], run.traces[index], run.outputs[index]

    def _difference(
        self, where: str, expected: Mapping[str, Array], trace: Mapping[str, bytes], output: bytes
    ) -> str | None:
        """The first tensor in which TFLM on the target differs from TFLM on this machine, outputs last."""
        results = unpack(output, [self.graph.tensors[name] for name in self.graph.outputs])
        found = [(name, np.frombuffer(data, expected[name].dtype)) for name, data in trace.items() if name in expected]
        for name, data in [*found, *zip(self.graph.outputs, results, strict=True)]:
            if not np.array_equal(data.ravel(), expected[name].ravel()):
                return f"TFLM on the target differs from TFLM on this machine in tensor {name} on {where}"
        return None

    def _figures(
        self, built: Built, run: Result, model_ram: int, arena: int | None, tensors: int, bit_exact: bool
    ) -> Figures:
        used = {region.region: region.used for region in built.board.regions}
        flash = used.pop(self.project.board.flash.name)
        ram = sum(used.values())
        return Figures(run.instructions, flash, model_ram, ram, run.stack_bytes, arena, tensors, bit_exact, "measured")


def _recorded(project: Project) -> _Side | None:
    found = recorded.find({project.manifest["model"]["sha256"], digest(project.reference)})
    if found is None:
        return None
    figures = Figures(
        found.instructions,
        found.flash_bytes,
        found.model_ram_bytes,
        found.ram_bytes,
        found.stack_bytes,
        found.arena_bytes,
        len(found.operators),
        found.bit_exact,
        "recorded",
    )
    return _Side(figures, found.operators, found.provenance)


def _rows(project: Project, compiled: _Side | None, in_tflm: _Side | None) -> tuple[Row, ...]:
    """The steps with their operators, then the operators that belong to no step."""
    model = records.parse(project.reference, project.manifest["name"])
    names = tflm.layer_names(model)
    layers = [layer for layer in project.manifest["layers"] if layer["operators"]]
    steps = tflm.step_of_operators(model, [layer["outputs"] for layer in layers])
    rows = []
    for step, layer in enumerate(layers):
        own = [op.index for op in model.ops if steps[op.index] == step]
        cost = compiled.layers.get(layer["name"]) if compiled else None
        kinds = tuple(model.ops[index].kind for index in own)
        rows.append(Row(layer["name"], kinds, layer["variant"], cost, _sum(in_tflm, [names[index] for index in own])))
    for op in model.ops:
        if steps[op.index] is None:
            rows.append(Row(None, (op.kind,), None, None, _sum(in_tflm, [names[op.index]])))
    return tuple(rows)


def _sum(side: _Side | None, names: Sequence[str]) -> int | None:
    """Instructions of the operators ``names`` together; None where there are none, or one was never counted."""
    if side is None or not names or not side.layers.keys() >= set(names):
        return None
    return sum(side.layers[name] for name in names)
