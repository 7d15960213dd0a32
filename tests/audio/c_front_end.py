"""Builds the emitted front end for this machine and for the emulator, and runs it."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from seatool import audio
from seatool.audio import LogMel
from seatool.ir import Array, Quantization

HERE = Path(__file__).parent
WARNINGS = ("-std=c11", "-O2", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Werror")
CORTEX_M7 = ("-mcpu=cortex-m7", "-mthumb", "-mfpu=fpv5-d16", "-mfloat-abi=hard")


@dataclass(frozen=True)
class Result:
    """decibels: float32 [windows, bands, frames]; output: int8, same shape; instructions per window if counted."""

    decibels: Array
    output: Array
    instructions: tuple[int, ...] = ()


def write(log_mel: LogMel, quant: Quantization, folder: Path) -> list[str]:
    """Write the emitted files below ``folder``; returns the C files, relative to it."""
    files = audio.emit(log_mel, quant, "test")
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return [name for name in files if name.endswith(".c")]


def run_on_host(log_mel: LogMel, quant: Quantization, windows: Sequence[Array], folder: Path) -> Result:
    """The C on this machine, under the address and undefined-behaviour sanitizers."""
    sources = write(log_mel, quant, folder)
    sanitize = ("-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
    command = ["gcc", *WARNINGS, *sanitize, "-Iaudio", str(HERE / "host.c"), *sources, "-lm", "-o", "host"]
    subprocess.run(command, cwd=folder, check=True)
    pcm = np.stack(windows).astype("<i2").tobytes()
    done = subprocess.run([folder / "host"], input=pcm, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    values = log_mel.bands * log_mel.frames
    record = np.dtype([("decibels", "<f4", values), ("output", "i1", values)])
    records = np.frombuffer(done.stdout, record)
    shape = (len(windows), log_mel.bands, log_mel.frames)
    return Result(records["decibels"].reshape(shape), records["output"].reshape(shape))


def build_for_emulator(log_mel: LogMel, quant: Quantization, windows: Sequence[Array], folder: Path) -> Path:
    """An image for mps2-an500 that runs the front end on ``windows`` and prints the results."""
    sources = write(log_mel, quant, folder)
    rows = ",\n".join("{" + ",".join(map(str, window)) + "}" for window in windows)
    (folder / "windows.h").write_text(
        f"enum {{ WINDOWS = {len(windows)}, BANDS = {log_mel.bands}, FRAMES = {log_mel.frames} }};\n"
        f"static const int16_t windows[WINDOWS][{log_mel.window_samples}] = {{{rows}}};\n"
    )
    layout = ("-nostartfiles", "--specs=nano.specs", f"-T{HERE / 'emulator' / 'image.ld'}")
    main = str(HERE / "emulator" / "main.c")
    command = ["arm-none-eabi-gcc", *WARNINGS, *CORTEX_M7, *layout, "-Iaudio", "-I.", main, *sources]
    subprocess.run([*command, "-o", "image.elf"], cwd=folder, check=True)
    return folder / "image.elf"


def run_in_emulator(image: Path, log_mel: LogMel) -> Result:
    """Run an image of :func:`build_for_emulator` in QEMU."""
    machine = ["qemu-system-arm", "-M", "mps2-an500", "-nographic", "-monitor", "none", "-serial", "null"]
    options = ["-icount", "shift=6,sleep=off", "-semihosting-config", "enable=on,target=native", "-kernel", str(image)]
    output = subprocess.check_output(
        [*machine, *options], stdin=subprocess.DEVNULL, stderr=subprocess.STDOUT, timeout=60, text=True
    )
    lines = [bytes.fromhex(line) for line in output.split()]
    shape = (len(lines) // 3, log_mel.bands, log_mel.frames)
    return Result(
        np.frombuffer(b"".join(lines[1::3]), "<f4").reshape(shape),
        np.frombuffer(b"".join(lines[2::3]), np.int8).reshape(shape),
        tuple(int.from_bytes(line, "little") for line in lines[0::3]),
    )
