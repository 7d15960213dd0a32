#!/usr/bin/env python3
"""Write the unusable .npy and .npz files in ``invalid_arrays/``, one per fault and named after it. Deterministic.

They are meant for a model with the inputs ``a`` int8[2, 3] and, where the file is an .npz, ``b`` int8[1].
"""

from __future__ import annotations

import io
import struct
import zipfile
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).parent / "invalid_arrays"

GOOD = np.arange(6, dtype=np.int8).reshape(2, 3)
ONE = np.zeros(1, np.int8)


def npy(array: np.ndarray) -> bytes:
    """An .npy file; objects are pickled."""
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def npz(**members: np.ndarray | bytes) -> bytes:
    """An .npz file of arrays, or of members that are none."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, member in members.items():
            data, suffix = (member, "") if isinstance(member, bytes) else (npy(member), ".npy")
            archive.writestr(zipfile.ZipInfo(name + suffix, (1980, 1, 1, 0, 0, 0)), data, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def header(text: str) -> bytes:
    """An .npy file with that header and six bytes of data."""
    line = text.encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(line)) + line + bytes(6)


def _patched(data: bytes, mark: bytes, offset: int, value: bytes) -> bytes:
    """``data`` with ``value`` at ``offset`` behind every ``mark``."""
    pieces = data.split(mark)
    return mark.join([pieces[0], *(p[: offset - 4] + value + p[offset - 4 + len(value) :] for p in pieces[1:])])


def _huge() -> bytes:
    """The archive's directory says that its members unpack to 4 GB each."""
    return _patched(npz(a=GOOD, b=ONE), b"PK\x01\x02", 24, struct.pack("<I", 0xFFFFFFFE))


def _encrypted() -> bytes:
    flagged = _patched(npz(a=GOOD, b=ONE), b"PK\x01\x02", 8, b"\x01\x00")
    return _patched(flagged, b"PK\x03\x04", 6, b"\x01\x00")


FILES = {
    "empty.npy": b"",
    "text.npy": b"1 2 3\n",
    "cut_in_header.npy": npy(GOOD)[:60],
    "cut_in_data.npy": npy(GOOD)[:-2],
    "header_no_dictionary.npy": header("[1, 2]"),
    "header_nested.npy": header("(" * 100),
    "header_unknown_type.npy": header("{'descr': 'x7', 'fortran_order': False, 'shape': (2, 3)}"),
    "header_negative_shape.npy": header("{'descr': '|i1', 'fortran_order': False, 'shape': (-2, -3)}"),
    "header_huge_shape.npy": header("{'descr': '<f8', 'fortran_order': False, 'shape': (1 << 60, 1 << 60)}"),
    "header_too_large_for_memory.npy": header("{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999999,)}"),
    "objects.npy": npy(np.array([{"a": 1}], object)),
    "text_values.npy": npy(np.full((2, 3), "a")),
    "complex.npy": npy(np.full((2, 3), 1j)),
    "dates.npy": npy(np.zeros((2, 3), "datetime64[s]")),
    "records.npy": npy(np.zeros((2, 3), [("x", np.int8)])),
    "booleans.npy": npy(np.zeros((2, 3), bool)),
    "scalar.npy": npy(np.int8(1)),
    "wrong_shape.npy": npy(np.zeros((2, 4), np.int8)),
    "part_of_a_batch.npy": npy(np.zeros((5, 3), np.int8)),
    "no_examples.npy": npy(np.zeros((0, 2, 3), np.int8)),
    "nan.npy": npy(np.full((2, 3), np.nan)),
    "infinity.npy": npy(np.full((2, 3), -np.inf, np.float32)),
    "empty.npz": b"",
    "text.npz": b"hello",
    "no_arrays.npz": npz(),
    "cut.npz": npz(a=GOOD, b=ONE)[:-30],
    "damaged_member.npz": npz(a=GOOD, b=ONE).replace(b"PK\x03\x04", b"PK\x03\x05"),
    "wrong_checksum.npz": _patched(npz(a=GOOD, b=ONE), b"PK\x01\x02", 16, b"\x00\x00\x00\x00"),
    "unknown_compression.npz": _patched(npz(a=GOOD, b=ONE), b"PK\x01\x02", 10, b"\x63\x00"),
    "encrypted.npz": _encrypted(),
    "huge.npz": _huge(),
    "member_no_array.npz": npz(a=b"hello", b=ONE),
    "member_objects.npz": npz(a=np.array([None]), b=ONE),
    "missing_input.npz": npz(a=GOOD, c=ONE),
    "other_names.npz": npz(x=GOOD, y=ONE),
    "unnamed_too_many.npz": npz(arr_0=GOOD, arr_1=ONE, arr_2=ONE),
    "different_counts.npz": npz(a=np.zeros((3, 2, 3), np.int8), b=np.zeros((2, 1), np.int8)),
}


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, data in FILES.items():
        (FOLDER / name).write_bytes(data)
