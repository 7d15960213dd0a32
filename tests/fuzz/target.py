"""What a damaged file must come to: it is taken, or refused with a SeatoolError, in little time and memory."""

from __future__ import annotations

import faulthandler
import json
import re
import signal
import tempfile
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from hosted import Hosted, assert_equal
from nets import inputs_of
from raw_model import small
from seatool import audio, boards, build, importers, passes, plan, render
from seatool.arrays import read_examples
from seatool.errors import SeatoolError, ToolError
from seatool.importers import tflite
from seatool.ir import DType, Graph, Quantization, Tensor
from seatool.isolate import Limits, Message
from seatool.kernels import bind
from seatool.pipeline.inspection import inspect_model
from seatool.pipeline.project import MANIFEST, open_project
from seatool.pipeline.reference import is_float
from seatool.plan.program import Program
from seatool.quantize import builtin_audio_calibration, quantize
from seatool.report import html
from seatool.report.inspection import layer_table
from seatool.tflm.reference import IsolatedReference

LIMITS = Limits(memory_bytes=3 << 30, answer_s=1800)
CPU_S = 60.0
"""Processor time of one file, kernels and planning included; then the process ends with SIGPROF."""

_LARGEST_FLOAT_MACS = 20_000_000


def serve(requests: Iterator[Message]) -> Iterator[Message]:
    """The service: the kind and the bytes of a file in, what became of it out."""
    faulthandler.register(signal.SIGPROF, chain=True)  # says where the time went
    for request in requests:
        signal.setitimer(signal.ITIMER_PROF, CPU_S)
        with tempfile.TemporaryDirectory() as folder:
            kind = request.fields["kind"]
            path = Path(folder) / f"file.{kind}"
            path.write_bytes(request.arrays[0].tobytes())
            answer = judge(path, _USES[kind])
        signal.setitimer(signal.ITIMER_PROF, 0)
        yield Message(answer)


def judge(path: Path, use: Callable[[Path], str]) -> dict[str, str]:
    """``outcome``: taken, refused or failed. ``what``: a text that is the same for files of like fate."""
    try:
        what = use(path)
    except SeatoolError as error:
        if not error.message.strip() or len(error.message) > 4000:
            return {"outcome": "failed", "what": f"a message of {len(error.message)} characters", "detail": ""}
        return {"outcome": "refused", "what": _like(error.message)}
    except Exception as error:  # what this is all about
        places = [f"{Path(f.filename).name}:{f.name}" for f in traceback.extract_tb(error.__traceback__)]
        what = f"{type(error).__name__} in {' > '.join(places[-3:])}"
        return {"outcome": "failed", "what": what, "detail": traceback.format_exc()}
    return {"outcome": "taken", "what": what}


def _like(message: str) -> str:
    return re.sub(r"[-+]?\d[\d.e+,]*", "0", re.sub(r"'[^']*'|\[[^\]]*\]|/\S+", "_", message))[:300]


def use_model(path: Path) -> str:
    inspection = inspect_model(path)
    json.dumps(inspection.to_json(), allow_nan=False)
    if inspection.quantized is not None:
        layer_table(inspection)
    program, _ = _planned(path)
    if inspection.obstacles is not None:
        raise AssertionError(f"inspect said that it cannot be compiled: {inspection.obstacles}")
    render.render(program)
    return " ".join(str(step.kernel) for step in program.steps)


def run_model(path: Path) -> str:
    """Build it under sanitizers, and compare what it computes with TFLM."""
    program, model = _planned(path)
    graph = program.graph
    if any(graph.tensors[name].dtype not in (DType.INT8, DType.FLOAT32) for name in graph.inputs):
        return "inputs of other types"
    cases = inputs_of(graph, 4)
    got = Hosted(program, path.parent / "hosted").run(cases)
    try:
        with IsolatedReference(model, graph.name) as reference:
            for case, tensors in zip(cases, got, strict=True):
                assert_equal(tensors, reference.run(case))
    except ToolError as error:
        raise AssertionError("TFLM does not take what we compiled") from error
    return "equal"


def _planned(path: Path) -> tuple[Program, bytes]:
    """The program, and the int8 model that it was made from."""
    graph = importers.load(path)
    model = tflite.write(_quantized(graph)) if is_float(graph) else path.read_bytes()
    optimized, _ = passes.optimize(tflite.read(model, "file"))
    return plan.plan(optimized, boards.load("m7")), model


def _quantized(graph: Graph) -> Graph:
    """What ``compile`` makes of a float graph, if that takes not too long; else the graph of nothing."""
    ready = passes.prepare(graph)
    if sum(bind(op, ready).macs() for op in ready.ops) > _LARGEST_FLOAT_MACS:
        raise SeatoolError("too large to be quantized here")
    if graph.frontend is not None:
        samples = list(builtin_audio_calibration(graph.frontend, 4))
    else:
        rng = np.random.default_rng(0)
        shapes = [graph.tensors[name].shape for name in graph.inputs]
        samples = [tuple(rng.standard_normal(shape).astype(np.float32) for shape in shapes) for _ in range(4)]
    return quantize(ready, samples).graph


def use_arrays(path: Path) -> str:
    quant = Quantization.per_tensor(0.5, 3)
    inputs = [Tensor("a", (2, 3), DType.INT8, quant), Tensor("b", (1,), DType.INT8, quant)]
    return str(len(read_examples(path, inputs if path.suffix == ".npz" else inputs[:1])))


def use_sound(path: Path) -> str:
    sound, rate = audio.read_wav(path)
    windows, _ = audio.frames(sound, rate, audio.LogMel.from_parameters(), hop_size=0.5)
    return f"{len(windows)} {rate}"


def use_board(path: Path) -> str:
    board = boards.load(path)
    graph, _ = passes.optimize(tflite.read(small().bytes(), "small"))
    build.project_files(board, graph.name, sorted(render.render(plan.plan(graph, board))), board.stack_bytes)
    return " ".join(region.kind for region in board.memory)


def use_manifest(path: Path) -> str:
    path.rename(path.parent / MANIFEST)
    project = open_project(path.parent)
    return str(len(html.render(project.manifest)))


_USES: dict[str, Callable[[Path], str]] = {
    "tflite": use_model,
    "h5": use_model,
    "h5.gz": use_model,
    "npz": use_arrays,
    "npy": use_arrays,
    "wav": use_sound,
    "toml": use_board,
    "json": use_manifest,
    "run": run_model,
}
