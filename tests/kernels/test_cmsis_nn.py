"""The comparison with CMSIS-NN: its shapes, what its functions are given, and that no kernel of ours is slower."""

from __future__ import annotations

import os
import re
from pathlib import Path

import cmsis_nn
import pytest
import rig
from cmsis_nn_shapes import shapes


def test_functions_are_given_what_they_take() -> None:
    header = (Path(__file__).parent / "cmsis_nn.h").read_text()
    (struct,) = re.findall(r"typedef struct \{(.*?)\} cmsis_nn_args;", header, re.DOTALL)
    members = set(re.findall(r"\*?(\w+)[,;]", struct))
    kinds = set()
    for _, graph in shapes():
        operator = rig.operator_of(graph)
        call = cmsis_nn.CmsisNN().call(operator)
        assert call.function in header
        assert set(call.fields) <= members
        kinds.add(cmsis_nn.title(operator))
    assert kinds == set(cmsis_nn.FUNCTIONS)


def test_shapes_have_names_of_their_own() -> None:
    names = [(cmsis_nn.title(rig.operator_of(graph)), name) for name, graph in shapes()]
    assert len(set(names)) == len(names)


def test_the_summary_names_the_least_ratio() -> None:
    rows = [
        cmsis_nn.Row("ADD", shape, "elements", 100, theirs) for shape, theirs in (("1", 300), ("7", 90), ("9", 120))
    ]
    assert cmsis_nn.summary(rows).splitlines()[2:] == ["| ADD | 3 | 0.90 | 7 | 1.20 |"]
    assert "| ADD | 7 | elements | 100 | 90 | 0.90 |" in cmsis_nn.table(rows)


@pytest.mark.slow
@pytest.mark.skipif("CMSIS_NN" not in os.environ, reason="CMSIS_NN does not name a checkout of CMSIS-NN")
def test_no_shape_is_slower(tmp_path: Path) -> None:
    rows = list(cmsis_nn.measure(Path(os.environ["CMSIS_NN"]), shapes(), tmp_path))
    assert [row for row in rows if row.ratio < 1] == []
