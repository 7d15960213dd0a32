"""Models that remember: what they keep from one inference to the next, and when they forget it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hosted import Hosted, assert_equal
from nets import filters, inputs_of, recurrent
from seatool import boards, plan
from seatool.importers import tflite
from seatool.ir import Graph
from seatool.tflm.reference import Reference

M7 = boards.load("m7")


@pytest.fixture(scope="module")
def hosted(tmp_path_factory: pytest.TempPathFactory) -> Hosted:
    return Hosted.of(filters(), M7, tmp_path_factory.mktemp("filters"), plan.PlanOptions(fuse=False))


@pytest.mark.parametrize(
    ("graph", "made"),
    [
        (filters(), {"sum", "middle", "heard/next", "recalled/next", "y"}),
        (recurrent(), {"shown", "h/next", "c/next", "y"}),
    ],
)
def test_every_tensor_of_a_sequence_equals_tflm(graph: Graph, made: set[str], tmp_path: Path) -> None:
    hosted = Hosted.of(graph, M7, tmp_path, plan.PlanOptions(fuse=False))
    reference = Reference(tflite.write(graph), graph)
    cases = inputs_of(graph, 12)
    for case, got in zip(cases, hosted.run(cases), strict=True):
        assert_equal(got, reference.run(case))
        assert got.keys() == made


def test_the_sequence_begins_anew_after_initialisation(hosted: Hosted) -> None:
    cases = inputs_of(filters(), 3)
    first, again = hosted.run(cases), hosted.run(cases)
    assert_equal(again[0], first[0])
    assert any((first[0][name] != first[2][name]).any() for name in ("heard/next", "recalled/next"))


def test_states_have_memory_of_their_own(hosted: Hosted) -> None:
    program = hosted.program
    kept = [program.buffers[state.value] for state in program.graph.states]
    assert [program.buffers[state.next] for state in program.graph.states] == kept
    names = {name for state in program.graph.states for name in (state.value, state.next)}
    others = [buffer for name, buffer in program.buffers.items() if name not in names]
    others += [step.scratch for step in program.steps if step.scratch is not None]
    for number, own in enumerate(kept):
        for other in (*kept[:number], *others):
            apart = own.offset + own.size <= other.offset or other.offset + other.size <= own.offset
            assert apart or own.region != other.region


def test_the_header_says_what_is_kept(hosted: Hosted) -> None:
    header = (hosted.folder / "model" / "filters.h").read_text()
    source = (hosted.folder / "model" / "filters.c").read_text()
    assert "It resets the 147 B that the model remembers from one inference to the next" in header
    assert "memset" in source.split("int filters_init")[1].split("int filters_run")[0]
