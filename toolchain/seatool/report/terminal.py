"""What commands print for people. Everything here is also in the JSON; nothing is computed here but layout."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from seatool.plan.bars import bar
from seatool.report.frontier import budgets
from seatool.rounding import ceil_div

if TYPE_CHECKING:
    from seatool.boards.board import Board
    from seatool.build.tools import Tool
    from seatool.ir import Array
    from seatool.pipeline import Compiled, Project
    from seatool.pipeline.manifest import Fidelity, Layer, Manifest, Tflm
    from seatool.pipeline.profile import Profile
    from seatool.pipeline.run import Embeddings
    from seatool.pipeline.verify import Verification
    from seatool.plan import Frontier, Point, Program

FIRST_VALUES = 8


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Columns aligned by content: numbers to the right, the rest to the left.

    >>> print(table(["layer", "n"], [["a", 1000], ["bc", 2]]))
    layer      n
    a      1,000
    bc         2
    """
    cells = [list(header)] + [[_cell(value) for value in row] for row in rows]
    numeric = [all(_is_number(row[i]) for row in cells[1:]) for i in range(len(header))]
    widths = [max(len(row[i]) for row in cells) for i in range(len(header))]
    lines = []
    for row in cells:
        aligned = [c.rjust(w) if n else c.ljust(w) for c, w, n in zip(row, widths, numeric, strict=True)]
        lines.append("  ".join(aligned).rstrip())
    return "\n".join(lines)


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.2f}" if isinstance(value, float) else str(value)


def _is_number(text: str) -> bool:
    return text in ("", "-") or text.removeprefix("-").replace(",", "").replace(".", "").isdigit()


def millions(count: int) -> str:
    """A count in millions.

    >>> millions(122_425_344)
    '122.4 M'
    """
    return f"{count / 1e6:.1f} M"


def show_compiled(manifest: Manifest, compiled: Compiled) -> None:
    """The summary after ``compile``."""
    click.echo(f"model     {model_line(manifest)}")
    if manifest["quantization"] is not None:
        fidelity = manifest["quantization"]["fidelity"]
        click.echo(f"quantized {fidelity_line(fidelity)}")
        for hint in fidelity["hints"]:
            click.echo(f"          hint: {hint}")
    else:
        click.echo("quantized already, taken as it is")
    for text in compiled.applied:
        click.echo(f"          {text}")
    for text in manifest["notes"]:
        click.echo(f"note      {text}")
    show_budget(manifest)
    if manifest["tflm"] is not None:
        click.echo(f"tflm      {arena_line(manifest['tflm'])}")
    if manifest["bit_exact"]:
        click.echo(f"verify    {verified_line(manifest)}")
    click.echo(f"→ {compiled.project.path}")


def arena_line(tflm: Tflm) -> str:
    """TFLM's arena and what it consists of, in one line."""
    head, allocating = tflm["head_bytes"], tflm["allocating_bytes"]
    what = f"tensors {head:,}" if head >= allocating else f"allocating {allocating:,}"
    return (
        f"arena {tflm['arena_bytes']:,} in {tflm['arena_region']} ({what} · structures {tflm['tail_bytes']:,} · margin "
        f"{tflm['margin_bytes']:,}) · flash about {tflm['flash_bytes']:,}"
    )


def plan_table(program: Program) -> str:
    """Layer by layer the kernel that was chosen, and why the others were not."""
    rows: list[tuple[object, ...]] = []
    for step in program.steps:
        scratch = step.scratch.size if step.scratch else None
        rows.append((step.name, step.kernel or "-", step.cost.instructions or None, step.cycles or None, scratch, ""))
        rows += [("", f"not {kernel}", "", "", "", reason) for kernel, reason in step.rejected]
    return table(["layer", "kernel", "instructions~", "cycles~", "scratch", ""], rows)


