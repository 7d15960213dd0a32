"""Instructions and RAM of the benchmark's cases must not grow; `python tests/bench/bench.py --update` accepts them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import bakenn_live
import bench
import numpy as np
import pytest
from seatool.ir import DType, Graph, Op, Tensor

CASES = list(bench.cases())
FIGURES = bench.Figures(
    instructions=1_000_000, macs=1, ram_bytes=1000, flash_bytes=1, stack_bytes=1, estimated_cycles=None
)


def test_one_percent_more_is_a_regression() -> None:
    def grown(instructions: int, ram: int) -> list[str]:
        return list(bench.within(FIGURES, {"instructions": instructions, "ram_bytes": ram}))

    assert grown(1_000_000, 1000) == grown(2_000_000, 2000) == grown(990_100, 991) == []
    assert grown(990_000, 1000) == ["instructions: 1,000,000, expected 990,000 (+1.0%)"]
    assert grown(1_000_000, 900) == ["ram_bytes: 1,000, expected 900 (+11.1%)"]


def test_every_case_is_guarded() -> None:
    assert bench.expected().keys() == {case.key for case in CASES}


def test_the_table_shows_what_was_measured_and_what_was_recorded() -> None:
    text = bench.table({"kws/speed": FIGURES}, {})
    assert "| seatool, speed | 1,000,000 | 1000000.000 |" in text
    assert "BakeNN 1.0.0 with its CMSIS-NN 4.0.0 (recorded) | 22,477,785 |" in text
    assert "TFLM + CMSIS-NN" not in text, "a model that was not recorded"
    assert "Student" not in text


def test_bakenn_is_cut_down_to_what_it_takes() -> None:
    shapes = {"x": (1, 4, 4, 1), "y": (1, 4, 4, 1), "z": (1, 16), "w": (1, 1, 1, 1), "b": (1,), "f": (1, 4, 4, 1)}
    tensors = {name: Tensor(name, shape, DType.INT8) for name, shape in shapes.items()}
    tensors |= {name: replace(tensors[name], data=np.zeros(shapes[name], np.int8)) for name in ("w", "b", "f")}
    ops = (
        Op("scale", "MUL", ("x", "f"), ("scaled",)),
        Op("conv", "CONV_2D", ("scaled", "w", "b"), ("y",)),
        Op("flat", "RESHAPE", ("y",), ("z",)),
    )
    tensors["scaled"] = replace(tensors["x"], name="scaled")
    found = bakenn_live.cut(Graph("net", tensors, ops, ("x",), ("z",)))
    assert (found.inputs, [op.name for op in found.ops], found.outputs) == (("scaled",), ["conv"], ("y",))
    assert set(found.tensors) == {"scaled", "w", "b", "y"}
    assert found.ops[0].version == 3


def test_bakenn_takes_the_place_of_what_was_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bakenn_live, "title", lambda: "BakeNN 9")
    text = bench.table({"kws/speed": FIGURES}, {"kws": {"instructions": 7, "ram_bytes": 8, "flash_bytes": 9}})
    assert "| BakeNN 9 | 7 |" in text
    assert "(recorded)" not in text


@pytest.mark.slow
@pytest.mark.skipif(not bakenn_live.installed(), reason="bakenn[tflite] is not installed")
def test_bakenn_runs(tmp_path: Path) -> None:
    (case,) = (case for case in CASES if case.key == "kws/speed")
    if case.path is None:
        pytest.skip(f"{case.file} is not here: set SEATOOL_DATA to the folder of real models")
    figures = bakenn_live.measure(case.path, tmp_path / "bakenn")
    assert figures["instructions"] > bench.expected()[case.key]["instructions"]


@pytest.mark.slow
@pytest.mark.parametrize("model", sorted({case.model for case in CASES}))
def test_no_regression(model: str, tmp_path: Path) -> None:
    mine = [case for case in CASES if case.model == model]
    if mine[0].path is None:
        pytest.skip(f"{mine[0].file} is not here: set SEATOOL_DATA to the folder of real models")
    problems = []
    for case in mine:
        figures = bench.measure(case, tmp_path / model, cycles=False)
        problems += [f"{case.key}: {problem}" for problem in bench.within(figures, bench.expected()[case.key])]
    assert not problems, "\n".join(problems)
