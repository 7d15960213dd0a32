"""Two models, firmwares or dumps, tensor by tensor: where they part, and where quantization loses most."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from seatool.errors import InputError
from seatool.ir import Array, Graph, dequantize_values
from seatool.pipeline.matching import match
from seatool.pipeline.progress import Stage, silent
from seatool.pipeline.sides import Given, Side, from_files, from_traces, generated, open_side
from seatool.pipeline.tensors import Source
from seatool.pipeline.traces import INPUT, Trace

ROUNDING = 1e-5
"""What real numbers may differ by without --tolerance, as a share of the tensor's largest value: float32 sums."""

_FAITHFUL_DB = 20.0
"""An input that was only quantized keeps more."""

Unit = Literal["steps", "real"]


@dataclass(frozen=True)
class Pair:
    """A tensor of A and the one of B that it was compared with.

    Attributes:
        layer, operator: As A calls them; the operator as B does where A does not know.
        layer_b: As B calls the layer.
        a, b: The tensors' names.
        shape: Of one inference.
        values, different: How many there are, and how many differ by more than the tolerance.
        max_abs: The largest difference: in steps of the quantization where both have the same, else in real numbers.
        sqnr_db: The power of A's values over that of the difference; None where nothing differs, -inf where A is 0.
        lost_db: How much of it is lost here, against the least of the tensors that it is computed from; None where
            these are equal, and where nothing differs.
        noise: What is lost here as a share: noise over signal, less that of what it is computed from.
        judged: Whether a difference counts: both hold the same kind of numbers, or a tolerance was given.
        first: Where the first value differs: inference, then indices; None where none does.
        first_a, first_b: What it is there, in ``unit``.
    """

    layer: str
    layer_b: str
    operator: str
    a: str
    b: str
    shape: tuple[int, ...]
    values: int
    different: int
    max_abs: float
    unit: Unit
    sqnr_db: float | None
    lost_db: float | None
    noise: float
    judged: bool
    first: tuple[int, ...] | None
    first_a: float | None
    first_b: float | None

    @property
    def diverges(self) -> bool:
        return self.judged and self.different > 0


@dataclass(frozen=True)
class Difference:
    """The outcome. ``only_a`` and ``only_b``: labels of what has no counterpart; ``inputs``: where they are from."""

    a: Side
    b: Side
    inputs: str
    pairs: tuple[Pair, ...]
    only_a: tuple[str, ...]
    only_b: tuple[str, ...]

    @property
    def first(self) -> Pair | None:
        """The first pair that differs and counts."""
        return next((pair for pair in self.pairs if pair.diverges), None)

    @property
    def inputs_differ(self) -> bool:
        """Whether an input of one side cannot hold what the other was given."""
        ports = [pair for pair in self.pairs if pair.operator == INPUT]
        return any(pair.sqnr_db is not None and pair.sqnr_db < _FAITHFUL_DB for pair in ports)

    @property
    def most_lost(self) -> Pair | None:
        """Of the pairs that do not count, the one with most noise of its own: where quantization costs most."""
        losing = [pair for pair in self.pairs if not pair.judged and pair.noise > 0]
        return max(losing, key=lambda pair: pair.noise, default=None)

    def to_json(self) -> dict[str, Any]:
        """As docs/json.md has it."""
        first, lost = self.first, self.most_lost
        return {
            "a": {"path": str(self.a.path), "what": self.a.what, "absent": list(self.a.absent)},
            "b": {"path": str(self.b.path), "what": self.b.what, "absent": list(self.b.absent)},
            "inputs": self.inputs,
            "different": first is not None,
            "first": first.layer if first else None,
            "most_lost": lost.layer if lost else None,
            "layers": [{key: _finite(value) for key, value in vars(pair).items()} for pair in self.pairs],
            "only_a": list(self.only_a),
            "only_b": list(self.only_b),
        }


