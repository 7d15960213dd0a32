"""Observers see everything once; methods choose ranges that hold zero."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from seatool.ir import Array, DType, dequantize_values, quantize_values
from seatool.quantize.affine import activation_parameters
from seatool.quantize.observe import Observer
from seatool.quantize.ranges import METHODS, everything, least_error, percentile


def observed(*batches: Array) -> Observer:
    observer = Observer()
    for batch in batches:
        observer.add(batch)
    return observer


def squared_error(values: Array, low: float, high: float) -> float:
    quant = activation_parameters(low, high)
    restored = dequantize_values(quantize_values(values, quant, DType.INT8), quant)
    return float(np.mean((restored - values) ** 2))


batches = st.lists(
    st.lists(st.floats(-1e9, 1e9, width=32), min_size=1, max_size=20).map(lambda v: np.array(v, np.float32)),
    min_size=1,
    max_size=6,
)


@settings(deadline=None)
@given(batches, st.randoms(use_true_random=False))
def test_the_order_of_the_values_does_not_matter(parts: list[Array], random: object) -> None:
    shuffled = list(parts)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    a, b, merged = observed(*parts), observed(*shuffled), Observer()
    for part in shuffled:
        merged.merge(observed(part))
    for other in (b, merged):
        assert (a.low, a.high, a.zeros) == (other.low, other.high, other.zeros)
        np.testing.assert_array_equal(a.counts, other.counts)
        np.testing.assert_array_equal(a.centres, other.centres)
    assert a.counts.sum() + a.zeros == sum(part.size for part in parts)


def test_values_lie_in_the_bins_that_count_them() -> None:
    values = np.random.default_rng(0).normal(3, 10, 1000).astype(np.float32)
    observer = observed(values)
    half = (observer.centres[1] - observer.centres[0]) / 2
    nearest = np.abs(values[:, None] - observer.centres[observer.counts > 0]).min(axis=1)
    assert nearest.max() <= half


def test_infinite_padding_is_not_observed() -> None:
    observer = observed(np.array([-np.inf, -3.4e38, 1.0, -2.0], np.float32))
    assert observer.extremes == (-2.0, 1.0)
    assert observer.counts.sum() == 2


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
@pytest.mark.parametrize("values", [[0.0], [3.0, 4.0], [-5.0, -1.0], [-1.0, 0.0, 2.0]])
def test_every_method_holds_zero_and_stays_inside_what_was_seen(method: object, values: list[float]) -> None:
    observer = observed(np.array(values, np.float32))
    low, high = method(observer)  # type: ignore[operator]
    assert min(*values, 0.0) <= low <= 0.0 <= high <= max(*values, 0.0)
    assert (low, high) != (0.0, 0.0) or values == [0.0]


def test_minmax_is_the_range_seen() -> None:
    assert everything(observed(np.array([-1.0, 7.0], np.float32))) == (-1.0, 7.0)


def test_a_percentile_leaves_its_share_outside() -> None:
    values = np.random.default_rng(1).standard_normal(100_000).astype(np.float32)
    low, high = percentile(0.999)(observed(values))
    assert low == pytest.approx(np.quantile(values, 0.001), abs=0.01)
    assert high == pytest.approx(np.quantile(values, 0.999), abs=0.01)


def test_zeros_count_in_a_percentile() -> None:
    values = np.concatenate([np.zeros(99_000), np.linspace(0, 1, 1001)[1:]]).astype(np.float32)
    _, high = percentile(0.999)(observed(values))
    assert high == pytest.approx(0.9, abs=0.01)


@pytest.mark.parametrize("rectified", [False, True])
def test_least_error_beats_the_full_range_on_heavy_tails(rectified: bool) -> None:
    values = np.random.default_rng(2).standard_t(3, 50_000).astype(np.float32)
    values = np.maximum(values, 0) if rectified else values
    observer = observed(values)
    best = squared_error(values, *least_error(2.0)(observer))
    assert best < 0.98 * squared_error(values, *everything(observer))
    grid = [squared_error(values, f * observer.extremes[0], f * observer.extremes[1]) for f in np.linspace(0.05, 1, 40)]
    assert best < 1.05 * min(grid)


def test_a_higher_power_clips_less() -> None:
    observer = observed(np.random.default_rng(3).standard_t(3, 50_000).astype(np.float32))
    widths = [np.ptp(least_error(power)(observer)) for power in (2.0, 2.4, 4.0)]
    assert widths == sorted(widths)
    assert widths[0] < widths[2]
