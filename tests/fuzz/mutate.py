"""Ways to damage a file: anywhere in its bytes, or in the numbers, values and lines that its format knows."""

from __future__ import annotations

import contextlib
import copy
import gzip
import io
import json
import re
import struct
import zipfile
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from random import Random
from typing import Any
from unittest import mock

import h5py
import numpy as np
from seatool.errors import SeatoolError
from seatool.importers import tflite
from seatool.importers.tflite.flatbuffer import File, Table

Mutator = Callable[[Random, bytes, bytes], bytes]
"""(chance, file, another file of the kind) -> damaged file."""

EXTREMES = [0, 1, 2, 3, 4, 5, 7, 8, 16, 127, 128, 255, 256, 1 << 15, (1 << 16) - 1, 1 << 16, 1 << 24]
EXTREMES += [(1 << 31) - 1, 1 << 31, (1 << 32) - 1, 1 << 32, (1 << 63) - 1, 1 << 63, (1 << 64) - 1]


def _span(chance: Random, size: int, longest: int = 64) -> slice:
    start = chance.randrange(size + 1)
    return slice(start, min(size, start + int(longest ** chance.random())))


def flip_bits(chance: Random, data: bytes, other: bytes) -> bytes:
    changed = bytearray(data)
    for _ in range(chance.choice([1, 1, 2, 4, 16])):
        if changed:
            changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def set_number(chance: Random, data: bytes, other: bytes) -> bytes:
    """An extreme little-endian number somewhere."""
    size = chance.choice([1, 2, 4, 4, 8])
    at = chance.randrange(max(1, len(data) - size))
    at -= at % size if chance.random() < 0.7 else 0
    value = chance.choice(EXTREMES) % (1 << 8 * size)
    return data[:at] + value.to_bytes(size, "little") + data[at + size :]


def cut_off(chance: Random, data: bytes, other: bytes) -> bytes:
    return data[: chance.randrange(len(data) + 1)]


def delete(chance: Random, data: bytes, other: bytes) -> bytes:
    gone = _span(chance, len(data))
    return data[: gone.start] + data[gone.stop :]


def repeat(chance: Random, data: bytes, other: bytes) -> bytes:
    piece = _span(chance, len(data))
    return data[: piece.stop] + data[piece] * chance.choice([1, 1, 3, 100]) + data[piece.stop :]


def move(chance: Random, data: bytes, other: bytes) -> bytes:
    """A piece of the file over another one."""
    source, at = _span(chance, len(data)), chance.randrange(len(data) + 1)
    return data[:at] + data[source] + data[at + source.stop - source.start :]


def insert(chance: Random, data: bytes, other: bytes) -> bytes:
    at = chance.randrange(len(data) + 1)
    return data[:at] + chance.randbytes(int(32 ** chance.random())) + data[at:]


def splice(chance: Random, data: bytes, other: bytes) -> bytes:
    """The beginning of one file and the end of another one."""
    return data[: chance.randrange(len(data) + 1)] + other[chance.randrange(len(other) + 1) :]


BYTES: list[Mutator] = [flip_bits, set_number, set_number, cut_off, delete, repeat, move, insert, splice]


@lru_cache(maxsize=512)
def numbers_read(data: bytes) -> list[tuple[int, str]]:
    """Where the TFLite reader finds numbers, and in which format."""
    found: dict[tuple[int, str], None] = {}
    unpack, array = File.unpack, Table.array

    def noted_unpack(file: File, layout: struct.Struct, position: int, where: str) -> Any:
        value = unpack(file, layout, position, where)
        found[position, layout.format] = None
        return value

    def noted_array(table: Table, slot: int, dtype: str) -> Any:
        values = array(table, slot, dtype)
        start, count = table._vector(slot, values.dtype.itemsize)
        code = {"int32": "<i", "int64": "<q", "float32": "<f"}[dtype]
        found.update({(start + i * values.dtype.itemsize, code): None for i in range(min(count, 64))})
        return values

    patches = mock.patch.multiple(File, unpack=noted_unpack), mock.patch.multiple(Table, array=noted_array)
    with patches[0], patches[1], contextlib.suppress(SeatoolError):
        tflite.read(data, "noted.tflite")
    return list(found)


