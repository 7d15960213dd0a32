"""The table of conformance is what the code and the tests give."""

from __future__ import annotations

from pathlib import Path

import conformance
import pytest
import rig
from seatool.ir import DType, Graph
from seatool.kernels import operators
from test_int16 import widened

INT8_OR_BOOL = {DType.INT8, DType.BOOL}
PAGE = Path(__file__).resolve().parents[2] / "docs" / "conformance.md"


@pytest.mark.slow
def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text() == conformance.markdown(), "run: python tests/kernels/conformance.py > docs/conformance.md"


def test_every_operator_is_compared_with_tflm() -> None:
    """All that a file can name have their row, and a property test in one of its cells."""
    rows = {row.split(" | ")[0].removeprefix("| "): row for row in PAGE.read_text().splitlines() if "|" in row}
    types = conformance.tflm_types()
    for kind, family in operators().items():
        is_kernel = family.tflite is not None and kind not in conformance.UNKNOWN
        if is_kernel and {"int8", "bool"} & set(types.get(kind, [])):
            assert "(test_" in rows[kind], f"{kind} has no property test"


@pytest.mark.slow
def test_what_is_said_to_be_refused_on_int16_is() -> None:
    """The int8 layers that the tests draw of these operators, widened, have problems."""
    refused = {row.split(" | ")[0].removeprefix("| ") for row in rows_of(PAGE) if row.split(" | ")[2] == "**no**"}
    assert "BATCH_MATMUL" in refused
    tried = set()
    for module in conformance.modules():
        for graph in conformance.drawn(module):
            if graph.ops[0].kind in refused and DType.INT8 in types_of(graph) <= INT8_OR_BOOL:
                assert list(rig.operator_of(widened(graph)).problems()), graph
                tried.add(graph.ops[0].kind)
    assert refused - tried <= {"CAST", "UNIDIRECTIONAL_SEQUENCE_LSTM"}


def rows_of(page: Path) -> list[str]:
    """The table's, without its head."""
    return [row for row in page.read_text().splitlines() if row.startswith("| ")][1:]


def types_of(graph: Graph) -> set[DType]:
    """Of what an inference reads."""
    return {graph.tensors[name].dtype for name in graph.inputs}


def test_nothing_is_claimed_that_tflm_does_not_compute() -> None:
    for row in PAGE.read_text().splitlines():
        kind, *cells = (cell.strip() for cell in row.strip("|").split(" | "))
        types = conformance.tflm_types().get(kind, [])
        for column, cell in zip(conformance.TYPES, cells, strict=False):
            if "(test_" in cell and column != "int8":
                assert column in types, f"{kind} on {column}"
