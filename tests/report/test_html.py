"""The HTML page: complete, escaped, reproducible, written whole; the noise of every layer, fused or not."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from seatool.errors import InputError
from seatool.pipeline.project import Project
from seatool.report import html

LAYER: dict[str, Any] = {
    "macs": 1000,
    "estimated_instructions": 2000,
    "planned_cycles": 1500,
    "instructions": None,
    "estimated_cycles": None,
    "stall_cycles": None,
    "estimated_ms": None,
    "scratch_bytes": 0,
}


def layer(index: int, name: str, kinds: str, operators: list[str], outputs: list[str], **more: Any) -> dict[str, Any]:
    return {
        "index": index,
        "name": name,
        "operator": kinds,
        "operators": operators,
        "variant": "gemm",
        "outputs": outputs,
        **LAYER,
        **more,
    }


def noise(name: str, tensor: str, decibels: float | None) -> dict[str, Any]:
    return {"name": name, "tensor": tensor, "sqnr_db": decibels}


def manifest(**changes: Any) -> Any:
    """A model with a front end, a fused step, a split and a view."""
    fidelity = {
        "calibration": "8 clips of <b>café</b>",
        "cosine_mean": 0.999,
        "cosine_min": 0.99,
        "hints": [],
        "layers": [
            noise("conv", "t0", 11.0),
            noise("pool", "t1", 22.25),
            noise("split", "t2", 44.5),
            noise("input", "x", None),
        ],
    }
    port = {"name": "x", "shape": [1, 8], "dtype": "int8", "scale": 0.5, "zero_point": 0}
    value = {
        "name": "street",
        "board": "m7",
        "model": {"file": "straße.h5", "sha256": ""},
        "quantization": {"key": "", "sha256": "", "fidelity": fidelity},
        "macs": 2_000_000,
        "instructions": None,
        "estimated_cycles": None,
        "stall_cycles": None,
        "estimated_ms": None,
        "clock_mhz": None,
        "cycles_model": None,
        "stack_bytes": None,
        "bit_exact": None,
        "verified": None,
        "edited": {},
        "frontend": True,
        "notes": [],
        "inputs": [port],
        "outputs": [port],
        "budget": [
            {
                "region": "flash",
                "capacity_bytes": 1000,
                "needed_bytes": 500,
                "parts": [{"label": "weights", "bytes": 500, "estimated": False, "predicted": None}],
            },
            {"region": "sram4", "capacity_bytes": 1000, "needed_bytes": 0, "parts": []},
        ],
        "layers": [
            layer(0, "log_mel", "LOG_MEL", [], ["x"], variant=None, macs=0),
            layer(1, "conv_to_pool", "CONV_2D+MAX_POOL_2D", ["conv", "pool"], ["t1"]),
            layer(2, "split", "SPLIT", ["split"], ["t2", "t3"]),
            layer(3, "flatten", "RESHAPE", ["flatten"], ["t4"], variant=None),
        ],
    }
    return {**value, **changes}


class Rows(HTMLParser):
    """The cells of all table rows; end tags of rows and cells are left out in the page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.feed(page)

    def handle_endtag(self, tag: str) -> None:
        if tag == "table":
            self.rows.append([])

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_data(self, data: str) -> None:
        if self.rows and self.rows[-1]:
            self.rows[-1][-1] += data.strip()


def cells(page: str) -> dict[str, list[str]]:
    """The rows of the layer table by number."""
    return {row[0]: row for row in Rows(page).rows if row and row[0].isdigit()}


def test_every_layer_shows_the_noise_of_what_it_leaves() -> None:
    rows = cells(html.render(manifest()))
    assert [row[-1] for row in rows.values()] == ["exact", "22.2", "44.5", ""]
    assert rows["1"][1] == "conv_to_poolconv, pool"


def test_measured_figures_appear_when_there_are_some() -> None:
    assert "not verified yet" in html.render(manifest())
    assert "a difference" in html.render(manifest(bit_exact=False))
    measured = [{**one, "instructions": 2500} for one in manifest()["layers"]]
    verified = {"inputs": {"random": 2}, "tensors": 3, "inner_tensors": 1}
    page = html.render(
        manifest(bit_exact=True, verified=verified, instructions=10_000, stack_bytes=376, layers=measured)
    )
    assert "3 tensors equal TFLM on 2 random inputs; not there to compare: 1 inside fused steps" in page
    assert "10,000 instructions, 376 bytes of stack" in page
    assert cells(page)["1"][5:7] == ["2,500", "2.500"]


def test_a_model_that_was_int8_has_no_noise() -> None:
    page = html.render(manifest(quantization=None))
    assert "The model was int8 already." in page
    assert all(row[-1] == "" for row in cells(page).values())


def test_text_is_escaped_and_edits_are_named() -> None:
    page = html.render(manifest(edited={"model/<x>.c": None}))
    assert "<b>" not in page
    assert "8 clips of &lt;b&gt;café" in page
    assert "Generated files were edited: model/&lt;x&gt;.c" in page
    assert "edited" not in html.render(manifest())


def test_empty_regions_are_left_out_and_full_ones_have_their_parts() -> None:
    page = html.render(manifest())
    assert "sram4" not in page
    assert "weights 500" in page
    assert 'class="fill" style="width:50.0%"' in page


def test_the_page_is_reproducible_utf8_and_written_whole(tmp_path: Path) -> None:
    project = Project(tmp_path, manifest())
    first = html.write(project).read_bytes()
    assert "straße.h5".encode() in first
    assert html.write(project).read_bytes() == first
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
    with pytest.raises(InputError, match="there is no such folder"):
        html.write(Project(tmp_path / "nowhere", manifest()))
