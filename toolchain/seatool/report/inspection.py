"""What a model file holds, as ``inspect`` prints it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from seatool.report.terminal import table

if TYPE_CHECKING:
    from seatool.pipeline.inspection import Inspection, Layer, Port

_HEADER = ("#", "layer", "operator", "input", "output", "type", "scale", "zero", "weights", "bytes", "MACs", "result")


def show(inspection: Inspection, kernels: bool) -> None:
    """The model, its inputs and outputs, a line per layer, what stands in the way; with ``kernels`` who computes it."""
    click.echo(f"model     {_summary(inspection)}")
    for role, ports in (("input", inspection.inputs), ("output", inspection.outputs), ("state", inspection.states)):
        for port in ports:
            click.echo(f"{role:<9} {_port(port)}")
    if inspection.frontend is not None:
        click.echo(f"front end {inspection.frontend}")
    for note in inspection.notes:
        click.echo(f"note      {note}")
    click.echo()
    if inspection.quantized is None:
        rows = [(layer.index, layer.name, layer.operator, _fault(layer)) for layer in inspection.layers]
        click.echo(table(["#", "layer", "operator", ""], rows))
    else:
        click.echo(layer_table(inspection))
        click.echo(_totals(inspection))
    if kernels:
        click.echo()
        click.echo(kernel_table(inspection.layers))
    if inspection.obstacles is not None:
        click.echo()
        click.echo(inspection.obstacles.message)
        if inspection.obstacles.hint:
            click.echo(f"hint: {inspection.obstacles.hint}")


def _summary(inspection: Inspection) -> str:
    kind = {None: "not understood", True: "quantized", False: "float, before quantization"}[inspection.quantized]
    return f"{inspection.file} · {kind} · {len(inspection.layers)} layers"


def _totals(inspection: Inspection) -> str:
    return (
        f"total     {inspection.macs:,} MACs · weights {inspection.weight_bytes:,} bytes · activations "
        f"{inspection.peak_bytes:,} bytes at once, layer by layer"
    )


def _port(port: Port) -> str:
    names = " · ".join(dict.fromkeys(filter(None, (port.name, port.alias, port.tensor))))
    quantized = "" if port.scale is None else f", scale {port.scale:.6g}, zero point {port.zero_point}"
    return f"{names}: {port.dtype} {shape(port.shape)}{quantized}"


def shape(sizes: Sequence[int]) -> str:
    """Sizes for people.

    >>> shape((1, 64, 50)), shape(())
    ('1x64x50', 'scalar')
    """
    return "x".join(map(str, sizes)) or "scalar"


def layer_table(inspection: Inspection) -> str:
    """A line per layer; columns that no layer fills are left out."""
    rows = [_row(layer) for layer in inspection.layers]
    header = list(_HEADER)
    if any(layer.step or layer.kernel for layer in inspection.layers):
        header.append("computed by")
        rows = [(*row, _computed_by(layer)) for row, layer in zip(rows, inspection.layers, strict=True)]
    if any(layer.problems for layer in inspection.layers):
        header.append("")
        rows = [(*row, _fault(layer)) for row, layer in zip(rows, inspection.layers, strict=True)]
    used = [i for i in range(len(header)) if any(row[i] not in (None, "") for row in rows)]
    return table([header[i] for i in used], [[row[i] for i in used] for row in rows])


def _row(layer: Layer) -> tuple[object, ...]:
    first = layer.outputs[0] if layer.outputs else None
    return (
        layer.index,
        layer.name,
        layer.operator,
        " ".join(shape(port.shape) for port in layer.inputs),
        " ".join(shape(port.shape) for port in layer.outputs),
        first.dtype if first else "",
        "" if first is None or first.scale is None else f"{first.scale:.6g}",
        "" if first is None or first.zero_point is None else str(first.zero_point),
        _weights(layer),
        layer.weight_bytes or None,
        layer.macs or None,
        layer.activation_bytes or None,
    )


def _computed_by(layer: Layer) -> str:
    """Where a project computes the layer."""
    if layer.kernel is None:
        return "view" if layer.is_view else "merged"
    return layer.kernel if layer.step == layer.name else f"{layer.kernel} in {layer.step}"


def _weights(layer: Layer) -> str:
    """The largest constant, if the layer has weights."""
    if not layer.weight_bytes:
        return ""
    largest = max(layer.constants, key=lambda port: port.bytes)
    if largest.channels is not None:
        return f"{shape(largest.shape)} per channel [{largest.channels}]"
    return f"{shape(largest.shape)}{'' if largest.scale is None else f' scale {largest.scale:.6g}'}"


def _fault(layer: Layer) -> str:
    """What stands beside an unsupported layer; the reasons are listed below the table."""
    return "✗ not supported" if layer.problems else ""


def kernel_table(layers: Sequence[Layer]) -> str:
    """Layer by layer the kernels that can compute it, and why others cannot."""
    rows: list[tuple[object, ...]] = []
    for layer in layers:
        if layer.is_view or layer.problems:
            rows.append((layer.name, layer.operator, "view, no code" if layer.is_view else "-", ""))
            continue
        lines = [(name, "") for name in layer.kernels]
        lines += [(f"not {name}", reason) for name, reason in layer.rejected]
        for number, line in enumerate(lines or [("-", "no kernel")]):
            rows.append((*((layer.name, layer.operator) if number == 0 else ("", "")), *line))
    return table(["layer", "operator", "kernel", ""], rows)
