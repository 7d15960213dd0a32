"""Build flatbuffer tables from plain descriptions: slot to typed value."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import flatbuffers

from seatool.ir import Array

Value = tuple[str, Any]
"""A field's type ("int32", "float32", ..., "offset" for what the other methods return) and value."""

_ALIGNMENT = 16


class TableBuilder:
    """A flatbuffer under construction; what a table refers to is built before the table.

    Args:
        size_hint: Expected size of the file in bytes.
    """

    def __init__(self, size_hint: int = 1024) -> None:
        self._builder = flatbuffers.Builder(size_hint)
        self._builder.ForceDefaults(True)  # the schema's defaults are not all zero

    def finish(self, root: Value, identifier: bytes) -> bytes:
        """The whole file."""
        self._builder.Finish(root[1], identifier)
        return bytes(self._builder.Output())

    def table(self, fields: Mapping[int, Value]) -> Value:
        """A table of the given fields by slot."""
        builder = self._builder
        prepend: dict[str, Callable[[int, Any, Any], None]] = {
            "bool": builder.PrependBoolSlot,
            "int8": builder.PrependInt8Slot,
            "uint8": builder.PrependUint8Slot,
            "int32": builder.PrependInt32Slot,
            "uint32": builder.PrependUint32Slot,
            "uint64": builder.PrependUint64Slot,
            "float32": builder.PrependFloat32Slot,
            "offset": builder.PrependUOffsetTRelativeSlot,
        }
        builder.StartObject(max(fields, default=-1) + 1)
        for slot, (kind, value) in fields.items():
            prepend[kind](slot, value, 0)
        return "offset", builder.EndObject()

    def tables(self, items: Sequence[Value]) -> Value:
        """A vector of tables."""
        self._builder.StartVector(4, len(items), 4)
        for _, offset in reversed(items):
            self._builder.PrependUOffsetTRelative(offset)
        return "offset", self._builder.EndVector()

    def string(self, text: str) -> Value:
        return "offset", self._builder.CreateString(text)

    def numbers(self, values: Array) -> Value:
        """A vector of numbers of the array's type."""
        return "offset", self._builder.CreateNumpyVector(values)

    def bytes(self, data: bytes) -> Value:
        """A byte vector that starts at a multiple of 16, as TFLite wants tensor data."""
        builder = self._builder
        builder.StartVector(1, len(data), _ALIGNMENT)
        builder.head -= len(data)
        builder.Bytes[builder.head : builder.head + len(data)] = data
        return "offset", builder.EndVector()
