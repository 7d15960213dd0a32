"""The C sources themselves: every compiler is content, and memory is used as bytes and words only."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import host
import pytest
from seatool import resources

FIRMWARE = resources.firmware()
AUDIO = sorted(f"audio/{path.name}" for path in (FIRMWARE / "audio").glob("*.c"))
PORTABLE = ["app/harness.c", "app/main.c", "host/main.c", "port/console.c", *AUDIO]
COMPILERS = pytest.mark.parametrize("compiler", ["gcc", "clang"])

CAST = re.compile(r"\((?:const )?(\w+) \*(?:const \*)?\)")
BYTES_AND_WORDS = {"void", "int8_t", "uint8_t", "int32_t", "uint32_t", "nn_half"}


def compile_(compiler: str, source: Path, *options: str) -> None:
    """Compile without a warning, or show what the compiler says."""
    if shutil.which(compiler) is None:
        pytest.skip(f"{compiler} is not installed")
    command = [compiler, *host.WARNINGS, *options, "-c", str(source), "-o", "/dev/null"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[:4000]


@pytest.mark.slow
@COMPILERS
@pytest.mark.parametrize("options", [(), ("-DNN_PORTABLE",)], ids=["", "portable"])
def test_all_kernels_together(compiler: str, options: tuple[str, ...], tmp_path: Path) -> None:
    headers = sorted(path.name for path in host.NN.glob("*.h"))
    entries = [entry for header in headers for entry in host.entries(header)]
    assert len(entries) > 20
    source = tmp_path / "kernels.c"
    source.write_text("\n".join([*(f'#include "{header}"' for header in headers), *entries]))
    compile_(compiler, source, f"-I{host.NN}", *options)


@COMPILERS
@pytest.mark.parametrize("path", PORTABLE)
def test_what_runs_on_any_machine(compiler: str, path: str) -> None:
    folders = [f"-I{FIRMWARE / name}" for name in ("app", "port", "audio")]
    compile_(compiler, FIRMWARE / path, "-ffp-contract=off", *folders)


def test_kernels_use_memory_as_bytes_and_words_only() -> None:
    """int8_t and nn_half may alias anything, int32_t and uint32_t each other; other pairs need memcpy."""
    found = {
        (path.name, name)
        for path in sorted(host.NN.glob("*.h"))
        for name in CAST.findall(re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.S))
    }
    assert len(found) > 5
    assert {(file, name) for file, name in found if name not in BYTES_AND_WORDS} == set()
