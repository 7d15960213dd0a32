"""Our kernels beside CMSIS-NN's, shape by shape, as instructions in the emulator: the table of docs/kernels.md.

    git clone https://github.com/ARM-software/CMSIS-NN && git -C CMSIS-NN checkout 4ab83cc3
    python tests/kernels/cmsis_nn.py CMSIS-NN          # per operator; --all also prints every shape

CMSIS-NN is neither in seatool nor fetched by it. Its kernels are compiled with -O3, ours with -O2 as in firmware. Both
have to give TFLM's bytes.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import batch
import click
import numpy as np
import rig
from cmsis_nn_shapes import shapes
from seatool.ir import Array, DType, Graph, Tensor
from seatool.kernels import Call, Constant, Cost, Operator, Ref, Variant
from seatool.kernels.batch_matmul import BatchMatmul
from seatool.kernels.binary import Arithmetic
from seatool.kernels.conv_2d import Conv2D
from seatool.kernels.depthwise_conv_2d import DepthwiseConv2D
from seatool.kernels.fixed_point import activation_range, quantize_multiplier
from seatool.kernels.fully_connected import FullyConnected
from seatool.kernels.pool import Pool2D
from seatool.kernels.softmax import Softmax
from seatool.kernels.svdf import Svdf
from seatool.kernels.transpose_conv import TransposeConv
from seatool.kernels.weighted import WeightedOperator
from seatool.kernels.window import Axis

BUFFER_BYTES = 1 << 19
"""Of each of two buffers: more than any function of CMSIS-NN asks for here."""

SCRATCH_BYTES = 128 * 1024
"""What a kernel of ours may use: the DTCM of the boards."""

TOGETHER = 24
"""Cases per image: their weights have to fit its memory."""

FUNCTIONS: dict[str, str] = {
    "CONV_2D": "cmsis_nn_conv",
    "CONV_2D on int16": "cmsis_nn_conv_s16",
    "DEPTHWISE_CONV_2D": "cmsis_nn_depthwise",
    "DEPTHWISE_CONV_2D on int16": "cmsis_nn_depthwise_s16",
    "TRANSPOSE_CONV": "cmsis_nn_transpose_conv",
    "FULLY_CONNECTED": "cmsis_nn_fully_connected",
    "FULLY_CONNECTED on int16": "cmsis_nn_fully_connected_s16",
    "BATCH_MATMUL": "cmsis_nn_matmul",
    "MAX_POOL_2D": "cmsis_nn_max_pool",
    "AVERAGE_POOL_2D": "cmsis_nn_average_pool",
    "ADD": "cmsis_nn_add",
    "MUL": "cmsis_nn_mul",
    "MAXIMUM": "cmsis_nn_maximum",
    "SOFTMAX": "cmsis_nn_softmax",
    "SVDF": "cmsis_nn_svdf",
}


def title(op: Operator) -> str:
    """The operator, and the type of its activations where that is not int8."""
    return f"{op.kind} on int16" if op.output.dtype is DType.INT16 else op.kind


class CmsisNN(Variant):
    """The function of CMSIS-NN for an operator, as TFLM calls it."""

    name, header = "cmsis_nn", "cmsis_nn.h"

    def cost(self, op: Operator) -> Cost:
        return Cost(1, 2 * BUFFER_BYTES, 0)

    def constants(self, op: Operator) -> tuple[Constant, ...]:
        if isinstance(op, Svdf):
            return tuple(Constant(name, op.constant(i)) for i, name in enumerate(("weights", "time", "bias"), 1))
        if not isinstance(op, WeightedOperator):
            return ()
        assert op.weights.data is not None
        multiplier, shift = (values.astype(np.int32) for values in op.multipliers)
        scales = Constant("multiplier", multiplier), Constant("shift", shift)
        return (Constant("weights", op.weights.data), Constant("bias", op.bias), *scales)

    def call(self, op: Operator) -> Call:
        fields: dict[str, Any] = {"output": Ref("output"), "scratch": Ref("scratch"), "buffer_bytes": BUFFER_BYTES}
        fields |= {"input": Ref("input", 2 if isinstance(op, TransposeConv) else 0)}
        fields |= {constant.name: Ref("constant", constant.name) for constant in self.constants(op)}
        return Call(FUNCTIONS[title(op)], "cmsis_nn_args", fields | _numbers(op))


def _numbers(op: Operator) -> dict[str, Any]:
    """The arguments that depend on the family."""
    match op:
        case Conv2D() | DepthwiseConv2D():
            geometry = {name: value for name, value in op.geometry().items() if name != "requantize"}
            return geometry | {"multiplier_channels": getattr(op.attributes, "depth_multiplier", 1)}
        case TransposeConv():
            (y, x), (_, height, width, channels) = op.axes(), op.data.shape
            sizes = _images((op.data.shape[0], height, width, channels), op.output.shape)
            return sizes | _window(y, x) | {"pad_bottom": y.after, "pad_right": x.after} | _weighted(op)
        case FullyConnected():
            scales = op.weights.quant.scale if op.weights.quant else ()
            sizes = {"batches": op.batches, "in_channels": op.depth, "out_channels": op.out_channels}
            return sizes | {"per_channel": int(len(scales) > 1)} | _weighted(op)
        case Pool2D():
            return _images(op.input(0).shape, op.output.shape) | _window(*op.axes()) | _clamp(op.output_range)
        case BatchMatmul():
            rows, depth, columns = op.sizes
            sizes = {"batches": op.output.elements // (rows * columns), "rows": rows, "depth": depth}
            return sizes | {"columns": columns} | _second(op) | _product(op) | _clamp((-128, 127))
        case Arithmetic():
            scales = {name: value for name, value in op.scales().items() if name != "input2_sign"}
            return _second(op) | scales | _clamp(activation_range(op.activation, op.output))
        case Softmax():
            return _softmax(op)
        case Svdf():
            return _svdf(op)
    return _second(op)


def _images(x: Sequence[int], y: Sequence[int]) -> dict[str, int]:
    names = ("batches", "input_height", "input_width", "in_channels", "output_height", "output_width", "out_channels")
    return dict(zip(names, (*x, *y[1:]), strict=True))


def _window(y: Axis, x: Axis) -> dict[str, int]:
    kernel = {"kernel_height": y.kernel, "kernel_width": x.kernel, "pad_top": y.before, "pad_left": x.before}
    return kernel | {"stride_y": y.stride, "stride_x": x.stride}


def _weighted(op: WeightedOperator) -> dict[str, int]:
    return {"input_offset": op.input_offset, "output_offset": op.output.zero_point} | _clamp(op.output_range)


def _clamp(limits: tuple[int, int]) -> dict[str, int]:
    return dict(zip(("output_min", "output_max"), limits, strict=True))


def _second(op: Operator) -> dict[str, Any]:
    return {"input2": Ref("input", 1), "elements": op.output.elements}


def _product(op: BatchMatmul) -> dict[str, int]:
    multiplier, shift = quantize_multiplier(op.factor)
    offsets = {f"input{i + 1}_offset": -op.input(i).zero_point for i in range(2)}
    return offsets | {"output_offset": op.output.zero_point, "output_multiplier": multiplier, "output_shift": shift}


def _softmax(op: Softmax) -> dict[str, int]:
    multiplier, shift = quantize_multiplier(op.input_factor())
    depth, radius = op.output.shape[-1], int(31 * 2**26 / 2**shift)
    rows = op.output.elements // depth
    return {"rows": rows, "depth": depth, "output_multiplier": multiplier, "output_shift": shift, "least": -radius}


def _svdf(op: Svdf) -> dict[str, Any]:
    (depth, rows, memory, columns), ((m1, s1), (m2, s2)) = op.sizes, op.rescalings
    sizes = {"batches": op.input(0).shape[0], "depth": depth, "rows": rows, "memory": memory, "columns": columns}
    scales = {"input1_multiplier": m1, "input1_shift": s1, "output_multiplier": m2, "output_shift": s2}
    offsets = {"input_offset": op.input(0).zero_point, "output_offset": op.output.zero_point}
    return sizes | scales | offsets | {"rank": op.attributes.rank, "state": Ref("output", 1)}


@dataclass(frozen=True)
class Row:
    """A shape: our fastest kernel within ``SCRATCH_BYTES``, and the instructions of both."""

    kind: str
    shape: str
    kernel: str
    ours: int
    theirs: int

    @property
    def ratio(self) -> float:
        return self.theirs / self.ours


def fastest(graph: Graph) -> Variant:
    """The configuration that is estimated to take the fewest instructions."""
    op = rig.operator_of(graph)
    options = [option for v in op.variants if v.admits(op).ok for option in v.options(op)]
    fitting = [option for option in options if option.cost(op).scratch <= SCRATCH_BYTES]
    return min(fitting, key=lambda option: option.cost(op).instructions)


def library(source: Path, folder: Path) -> Path:
    """CMSIS-NN's functions as an archive in ``folder``."""
    sources = sorted(path for path in (source / "Source").glob("*/*.c") if not path.stem.endswith(("_f16", "_f32")))
    if not sources:
        raise click.UsageError(f"{source} has no Source/*/*.c: it is not a checkout of CMSIS-NN")
    folder.mkdir(exist_ok=True)
    flags = ["-O3", *batch.M7, "-w", f"-I{source / 'Include'}", "-c"]
    subprocess.run(["arm-none-eabi-gcc", *flags, *map(str, sources)], cwd=folder, check=True)
    objects = sorted(path.name for path in folder.glob("*.o"))
    subprocess.run(["arm-none-eabi-ar", "rcs", "libcmsis_nn.a", *objects], cwd=folder, check=True)
    return folder / "libcmsis_nn.a"