def model_line(manifest: Manifest) -> str:
    """Name, input, layers, work and output of a project in one line."""
    layers = [layer["operator"] for layer in manifest["layers"]]
    if not layers and manifest["tflm"] is not None:
        layers = [operator["kind"] for operator in manifest["tflm"]["operators"]]
    kinds = [kind for operators in layers for kind in operators.split("+")]
    convolutions = sum(kind in ("CONV_2D", "DEPTHWISE_CONV_2D") for kind in kinds)
    shapes = " ".join("x".join(map(str, tensor["shape"][1:])) for tensor in manifest["inputs"])
    outputs = " ".join("x".join(map(str, tensor["shape"][1:])) for tensor in manifest["outputs"])
    front = "log-mel " if manifest["frontend"] else ""
    return (
        f"{manifest['model']['file']} · {front}{shapes} · {convolutions} convolutions in {len(layers)} "
        f"steps · {millions(manifest['macs'])}MAC · output {outputs}"
    )


def fidelity_line(fidelity: Fidelity) -> str:
    """What quantization lost, in one line."""
    cosine = f"cosine {fidelity['cosine_mean']:.4f} (min {fidelity['cosine_min']:.4f})"
    return f"int8, {fidelity['calibration']}, {cosine} · worst layer {worst_layer(fidelity)}"


def worst_layer(fidelity: Fidelity) -> str:
    """The layer that lost most, with its signal to quantization noise."""
    if not fidelity["layers"]:
        return "none"
    worst = fidelity["layers"][0]
    return f"{worst['name']} {'exact' if worst['sqnr_db'] is None else format(worst['sqnr_db'], '.1f') + ' dB'}"


def show_budget(manifest: Manifest) -> None:
    """A bar per memory region with its parts."""
    for usage in manifest["budget"]:
        if not usage["needed_bytes"]:
            continue
        used, capacity = usage["needed_bytes"], usage["capacity_bytes"]
        click.echo(f"  {usage['region']:<8} {bar(used, capacity)} {used:>9,} of {capacity:,}")
        parts = [f"{part['label']} {part['bytes']:,}" + ("~" if part["estimated"] else "") for part in usage["parts"]]
        click.echo(f"           {' · '.join(parts)}")


def show_built(project: Project) -> None:
    """The summary after ``build``."""
    click.echo(f"built     {project.manifest['name']} for {project.manifest['board']}")
    show_budget(project.manifest)


def show_run(
    arrays: Mapping[str, Array], instructions: int, out: Path | None, dumped: Mapping[str, Any] | None
) -> None:
    """The first values of each result, and which tensors were ``dumped`` (:func:`seatool.pipeline.traces.write`)."""
    for name, array in arrays.items():
        if name != "timestamps":
            show_values(name, array)
    click.echo(f"speed     {instructions:,} instructions per inference (exact)")
    if dumped is not None:
        count, absent = len(dumped["tensors"]), dumped["absent"]
        click.echo(f"dumped    {count} tensor{'s' if count != 1 else ''}, scales and zero points in tensors.json")
        if absent:
            click.echo(f"          not there, inside fused steps: {', '.join(absent)}")
            click.echo("          `seatool compile --unfused` keeps every tensor")
    if out is not None:
        click.echo(f"→ {out}")


def show_values(name: str, array: Array) -> None:
    """Shape and first values of the first rows of an array."""
    rows = array.reshape(len(array), -1)
    click.echo(f"{name} {'x'.join(map(str, array.shape))}")
    for index, row in enumerate(rows[:4]):
        values = " ".join(f"{value:.4g}" for value in row[:FIRST_VALUES])
        click.echo(f"  [{index}] {values}{' ...' if len(row) > FIRST_VALUES else ''}")
    if len(rows) > 4:
        click.echo(f"  ... {len(rows) - 4} more")


def verified_line(manifest: Manifest) -> str:
    """What the last verification compared, in one line."""
    verified = manifest["verified"]
    if verified is None:
        return "not verified yet" if manifest["bit_exact"] is None else "the last verification found a difference"
    on = ", ".join(f"{count} {kind}" for kind, count in verified["inputs"].items())
    if not verified["inner_tensors"]:
        return f"every layer equals TFLM: all {verified['tensors']} tensors on {on} inputs"
    inner = f"not there to compare: {verified['inner_tensors']} inside fused steps"
    return f"{verified['tensors']} tensors equal TFLM on {on} inputs; {inner}"


