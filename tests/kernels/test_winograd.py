"""Exact Winograd: its algebra and bound, its kernels against TFLM, pooling, bands of rows, stored weights, costs."""

from __future__ import annotations

import doctest
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random

import batch
import guarded
import host
import numpy as np
import pytest
import rig
from hypothesis import assume, given
from hypothesis import strategies as st
from seatool.importers import tflite
from seatool.ir import Array, Graph, Op
from seatool.kernels import Activation, Padding, Ref
from seatool.kernels.conv_2d import Conv2DAttributes
from seatool.kernels.conv_2d_max_pool import ConvMaxPoolAttributes, Pool
from seatool.kernels.pool import Pool2DAttributes
from seatool.kernels.winograd import FAST_SCRATCH, VARIANTS, Weights, Winograd
from seatool.kernels.winograd_tiles import F2, F4, Form
from test_conv_2d import conv
from weights import Scales, activations, biases, scales

REPOSITORY = Path(__file__).resolve().parents[2]
B = {
    "f4": [[4, 0, -5, 0, 1, 0], [0, -4, -4, 1, 1, 0], [0, 4, -4, -1, 1, 0], [0, -2, -1, 2, 1, 0], [0, 2, -1, -2, 1, 0],
           [0, 4, 0, -5, 0, 1]],
    "f2": [[1, 0, -1, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, 1, 0, -1]],
}  # fmt: skip
A = {
    "f4": [[6, -4, -4, 1, 1, 0], [0, -2, 2, 1, -1, 0], [0, -1, -1, 1, 1, 0], [0, -1, 1, 2, -2, 6]],
    "f2": [[1, 1, 1, 0], [0, 1, -1, -1]],
}
SCALE = {"f4": [24, 12, 6, 6], "f2": [2, 2]}
FORMS = pytest.mark.parametrize("form", [F4, F2], ids=["f4", "f2"])
EMULATED = pytest.mark.skipif(
    any(shutil.which(tool) is None for tool in ("qemu-system-arm", "arm-none-eabi-gcc")),
    reason="qemu-system-arm or arm-none-eabi-gcc is not installed",
)


