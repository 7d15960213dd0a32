"""Proof of bit-exactness: the same inputs through TFLM on the host and through our ELF in the emulator.

Every tensor that exists in the firmware is compared with TFLM's tensor of the same name; the tolerance is 0. Tensors
between operators that are computed together do not exist; ``CompileOptions(fuse=False)`` makes all of them. The audio
front end has no counterpart in TFLM: its C is compared with the numpy reference, where one unit of the quantized input
is allowed, and TFLM is given what the C computed. The inputs of a model with states are one sequence.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from seatool import audio, emulate, passes
from seatool.errors import InputError, VerificationError
from seatool.importers import tflite
from seatool.ir import Array, DType, Graph, Tensor
from seatool.pipeline.build import build_project
from seatool.pipeline.manifest import Layer, Verified
from seatool.pipeline.progress import Stage, silent
from seatool.pipeline.project import Project, update_manifest
from seatool.pipeline.recordings import load_frontend, shipped_recording
from seatool.pipeline.tensors import load_tensors, pack, unpack
from seatool.tflm.reference import IsolatedReference

SEED = 0x5EA
WINDOWS_PER_RECORDING = 4
_EDITED = (
    "generated files were edited, or this is a bug in seatool; compile again to tell which; "
    "`seatool diff PROJECT/tflm/model.tflite PROJECT` shows every layer"
)


@dataclass(frozen=True)
class Case:
    """One set of input tensors and where it came from."""

    kind: str
    inputs: tuple[Array, ...]


@dataclass(frozen=True)
class FrontEndParity:
    """The C front end against numpy: windows compared, share of values that differ (never by more than one)."""

    windows: int
    differing_fraction: float
    largest_difference: int


@dataclass(frozen=True)
class Verification:
    """The outcome: how many inputs of each kind agreed in how many tensors, and how the front end compares.

    ``inner_tensors`` of TFLM's lie between operators that the firmware computes together, and do not exist there.
    """

    project: Project
    inputs: Mapping[str, int]
    tensors: int
    inner_tensors: int
    frontend: FrontEndParity | None


def verify_project(project: Project, count: int = 8, files: Sequence[Path] = (), stage: Stage = silent) -> Verification:
    """Verify ``project`` on ``count`` random inputs, the extreme ones, and real ones.

    Real inputs are ``files`` (.npy or .npz; with a front end also .wav) and, with a front end, the recording that
    seatool ships. Raises VerificationError at the first difference.
    """
    project, built = build_project(project, stage)
    try:
        verification = _verify(project, built.emulator_elf, count, files, stage)
    except VerificationError:
        update_manifest(project, bit_exact=False, verified=None)
        raise
    verified: Verified = {
        "inputs": dict(verification.inputs),
        "tensors": verification.tensors,
        "inner_tensors": verification.inner_tensors,
    }
    return replace(verification, project=update_manifest(project, bit_exact=True, verified=verified))


def _verify(project: Project, elf: Path, count: int, files: Sequence[Path], stage: Stage) -> Verification:
    model, name = project.reference, project.manifest["name"]
    graph = tflite.read(model, name)
    recordings = [file for file in files if file.suffix.lower() == ".wav"]
    if recordings and not project.manifest["frontend"]:
        raise InputError(f"{recordings[0]}: this model has no audio front end", "pass .npy or .npz inputs")
    cases = [*extreme_cases(graph), *random_cases(graph, count)]
    for file in files:
        if file not in recordings:
            cases += [Case("real", inputs) for inputs in load_tensors(file, graph)]
    with IsolatedReference(model, name) as reference:
        tensors = _verify_network(project, elf, graph, reference, cases, stage)
    frontend = None
    if project.manifest["frontend"]:
        with IsolatedReference(model, name) as reference:  # one of its own: states begin anew
            frontend = _verify_frontend(project, elf, graph, reference, recordings, stage)
    kinds = Counter(case.kind for case in cases)
    kinds["real"] += frontend.windows if frontend else 0
    inner = len(inner_tensors(graph, project.manifest["layers"]))
    return Verification(project, dict(+kinds), tensors, inner, frontend)


def inner_tensors(graph: Graph, layers: Sequence[Layer]) -> set[str]:
    """Tensors that TFLM computes from the inputs of ``graph`` and that none of ``layers`` leaves behind."""
    computed = passes.optimize(graph, merge=False)[0].ops
    return {name for op in computed for name in op.outputs} - {name for layer in layers for name in layer["outputs"]}


def _verify_network(
    project: Project, elf: Path, graph: Graph, reference: IsolatedReference, cases: Sequence[Case], stage: Stage
) -> int:
    """Compare all tensors and outputs on ``cases``; the number of tensors compared in each."""
    tensors = 0
    with stage(f"comparing with TFLM on {len(cases)} inputs") as advance:
        packed = [pack(case.inputs) for case in cases]
        run = emulate.run(elf, packed, trace=True, sequence=bool(graph.states), progress=advance)
        for index, case in enumerate(cases):
            expected, where = reference.run(case.inputs), f"input {index} ({case.kind})"
            tensors = compare(project.manifest["layers"], expected, run.traces[index], where)
            compare_outputs(graph, expected, run.outputs[index], where)
    return tensors


def extreme_cases(graph: Graph) -> Iterator[Case]:
    """All inputs at their least and greatest value, at zero, and alternating between the extremes."""
    tensors = [graph.tensors[name] for name in graph.inputs]
    for pattern in ("low", "high", "zero", "alternating"):
        yield Case("extreme", tuple(_pattern(tensor, pattern) for tensor in tensors))


def _pattern(tensor: Tensor, pattern: str) -> Array:
    low, high, zero = _limits(tensor)
    flat = {
        "low": np.full(tensor.elements, low),
        "high": np.full(tensor.elements, high),
        "zero": np.full(tensor.elements, zero),
        "alternating": np.where(np.arange(tensor.elements) % 2 == 0, low, high),
    }[pattern]
    return flat.reshape(tensor.shape).astype(tensor.dtype.numpy)


def _limits(tensor: Tensor) -> tuple[float, float, float]:
    if tensor.dtype is DType.FLOAT32:
        return -8.0, 8.0, 0.0
    if tensor.dtype is DType.BOOL:
        return 0, 1, 0
    info = np.iinfo(tensor.dtype.numpy)
    return float(info.min), float(info.max), float(tensor.zero_point if tensor.quant else 0)


def random_cases(graph: Graph, count: int) -> Iterator[Case]:
    """``count`` inputs of uniformly distributed values, the same on every run."""
    rng = np.random.default_rng(SEED)
    for _ in range(count):
        arrays = []
        for tensor in (graph.tensors[name] for name in graph.inputs):
            low, high, _ = _limits(tensor)
            if tensor.dtype is DType.FLOAT32:
                arrays.append(rng.uniform(low, high, tensor.shape).astype(np.float32))
            else:
                arrays.append(rng.integers(int(low), int(high), tensor.shape, endpoint=True).astype(tensor.dtype.numpy))
        yield Case("random", tuple(arrays))


def compare(layers: Sequence[Layer], expected: Mapping[str, Array], trace: Mapping[str, bytes], where: str) -> int:
    """Compare every tensor that a kernel wrote; the number of tensors compared.

    Raises VerificationError at the first one, in the order of the layers, that differs from TFLM's. Views (no kernel)
    and the front end (not in TFLM) are passed over.
    """
    compared = 0
    for layer in layers:
        if layer["variant"] is None:
            continue
        kernel = f"layer {layer['name']} (#{layer['index']}, {layer['operator']}, {layer['variant']})"
        for name in layer["outputs"]:
            want, found = expected.get(name, expected.get(passes.same_bytes(name))), trace.get(name, b"")
            if want is None or len(found) != want.nbytes:
                raise VerificationError(f"{kernel} does not leave the tensor {name} that TFLM has on {where}", _EDITED)
            ours = np.frombuffer(found, want.dtype).reshape(want.shape)
            if not np.array_equal(ours, want):
                raise _difference(kernel, name, ours, want, where)
            compared += 1
    return compared


def compare_outputs(graph: Graph, expected: Mapping[str, Array], output: bytes, where: str) -> None:
    """Raise VerificationError where what the firmware gives back differs from TFLM's outputs."""
    for name, ours in zip(graph.outputs, unpack(output, [graph.tensors[name] for name in graph.outputs]), strict=True):
        if not np.array_equal(ours, expected[name]):
            raise _difference("the model's output", name, ours, expected[name], where)


