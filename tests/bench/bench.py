"""Measure the models of cases.toml at every point in the emulator, beside other engines: BakeNN where it is installed
(``pip install "bakenn[tflite]"``), recorded figures otherwise.

    python tests/bench/bench.py [MODEL ...]   # print the table (all models, or those named by key)
    python tests/bench/bench.py --update      # and keep instructions and RAM as what test_guard.py expects

Counts are exact; cycles are estimates. Every point is verified against TFLM before it is counted.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import bakenn_live
import click
import seatool
from seatool.errors import SeatoolError
from seatool.pipeline.project import REFERENCE
from seatool.pipeline.recordings import shipped_student
from seatool.tflm import recorded as tflm

HERE = Path(__file__).resolve().parent
EXPECTED = HERE / "expected.json"
FRONT_END = "LOG_MEL"
BAKENN = "bakenn"

GROWTH = 0.01
"""What instructions and RAM may grow by before it counts as a regression."""


@dataclass(frozen=True)
class Case:
    """A model at a point: ``options`` are those of ``seatool.CompileOptions``."""

    model: str
    title: str
    file: str
    point: str
    options: dict[str, Any]

    @property
    def key(self) -> str:
        return f"{self.model}/{self.point}"

    @property
    def path(self) -> Path | None:
        """The model's file; None where it is not here."""
        if self.file == "shipped":
            return shipped_student()
        data = Path(os.environ.get("SEATOOL_DATA", HERE.parent.parent.parent / "shared"))
        path = data / "models" / self.file
        return path if path.is_file() else None


@dataclass(frozen=True)
class Figures:
    """One inference of the network, without the audio front end; bytes; cycles are estimated (None: not possible)."""

    instructions: int
    macs: int
    ram_bytes: int
    flash_bytes: int
    stack_bytes: int
    estimated_cycles: int | None
    hashes: tuple[str, ...] = ()
    """Of the model's file and of the int8 model made of it."""


def cases() -> Iterator[Case]:
    """All cases, in the order of the file."""
    config = tomllib.loads((HERE / "cases.toml").read_text(encoding="utf-8"))
    for model in config["model"]:
        for point in model["points"]:
            yield Case(model["key"], model["title"], model["file"], point, config["point"][point])


def measure(case: Case, folder: Path, cycles: bool = True) -> Figures:
    """Compile ``case`` into ``folder``, verify it against TFLM, count."""
    assert case.path is not None
    options = seatool.CompileOptions(name=case.model, **case.options)
    project = seatool.compile(case.path, folder, options).project
    project = seatool.verify(project, count=1).project
    profile = seatool.profile(project, cycles=cycles)
    network = [layer for layer in profile.layers if layer["operator"] != FRONT_END]
    estimates = [layer.get("estimated_cycles") for layer in network]
    facts = profile.project.manifest
    return Figures(
        instructions=sum(layer["instructions"] for layer in network),
        macs=facts["macs"],
        ram_bytes=facts["ram_bytes"],
        flash_bytes=facts["flash_bytes"],
        stack_bytes=profile.stack_bytes,
        estimated_cycles=None if None in estimates else sum(estimates),
        hashes=(facts["model"]["sha256"], facts["quantization"]["sha256"] if facts["quantization"] else ""),
    )


def within(figures: Figures, expected: dict[str, int]) -> Iterator[str]:
    """What grew by more than 1 % over what is expected."""
    for key in ("instructions", "ram_bytes"):
        now, before = getattr(figures, key), expected[key]
        if now > before * (1 + GROWTH):
            yield f"{key}: {now:,}, expected {before:,} (+{now / before - 1:.1%})"


def expected() -> dict[str, dict[str, int]]:
    """Instructions and RAM by case, as kept in expected.json."""
    kept: dict[str, dict[str, int]] = json.loads(EXPECTED.read_text(encoding="utf-8"))
    return kept


def keep(measured: dict[str, Figures]) -> None:
    """Make ``measured`` what is expected from now on; other cases stay."""
    figures = {key: {"instructions": f.instructions, "ram_bytes": f.ram_bytes} for key, f in measured.items()}
    EXPECTED.write_text(json.dumps({**expected(), **figures}, indent=1, sort_keys=True) + "\n", encoding="utf-8")


HEADER = ("model", "engine or point", "instructions", "/MAC", "est. cycles", "est. /MAC", "RAM", "flash", "stack")


