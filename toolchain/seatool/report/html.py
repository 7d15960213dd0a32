"""The offline HTML page of a project: memory, layers, quantization, proof."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jinja2

from seatool import resources
from seatool.report import terminal

if TYPE_CHECKING:
    from seatool.pipeline import Project

REPORT = "report.html"


def write(project: Project) -> Path:
    """Write ``report.html`` into the project and return its path."""
    path = project.path / REPORT
    path.write_text(render(project.manifest))
    return path


def render(manifest: Mapping[str, Any]) -> str:
    """The page for a manifest; equal manifests give equal bytes."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(resources.templates() / "report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
    )
    fidelity = (manifest["quantization"] or {}).get("fidelity")
    return environment.get_template("report.html.j2").render(
        m=manifest,
        model=terminal.model_line(manifest),
        quantized=f"Quantized {terminal.fidelity_line(fidelity)}" if fidelity else "The model was int8 already.",
        verified=f"Verified: {terminal.verified_line(manifest)}" if manifest["bit_exact"] else "Not verified yet.",
        budget=[_usage(usage) for usage in manifest["budget"] if usage["needed_bytes"]],
        totals=_totals(manifest),
        layers=_layers(manifest, fidelity),
    )


def _usage(usage: Mapping[str, Any]) -> dict[str, Any]:
    used, capacity = usage["needed_bytes"], usage["capacity_bytes"]
    return {
        "region": usage["region"],
        "percent": min(100, round(100 * used / capacity, 1)),
        "over": " over" if used > capacity else "",
        "needed": f"{used:,}",
        "capacity": f"{capacity:,}",
        "parts": " · ".join(f"{part['label']} {part['bytes']:,}" for part in usage["parts"]),
    }


def _totals(manifest: Mapping[str, Any]) -> str:
    text = f"{terminal.millions(manifest['macs'])}MAC"
    if manifest["instructions"]:
        text += f", {manifest['instructions']:,} instructions, {manifest['stack_bytes']:,} bytes of stack measured"
    return text


def _decibels(value: float | None) -> str:
    return "exact" if value is None else f"{value:.1f}"


def _layers(manifest: Mapping[str, Any], fidelity: Mapping[str, Any] | None) -> list[dict[str, str]]:
    sqnr = {layer["name"]: layer["sqnr_db"] for layer in fidelity["layers"]} if fidelity else {}
    rows = []
    for layer in manifest["layers"]:
        measured, macs = layer["instructions"], layer["macs"]
        rows.append(
            {
                "index": str(layer["index"]),
                "name": layer["name"],
                "operator": layer["operator"],
                "kernel": layer["variant"] or "",
                "macs": f"{macs:,}" if macs else "",
                "instructions": f"{measured:,}" if measured else "",
                "per_mac": f"{measured / macs:.3f}" if measured and macs else "",
                "sqnr": _decibels(sqnr[layer["name"]]) if layer["name"] in sqnr else "",
            }
        )
    return rows
