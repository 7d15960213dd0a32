"""The rig finds what kernels must not do: here are kernels that do it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import guarded
import host
import numpy as np
import pytest
import rig
from seatool.ir import Array
from seatool.kernels import Operator, Variant

HEADER = "nn_bad.h"
KERNEL = """
typedef struct {
    const int8_t *input;
    int8_t *output;
    int index, shift;
} nn_bad_args;

NN_INLINE void nn_read(const nn_bad_args *a)
{
    a->output[0] = a->input[a->index];
}

NN_INLINE void nn_write(const nn_bad_args *a)
{
    a->output[a->index] = 1;
}

NN_INLINE void nn_shift(const nn_bad_args *a)
{
    a->output[0] = (int8_t)(1 << a->shift);
}
"""


@pytest.fixture
def _bad_kernels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    (tmp_path / "nn.h").write_text((host.NN / "nn.h").read_text())
    (tmp_path / HEADER).write_text(f'#include "nn.h"\n{KERNEL}')
    monkeypatch.setattr(host, "NN", tmp_path)
    host.library.cache_clear()
    yield
    host.library.cache_clear()


def call(function: str, size: int, at_end: bool, index: int = 0, shift: int = 0) -> None:
    buffers = {name: guarded.filled(np.zeros(size, np.int8), 1, at_end) for name in ("input", "output")}
    host.call(HEADER, function, "nn_bad_args", {"index": index, "shift": shift} | buffers, buffers)


@pytest.mark.usefixtures("_bad_kernels")
@pytest.mark.parametrize(
    ("function", "index", "at_end", "message"),
    [
        ("nn_read", 13, True, r"nn_read: access 0 bytes behind the end of input, at nn_bad.h:11"),
        ("nn_read", 63, True, r"nn_read: access 50 bytes behind the end of input, at nn_bad.h:11"),
        ("nn_read", -1, False, r"nn_read: access 1 bytes before the start of input, at nn_bad.h:11"),
        ("nn_write", 13, True, r"nn_write: access 0 bytes behind the end of output, at nn_bad.h:16"),
        ("nn_write", -1, False, r"nn_write: access 1 bytes before the start of output, at nn_bad.h:16"),
        ("nn_write", -1, True, r"nn_write: wrote outside output"),
        ("nn_write", 13, False, r"nn_write: wrote outside output"),
    ],
)
def test_access_outside_a_buffer(function: str, index: int, at_end: bool, message: str) -> None:
    for within in (0, 12):
        call(function, 13, at_end, within)
    with pytest.raises(host.KernelFaultError, match=message):
        call(function, 13, at_end, index)


@pytest.mark.usefixtures("_bad_kernels")
def test_undefined_behaviour() -> None:
    call("nn_shift", 1, True, shift=31 - 1)
    with pytest.raises(host.KernelFaultError, match=r"nn_shift: undefined behaviour, at nn_bad.h:21"):
        call("nn_shift", 1, True, shift=32)


def relu() -> tuple[Operator, Variant, list[Array]]:
    graph = rig.single("RELU", [rig.tensor("x", (1, 5), 0.5)], [rig.tensor("y", (1, 5), 0.5)])
    operator = rig.operator_of(graph)
    return operator, operator.variants[0], [np.arange(5, dtype=np.int8).reshape(1, 5)]


def test_result_that_depends_on_memory_never_written(monkeypatch: pytest.MonkeyPatch) -> None:
    operator, variant, inputs = relu()
    assert host.run(operator, variant, inputs)[0].tolist() == [[0, 1, 2, 3, 4]]
    monkeypatch.setattr(host, "call", lambda *_: None)
    with pytest.raises(host.KernelFaultError, match="the result depends on memory that was never written"):
        host.run(operator, variant, inputs)


def test_changed_input(monkeypatch: pytest.MonkeyPatch) -> None:
    def spoil(_header: str, _function: str, _struct: str, fields: dict[str, Any], _buffers: Any) -> None:
        fields["input"].bytes[:] = 7

    operator, variant, inputs = relu()
    monkeypatch.setattr(host, "call", spoil)
    with pytest.raises(host.KernelFaultError, match="changed input 0"):
        host.run(operator, variant, inputs)


def test_every_placement_keeps_the_contents() -> None:
    for size in (0, 1, 5, 4096, 5000):
        for align in (1, 4):
            for at_end in (True, False):
                data = np.arange(size).astype(np.int8)
                buffer = guarded.filled(data, align, at_end)
                assert buffer.address % align == 0
                assert np.array_equal(buffer.array(data), data)
                assert buffer.is_intact
