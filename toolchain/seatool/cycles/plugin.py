"""Our plugin for QEMU, compiled for this computer on first use and kept in the user's cache folder."""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from seatool.build import tools
from seatool.errors import ToolError

SOURCES = Path(__file__).resolve().parent / "plugin"
API_VERSIONS = (2, 1)
"""Versions of the plugin interface to try: QEMU 8.2 and later, QEMU 4.2 to 8.1."""
_FLAGS = ("-std=c11", "-O2", "-fPIC", "-fvisibility=hidden", "-shared")
_GREETING = "seatool trace"
_TIMEOUT_S = 120


class UnavailableError(ToolError):
    """Cycles cannot be estimated on this computer; the message says why."""


@cache
def library() -> Path:
    """The plugin, in the first version that this computer's QEMU loads.

    Raises UnavailableError without a C compiler for this computer, or where QEMU takes no plugins.
    """
    refusals = []
    for version in API_VERSIONS:
        plugin = _compiled(version)
        refusal = _refusal(plugin)
        if refusal is None:
            return plugin
        refusals.append(refusal)
    raise UnavailableError(f"this QEMU loads no plugins: {refusals[-1]}", "install QEMU 7.2 or newer with plugins")


def argument(plugin: Path, settings: Sequence[tuple[str, object]]) -> str:
    """The value of QEMU's option -plugin."""
    parts = [str(plugin), *(f"{key}={value}" for key, value in settings)]
    return ",".join(part.replace(",", ",,") for part in parts)


def _compiled(version: int) -> Path:
    flags = [*_FLAGS, f"-DAPI_VERSION={version}"]
    if platform.system() == "Darwin":
        flags += ["-undefined", "dynamic_lookup"]
    content = [source.read_bytes() for source in sorted(SOURCES.iterdir())]
    key = hashlib.sha256(b"\0".join([*content, " ".join([*flags, platform.platform()]).encode()])).hexdigest()[:16]
    plugin = _cache_folder() / f"trace-{key}.so"
    if not plugin.is_file():
        _compile(plugin, flags)
    return plugin


def _cache_folder() -> Path:
    import pooch  # slow to import

    return Path(pooch.os_cache("seatool")) / "plugins"


def _compile(plugin: Path, flags: Sequence[str]) -> None:
    """Compile into ``plugin``, which appears whole or not at all."""
    compiler = shutil.which(os.environ.get("CC", "cc"))
    if compiler is None:
        tool = next(tool for tool in tools.TOOLS if tool.name == "cc")
        raise UnavailableError("there is no C compiler for this computer (cc)", tool.install)
    try:
        plugin.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=plugin.parent) as folder:
            made = Path(folder) / plugin.name
            result = _run([compiler, *flags, "-o", str(made), str(SOURCES / "trace.c")])
            if result.returncode:
                complaint = (result.stdout.strip().splitlines() or ["it says nothing"])[0]
                raise UnavailableError(f"{compiler} does not compile the plugin for QEMU: {complaint}")
            made.replace(plugin)
    except OSError as error:
        raise UnavailableError(f"the plugin for QEMU cannot be kept in {plugin.parent}: {error.strerror}") from None


def _refusal(plugin: Path) -> str | None:
    """What QEMU says against the plugin; None if it loads it."""
    qemu = str(tools.require("qemu-system-arm"))
    option = argument(plugin, [("probe", 1)])
    result = _run([qemu, "-M", "none", "-display", "none", "-plugin", option])
    lines = result.stdout.strip().splitlines()
    if result.returncode == 0 and _GREETING in lines:
        return None
    return lines[-1] if lines else f"it ended with status {result.returncode}"


def _run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env=tools.environment(),
            timeout=_TIMEOUT_S,
        )
    except subprocess.TimeoutExpired:
        raise UnavailableError(f"{command[0]} did not end within {_TIMEOUT_S} s") from None