def _finite(value: Any) -> Any:
    """JSON has no infinity and no NaN."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def diff(
    a: Path,
    b: Path,
    source: Source | None = None,
    count: int = 4,
    seed: int = 0,
    tolerance: float | None = None,
    stage: Stage = silent,
) -> Difference:
    """Compare ``a`` and ``b``, each a model file, a project folder, or tensors from files (:func:`traces.read`).

    Both compute the same inputs: those in ``source``; those that files of tensors hold; else ``count`` generated ones
    (:func:`generated`). ``tolerance``: what a value may differ by, in the unit of :class:`Pair`. Without it integers of
    one quantization must be equal and real numbers on both sides nearly so (:data:`ROUNDING`); where a real number
    meets a quantized one, or two quantizations meet, differences are reported and do not count.

    Raises InputError where nothing can be compared.
    """
    sides = (open_side(a), open_side(b))
    given = _given(sides, source, count, seed, stage)
    what = given.what if given else "of the files"
    found = []
    for side in sides:
        examples = given.for_graph(side.graph) if given and side.graph else []
        found.append(side.run(examples, stage))
    return _compared(sides, what, found, tolerance)


def _given(sides: Sequence[Side], source: Source | None, count: int, seed: int, stage: Stage) -> Given | None:
    """The inputs for the sides that compute; None where neither does."""
    graphs = [side.graph for side in sides if side.graph is not None]
    if not graphs:
        if source is not None:
            raise InputError("--input has no use: both sides are tensors from files", "leave it out")
        return None
    if source is not None:
        return from_files(source, sides)
    if len(graphs) == 1:
        return from_traces(next(side for side in sides if side.graph is None).run((), stage), graphs[0])
    return generated(sides, count, seed)


def _compared(
    sides: Sequence[Side], inputs: str, found: Sequence[tuple[Trace, ...]], tolerance: float | None
) -> Difference:
    a, b = found
    matched = match(a, b)
    if not matched:
        raise InputError(
            f"{sides[0].path} and {sides[1].path} have no tensor in common", "tensors are matched by name and by shape"
        )
    for i, j in matched:
        counts = len(a[i].values), len(b[j].values)
        if counts[0] != counts[1]:
            raise InputError(
                f"{a[i].label}: {sides[0].path} holds {counts[0]} inferences, {sides[1].path} {counts[1]}",
                "both need the same inputs",
            )
    measured = {i: _Measured.of(a[i], b[j], tolerance) for i, j in matched}
    before = _before(sides, a, b, matched, {i: one.sqnr_db for i, one in measured.items()})
    pairs = tuple(_pair(a[i], b[j], measured[i], before[i]) for i, j in matched)
    with_a, with_b = {i for i, _ in matched}, {j for _, j in matched}
    return Difference(
        sides[0],
        sides[1],
        inputs,
        pairs,
        tuple(trace.label for i, trace in enumerate(a) if i not in with_a),
        tuple(trace.label for j, trace in enumerate(b) if j not in with_b),
    )


@dataclass(frozen=True)
class _Measured:
    """The difference of two tensors; ``sqnr_db`` is infinite where there is none."""

    different: int
    max_abs: float
    unit: Unit
    sqnr_db: float
    judged: bool
    first: tuple[int, ...] | None
    first_a: float | None
    first_b: float | None

    @classmethod
    @np.errstate(all="ignore")
    def of(cls, a: Trace, b: Trace, tolerance: float | None) -> _Measured:
        one_scale = a.quant == b.quant or None in (a.quant, b.quant)
        alike = a.values.dtype.kind in "iub" and a.values.dtype == b.values.dtype and one_scale
        both_real = a.quant is None and b.quant is None and {a.values.dtype.kind, b.values.dtype.kind} == {"f"}
        real_a, real_b = _real(a), _real(b).reshape(a.values.shape)
        same = (real_a == real_b) | (np.isnan(real_a) & np.isnan(real_b))  # also where both are infinite
        error = np.where(same, 0.0, real_b - real_a)
        shown_a, shown_b = real_a, real_b
        if alike:
            shown_a, shown_b = a.values.astype(np.int64), b.values.reshape(a.values.shape).astype(np.int64)
        gap = np.abs(shown_b - shown_a) if alike else np.abs(error)
        allowed = tolerance
        if allowed is None:
            finite = np.abs(real_a[np.isfinite(real_a)])
            allowed = ROUNDING * float(finite.max(initial=0.0)) if both_real else 0.0
        beyond = ~(gap <= allowed)  # NaN is beyond anything
        where = np.unravel_index(int(beyond.argmax()), beyond.shape) if beyond.any() else None
        return cls(
            different=int(beyond.sum()),
            max_abs=float(gap.max(initial=0)),
            unit="steps" if alike else "real",
            sqnr_db=_sqnr_db(real_a, error),
            judged=alike or both_real or tolerance is not None,
            first=None if where is None else tuple(int(i) for i in where),
            first_a=None if where is None else shown_a[where].item(),
            first_b=None if where is None else shown_b[where].item(),
        )


def _real(trace: Trace) -> npt.NDArray[np.float64]:
    values: Array = trace.values
    if trace.quant is not None:
        values = dequantize_values(values, trace.quant)
    return values.astype(np.float64)


def _sqnr_db(signal: npt.NDArray[np.float64], noise: npt.NDArray[np.float64]) -> float:
    power, total = float(np.vdot(noise, noise)), float(np.vdot(signal, signal))
    if power == 0.0:
        return math.inf
    ratio = total / power
    return 10.0 * math.log10(ratio) if 0.0 < ratio < math.inf else -math.inf


def _pair(a: Trace, b: Trace, measured: _Measured, before: float) -> Pair:
    """``before``: the ratio of what it is computed from."""
    sqnr = measured.sqnr_db
    return Pair(
        layer=a.label,
        layer_b=b.label,
        operator=a.operator or b.operator,
        a=a.tensor,
        b=b.tensor,
        shape=a.values.shape[1:],
        values=a.values.size,
        different=measured.different,
        max_abs=measured.max_abs,
        unit=measured.unit,
        sqnr_db=None if sqnr == math.inf else sqnr,
        lost_db=None if math.isinf(sqnr) or math.isinf(before) else before - sqnr,
        noise=_share(sqnr) - _share(before),
        judged=measured.judged,
        first=measured.first,
        first_a=measured.first_a,
        first_b=measured.first_b,
    )


def _share(sqnr_db: float) -> float:
    """Noise over signal; nothing where the ratio is infinite."""
    return float(10.0 ** (-sqnr_db / 10.0))


def _before(
    sides: Sequence[Side],
    a: Sequence[Trace],
    b: Sequence[Trace],
    matched: Sequence[tuple[int, int]],
    sqnr_db: Mapping[int, float],
) -> dict[int, float]:
    """By index into ``a`` the least ratio among the nearest pairs that a tensor is computed from.

    Where no side knows the network, the pair before.
    """
    graph = sides[0].graph or sides[1].graph
    if graph is None:
        ratios = [math.inf, *(sqnr_db[i] for i, _ in matched)]
        return {i: ratio for (i, _), ratio in zip(matched, ratios, strict=False)}
    names = {i: (a[i] if sides[0].graph else b[j]).tensor for i, j in matched}
    before = _least_before(graph, {names[i]: sqnr_db[i] for i in names})
    return {i: before.get(name, math.inf) for i, name in names.items()}


def _least_before(graph: Graph, known: Mapping[str, float]) -> dict[str, float]:
    """By tensor the least of ``known`` among the nearest known tensors that it is computed from."""
    reaching = {name: known.get(name, math.inf) for name in graph.sources}
    before = {}
    for op in graph.ops:
        least = min((reaching[name] for name in op.inputs if name in reaching), default=math.inf)
        for name in op.outputs:
            before[name] = least
            reaching[name] = known.get(name, least)
    return before