def show_verified(verified: Verification) -> None:
    """The summary after ``verify``."""
    click.echo(f"verify    {verified_line(verified.project.manifest)}")
    if verified.inner_tensors:
        click.echo("          `seatool compile --unfused` keeps every tensor: then every layer is compared")
    if verified.frontend is not None:
        parity = verified.frontend
        click.echo(
            f"front end C equals numpy on {parity.windows} windows but for {parity.differing_fraction:.4%} of the "
            f"values, by at most {parity.largest_difference}"
        )


def layer_table(manifest: Manifest) -> str:
    """Layer, kernel, work and measured instructions; estimated cycles where there are any."""
    header = ["#", "layer", "operator", "kernel", "MACs", "instructions", "/MAC"]
    estimated = manifest["estimated_cycles"] is not None
    rows = [_layer_row(layer, estimated) for layer in manifest["layers"]]
    return table([*header, *(["cycles~", "stalls~", "/MAC~", "ms~"] if estimated else [])], rows)


def _layer_row(layer: Layer, estimated: bool) -> list[object]:
    measured, macs, cycles = layer["instructions"] or None, layer["macs"] or None, layer["estimated_cycles"] or None
    kernel = layer["variant"] or ("front end" if layer["operator"] == "LOG_MEL" else "view")
    row = [layer["index"], layer["name"], layer["operator"], kernel, macs, measured, _ratio(measured, macs)]
    if estimated:
        row += [cycles, layer["stall_cycles"] if cycles else None, _ratio(cycles, macs)]
        row += [layer["estimated_ms"] if cycles else None]
    return row


def _ratio(value: int | None, of: int | None) -> float | None:
    return value / of if value and of else None


def show_profile(profile: Profile) -> None:
    """The layer table and the totals after ``profile``."""
    manifest = profile.project.manifest
    click.echo(layer_table(manifest))
    per_mac = f", {profile.instructions / manifest['macs']:.3f} per MAC" if manifest["macs"] else ""
    click.echo(f"total     {profile.instructions:,} instructions (exact, not cycles){per_mac}")
    if (cycles := cycles_line(manifest)) is not None:
        click.echo(f"estimated {cycles}")
    if any(layer["resident_bytes"] for layer in manifest["layers"]):
        click.echo(f"at start  {profile.init_instructions:,} instructions, once")
    click.echo(f"stack     {profile.stack_bytes:,} bytes measured")
    for region, used in profile.region_bytes.items():
        click.echo(f"  {region:<8} {used:,} bytes touched")


def cycles_line(manifest: Manifest) -> str | None:
    """The estimated cycles of an inference, in one line; None where there are none."""
    cycles, milliseconds, clock = manifest["estimated_cycles"], manifest["estimated_ms"], manifest["clock_mhz"]
    if cycles is None:
        return None
    per_mac = f", {cycles / manifest['macs']:.3f} per MAC" if manifest["macs"] else ""
    waiting = f"{manifest['stall_cycles']:,} of them waiting for memory"
    return f"{cycles:,} cycles{per_mac}, {waiting}: {milliseconds:.2f} ms at {clock:g} MHz (not a measurement)"


def show_boards(boards: Sequence[Board]) -> None:
    """One line per board."""
    rows = []
    for board in boards:
        clock = f"{board.core.clock_hz // 1_000_000} MHz"
        rows.append((board.name, board.title, clock, sum(region.size for region in board.ram), board.flash.size))
    click.echo(table(["board", "title", "clock", "RAM", "flash"], rows))


