"""A sample of every operator's cases, compiled as a generated model is: under ASan, and with DSP code in QEMU."""

from __future__ import annotations

import importlib
import shutil
from pathlib import Path

import batch
import pytest
import rig

MODULES = sorted(
    path.stem
    for path in Path(__file__).parent.glob("test_*.py")
    if path.name != Path(__file__).name and "def cases(" in path.read_text()
)


def sampled(module: str) -> list[batch.Case]:
    strategy = importlib.import_module(module).cases()
    return [case for graph, inputs in rig.sample(strategy, 40) for case in batch.cases_of(graph, inputs)]


@pytest.mark.slow
@pytest.mark.parametrize("module", MODULES)
def test_under_the_sanitizers(module: str, tmp_path: Path) -> None:
    batch.run_on_host(sampled(module), tmp_path)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("qemu-system-arm") is None, reason="qemu-system-arm is not installed")
@pytest.mark.skipif(shutil.which("arm-none-eabi-gcc") is None, reason="arm-none-eabi-gcc is not installed")
@pytest.mark.parametrize("module", MODULES)
def test_in_qemu(module: str, tmp_path: Path) -> None:
    cases = sampled(module)
    assert len(batch.run_in_qemu(cases, tmp_path)) == len(cases)
