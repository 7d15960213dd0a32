"""The published 64-d student at points of its frontier: verified in the emulator, within the promised numbers."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
from seatool.cli import main
from seatool.pipeline import CompileOptions, compile_model
from seatool.pipeline.profile import profile_project
from seatool.pipeline.recordings import shipped_student
from seatool.pipeline.verify import verify_project

pytestmark = pytest.mark.slow

FIRMWARE = 4096 + 512 + 256
"""Stack, fault stack and variables, which --ram counts too."""

K = 1024
POINTS = {
    "speed": (None, None, 42e6),
    "int8 weights": (212 * K, 450_000, 47e6),
    "DTCM alone": (128 * K, None, 56e6),
    "less than one tensor": (102_400, None, 62e6),
    "small": (64 * K, 460_000, 105e6),
}
"""RAM of the model, flash, instructions."""


@pytest.mark.parametrize("name", POINTS)
def test_points_of_the_frontier(name: str, shared_data: Path, tmp_path: Path) -> None:
    ram, flash, instructions = POINTS[name]
    limit = None if ram is None else ram + FIRMWARE
    options = CompileOptions(name="student", ram_limit=limit, flash_limit=flash, optimize="speed")
    compiled = compile_model(shared_data / "models" / "edgel3_sea_64_int8.tflite", tmp_path / "p", options)
    profile = profile_project(compiled.project)
    manifest = verify_project(profile.project, count=1).project.manifest
    assert manifest["bit_exact"] is True
    assert manifest["instructions"] <= instructions
    assert manifest["ram_bytes"] <= (ram or 1 << 20)
    assert manifest["flash_bytes"] <= (flash or 2 << 20)
    estimate = sum(layer["estimated_instructions"] for layer in manifest["layers"])
    assert estimate == pytest.approx(manifest["instructions"], rel=0.05)


def test_plan_prints_and_draws_the_frontier(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    drawing = tmp_path / "frontier.svg"
    with pytest.raises(SystemExit) as stop:
        main(["plan", str(shipped_student()), "--plot", str(drawing), "--json"])
    assert not stop.value.code
    value = json.loads(capsys.readouterr().out)
    points = value["points"]
    needs = [(p["ram_bytes"], p["flash_bytes"], p["estimated_cycles"]) for p in points]
    assert needs == sorted(needs, key=lambda n: (-n[0], -n[1]))
    chosen = {name: need for point, need in zip(points, needs, strict=True) for name in point["chosen_by"]}
    assert chosen["speed"][2] == min(need[2] for need in needs)
    assert chosen["ram"][0] == min(need[0] for need in needs)
    assert chosen["balanced"] == min(needs, key=lambda need: need[0] * need[1] * need[2] ** 2)
    for one, need in zip(points, needs, strict=True):
        others = [other for other in needs if other is not need]
        assert one["chosen_by"] or not any(all(a <= b for a, b in zip(other, need, strict=True)) for other in others)
    drawn = ElementTree.fromstring(drawing.read_text())
    assert len(drawn.findall("{*}circle")) >= len(chosen)