def pooled(graph: Graph, pool: Pool) -> Graph:
    """The convolution ``graph`` and the maximum over its outputs as one operator."""
    if pool is Pool.NONE:
        return graph
    (op,), y = graph.ops, graph.tensors["y"]
    batches, height, width, channels = y.shape
    shape = (batches, 1, 1, channels) if pool is Pool.GLOBAL else (batches, height // 2, width // 2, channels)
    fused = Op("layer", "CONV_2D_MAX_POOL", op.inputs, op.outputs, ConvMaxPoolAttributes(op.attributes, pool))
    return Graph("case", {**graph.tensors, "y": replace(y, shape=shape)}, (fused,), graph.inputs, graph.outputs)


@st.composite
def convolutions(draw: st.DrawFn) -> rig.Case:
    """3x3 with stride 1: any size, any channels, any quantization."""
    padding = draw(st.sampled_from(Padding))
    least = 1 if padding is Padding.SAME else 3
    height, width = draw(st.integers(least, 11)), draw(st.integers(least, 14))
    depth, count = draw(st.sampled_from([1, 2, 3, 4, 5, 8, 11, 16, 20])), draw(st.sampled_from([1, 2, 3, 4, 5, 8]))
    shape = (draw(st.sampled_from([1, 1, 2])), height, width, depth)
    graph = conv(
        shape,
        draw(rig.arrays((count, 3, 3, depth))),
        draw(st.none() | biases(count)),
        Conv2DAttributes(padding, 1, 1, draw(activations)),
        draw(scales(count)),
        (draw(rig.zero_points), draw(rig.zero_points)),
    )
    return graph, [draw(rig.arrays(shape))]


ALL = 1000
"""Tiles of any row here."""

OTHERS = (
    Winograd(F4, Weights.STORED, scratch_limit=FAST_SCRATCH),
    Winograd(F4, strip=(1, ALL)),
    Winograd(F4, strip=(1, 2)),
    Winograd(F2, Weights.STORED, strip=(1, 3)),
    Winograd(F4, Weights.RESIDENT, strip=(2, ALL)),
    Winograd(F4, Weights.STORED, copied=True, strip=(2, ALL)),
    Winograd(F2, Weights.RESIDENT, scratch_limit=FAST_SCRATCH),
)
"""Of the configurations that a plan may choose from."""


@st.composite
def cases(draw: st.DrawFn) -> rig.Case:
    """With and without pooling."""
    graph, inputs = draw(convolutions())
    variants = [graph, *(pooled(graph, pool) for pool in (Pool.TWO_BY_TWO, Pool.GLOBAL) if poolable(graph, pool))]
    return draw(st.sampled_from(variants)), inputs


def poolable(graph: Graph, pool: Pool) -> bool:
    """Whether there is something to pool and requantization is monotone."""
    large = pool is Pool.GLOBAL or min(graph.tensors["y"].shape[1:3]) > 1
    return large and not list(rig.operator_of(pooled(graph, pool)).problems())


@given(cases())
def test_kernels_equal_the_reference(case: rig.Case) -> None:
    graph, inputs = case
    rig.check(graph, inputs, oracle=graph.ops[0].kind == "CONV_2D")


@given(cases(), st.sampled_from(VARIANTS), st.randoms(use_true_random=False))
def test_every_configuration_gives_the_same(case: rig.Case, variant: Winograd, random: Random) -> None:
    graph, inputs = case
    option = random.choice([*variant.options(rig.operator_of(graph)), *OTHERS])
    (output,) = host.run(rig.operator_of(graph), option, inputs)
    assert np.array_equal(output, rig.reference(graph, inputs)[0])


@given(convolutions(), st.sampled_from([Pool.TWO_BY_TWO, Pool.GLOBAL]))
def test_pooling_equals_tflm(case: rig.Case, pool: Pool) -> None:
    graph, inputs = case
    assume(poolable(graph, pool))
    _, height, width, _ = graph.tensors["y"].shape
    window = (height, width) if pool is Pool.GLOBAL else (2, 2)
    attributes = Pool2DAttributes(Padding.VALID, window[1], window[0], *window)
    fused = pooled(graph, pool)
    both = Graph(
        "both",
        {**graph.tensors, "z": replace(fused.tensors["y"], name="z")},
        (*graph.ops, Op("pool", "MAX_POOL_2D", ("y",), ("z",), attributes)),
        graph.inputs,
        ("z",),
    )
    assert np.array_equal(rig.tflm(both, inputs)["z"], rig.reference(fused, inputs)[0])


@given(cases())
def test_flash_is_that_of_the_constants(case: rig.Case) -> None:
    operator = rig.operator_of(case[0])
    for option in (option for variant in VARIANTS for option in variant.options(operator)):
        assert option.flash(operator) == super(Winograd, option).flash(operator)


# The algebra


@FORMS
def test_transforms_give_the_scaled_convolution(form: Form) -> None:
    rng = np.random.default_rng(0)
    b, g, a, scale = np.array(B[form.name]), form.filters, np.array(A[form.name]), np.array(SCALE[form.name])
    for _ in range(20):
        pixels, taps = rng.integers(0, 256, (form.lines, form.lines)), rng.integers(-128, 128, (3, 3))
        windows = np.lib.stride_tricks.sliding_window_view(pixels, (3, 3))
        sums = (windows * taps).sum(axis=(2, 3))
        result = a @ ((g @ taps @ g.T) * (b @ pixels @ b.T)) @ a.T
        assert np.array_equal(result, sums * np.outer(scale, scale))


@FORMS
def test_both_transforms_fit_int16(form: Form) -> None:
    b, g = np.array(B[form.name]), form.filters
    u = 128 * np.abs(np.einsum("pi,qj->pqij", g, g)).sum(axis=(2, 3)).max()
    products = np.einsum("pi,qj->pqij", b, b)
    v = 255 * max(np.maximum(products, 0).sum(axis=(2, 3)).max(), -np.minimum(products, 0).sum(axis=(2, 3)).min())
    assert (u, v) == {"f4": (6272, 17340), "f2": (1152, 1020)}[form.name]


def test_the_documentation_computes_what_it_says() -> None:
    result = doctest.testfile(str(REPOSITORY / "docs" / "winograd.md"), module_relative=False)
    assert result.attempted > 5
    assert result.failed == 0


# The bound


def layer(filters: Array, x: Array, zero_point: int) -> Graph:
    """One output channel; scales for which the largest sums just fill the output."""
    attributes = Conv2DAttributes(Padding.SAME, 1, 1)
    reach = 255.0 * float(np.abs(filters.astype(np.int64)).sum())
    return conv(x.shape, filters, None, attributes, Scales(1.0, [1.0], reach / 120), (zero_point, 0))


def filters_of_sum(total: int, channels: int) -> Array:
    """(1, 3, 3, channels) weights of one sign, as alike as possible, that add up to ``total``."""
    taps = 9 * channels
    values = np.full(taps, abs(total) // taps) + (np.arange(taps) < abs(total) % taps)
    return (np.sign(total) * values).astype(np.int8).reshape(1, 3, 3, channels)


LARGEST = {"f4": (2**25 - 1) // 255, "f2": (2**29 - 1) // 255}
CHANNELS = {"f4": 116, "f2": 1852}


@FORMS
@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("zero_point", [-128, 0, 127])
def test_sums_just_inside_the_bound_are_exact(form: Form, sign: int, zero_point: int) -> None:
    variant = Winograd(form, strip=(1, ALL))
    filters = filters_of_sum(sign * LARGEST[form.name], CHANNELS[form.name])
    for value in (-128, 127):
        x = np.full((1, 5, 6, filters.shape[3]), value, np.int8)
        graph = layer(filters, x, zero_point)
        assert variant.admits(rig.operator_of(graph)).ok
        assert np.array_equal(host.run(rig.operator_of(graph), variant, [x])[0], rig.reference(graph, [x])[0])


@FORMS
def test_sums_just_beyond_the_bound_are_refused_and_would_be_wrong(form: Form) -> None:
    variant = Winograd(form, strip=(1, ALL))
    filters = filters_of_sum(LARGEST[form.name] + 1, CHANNELS[form.name])
    x = np.full((1, 5, 6, filters.shape[3]), 127, np.int8)
    graph = layer(filters, x, 127)  # padding is 127 too, so that every sum is the largest
    admission = variant.admits(rig.operator_of(graph))
    assert not admission.ok
    assert f"{255 * (LARGEST[form.name] + 1):,}, exact only below {form.limit:,}" in admission.reason
    assert not np.array_equal(host.run(rig.operator_of(graph), variant, [x])[0], rig.reference(graph, [x])[0])


@pytest.mark.parametrize("extreme", [127, -128])
def test_extreme_weights_of_128_channels_fall_back_to_f2(extreme: int) -> None:
    x = np.zeros((1, 4, 4, 128), np.int8)
    operator = rig.operator_of(layer(np.full((1, 3, 3, 128), extreme, np.int8), x, 0))
    assert not VARIANTS[0].admits(operator).ok
    assert [v.form.name for v in VARIANTS if v.admits(operator).ok] == ["f2"]


def test_the_bound_takes_the_worse_sign_of_each_channel() -> None:
    filters = np.zeros((2, 3, 3, 1), np.int8)
    filters[0, 0, :, 0], filters[1, 1, :, 0] = (100, -30, -20), (10, -128, 1)
    operator = rig.operator_of(conv((1, 4, 4, 1), filters, None, Conv2DAttributes(Padding.SAME, 1, 1), SCALES, (3, 0)))
    assert VARIANTS[0].reach(operator).tolist() == [255 * 100, 255 * 128]


SCALES = Scales(0.05, [2.0**-7], 0.1)


@pytest.mark.parametrize(("kernel", "stride", "depth"), [((5, 3), 1, 4), ((3, 3), 2, 4), ((3, 3), 1, 2)])
def test_other_convolutions_are_refused(kernel: tuple[int, int], stride: int, depth: int) -> None:
    attributes = Conv2DAttributes(Padding.SAME, stride, 1)
    graph = conv((1, 6, 6, 4), np.zeros((4, *kernel, depth), np.int8), None, attributes, SCALES, (0, 0))
    assert "not 3x3 with stride 1" in VARIANTS[0].admits(rig.operator_of(graph)).reason


def test_tiles_that_need_too_much_memory_are_refused() -> None:
    filters, attributes = np.ones((4, 3, 3, 400), np.int8), Conv2DAttributes(Padding.SAME, 1, 1)
    graph = conv((1, 6, 6, 400), filters, None, attributes, SCALES, (0, 0))
    admission = VARIANTS[0].admits(rig.operator_of(graph))
    assert not admission.ok
    assert "B of scratch" in admission.reason


@FORMS
def test_wide_images_are_cut_to_what_memory_holds(form: Form) -> None:
    variant = Winograd(form, scratch_limit=60_000)
    filters, attributes = np.ones((4, 3, 3, 64), np.int8), Conv2DAttributes(Padding.SAME, 1, 1)
    operator = rig.operator_of(conv((1, 6, 600, 64), filters, None, attributes, SCALES, (0, 0)))
    tiling = variant.tiling(operator)
    assert variant.admits(operator).ok
    assert (tiling.strip_rows, tiling.strip_columns < tiling.columns) == (1, True)
    assert variant.cost(operator).scratch <= 60_000


# Bands of rows, as a chain of layers with line buffers calls the kernels


def run_in_bands(graph: Graph, x: Array, variant: Winograd, band: int) -> Array:
    """The output, ``band`` rows of the convolution at a time; rings hold what a band needs and nothing more."""
    operator = rig.operator_of(graph)
    call = variant.call(operator)
    pooled_by = 2 if call.fields["pool"] == Pool.TWO_BY_TWO else 1
    rows_in = np.full((band + 2, *x.shape[2:]), 77, np.int8)
    rows_out = np.full((max(band // pooled_by, 1), *operator.output.shape[2:]), 77, np.int8)
    buffers = {c.name: guarded.filled(c.data, c.data.itemsize, at_end=True) for c in variant.constants(operator)}
    buffers["scratch"] = guarded.Buffer(variant.cost(operator).scratch, host.TENSOR_ALIGN, at_end=True)
    buffers["input"], buffers["output"] = (guarded.filled(rows, 1, at_end=True) for rows in (rows_in, rows_out))
    ring, pooled = buffers["input"].array(rows_in), buffers["output"].array(rows_out)
    output = np.zeros(operator.output.shape, np.int8)
    loaded = 0
    for first in range(0, call.fields["rows"], band):
        rows = min(band, call.fields["rows"] - first)
        for row in range(loaded, min(first + rows + 2 - call.fields["pad_top"], x.shape[1])):
            ring[row % (band + 2)] = x[0, row]
            loaded = row + 1
        changes = {"first_row": first, "rows": rows, "input_ring": band + 2, "output_ring": len(pooled)}
        fields = {name: value for name, value in call.fields.items() if not isinstance(value, Ref)}
        host.call(variant.header, call.function, call.struct, fields | changes | buffers, buffers)
        for row in range(first // pooled_by, (first + rows) // pooled_by):
            output[0, min(row, output.shape[1] - 1)] = pooled[row % len(pooled)]
    if call.fields["pool"] == Pool.GLOBAL:
        output[0, 0] = pooled[0]
    return output


STRIPS = st.sampled_from([(1, ALL), (2, ALL), (9, ALL), (1, 2), (1, 3), (2, 1)])


@given(cases(), st.sampled_from([F4, F2]), st.sampled_from([2, 4, 6, 8]), STRIPS)
def test_bands_with_line_buffers_give_the_same(case: rig.Case, form: Form, band: int, strip: tuple[int, int]) -> None:
    graph, (x,) = case
    if x.shape[0] == 1:
        output = run_in_bands(graph, x, Winograd(form, strip=strip), band)
        assert np.array_equal(output, rig.reference(graph, [x])[0])


# Weights transformed once


@given(convolutions(), st.sampled_from([F4, F2]))
def test_weights_transformed_at_start_are_the_stored_ones(case: rig.Case, form: Form) -> None:
    operator = rig.operator_of(case[0])
    stored, resident = (Winograd(form, weights, strip=(1, ALL)) for weights in (Weights.STORED, Weights.RESIDENT))
    expected = stored.constants(operator)[0].data
    transformed = host.resident(operator, resident).array(expected)
    # Four output channels side by side, those that the layer lacks apart; the last word is not written.
    transformed, expected = (words[:-1].reshape(-1, 4) for words in (transformed, expected))
    beyond = operator.out_channels % 4 or 4
    whole = len(expected) - len(expected) // -(-operator.out_channels // 4)
    assert np.array_equal(transformed[:whole], expected[:whole])
    assert np.array_equal(transformed[whole:, :beyond], expected[whole:, :beyond])


# On the emulated Cortex-M7


def ordinary_layers() -> Iterator[Graph]:
    rng = np.random.default_rng(0)
    shapes: Sequence[tuple[tuple[int, int, int], int]] = [
        ((32, 25, 32), 64), ((16, 12, 64), 32), ((32, 32, 16), 16), ((8, 8, 64), 64), ((12, 20, 40), 24),
        ((24, 24, 3), 16),
    ]  # fmt: skip
    for size, count in shapes:
        for activation in (Activation.RELU, Activation.NONE):
            filters = rng.integers(-40, 41, (count, 3, 3, size[2])).astype(np.int8)
            attributes = Conv2DAttributes(Padding.SAME, 1, 1, activation)
            bias = rng.integers(-999, 999, count).astype(np.int32)
            zero_points = (-128, -128 if activation is Activation.RELU else 3)
            graph = conv((1, *size), filters, bias, attributes, Scales(0.05, [2.0**-8] * count, 0.5), zero_points)
            yield graph
            if activation is Activation.RELU:
                yield pooled(graph, Pool.TWO_BY_TWO)


@pytest.mark.slow
@EMULATED
@pytest.mark.parametrize("variant", [*VARIANTS, *OTHERS], ids=lambda variant: variant.name)
def test_costs_are_within_a_tenth_of_the_count(variant: Winograd, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    runs = [
        batch.Case(graph, (rng.integers(-128, 128, graph.tensors["x"].shape).astype(np.int8),), variant)
        for graph in ordinary_layers()
        if variant.admits(rig.operator_of(graph)).ok
    ]
    far = []
    for case, counted in zip(runs, batch.run_in_qemu(runs, tmp_path), strict=True):
        estimate = case.variant.cost(case.operator).instructions
        if abs(estimate / counted - 1) > 0.1:
            far.append(f"{case.variant.name} {case.operator.output}: {estimate}, counted {counted}")
    assert far == []


@pytest.mark.slow
@EMULATED
def test_every_number_of_channels_in_qemu(tmp_path: Path) -> None:
    """Each product kernel, with and without a loop over the channels."""
    rng = np.random.default_rng(0)
    runs = []
    for depth in (4, 8, 12, 16, 20, 24, 32, 40, 48, 64, 72, 96, 128, 136, 160):
        filters, x = rng.integers(-40, 41, (5, 3, 3, depth)), rng.integers(-128, 128, (1, 6, 9, depth))
        attributes = Conv2DAttributes(Padding.SAME, 1, 1)
        graph = conv(x.shape, filters.astype(np.int8), None, attributes, Scales(0.05, [2.0**-9], 0.5), (9, 3))
        runs += [batch.Case(graph, (x.astype(np.int8),), variant) for variant in (*VARIANTS, OTHERS[0])]
    assert len(batch.run_in_qemu(runs, tmp_path)) == len(runs)


@pytest.mark.slow
@EMULATED
def test_other_configurations_in_qemu(tmp_path: Path) -> None:
    sampled = rig.sample(cases(), 60)
    runs = [
        batch.Case(graph, tuple(inputs), OTHERS[i % len(OTHERS)])
        for i, (graph, inputs) in enumerate(sampled)
        if OTHERS[i % len(OTHERS)].admits(rig.operator_of(graph)).ok
    ]
    assert len(batch.run_in_qemu(runs, tmp_path)) == len(runs)


@pytest.mark.slow
@EMULATED
def test_instructions_of_the_real_student(shared_data: Path, tmp_path: Path) -> None:
    """The seven layers of Student 3 that qualify: 119 of its 122 million multiply-accumulates."""
    graph = tflite.read((shared_data / "models" / "edgel3_sea_64_int8.tflite").read_bytes(), "student")
    rng = np.random.default_rng(0)
    runs = []
    for op in graph.ops:
        if op.kind == "CONV_2D" and graph.tensors[op.inputs[0] or ""].shape[3] > 1:
            names = [*filter(None, op.inputs), *op.outputs]
            single = Graph("case", {n: graph.tensors[n] for n in names}, (op,), (op.inputs[0] or "",), op.outputs)
            x = rng.integers(-128, 128, single.tensors[single.inputs[0]].shape).astype(np.int8)
            runs.append(batch.Case(single, (x,), VARIANTS[0]))
            margin = VARIANTS[0].reach(rig.operator_of(single)).max() / F4.limit
            assert margin < 0.2
    assert len(runs) == 7
    assert sum(batch.run_in_qemu(runs, tmp_path)) < 44_600_000
