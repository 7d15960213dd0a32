"""Weights that are transformed into RAM once, before the first inference."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from chains import network
from hosted import WARNINGS, Hosted, assert_equal
from nets import inputs_of
from seatool import boards, plan
from seatool.importers import tflite
from seatool.plan.planner import Planner
from seatool.tflm.reference import Reference

M7 = boards.load("m7")


@pytest.fixture(scope="module")
def program() -> plan.Program:
    """The fastest plan that keeps most in RAM."""
    planner = Planner(network("student"), M7, plan.PlanOptions().limits(M7))
    picks = max(planner.space.plans(planner.ram), key=lambda picks: picks.resident)
    found = planner.place(picks, planner.ram, hot=True)
    assert found is not None
    assert len(found.residents) > 1
    return found


@pytest.fixture(scope="module")
def hosted(program: plan.Program, tmp_path_factory: pytest.TempPathFactory) -> Hosted:
    return Hosted(program, tmp_path_factory.mktemp("resident"))


def test_every_tensor_equals_tflm(hosted: Hosted) -> None:
    graph = hosted.program.graph
    reference = Reference(tflite.write(graph), graph)
    cases = inputs_of(graph, 5)
    for case, got in zip(cases, hosted.run(cases), strict=True):
        assert_equal(got, reference.run(case))


def test_resident_memory_is_apart_from_everything(program: plan.Program) -> None:
    residents = list(program.residents.values())
    scratch = [step.scratch for step in program.steps if step.scratch is not None]
    for number, kept in enumerate(residents):
        assert kept.offset + kept.size <= program.blocks[kept.region]
        for other in (*residents[:number], *program.buffers.values(), *scratch):
            apart = kept.offset + kept.size <= other.offset or other.offset + other.size <= kept.offset
            assert apart or kept.region != other.region
    parts = {part.label: part.bytes for usage in program.usage for part in usage.parts}
    assert parts["resident"] == sum(-(-kept.size // 16) * 16 for kept in residents)


def test_source_says_what_is_kept(hosted: Hosted) -> None:
    header = (hosted.folder / "model" / "chain.h").read_text()
    source = (hosted.folder / "model" / "chain.c").read_text()
    kept = sum(buffer.size for buffer in hosted.program.residents.values())
    assert f"It transforms {kept:,} B of weights" in header
    for stage in hosted.program.residents:
        assert f"{stage} resident" in source
    assert source.count("_weights(&(nn_conv3x3_weights_args){") == len(hosted.program.residents)


API = """
#include "chain.h"
#ifdef __cplusplus
#include <cassert>
#include <cstring>
#else
#include <assert.h>
#include <string.h>
#endif
CHAIN_STATE(state);

int main(void)
{
    int8_t x[CHAIN_INPUT_BYTES] = {1, 2, 3}, first[CHAIN_OUTPUT_BYTES], second[CHAIN_OUTPUT_BYTES];

    /* Without initialisation there is no inference. */
    assert(chain_run(&state, x, first) == -1);
    assert(chain_init(0) == -1);
    chain_state broken = state;
    broken.dtcm = 0;
    assert(chain_init(&broken) == -1 && chain_run(&broken, x, first) == -1);
    assert(chain_run(&state, x, first) == -1);

    /* Once is enough, and again does no harm. */
    assert(chain_init(&state) == 0);
    assert(chain_run(&state, x, first) == 0 && chain_run(&state, x, second) == 0);
    assert(memcmp(first, second, sizeof first) == 0);
    assert(chain_init(&state) == 0 && chain_run(&state, x, second) == 0);
    assert(memcmp(first, second, sizeof first) == 0);
    return 0;
}
"""


@pytest.mark.parametrize(("compiler", "suffix"), [("gcc", "c"), ("g++", "cpp")])
def test_no_inference_without_initialisation(hosted: Hosted, tmp_path: Path, compiler: str, suffix: str) -> None:
    model = hosted.folder / "model"
    main = tmp_path / f"main.{suffix}"
    main.write_text(API)
    objects = [str(tmp_path / name) for name in ("chain.o", "chain_weights.o")]
    for source, output in zip(("chain.c", "chain_weights.c"), objects, strict=True):
        subprocess.run(["gcc", "-std=c11", "-c", str(model / source), "-o", output], check=True)
    flags = [*WARNINGS, f"-I{model}", "-o", str(tmp_path / "main")]
    subprocess.run([compiler, *flags, str(main), *objects], check=True)
    subprocess.run([str(tmp_path / "main")], check=True)
