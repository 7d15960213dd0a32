"""Building projects with their own Makefile and CMakeLists.txt: the images, what they measure, and how it can fail."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from probe_project import MODEL, require_tools, write_project
from seatool import boards, build
from seatool.build import elf
from seatool.errors import BudgetError, InputError, ToolError

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _tools() -> None:
    require_tools("arm-none-eabi-gcc", "make")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_project(tmp_path_factory.mktemp("project"))


@pytest.fixture(scope="module")
def built(project: Path) -> build.Built:
    require_tools("arm-none-eabi-gcc", "make")
    return build.build(project)


def test_vectors_come_first_in_flash(built: build.Built) -> None:
    board = boards.load("m7")
    contents = elf.read(built.board_elf)
    (vectors,) = (section for section in contents.sections if section.name == ".vectors")
    assert vectors.address == vectors.load_address == board.flash.address == 0x0800_0000
    image = built.board_elf.with_suffix(".bin")
    subprocess.run(["arm-none-eabi-objcopy", "-O", "binary", built.board_elf, image], check=True)
    stack, reset = (int.from_bytes(image.read_bytes()[at : at + 4], "little") for at in (0, 4))
    symbols = {symbol.name: symbol.address for symbol in contents.symbols}
    assert stack == symbols["__stack_top"] == board.stack_region.address + board.stack_bytes
    assert reset == symbols["port_reset"] | 1


def test_measured_sizes_agree_with_the_section_table(built: build.Built) -> None:
    """Against binutils: flash holds text, constants and initial data; RAM what runs there."""
    listed = subprocess.run(
        ["arm-none-eabi-size", "-A", str(built.board_elf)], capture_output=True, text=True, check=True
    ).stdout
    sizes = {row.split()[0]: int(row.split()[1]) for row in listed.splitlines() if row.startswith(".")}
    flash, dtcm = built.board.region("flash"), built.board.region("dtcm")
    assert flash.parts["text"] == sizes[".text"]
    assert flash.parts["rodata"] == sizes[".rodata"]
    assert dtcm.parts["stack"] == sizes[".stack"] == 4096 + 512
    assert dtcm.parts["ram.dtcm"] == built.board.region("axi").parts["ram.axi"] == 64
    assert flash.used >= sum(flash.parts.values()) > 1000
    assert built.board.region("sram4").used == 0
    with pytest.raises(KeyError):
        built.board.region("ccm")


def test_initial_data_counts_twice(tmp_path: Path) -> None:
    project = write_project(
        tmp_path, append="int initial[100] = {1};\nint *use(void);\nint *use(void) { return initial; }\n"
    )
    makefile = project / "Makefile"
    makefile.write_text(makefile.read_text().replace("--gc-sections", "--gc-sections -Wl,--undefined=initial"))
    image = build.build(project).board
    assert image.region("flash").parts["data"] == image.region("dtcm").parts["data"] == 400


def test_functions_are_measured(built: build.Built) -> None:
    sizes = built.board.functions
    assert sizes["main"] > 50
    assert list(sizes.values()) == sorted(sizes.values(), reverse=True)


def test_board_image_has_no_hooks_and_no_semihosting(built: build.Built) -> None:
    board, emulator = built.board.functions, built.emulator.functions
    assert "harness_run" in emulator
    assert {"harness_run", "model_layer_begin"}.isdisjoint(board)
    code = subprocess.run(
        ["arm-none-eabi-objdump", "-d", str(built.board_elf)], capture_output=True, text=True, check=True
    ).stdout
    assert "bkpt" not in code


def test_projects_in_different_folders_give_equal_images(built: build.Built, tmp_path: Path) -> None:
    other = build.build(write_project(tmp_path / "some" / "where else"))
    assert other.board_elf.read_bytes() == built.board_elf.read_bytes()
    assert other.emulator_elf.read_bytes() == built.emulator_elf.read_bytes()


def test_second_build_does_nothing(built: build.Built, project: Path) -> None:
    before = built.board_elf.stat().st_mtime_ns
    assert build.build(project) == built
    assert built.board_elf.stat().st_mtime_ns == before


def test_compiler_error_is_shown_with_the_log(tmp_path: Path) -> None:
    project = write_project(tmp_path, append="int broken(void) { return missing; }\n")
    with pytest.raises(ToolError, match=r"does not compile\n  app/binding.c:\d+:\d+: error: .*missing") as caught:
        build.build(project)
    log = project / "build" / "build.log"
    assert caught.value.hint == f"the whole log is {log}"
    assert "missing" in log.read_text()
    assert not (project / "build" / "probe.elf").exists()


def test_warnings_are_errors_unless_switched_off(tmp_path: Path) -> None:
    project = write_project(tmp_path, append="static int unused(void) { return 1; }\n")
    with pytest.raises(ToolError, match="unused"):
        build.build(project)
    subprocess.run(["make", "-C", str(project), "WERROR="], check=True, capture_output=True)


def test_a_heap_does_not_link(tmp_path: Path) -> None:
    append = "#include <stdlib.h>\nvoid *grab(uint32_t n);\nvoid *grab(uint32_t n) { return malloc(n); }\n"
    project = write_project(tmp_path, append=append)
    makefile = project / "Makefile"
    makefile.write_text(makefile.read_text().replace("--gc-sections", "--gc-sections -Wl,--undefined=grab"))
    with pytest.raises(ToolError, match="undefined reference to `_sbrk'"):
        build.build(project)


@pytest.mark.parametrize(
    ("append", "message"),
    [
        ('uint8_t big[600000] __attribute__((section(".ram.axi")));', r"axi overflows by 75,\d{3} bytes"),
        ("const uint8_t big[3000000] = {1};", r"flash overflows by 90\d,\d{3} bytes"),
        ("uint8_t big[130000];", r"dtcm overflows by 3,\d{3} bytes"),
    ],
)
def test_overflow_names_the_region_and_the_bytes(tmp_path: Path, append: str, message: str) -> None:
    use = "\nconst void *use(void);\nconst void *use(void) { return big; }\n"
    project = write_project(tmp_path, append=append + use)
    makefile = project / "Makefile"
    makefile.write_text(makefile.read_text().replace("--gc-sections", "--gc-sections -Wl,--undefined=big"))
    with pytest.raises(BudgetError, match=message) as caught:
        build.build(project)
    assert caught.value.exit_code == 3


def test_too_much_code_for_the_itcm_is_said_with_the_way_out(tmp_path: Path) -> None:
    append = '__asm__(".section .itcm.text, \\"ax\\"\\n.space 70000\\n.text");\n'
    with pytest.raises(BudgetError, match=r"itcm overflows by \d,\d{3} bytes") as caught:
        build.build(write_project(tmp_path, append=append))
    assert caught.value.hint is not None
    assert "--code-in-flash" in caught.value.hint


def test_stack_is_part_of_the_budget(tmp_path: Path) -> None:
    with pytest.raises(BudgetError, match="dtcm overflows"):
        build.build(write_project(tmp_path, stack_bytes=131072))


def test_block_in_a_region_that_the_board_lacks(tmp_path: Path) -> None:
    project = write_project(tmp_path)
    model = project / MODEL
    model.write_text(model.read_text().replace('SLOW "axi"', 'SLOW "ccm"'))
    with pytest.raises(ToolError, match=r"names a region that m7 does not have"):
        build.build(project)


def test_folder_without_a_makefile(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has no Makefile"):
        build.build(tmp_path)


def test_missing_compiler_says_how_to_get_it(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(ToolError, match="arm-none-eabi-gcc is missing") as caught:
        build.build(project)
    assert caught.value.hint is not None
    assert "apt install gcc-arm-none-eabi" in caught.value.hint


def test_make_by_hand_without_a_compiler_says_what_to_install(project: Path) -> None:
    make = shutil.which("make")
    assert make is not None
    command = [make, "-C", str(project), "CROSS=absent-", "BUILD=build-absent"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode != 0
    assert "absent-gcc is missing. Debian, Ubuntu: apt install gcc-arm-none-eabi" in done.stderr


def test_cmake_builds_the_same_images(built: build.Built, project: Path, tmp_path: Path) -> None:
    require_tools("cmake")
    subprocess.run(["cmake", "-S", str(project), "-B", str(tmp_path)], check=True, capture_output=True)
    subprocess.run(["cmake", "--build", str(tmp_path)], check=True, capture_output=True)
    for image in (built.board, built.emulator):
        other = build.measure(tmp_path / image.path.name)
        assert [(region.region, region.used) for region in other.regions] == [
            (region.region, region.used) for region in image.regions
        ]
        assert other.functions == image.functions