def measure(source: Path, graphs: Sequence[tuple[str, Graph]], folder: Path) -> Iterator[Row]:
    """Count both on every shape; AssertionError where one of them does not give TFLM's bytes."""
    archive = library(source, folder / "library")
    theirs = [f"-isystem{source / 'Include'}", f"-I{Path(__file__).parent}", str(archive)]
    rng = np.random.default_rng(0)
    for first in range(0, len(graphs), TOGETHER):
        part = graphs[first : first + TOGETHER]
        cases = []
        for _, graph in part:
            x = tuple(_noise(rng, graph.tensors[name]) for name in graph.inputs)
            cases.append(batch.Case(graph, x, fastest(graph)))
        counts = batch.run_in_qemu(cases, _new(folder / f"ours{first}"))
        others = [batch.Case(case.graph, case.inputs, CmsisNN()) for case in cases]
        found = zip(
            part, cases, counts, batch.run_in_qemu(others, _new(folder / f"theirs{first}"), *theirs), strict=True
        )
        yield from (Row(title(c.operator), name, c.variant.name, ours, them) for (name, _), c, ours, them in found)


def _noise(rng: np.random.Generator, tensor: Tensor) -> Array:
    info = np.iinfo(tensor.dtype.numpy)
    return rng.integers(info.min, info.max + 1, tensor.shape).astype(tensor.dtype.numpy)