def row(title: str, engine: str, figures: dict[str, Any]) -> list[str]:
    """One line of the table; figures that are not known are left out."""

    def number(key: str, per: int = 0) -> str:
        value = figures.get(key)
        if value is None:
            return ""
        return f"{value / per:.3f}" if per else f"{value:,}"

    macs = figures["macs"]
    return [
        title,
        engine,
        number("instructions"),
        number("instructions", macs),
        number("estimated_cycles"),
        number("estimated_cycles", macs),
        *(number(key) for key in ("ram_bytes", "flash_bytes", "stack_bytes")),
    ]


def table(measured: dict[str, Figures], live: dict[str, dict[str, Any]]) -> str:
    """Markdown: every model's points and other engines, ``live`` being BakeNN's figures by model."""
    rows, notes = [list(HEADER), ["---"] * 2 + ["---:"] * 7], dict[str, str]()
    titles = set()
    for case in (case for case in cases() if case.key in measured):
        figures = measured[case.key]
        if case.model not in titles:
            titles.add(case.model)
            for engine, settings, facts in others(case.model, figures, live.get(case.model, {})):
                notes[engine] = settings
                rows.append(row(case.title, engine, {**facts, "macs": figures.macs}))
        rows.append(row(case.title, f"seatool, {case.point}", asdict(figures)))
    lines = ["| " + " | ".join(cells) + " |" for cells in rows]
    return "\n".join([*lines, "", *(f"- {engine}: {settings}." for engine, settings in notes.items())])


def others(model: str, figures: Figures, bakenn: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Other engines on the same model: title, settings, figures, which are recorded but for those of ``bakenn``."""
    if (known := tflm.find(figures.hashes)) is not None:
        facts = {key: getattr(known, key) for key in ("instructions", "flash_bytes", "stack_bytes")}
        yield "TFLM + CMSIS-NN (recorded)", known.provenance, {**facts, "ram_bytes": known.arena_bytes}
    recorded = tomllib.loads((HERE / "recorded.toml").read_text(encoding="utf-8"))
    for engine, facts in recorded.get(model, {}).items():
        title, settings = (recorded["engine"][engine][key] for key in ("title", "settings"))
        if engine != BAKENN or not bakenn:
            yield f"{title} (recorded)", settings, facts
    if bakenn:
        yield bakenn_live.title(), recorded["engine"][BAKENN]["settings"], bakenn


def measure_bakenn(project: Path, folder: Path) -> dict[str, Any]:
    """BakeNN's figures on the model of ``project``; none where it is not installed or refuses the model."""
    if not bakenn_live.installed():
        return {}
    try:
        return bakenn_live.measure(project / REFERENCE, folder)
    except bakenn_live.RefusedError as error:
        click.echo(f"BakeNN refuses {project.name}: {error}", err=True)
        return {}


@click.command(help=__doc__)
@click.argument("models", nargs=-1)
@click.option("--update", is_flag=True, help="Keep instructions and RAM as what the regression test expects.")
@click.option("--no-cycles", is_flag=True, help="Do not estimate cycles: faster.")
def main(models: tuple[str, ...], update: bool, no_cycles: bool) -> None:
    unknown = set(models) - {case.model for case in cases()}
    if unknown:
        raise click.UsageError(f"no model {', '.join(sorted(unknown))}: {', '.join({c.model: 0 for c in cases()})}")
    measured: dict[str, Figures] = {}
    live: dict[str, dict[str, Any]] = {}
    failed = False
    with tempfile.TemporaryDirectory() as scratch:
        for case in cases():
            if models and case.model not in models:
                continue
            if case.path is None:
                click.echo(f"{case.key}: {case.file} is not here (set SEATOOL_DATA)", err=True)
                continue
            click.echo(case.key, err=True)
            project = Path(scratch) / case.model
            try:
                measured[case.key] = measure(case, project, not no_cycles)
                if case.model not in live:
                    live[case.model] = measure_bakenn(project, Path(scratch) / f"{case.model}_bakenn")
            except SeatoolError as error:
                failed = True
                click.echo(f"{case.key}: {error.message}", err=True)
    click.echo(table(measured, live))
    if update:
        keep(measured)
    over = {key: list(within(figures, kept)) for key, figures in measured.items() if (kept := expected().get(key))}
    for key, problems in over.items():
        for problem in problems:
            click.echo(f"{key}: {problem}", err=True)
    sys.exit(failed or any(over.values()))


if __name__ == "__main__":
    main()