def _difference(what: str, name: str, ours: Array, expected: Array, where: str) -> VerificationError:
    different = np.argwhere(ours != expected)
    index = tuple(int(i) for i in different[0])
    return VerificationError(
        f"{what} differs from TFLM on {where}: value {list(index)} is {ours[index]}, TFLM has {expected[index]}; "
        f"{len(different)} of {ours.size} values differ\n  tensor {name}",
        _EDITED,
    )


def _verify_frontend(
    project: Project, elf: Path, graph: Graph, reference: IsolatedReference, recordings: Sequence[Path], stage: Stage
) -> FrontEndParity:
    log_mel = load_frontend(project)
    tensor = graph.tensors[graph.inputs[0]]
    assert tensor.quant is not None, "a front end writes a quantized tensor"
    windows = []
    for file in recordings or [shipped_recording()]:
        samples, rate = audio.read_wav(file)
        pcm, _ = audio.frames(samples, rate, log_mel, hop_size=0.5)
        windows += list(pcm[:: max(1, len(pcm) // WINDOWS_PER_RECORDING)][:WINDOWS_PER_RECORDING])
    differing, largest = 0, 0
    with stage(f"comparing front end and layers on {len(windows)} recorded windows") as advance:
        pcm_bytes = [window.tobytes() for window in windows]
        run = emulate.run(elf, pcm_bytes, pcm=True, trace=True, sequence=bool(graph.states), progress=advance)
        for index, (window, trace) in enumerate(zip(windows, run.traces, strict=True)):
            (ours,) = unpack(trace[tensor.name], [tensor])
            difference = np.abs(ours.astype(int) - log_mel.quantized(window, tensor.quant).reshape(tensor.shape))
            differing, largest = differing + int((difference > 0).sum()), max(largest, int(difference.max()))
            compare(project.manifest["layers"], reference.run((ours,)), trace, f"window {index} (real)")
    if largest > 1:
        raise VerificationError(
            f"the front end differs from the numpy reference by {largest} units of the quantized input; 1 is allowed"
        )
    return FrontEndParity(len(windows), differing / (len(windows) * tensor.elements), largest)
