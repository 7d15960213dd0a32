"""The offline HTML page of a project: memory, layers, quantization, proof."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jinja2

from seatool import files, resources
from seatool.pipeline.edits import REPORT
from seatool.report import terminal

if TYPE_CHECKING:
    from seatool.pipeline import Project
    from seatool.pipeline.manifest import Fidelity, Layer, Manifest, Region


def write(project: Project) -> Path:
    """Write ``report.html`` into the project and return its path."""
    path = project.path / REPORT
    files.write_text(path, render(project.manifest))
    return path


def render(manifest: Manifest) -> str:
    """The page for a manifest; equal manifests give equal bytes."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(resources.templates() / "report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
    )
    fidelity = manifest["quantization"]["fidelity"] if manifest["quantization"] else None
    return environment.get_template("report.html.j2").render(
        m=manifest,
        model=terminal.model_line(manifest),
        quantized=f"Quantized {terminal.fidelity_line(fidelity)}" if fidelity else "The model was int8 already.",
        verified=f"Verification: {terminal.verified_line(manifest)}.",
        edited=", ".join(manifest["edited"]),
        budget=[_usage(usage) for usage in manifest["budget"] if usage["needed_bytes"]],
        totals=_totals(manifest),
        layers=_layers(manifest, fidelity),
    )


def _usage(usage: Region) -> dict[str, Any]:
    used, capacity = usage["needed_bytes"], usage["capacity_bytes"]
    return {
        "region": usage["region"],
        "percent": min(100, round(100 * used / capacity, 1)),
        "over": " over" if used > capacity else "",
        "needed": f"{used:,}",
        "capacity": f"{capacity:,}",
        "parts": " · ".join(f"{part['label']} {part['bytes']:,}" for part in usage["parts"]),
    }


def _totals(manifest: Manifest) -> str:
    text = f"{terminal.millions(manifest['macs'])}MAC"
    if manifest["instructions"] is not None and manifest["stack_bytes"] is not None:
        text += f", {manifest['instructions']:,} instructions, {manifest['stack_bytes']:,} bytes of stack measured"
    if (cycles := terminal.cycles_line(manifest)) is not None:
        text += f"; estimated {cycles}"
    return text


def _layers(manifest: Manifest, fidelity: Fidelity | None) -> list[dict[str, str]]:
    noise = {layer["tensor"]: layer["sqnr_db"] for layer in fidelity["layers"]} if fidelity else {}
    rows = []
    for layer in manifest["layers"]:
        measured, macs, cycles = layer["instructions"], layer["macs"], layer["estimated_cycles"]
        rows.append(
            {
                "index": str(layer["index"]),
                "name": layer["name"],
                "operator": layer["operator"],
                "operators": ", ".join(layer["operators"]) if len(layer["operators"]) > 1 else "",
                "kernel": layer["variant"] or "",
                "macs": f"{macs:,}" if macs else "",
                "instructions": f"{measured:,}" if measured else "",
                "per_mac": f"{measured / macs:.3f}" if measured and macs else "",
                "cycles": f"{cycles:,}" if cycles else "",
                "stalls": f"{layer['stall_cycles']:,}" if cycles else "",
                "cycles_per_mac": f"{cycles / macs:.3f}" if cycles and macs else "",
                "ms": f"{layer['estimated_ms']:.2f}" if cycles else "",
                "sqnr": _decibels(layer, noise),
            }
        )
    return rows


def _decibels(layer: Layer, noise: dict[str, float | None]) -> str:
    """The worst signal to quantization noise of the tensors that the layer leaves; nothing where none is known.

    Tensors keep their names from the float model on, whatever operators become one layer.
    """
    values = [noise[tensor] for tensor in layer["outputs"] if tensor in noise]
    if not values:
        return ""
    worst = min(math.inf if value is None else value for value in values)
    return "exact" if worst == math.inf else f"{worst:.1f}"
