"""The kernel headers that a model needs, with everything that they include."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from seatool import resources

_INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)


def kernel_headers(headers: Iterable[str], folder: Path | None = None) -> dict[str, bytes]:
    """``headers`` of ``firmware/nn`` and, transitively, what they include, by file name.

    >>> sorted(kernel_headers(["nn_max_pool_s8.h"]))
    ['nn.h', 'nn_bands.h', 'nn_max_pool_s8.h', 'nn_pool.h']
    """
    folder = folder or resources.firmware() / "nn"
    files: dict[str, bytes] = {}
    waiting = sorted(set(headers))
    while waiting:
        name = waiting.pop()
        if name not in files:
            files[name] = (folder / name).read_bytes()
            waiting += _INCLUDE.findall(files[name].decode())
    return dict(sorted(files.items()))
