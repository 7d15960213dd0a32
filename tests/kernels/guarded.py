"""Buffers with an inaccessible page on either side, so that a read beyond them faults where it happens."""

from __future__ import annotations

import ctypes
import mmap

import numpy as np
from seatool.ir import Array

_PAGE = mmap.PAGESIZE
_MARGIN = 64
_PROT_NONE = 0
_FILLS = (0xA5, 0x5A)


class Buffer:
    """``size`` bytes that end where a forbidden page begins (``at_end``), or begin where one ends.

    The address is a multiple of ``align``, so that only the end of bytes is always exact. What is beside the buffer,
    and at first the buffer itself, holds a pattern that differs between the two placements.
    """

    def __init__(self, size: int, align: int, at_end: bool) -> None:
        pages = -(-(size + _MARGIN) // _PAGE)
        memory = np.frombuffer(mmap.mmap(-1, (pages + 2) * _PAGE), np.uint8)
        self._first = memory.ctypes.data
        self._end = self._first + memory.size
        for page in (self._first, self._end - _PAGE):
            _forbid(page)
        self._inside = memory[_PAGE:-_PAGE]
        self._fill = _FILLS[at_end]
        self._inside[:] = self._fill
        self._start = (self._inside.size - size) // align * align if at_end else 0
        self.size = size
        self.address = self._first + _PAGE + self._start
        self.bytes = self._inside[self._start : self._start + size]

    @property
    def is_intact(self) -> bool:
        """Whether nothing was written beside the buffer."""
        before, behind = self._inside[: self._start], self._inside[self._start + self.size :]
        return bool((before == self._fill).all() and (behind == self._fill).all())

    def array(self, like: Array) -> Array:
        """The contents as an array of the shape and type of ``like``; writing to it writes to the buffer."""
        return self.bytes[: like.nbytes].view(like.dtype).reshape(like.shape)

    def where(self, address: int) -> str | None:
        """``address`` in words relative to the buffer; None if it is not near."""
        if not self._first <= address < self._end:
            return None
        if address < self.address:
            return f"{self.address - address} bytes before the start"
        return f"{address - self.address - self.size} bytes behind the end"


def filled(data: Array, align: int, at_end: bool) -> Buffer:
    """A buffer that holds ``data``."""
    buffer = Buffer(data.nbytes, align, at_end)
    buffer.bytes[:] = np.ascontiguousarray(data).reshape(-1).view(np.uint8)
    return buffer


def _forbid(page: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mprotect(ctypes.c_void_p(page), ctypes.c_size_t(_PAGE), _PROT_NONE) != 0:
        raise OSError(ctypes.get_errno(), "mprotect failed")
