"""Parameter types and options that several commands share."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, get_args

import click
from click.shell_completion import CompletionItem

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


class NamedFile(click.ParamType[tuple[str, Path]]):
    """``NAME=FILE`` as (name, file), or ``FILE`` with an empty name; a file that exists is taken as one."""

    name = "file"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, Path]:
        """The pair; nothing is checked here."""
        name, _, file = ("", "", str(value)) if Path(str(value)).exists() else str(value).rpartition("=")
        return name, Path(file)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Files, also behind a name."""
        return [CompletionItem(incomplete.rpartition("=")[2], type="file")]


INPUTS = click.option(
    "--input",
    "inputs",
    type=NamedFile(),
    multiple=True,
    metavar="[NAME=]FILE",
    help="Input tensors: an .npz or .npy with all inputs, or one file per input by its name, repeated.",
)


def inputs_source(pairs: Sequence[tuple[str, Path]]) -> Path | Mapping[str, Path]:
    """What ``--input`` was given: one file, or a file for each input by its name; a usage error for anything else.

    >>> inputs_source([("image", Path("a.npy")), ("mask", Path("b.npy"))])["mask"].name
    'b.npy'
    """
    named = dict(pairs)
    if len(pairs) == 1 and "" in named:
        return named[""]
    if "" in named:
        raise click.UsageError("with several --input, each is NAME=FILE: one file per input of the model")
    if len(named) < len(pairs):
        raise click.UsageError("an input is given twice with --input")
    return named


def complete_layers(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Names for ``--dump``, from the project on the command line."""
    # While an option has no value yet, click has not told arguments from the rest.
    words = [ctx.params.get("project"), *ctx.args]
    project = next((Path(word) for word in words if word is not None), Path())
    try:
        manifest = json.loads((project / "seatool.json").read_text(encoding="utf-8"))
        names = ["all", *(name for layer in manifest["layers"] for name in layer["operators"])]
    except (OSError, ValueError, KeyError, TypeError):
        return []  # no project yet: there is nothing to offer
    return [name for name in names if name.startswith(incomplete)]
