"""Parameter types and options that several commands share."""

from __future__ import annotations

import re
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
