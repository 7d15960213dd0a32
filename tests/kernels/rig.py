"""The property-test rig of the kernels: reference == TFLM == every admissible C kernel, on any one-operator graph."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import host
import numpy as np
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from seatool.importers import tflite
from seatool.ir import Array, Attributes, DType, Graph, NoAttributes, Op, Quantization, State, Tensor
from seatool.kernels import Operator, bind
from seatool.tflm.reference import Reference


def tensor(
    name: str,
    shape: Sequence[int],
    scale: float | None = None,
    zero_point: int = 0,
    *,
    data: Array | None = None,
    dtype: DType = DType.INT8,
) -> Tensor:
    """A tensor with per-tensor quantization (none where ``scale`` is None); ``data`` makes it a constant."""
    quant = None if scale is None else Quantization.per_tensor(scale, zero_point)
    return Tensor(name, tuple(shape), dtype, quant, data)


def int32(name: str, values: Sequence[int] | Array) -> Tensor:
    """A constant int32 tensor (axes, paddings, shapes)."""
    data = np.array(values, np.int32)
    return Tensor(name, data.shape, DType.INT32, None, data)


def single(
    kind: str,
    inputs: Sequence[Tensor | None],
    outputs: Sequence[Tensor],
    attributes: Attributes | None = None,
    version: int = 1,
) -> Graph:
    """A graph of one operator called ``layer``; its inputs are the tensors without data."""
    present = [t for t in inputs if t is not None]
    op = Op(
        "layer",
        kind,
        tuple(None if t is None else t.name for t in inputs),
        tuple(t.name for t in outputs),
        NoAttributes() if attributes is None else attributes,
        version,
    )
    variable = dict.fromkeys(t.name for t in present if not t.is_constant)
    tensors = {t.name: t for t in [*present, *outputs]}
    return Graph("case", tensors, (op,), tuple(variable), tuple(t.name for t in outputs))


def stateful(graph: Graph) -> Graph:
    """``graph`` of one operator with its state inputs as states, which begin at real zeros."""
    operator, op = operator_of(graph), graph.ops[0]
    tensors, states = dict(graph.tensors), []
    for index in operator.state_inputs:
        value = operator.input(index)
        following = replace(value, name=f"{value.name}/next")
        zero = value.zero_point if value.dtype is DType.INT8 else 0
        initial = np.full(value.shape, zero, value.dtype.numpy)
        tensors[following.name] = following
        states.append(State(value.name, following.name, initial))
    op = replace(op, outputs=(*op.outputs, *(state.next for state in states)))
    kept = tuple(name for name in graph.inputs if all(name != state.value for state in states))
    return Graph("case", tensors, (op,), kept, graph.outputs, states=tuple(states))


def tflm(graph: Graph, inputs: Sequence[Array]) -> dict[str, Array]:
    """What TFLM computes: every tensor that is not constant, by name."""
    return Reference(tflite.write(graph), graph).run(inputs)


def operator_of(graph: Graph) -> Operator:
    """The operator of a one-operator graph."""
    return bind(graph.ops[0], graph)


def reference(graph: Graph, inputs: Sequence[Array]) -> tuple[Array, ...]:
    """What our integer reference computes for a one-operator graph."""
    operator, values_of = operator_of(graph), given_values(graph, inputs)
    values = [None if t is None else t.data if t.is_constant else values_of[t.name] for t in operator.inputs]
    outputs = operator.evaluate(*values)
    for value, t in zip(outputs, operator.outputs, strict=True):
        assert value.shape == t.shape, f"reference of {t} has shape {value.shape}"
        assert value.dtype == t.dtype.numpy, f"reference of {t} is {value.dtype}"
    return outputs


def check(graph: Graph, inputs: Sequence[Array], *, oracle: bool = True) -> None:
    """Demand equality of the reference, TFLM and every admissible kernel, also in place where it says it may.

    Args:
        graph: One operator.
        inputs: One array per graph input.
        oracle: False where TFLM has no such operator (LOOKUP_TABLE).
    """
    operator = operator_of(graph)
    assert list(operator.problems()) == []
    assert list(operator.output_shapes()) == [t.shape for t in operator.outputs]
    expected = reference(graph, inputs)
    if oracle:
        truth = tflm(graph, inputs)
        for value, t in zip(expected, operator.outputs, strict=True):
            _equal(truth[t.name], value, f"TFLM against the reference, {t}")
    if operator.is_view:
        return
    check_kernels(graph, inputs, expected)


def check_sequence(graph: Graph, sequence: Sequence[Sequence[Array]]) -> None:
    """As :func:`check` for inferences that follow each other; the states go from one to the next."""
    operator = operator_of(graph)
    assert list(operator.problems()) == []
    reference_model = Reference(tflite.write(graph), graph)
    for number, inputs in enumerate(sequence):
        expected, truth = reference(graph, inputs), reference_model.run(inputs)
        for value, t in zip(expected, operator.outputs, strict=True):
            _equal(truth[t.name], value, f"TFLM against the reference, inference {number}, {t}")
        check_kernels(graph, inputs, expected)
        left = dict(zip(operator.op.outputs, expected, strict=True))
        graph = replace(graph, states=tuple(replace(state, initial=left[state.next]) for state in graph.states))


def given_values(graph: Graph, inputs: Sequence[Array]) -> dict[str, Array]:
    """What is there before an inference, by name: inputs and states."""
    return dict(zip(graph.inputs, inputs, strict=True)) | {state.value: state.initial for state in graph.states}


def check_kernels(graph: Graph, inputs: Sequence[Array], expected: Sequence[Array]) -> None:
    """Demand that every admissible kernel gives ``expected``, also in place where it says it may."""
    operator, given = operator_of(graph), given_values(graph, inputs)
    values = [given[t.name] for t in operator.inputs if t is not None and not t.is_constant]
    admissible = [v for v in operator.variants if v.admits(operator).ok]
    assert admissible, "no variant computes this"
    calls = [(variant, None) for variant in admissible]
    calls += [
        (option, index) for v in admissible for option in v.options(operator) for index in option.inplace(operator)
    ]
    for variant, inplace in calls:
        got = host.run(operator, variant, values, inplace)
        for value, actual, t in zip(expected, got, operator.outputs, strict=True):
            _equal(value, actual, f"the reference against {variant.name} (in place: {inplace}), {t}")


def _equal(want: Array, got: Array, what: str) -> None:
    """Bit for bit; floats compare as bits too."""
    if np.ascontiguousarray(want).tobytes() != np.ascontiguousarray(got).tobytes():
        at = np.argwhere(want != got)
        first = tuple(int(i) for i in at[0]) if len(at) else ()
        raise AssertionError(f"{what}: {len(at)} differ, first at {first}: {want[first]} against {got[first]}")


# Strategies. Data comes from a seed and a style, which is fast and shrinks well enough.

_ROUND_SCALES = [1 / 256, 1 / 128, 0.0039, 2.0**-10, 0.01, 0.02, 0.05, 0.08, 0.1, 0.2, 0.3, 0.75, 1.0, 1.5]
"""Ratios of these come close to ties, where the last bit of a multiplier shows."""

scales = st.one_of(st.sampled_from(_ROUND_SCALES), st.floats(2.0**-12, 4.0, width=32, exclude_min=True))
zero_points = st.one_of(st.sampled_from([-128, -127, 0, 127]), st.integers(-128, 127))
STYLES = ("uniform", "extremes", "low", "high", "ramp")


@st.composite
def arrays(draw: st.DrawFn, shape: Sequence[int]) -> Array:
    """int8 values of the given shape: noise, only extremes, all low, all high, or a ramp."""
    style, seed = draw(st.sampled_from(STYLES)), draw(st.integers(0, 2**32 - 1))
    rng, size = np.random.default_rng(seed), tuple(shape)
    if style == "uniform":
        return rng.integers(-128, 128, size).astype(np.int8)
    if style == "extremes":
        return rng.choice(np.array([-128, -127, -1, 0, 1, 127], np.int8), size)
    if style == "ramp":
        return (np.arange(int(np.prod(size))) + seed).astype(np.uint8).view(np.int8).reshape(size)
    return np.full(size, -128 if style == "low" else 127, np.int8)


Case = tuple[Graph, list[Array]]
"""A one-operator graph and its inputs. A test module's strategy ``cases()`` draws these."""

Strategy = Callable[[], st.SearchStrategy[Graph]]


def sample(strategy: st.SearchStrategy[Case], count: int) -> list[Case]:
    """The first ``count`` examples of a strategy, always the same."""
    drawn: list[Case] = []

    @settings(max_examples=count, phases=(Phase.generate,), derandomize=True, database=None)
    @given(strategy)
    def collect(case: Case) -> None:
        drawn.append(case)

    collect()
    return drawn
