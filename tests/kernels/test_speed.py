"""Instructions per multiply-accumulate of typical layers on the emulated Cortex-M7, and how well they are foreseen."""

from __future__ import annotations

import shutil
from pathlib import Path

import batch
import numpy as np
import pytest
import test_conv_2d
import test_depthwise_conv_2d
from seatool.ir import Graph
from seatool.kernels import Activation, Padding
from seatool.kernels.conv_2d import Conv2DAttributes
from seatool.kernels.depthwise_conv_2d import DepthwiseConv2DAttributes
from weights import Scales

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("qemu-system-arm") is None, reason="qemu-system-arm is not installed"),
    pytest.mark.skipif(shutil.which("arm-none-eabi-gcc") is None, reason="arm-none-eabi-gcc is not installed"),
]
_SCALES = Scales(0.02, [0.003], 0.05)


def _case(kind: str, shape: tuple[int, ...], weights: tuple[int, ...], stride: int) -> batch.Case:
    """The direct kernel estimated to be fastest, on a layer with the weights of a trained one: bell-shaped."""
    rng = np.random.default_rng(0)
    values = np.clip(np.rint(rng.normal(0, 32, weights)), -127, 127).astype(np.int8)
    graph = _graph(kind, shape, values, stride)
    inputs = [rng.integers(-128, 128, shape).astype(np.int8)]
    direct = [case for case in batch.cases_of(graph, inputs) if not case.variant.name.startswith("winograd")]
    return min(direct, key=lambda case: case.variant.cost(case.operator).instructions)


def _graph(kind: str, shape: tuple[int, ...], weights: np.ndarray, stride: int) -> Graph:
    relu, zeros = Activation.RELU, (-128, -128)
    if kind == "depthwise":
        bias = np.zeros(weights.shape[3], np.int32)
        depthwise = DepthwiseConv2DAttributes(Padding.SAME, stride, stride, 1, relu)
        return test_depthwise_conv_2d.depthwise(shape, weights, bias, depthwise, _SCALES, zeros)
    conv = Conv2DAttributes(Padding.SAME, stride, stride, relu)
    return test_conv_2d.conv(shape, weights, np.zeros(weights.shape[0], np.int32), conv, _SCALES, zeros)


@pytest.mark.parametrize(
    ("kind", "shape", "weights", "stride", "limit", "variant"),
    [
        ("conv", (1, 16, 25, 32), (32, 3, 3, 32), 1, 0.80, "rows_f2"),
        ("conv", (1, 16, 12, 64), (64, 3, 3, 64), 1, 0.75, "rows_f2"),
        ("conv", (1, 8, 16, 32), (32, 5, 3, 32), 1, 0.90, "rows"),
        ("conv", (1, 16, 16, 32), (64, 3, 3, 32), 2, 1.15, "gemm"),
        ("conv", (1, 25, 5, 64), (64, 1, 1, 64), 1, 1.25, "gemm"),
        ("conv", (1, 16, 16, 16), (16, 5, 5, 16), 1, 1.30, "gemm"),
        ("conv", (1, 1, 1, 512), (64, 1, 1, 512), 1, 1.60, "vector"),
        ("conv", (1, 32, 50, 1), (32, 3, 3, 1), 1, 2.15, "taps"),
        ("depthwise", (1, 25, 5, 64), (1, 3, 3, 64), 1, 2.90, "three"),
        ("depthwise", (1, 24, 24, 32), (1, 3, 3, 32), 1, 2.35, "three"),
        ("depthwise", (1, 24, 24, 32), (1, 3, 3, 32), 2, 3.30, "direct_x4"),
        ("depthwise", (1, 3, 3, 256), (1, 3, 3, 256), 2, 5.20, "direct_x4"),
    ],
)
def test_instructions(
    kind: str,
    shape: tuple[int, ...],
    weights: tuple[int, ...],
    stride: int,
    limit: float,
    variant: str,
    tmp_path: Path,
) -> None:
    case = _case(kind, shape, weights, stride)
    (measured,) = batch.run_in_qemu([case], tmp_path)
    assert case.variant.name == variant
    assert measured / case.operator.macs() <= limit
    assert case.variant.cost(case.operator).instructions == pytest.approx(measured, rel=0.12)
