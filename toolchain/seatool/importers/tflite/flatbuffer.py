"""A bounds-checked reader of flatbuffers: tables, vectors, strings and scalars.

Every offset is checked against the file before it is followed, and everything that is read is charged to a budget in
proportion to the file's size, so that a damaged or hostile file costs bounded time and memory: without the budget, a
few kilobytes of offsets to one long string would expand quadratically.

Source: "FlatBuffer Internals", https://flatbuffers.dev/internals/.
"""

from __future__ import annotations

import struct
from typing import Any, NoReturn

import numpy as np

from seatool.errors import InputError
from seatool.ir import Array

_U16, _U32, _I32 = struct.Struct("<H"), struct.Struct("<I"), struct.Struct("<i")

_SCALARS = {
    kind: struct.Struct(code)
    for kind, code in {
        "bool": "<?",
        "int8": "<b",
        "uint8": "<B",
        "int32": "<i",
        "uint32": "<I",
        "uint64": "<Q",
        "float32": "<f",
    }.items()
}


class File:
    """The bytes of one flatbuffer, and what may still be read of them.

    Args:
        data: The whole file.
        name: How error messages call it.
    """

    def __init__(self, data: bytes, name: str) -> None:
        self.data = data
        self.name = name
        self._budget = 16 * len(data) + 4096

    def root(self) -> Table:
        """The root table."""
        return Table(self, self.indirect(0, "root"), "root")

    def unpack(self, layout: struct.Struct, position: int, where: str) -> Any:
        """The scalar at ``position``; InputError when it is not inside the file."""
        if position < 0 or position + layout.size > len(self.data):
            self.fail(where, f"offset {position} is outside the file ({len(self.data)} bytes)")
        return layout.unpack_from(self.data, position)[0]

    def indirect(self, position: int, where: str) -> int:
        """The position that the offset stored at ``position`` points to."""
        target: int = position + self.unpack(_U32, position, where)
        if target + 4 > len(self.data):
            self.fail(where, f"offset {target} is outside the file ({len(self.data)} bytes)")
        return target

    def charge(self, size: int, where: str) -> None:
        """Account for ``size`` bytes of work; InputError when the file asks for far more than it contains."""
        self._budget -= size
        if self._budget < 0:
            self.fail(where, "the file refers to the same bytes over and over")

    def fail(self, where: str, what: str) -> NoReturn:
        raise InputError(f"{self.name}: {where}: {what}", "the file is damaged or is not a TFLite model")


class Table:
    """One table of a flatbuffer. ``where`` names it in error messages."""

    def __init__(self, file: File, position: int, where: str) -> None:
        file.charge(8, where)
        self.file = file
        self.position = position
        self.where = where
        self._vtable = position - file.unpack(_I32, position, where)
        self._vtable_size = file.unpack(_U16, self._vtable, where)
        if self._vtable_size < 4 or self._vtable_size % 2 or self._vtable + self._vtable_size > len(file.data):
            self.fail("its field table is damaged")

    def fail(self, what: str) -> NoReturn:
        """Raise InputError about this table."""
        self.file.fail(self.where, what)

    def _field(self, slot: int) -> int | None:
        """Position of the field in ``slot``; None when it is absent."""
        entry = 4 + 2 * slot
        if entry + 2 > self._vtable_size:
            return None
        offset = self.file.unpack(_U16, self._vtable + entry, self.where)
        return self.position + offset if offset else None

    def has(self, slot: int) -> bool:
        return self._field(slot) is not None

    def scalar(self, slot: int, kind: str, default: Any = 0) -> Any:
        """The scalar in ``slot``; ``kind`` is a key of the scalar types ("int32", "float32", ...)."""
        position = self._field(slot)
        return default if position is None else self.file.unpack(_SCALARS[kind], position, self.where)

    def _vector(self, slot: int, item_size: int) -> tuple[int, int]:
        """Position of the first element and number of elements; (0, 0) for an absent vector."""
        position = self._field(slot)
        if position is None:
            return 0, 0
        start = self.file.indirect(position, self.where)
        count = self.file.unpack(_U32, start, self.where)
        if start + 4 + count * item_size > len(self.file.data):
            self.fail(f"a vector of {count:,} elements does not fit the file ({len(self.file.data):,} bytes)")
        return start + 4, count

    def check_vector(self, slot: int, item_size: int) -> None:
        """Refuse a vector that is not in the file."""
        self._vector(slot, item_size)

    def vector_position(self, slot: int) -> int:
        """Where the vector's number of elements stands in the file, in front of the elements; 0 when it is absent."""
        start, _ = self._vector(slot, 1)
        return max(0, start - 4)

    def bytes(self, slot: int) -> memoryview:
        """A byte vector, without copying it; empty when absent."""
        start, count = self._vector(slot, 1)
        return memoryview(self.file.data)[start : start + count]

    def string(self, slot: int) -> str:
        """A string; empty when absent. Bytes that are not UTF-8 are replaced."""
        raw = self.bytes(slot)
        self.file.charge(len(raw), self.where)
        return str(raw, "utf-8", "replace")

    def array(self, slot: int, dtype: str) -> Array:
        """A vector of numbers, shape (count,); empty when absent."""
        item = np.dtype(dtype).newbyteorder("<")
        start, count = self._vector(slot, item.itemsize)
        self.file.charge(count * item.itemsize, self.where)
        return np.frombuffer(self.file.data, item, count, start)

    def table(self, slot: int, where: str) -> Table | None:
        """A sub-table; None when absent."""
        position = self._field(slot)
        return None if position is None else Table(self.file, self.file.indirect(position, self.where), where)

    def tables(self, slot: int, where: str) -> list[Table]:
        """A vector of tables, called "<where> 0", "<where> 1", ... in messages."""
        start, count = self._vector(slot, 4)
        self.file.charge(4 * count, self.where)
        return [
            Table(self.file, self.file.indirect(start + 4 * i, f"{where} {i}"), f"{where} {i}") for i in range(count)
        ]