def edit_tflite(chance: Random, data: bytes, other: bytes) -> bytes:
    """Numbers that the reader looks at: extreme, a little off, or one in the place of another."""
    places = numbers_read(data)
    if not places:
        return flip_bits(chance, data, other)
    changed = bytearray(data)
    for _ in range(chance.choice([1, 1, 1, 2, 3])):
        position, layout = chance.choice(places)
        (value,) = struct.unpack_from(layout, changed, position)
        donors = [at for at, code in places if code == layout]
        (donated,) = struct.unpack_from(layout, changed, chance.choice(donors))
        wanted = chance.choice([donated, chance.choice(EXTREMES), -chance.choice(EXTREMES), value + 1, value - 1])
        struct.pack_into(layout, changed, position, _fitting(wanted, layout))
    return bytes(changed)


def _fitting(value: float, layout: str) -> Any:
    """``value`` as a number of that format."""
    if layout == "<f":
        finite = float(np.float32(value))
        return {3.0: float("nan"), 7.0: float("inf"), 8.0: 1e-42}.get(finite, finite)
    if layout == "<?":
        return bool(value)
    bits = 8 * struct.calcsize(layout)
    wrapped = int(value) % (1 << bits) if value == value and abs(value) < 1 << 70 else 0
    return wrapped - (1 << bits) if layout[1].islower() and wrapped >> (bits - 1) else wrapped


VALUES: list[Any] = [None, True, False, 0, 1, -1, 2, 0.5, -1.5, 1e30, 1e-30, float("nan"), float("inf"), 1 << 31]
VALUES += [1 << 62, 1 << 64, -(1 << 63), 10**400, "", "x", "\0", "é" * 300, "same", "None", [], [[]], {}, [None], [0]]


def edit_tree(chance: Random, tree: Any) -> Any:
    """A copy of plain data with a few values replaced, removed, repeated or exchanged."""
    tree = copy.deepcopy(tree)
    for _ in range(chance.choice([1, 1, 1, 2, 3])):
        places = list(_places(tree))
        if not places:
            return chance.choice(VALUES)
        holder, key = chance.choice(places)
        _edit(chance, holder, key, places)
    return tree


def _places(tree: Any) -> list[tuple[Any, Any]]:
    """Every (list or dictionary, index or key) in plain data."""
    keys = range(len(tree)) if isinstance(tree, list) else list(tree) if isinstance(tree, dict) else []
    return [(tree, key) for key in keys] + [place for key in keys for place in _places(tree[key])]


def _edit(chance: Random, holder: Any, key: Any, places: Sequence[tuple[Any, Any]]) -> None:
    value = holder[key]
    action = chance.choice(["replace", "replace", "nudge", "nudge", "exchange", "remove", "repeat", "wrap"])
    if action == "nudge" and isinstance(value, (int, float)) and not isinstance(value, bool):
        holder[key] = chance.choice([value + 1, value - 1, -value, 2 * value, 1000 * value, value / 3])
    elif action == "exchange":
        donor, place = chance.choice(places)
        holder[key] = copy.deepcopy(donor[place])
    elif action == "remove":
        del holder[key]
    elif action == "repeat" and isinstance(holder, list):
        holder.insert(key, copy.deepcopy(value))
    elif action == "wrap":
        holder[key] = chance.choice([[value], {"x": value}, [value, value]])
    else:
        holder[key] = chance.choice(VALUES)


def edit_json(chance: Random, data: bytes, other: bytes) -> bytes:
    try:
        tree = json.loads(data)
    except (ValueError, RecursionError):
        return flip_bits(chance, data, other)
    return json.dumps(edit_tree(chance, tree)).encode()


