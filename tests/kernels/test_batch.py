"""A few cases of every kernel and configuration, compiled as a generated model is: under ASan and UBSan, by other
compilers, and with DSP code in QEMU.
"""

from __future__ import annotations

import importlib
import shutil
from functools import cache
from pathlib import Path

import batch
import pytest
import rig
from seatool.kernels import operators

MODULES = sorted(
    path.stem
    for path in Path(__file__).parent.glob("test_*.py")
    if path.name != Path(__file__).name and "def cases(" in path.read_text()
)
SAMPLE = 250
SAMPLES = {"test_int16": 1000}
"""Of a module that has many operators: enough for every kernel to be among them."""
LARGE = ("test_conv_2d", "test_winograd")
PARTS = [(module, part) for module in MODULES for part in range(2 if module in LARGE else 1)]
COMPILERS = {"gcc-lto": ("gcc", "-O2", "-flto"), "clang": ("clang", "-O2")}


@cache
def sampled(module: str) -> list[batch.Case]:
    strategy = importlib.import_module(module).cases()
    return batch.cover(
        [
            c
            for graph, inputs in rig.sample(strategy, SAMPLES.get(module, SAMPLE))
            for c in batch.cases_of(graph, inputs)
        ]
    )


def part_of(module: str, part: int) -> list[batch.Case]:
    return sampled(module)[part :: sum(name == module for name, _ in PARTS)]


@pytest.mark.slow
def test_every_kernel_has_a_case() -> None:
    tried = {(case.variant.header, case.variant.name) for module in MODULES for case in sampled(module)}
    assert tried >= {(v.header, v.name) for operator in operators().values() for v in operator.all_variants()}


@pytest.mark.slow
@pytest.mark.parametrize(("module", "part"), PARTS)
def test_under_the_sanitizers(module: str, part: int, tmp_path: Path) -> None:
    batch.run_on_host(part_of(module, part), tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("compiler", sorted(COMPILERS))
@pytest.mark.parametrize(("module", "part"), PARTS)
def test_other_compilers(module: str, part: int, compiler: str, tmp_path: Path) -> None:
    if shutil.which(COMPILERS[compiler][0]) is None:
        pytest.skip(f"{compiler} is not installed")
    batch.run_on_host(part_of(module, part), tmp_path, COMPILERS[compiler])


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("qemu-system-arm") is None, reason="qemu-system-arm is not installed")
@pytest.mark.skipif(shutil.which("arm-none-eabi-gcc") is None, reason="arm-none-eabi-gcc is not installed")
@pytest.mark.parametrize(("module", "part"), PARTS)
def test_in_qemu(module: str, part: int, tmp_path: Path) -> None:
    cases = part_of(module, part)
    assert len(batch.run_in_qemu(cases, tmp_path)) == len(cases)