def _new(folder: Path) -> Path:
    folder.mkdir()
    return folder


def summary(rows: Sequence[Row]) -> str:
    """Markdown: per operator how many times the instructions CMSIS-NN takes, at least and in the middle."""
    lines = ["| operator | shapes | least | on | median |", "|---|---:|---:|---|---:|"]
    for kind, of_kind in groupby(rows, key=lambda row: row.kind):
        found = list(of_kind)
        least = min(found, key=lambda row: row.ratio)
        median = statistics.median(row.ratio for row in found)
        lines.append(f"| {kind} | {len(found)} | {least.ratio:.2f} | {least.shape} | {median:.2f} |")
    return "\n".join(lines)


def table(rows: Sequence[Row]) -> str:
    """Markdown: every shape."""
    lines = ["| operator | shape | kernel | instructions | CMSIS-NN | ratio |", "|---|---|---|---:|---:|---:|"]
    lines += [f"| {r.kind} | {r.shape} | {r.kernel} | {r.ours:,} | {r.theirs:,} | {r.ratio:.2f} |" for r in rows]
    return "\n".join(lines)


@click.command(help=__doc__)
@click.argument("source", type=click.Path(path_type=Path, exists=True, file_okay=False, resolve_path=True))
@click.option("--all", "every", is_flag=True, help="Print every shape.")
def main(source: Path, every: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        rows = list(measure(source, shapes(), Path(folder)))
    click.echo(table(rows) + "\n" if every else "", nl=every)
    click.echo(summary(rows))
    sys.exit(any(row.ratio < 1 for row in rows))


if __name__ == "__main__":
    main()