def edit_keras(chance: Random, data: bytes, other: bytes) -> bytes:
    """The description or the weights of a Keras file that is otherwise sound."""
    zipped = data[:2] == b"\x1f\x8b"
    stream = io.BytesIO(gzip.decompress(data) if zipped else data)
    with h5py.File(stream, "r+") as file:
        text = file.attrs["model_config"]
        config = json.loads(text if isinstance(text, str) else text.decode())
        if chance.random() < 0.8:
            file.attrs["model_config"] = json.dumps(edit_tree(chance, config))
        else:
            _edit_weights(chance, file["model_weights"])
    return gzip.compress(stream.getvalue(), 1, mtime=0) if zipped else stream.getvalue()


def _edit_weights(chance: Random, group: Any) -> None:
    paths: list[str] = []
    group.visititems(lambda path, item: paths.append(path) if isinstance(item, h5py.Dataset) else None)
    path = chance.choice(paths)
    value = np.array(group[path])
    del group[path]
    if chance.random() < 0.2:
        return
    shape = list(value.shape)
    if shape and chance.random() < 0.5:
        shape[chance.randrange(len(shape))] += chance.choice([-1, 1])
        value = np.resize(value, shape)
    with np.errstate(all="ignore"):
        group[path] = value.astype(chance.choice(["f2", "f4", "f8", "i4"])) * chance.choice([1, 0, 1e30, np.nan])


_TOKEN = re.compile(rb"[A-Za-z_]+|[0-9][0-9_.x]*|\"[^\"\n]*\"|[^\sA-Za-z0-9]")
_WORDS = [b"0", b"1", b"-1", b"2_000_000_000", b"1e99", b"nan", b'""', b'"64K"', b'"99999M"', b"true", b"[]", b"{}"]


def edit_text(chance: Random, data: bytes, other: bytes) -> bytes:
    """Words exchanged, or lines removed, repeated or taken from another file."""
    if chance.random() < 0.3:
        lines = data.split(b"\n")
        at = chance.randrange(len(lines))
        lines[at : at + 1] = chance.choice([[], [lines[at]] * 2, [chance.choice(other.split(b"\n")), lines[at]]])
        return b"\n".join(lines)
    tokens = list(_TOKEN.finditer(data))
    if not tokens:
        return insert(chance, data, other)
    token = chance.choice(tokens)
    word = chance.choice([chance.choice(tokens).group(), chance.choice(_WORDS), b""])
    return data[: token.start()] + word + data[token.end() :]


def edit_zip(chance: Random, data: bytes, other: bytes) -> bytes:
    """A member of an archive that is otherwise sound damaged, dropped or renamed."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
    except Exception:  # damaged before
        return flip_bits(chance, data, other)
    stream = io.BytesIO()
    chosen = chance.choice([*members, None])
    with zipfile.ZipFile(stream, "w", chance.choice([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])) as archive:
        for name, content in members.items():
            damaged = chance.choice(BYTES)(chance, content, content) if name == chosen else content
            if name != chosen or chance.random() < 0.8:
                archive.writestr(zipfile.ZipInfo(name if chance.random() < 0.9 else f"x{name}"), damaged)
    return stream.getvalue()


def unzipped(mutate: Mutator, chance: Random, data: bytes, other: bytes) -> bytes:
    """A gzipped file damaged inside."""
    return gzip.compress(mutate(chance, gzip.decompress(data), gzip.decompress(other)), 1, mtime=0)


MUTATORS: dict[str, list[Mutator]] = {
    "tflite": [*BYTES, *[edit_tflite] * 20],
    "h5": [*BYTES, *[edit_keras] * 8],
    "h5.gz": [*BYTES[:4], partial(unzipped, flip_bits), partial(unzipped, set_number), *[edit_keras] * 6],
    "npz": [*BYTES, *[edit_zip] * 6],
    "npy": BYTES,
    "wav": [*BYTES, set_number, set_number],
    "toml": [*BYTES, *[edit_text] * 12],
    "json": [*BYTES, *[edit_json] * 8],
}
"""By kind of file."""
GROWING = ("tflite", "npz", "npy", "wav", "toml", "json")
"""Kinds whose damaged files may be damaged further; of the others the mutators need sound files."""
