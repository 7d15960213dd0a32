"""Code in the ITCM: where it waits, where it runs, and what the ELF file's sizes say of it."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from probe_project import command, require_tools, write_project
from seatool import build, emulate, resources
from seatool.boards.mpu import NULL_GUARD
from seatool.build import elf
from seatool.errors import ToolError

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", params=["m7", "mps2-an500"])
def built(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> build.Built:
    """Images of the probe model, one function of which is NN_FAST_CODE, for a board with ITCM and one without."""
    require_tools("arm-none-eabi-gcc", "make", "qemu-system-arm")
    return build.build(write_project(tmp_path_factory.mktemp("project"), request.param))


def test_regions_of_a_board_may_have_any_name(tmp_path: Path) -> None:
    text = (resources.boards() / "m7.toml").read_text()
    for old, new in (("flash", "rom"), ("itcm", "icode"), ("m7", "other")):
        text = text.replace(f'name = "{old}"', f'name = "{new}"').replace(f"\n{old} = 0x", f"\n{new} = 0x")
    file = tmp_path / "other.toml"
    file.write_text(text)
    made = build.build(write_project(tmp_path / "project", str(file)))
    assert {"rom", "icode"} < {region.region for region in made.board.regions}
    assert made.board.region("icode").used > NULL_GUARD.size
    with pytest.raises(ToolError, match="write to icode at 0x0030"):
        emulate.run(made.emulator_elf, [command("c")])


def place(image: build.Image) -> tuple[int, int]:
    """Address and size of the probe's fast function."""
    symbols = {symbol.name: symbol for symbol in elf.read(image.path).symbols}
    return symbols["program_counter"].address, symbols["program_counter"].size


def test_fast_code_runs_where_it_was_linked(built: build.Built) -> None:
    start, size = place(built.emulator)
    (output,) = emulate.run(built.emulator_elf, [command("w")]).outputs
    (counter,) = struct.unpack("<I", output)
    assert start <= counter <= start + size


def test_fast_code_is_in_the_itcm_or_in_flash(built: build.Built) -> None:
    for image in (built.board, built.emulator):
        names = {region.region for region in image.regions}
        region = image.region("itcm" if "itcm" in names else "flash")
        start, size = place(image)
        assert region.start + (NULL_GUARD.size if region.start == 0 else 0) <= start
        assert start + size <= region.start + region.capacity


def test_fast_code_counts_in_flash_and_in_the_itcm(tmp_path: Path) -> None:
    append = "NN_FAST_CODE int fast_sum(int a);\nNN_FAST_CODE int fast_sum(int a) { return a * a + 7; }\n"
    plain = build.build(write_project(tmp_path / "plain"))
    more = build.build(write_project(tmp_path / "more", append=append))
    for before, after in ((plain.board, more.board), (plain.emulator, more.emulator)):
        added = after.functions["fast_sum"]
        grown = after.region("itcm").parts["itcm"] - before.region("itcm").parts["itcm"]
        assert 0 < added <= grown < added + 8
        assert after.region("flash").parts["itcm"] == after.region("itcm").parts["itcm"]
        assert after.region("flash").used - before.region("flash").used == grown
        assert after.region("itcm").used == NULL_GUARD.size + after.region("itcm").parts["itcm"]


def test_unused_itcm_takes_nothing(tmp_path: Path) -> None:
    project = write_project(tmp_path)
    model = project / "app/binding.c"
    model.write_text(model.read_text().replace("NN_FAST_CODE __attribute__", "__attribute__"))
    for image in (built := build.build(project)).board, built.emulator:
        assert image.region("itcm").used == 0
        assert "itcm" not in image.region("flash").parts