def show_board(board: Board) -> None:
    """Core, regions, emulator and probe of one board."""
    click.echo(f"{board.name}: {board.title}")
    click.echo(f"core      {board.core.cpu}, {board.core.fpu}, {board.core.clock_hz // 1_000_000} MHz")
    click.echo(f"emulator  qemu-system-arm -M {board.emulator}")
    click.echo(f"port      firmware/port/{board.port}")
    for key, value in {**board.probe, **board.pins}.items():
        click.echo(f"{key:<9} {value}")
    rows = [(r.name, r.kind, f"0x{r.address:08x}", r.size, r.title) for r in board.memory]
    click.echo(table(["region", "kind", "address", "bytes", "what"], rows))


def show_tools(tools: Sequence[Tool]) -> None:
    """One line per tool, with how to install what is missing, and which version would be the tested one."""
    for tool in tools:
        state = tool.version or ("MISSING" if tool.required else "not installed (optional)")
        click.echo(f"{tool.name:<24} {state:<26} {tool.purpose}")
        if tool.version is None:
            click.echo(f"{'':<24} {tool.install}")
        elif tool.is_untested:
            click.echo(f"{'':<24} developed with {tool.tested}: sizes and counts may differ")


def show_demo(
    embeddings: Embeddings,
    verified: Verification,
    profile: Profile,
    others: Mapping[str, Mapping[str, int]],
    report: Path,
) -> None:
    """Everything, in the order a newcomer asks for it."""
    manifest = profile.project.manifest
    click.echo(f"model     {model_line(manifest)}")
    if manifest["quantization"] is not None:
        click.echo(f"quantized {fidelity_line(manifest['quantization']['fidelity'])}")
    click.echo("memory    per region of the board, measured on the ELF")
    show_budget(manifest)
    click.echo()
    show_profile(profile)
    click.echo(f"optimize  {manifest['options']['optimize']}; {alternatives_line(others)}")
    click.echo()
    show_verified(verified)
    show_values("embedding", embeddings.embedding)
    click.echo()
    click.echo(f"→ {profile.project.path}   {report}")


def alternatives_line(others: Mapping[str, Mapping[str, int]]) -> str:
    """What other values of --optimize would take, in one line.

    >>> one = {"estimated_instructions": 47_800_000, "ram_bytes": 202_880, "flash_bytes": 1_985_200}
    >>> alternatives_line({"speed": one})
    'speed: about 47.8 M instructions, 199 KiB RAM, 1,939 KiB flash (see `seatool plan`)'
    """
    texts = [
        f"{name}: about {millions(other['estimated_instructions'])} instructions, "
        f"{ceil_div(other['ram_bytes'], 1024):,} KiB RAM, {ceil_div(other['flash_bytes'], 1024):,} KiB flash"
        for name, other in others.items()
    ]
    return f"{'; '.join(texts)} (see `seatool plan`)"


def show_frontier(frontier: Frontier, plot: Path | None) -> None:
    """The fastest plans for several limits of flash, with those that --optimize picks."""
    shown: dict[int, Point] = {id(point): point for point in frontier.points if point.chosen_by}
    for limit in budgets(frontier):
        shown |= {id(point): point for point in _spread(frontier.fastest(limit))}
    rows = [
        (
            point.ram_bytes,
            point.flash_bytes,
            point.cycles,
            point.cycles / frontier.macs if frontier.macs else None,
            point.instructions,
            " ".join(f"--optimize {name}" for name in point.chosen_by),
        )
        for point in sorted(shown.values(), key=lambda p: (-p.ram_bytes, p.cycles))
    ]
    click.echo(table(["RAM", "flash", "cycles~", "/MAC", "instructions~", "picked by"], rows))
    click.echo(f"{len(frontier.points)} plans that no other beats in RAM, flash and cycles; --json lists all")
    if plot is not None:
        click.echo(f"→ {plot}")


def _spread(points: Sequence[Point], step: float = 1.15) -> list[Point]:
    """Some of ``points``, which go from much RAM to little: each needs a share less than the one before."""
    kept: list[Point] = []
    for point in points:
        if not kept or point.ram_bytes * step <= kept[-1].ram_bytes or point is points[-1]:
            kept.append(point)
    return kept
