"""Parameter types and options that several commands share."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, get_args

import click

_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20}


class Bytes(click.ParamType[int]):
    """A number of bytes: ``65536``, ``64K``, ``1.5M`` (powers of 1024; a trailing B or iB is allowed)."""

    name = "bytes"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The number of bytes; a usage error that names the option otherwise."""
        if isinstance(value, int):
            return value
        match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)\s*([KM]?)(?:i?B)?", str(value).strip(), re.IGNORECASE)
        if match is None:
            self.fail(f"{value!r} is not a size; write 65536, 64K or 1M", param, ctx)
        return int(float(match[1]) * _UNITS[match[2].upper()])


BYTES = Bytes()

Optimize = Literal["speed", "balanced", "ram"]
"""As seatool.plan.Optimize, which is not imported for the sake of `--help`."""

OPTIMIZE = click.option(
    "--optimize",
    type=click.Choice(get_args(Optimize)),
    default="balanced",
    show_default=True,
    help="Of the plans that fit: the fastest, the one with the least RAM times flash times cycles squared, or the one "
    "with the least RAM.",
)

Runtime = Literal["aot", "tflm", "both"]
"""As seatool.pipeline.options.Runtime."""

RUNTIME = click.option(
    "--runtime",
    type=click.Choice(get_args(Runtime)),
    default="aot",
    show_default=True,
    help="Compile the model to C, run it in your TensorFlow Lite for Microcontrollers, or a project with both.",
)

FORCE = click.option("--force", is_flag=True, help="Replace a project in which files were edited or added.")

UNFUSED = click.option(
    "--unfused",
    is_flag=True,
    help="Compute every operator on its own: slower and larger, but `verify` then compares every layer with TFLM.",
)

INPUTS = click.option(
    "--input",
    "inputs",
    multiple=True,
    metavar="[NAME=]FILE",
    help="Input tensors: an .npz or .npy with all inputs, or one file per input by its name, repeated.",
)


def inputs_source(words: Sequence[str]) -> Path | Mapping[str, Path]:
    """What ``--input`` was given: one file, or a file for each input by its name; a usage error for anything else.

    >>> inputs_source(["image=a.npy", "mask=b.npy"])["mask"].name
    'b.npy'
    """
    pairs = [("", word) if Path(word).exists() else word.rpartition("=")[::2] for word in words]
    named = {name: Path(file) for name, file in pairs}
    if len(pairs) == 1 and "" in named:
        return named[""]
    if "" in named:
        raise click.UsageError("with several --input, each is NAME=FILE: one file per input of the model")
    if len(named) < len(pairs):
        raise click.UsageError("an input is given twice with --input")
    return named
