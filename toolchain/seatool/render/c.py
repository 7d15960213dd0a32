"""C text from typed values: literals, arrays, calls, comments."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from seatool.ir import Array
from seatool.kernels import Code
from seatool.rounding import ceil_div

WIDTH = 100
"""Columns of generated code."""

ARRAY_WIDTH = 116
"""Columns of arrays, which nobody edits."""

INDENT = "    "

_C_TYPES = {"float32": "float", "bool": "uint8_t"}


def literal(value: object) -> str:
    """A scalar as a C constant expression: codes by name, bool as 0 or 1, float as the shortest decimal of its float32.

    >>> literal(-128), literal(True), literal(-(2**31)), literal(2**31), literal(0.1)
    ('-128', '1', '(-2147483647 - 1)', '2147483648LL', '0.1f')
    >>> literal(np.int8(-3)), literal(np.float32(2)), literal(1e-10)
    ('-3', '2.0f', '1e-10f')
    """
    if isinstance(value, Code):
        return value.c_name
    if isinstance(value, (bool, np.bool_)):
        return str(int(value))
    if isinstance(value, (int, np.integer)):
        return _integer(int(value))
    if isinstance(value, (float, np.floating)):
        if not math.isfinite(value):
            raise ValueError(f"{value} has no C literal")
        text = str(np.float32(value))
        return f"{text}f" if any(mark in text for mark in ".e") else f"{text}.0f"
    raise TypeError(f"no C literal for {type(value).__name__}")


def _integer(value: int) -> str:
    if -(2**31) < value < 2**31:
        return str(value)
    if value == -(2**31):
        return "(-2147483647 - 1)"
    if value == -(2**63):
        return "(-9223372036854775807LL - 1)"
    if -(2**63) < value < 2**63:
        return f"{value}LL"
    raise ValueError(f"{value} does not fit 64 bits")


def c_type(data: Array) -> str:
    """The C type of an array's elements.

    >>> c_type(np.zeros(1, np.int8)), c_type(np.zeros(1, np.float32)), c_type(np.zeros(1, np.uint16))
    ('int8_t', 'float', 'uint16_t')
    """
    return _C_TYPES.get(data.dtype.name, f"{data.dtype.name}_t")


def array(data: Array) -> str:
    """The braced initialiser of a constant array; a new line at least for every row of 16 or more elements.

    >>> print(array(np.array([[1, -2], [3, 4]], np.int8)))
    {
        1, -2, 3, 4,
    }
    >>> print(array(np.arange(40, dtype=np.int16).reshape(2, 20)))
    {
        0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19,
        20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39,
    }
    """
    items = list(map(_element(data), data.ravel().tolist()))
    per_line = max(1, (ARRAY_WIDTH - len(INDENT) + 1) // (max(map(len, items)) + 2))
    row = _row(data.shape)
    lines_per_row = ceil_div(row, per_line)
    step = ceil_div(row, lines_per_row)
    lines = ["{"]
    for start in range(0, len(items), row):
        end = start + row
        lines += [f"{INDENT}{', '.join(items[i : min(i + step, end)])}," for i in range(start, end, step)]
    lines.append("}")
    return "\n".join(lines)


def _element(data: Array) -> Callable[[Any], str]:
    """How to write an element. Words of packed numbers are hexadecimal.

    >>> _element(np.zeros(1, np.uint32))(0xFFA00012)
    '0xffa00012'
    """
    if data.dtype == np.uint32:
        return "0x{:08x}".format
    # Most weights are small integers, which need no care: str is several times as fast as literal.
    return str if data.dtype.itemsize < 4 and data.dtype.kind in "iu" else literal


def _row(shape: Sequence[int]) -> int:
    """Elements of the smallest group of trailing dimensions that holds 16 or more; all, if none does.

    >>> _row((64, 3, 3, 32)), _row((64, 3, 3, 3)), _row((2, 2))
    (32, 27, 4)
    >>> _row((32, 3, 3, 1))
    288
    """
    count = 1
    for dimension in reversed(shape):
        if count >= 16:
            break
        count *= dimension
    return count


def comment(lines: Iterable[str]) -> str:
    r"""A block comment; text from the model's file cannot end it, nor start another.

    >>> print(comment(["relu: RELU */ int x;", "second"]))
    /* relu: RELU *\/ int x;
     * second
     */
    >>> print(comment(["one"]))
    /* one */
    """
    safe = [line.replace("*/", "*\\/").replace("/*", "/\\*") for line in lines]
    safe = ["".join(char if char.isprintable() else "?" for char in line).rstrip() for line in safe]
    if len(safe) == 1:
        return f"/* {safe[0]} */"
    return "\n".join(line.rstrip() for line in ("/* " + "\n * ".join(safe) + "\n */").split("\n"))


def string(text: str) -> str:
    r"""A string literal of UTF-8 text, whatever is in it.

    >>> string('conv "1"'), string("a\nb"), string("??/")
    ('"conv \\"1\\""', '"a\\012b"', '"\\077\\077/"')
    """
    plain = {ord(char): char for char in map(chr, range(0x20, 0x7F)) if char not in '"\\?'}
    plain |= {ord('"'): '\\"', ord("\\"): "\\\\"}
    return '"' + "".join(plain.get(byte, f"\\{byte:03o}") for byte in text.encode()) + '"'


def fill(items: Iterable[str], indent: str) -> str:
    """``items``, each followed by a comma, on as few lines as fit the width.

    >>> print(fill([".input = s->axi + 0", ".output = s->axi + 25600"], "    "))
        .input = s->axi + 0, .output = s->axi + 25600,
    """
    lines = [indent]
    for item in items:
        if len(lines[-1]) + len(item) + 1 > WIDTH and lines[-1].strip():
            lines.append(indent)
        lines[-1] += f"{'' if lines[-1] == indent else ' '}{item},"
    return "\n".join(lines)


def paragraph(text: str) -> list[str]:
    """Lines of a comment."""
    return textwrap.wrap(text, WIDTH)


def wrapped(label: str, text: str) -> list[str]:
    """A labelled line of a comment, broken where it is too long.

    >>> wrapped("options", "a 1, b 2")
    ['options   a 1, b 2']
    """
    return textwrap.wrap(text, WIDTH, initial_indent=f"{label:<10}", subsequent_indent=" " * 10)


def call(function: str, struct: str, fields: Mapping[str, str]) -> str:
    """A kernel's call with its arguments as a compound literal.

    >>> print(call("nn_relu", "nn_relu_args", {"input": "s->axi + 0", "count": "64"}))
        nn_relu(&(nn_relu_args){
            .input = s->axi + 0, .count = 64,
        });
    """
    body = fill((f".{name} = {value}" for name, value in fields.items()), 2 * INDENT)
    return f"{INDENT}{function}(&({struct}){{\n{body}\n{INDENT}}});"


def shape(dimensions: Sequence[int]) -> str:
    """A shape as people write it.

    >>> shape((1, 64, 50, 1))
    '(1,64,50,1)'
    """
    return f"({','.join(map(str, dimensions))})"
