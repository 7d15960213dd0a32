"""Which kernels can compute an operator, or several consecutive ones as one step, in which configurations."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, partial

import numpy as np

from seatool.errors import InputError
from seatool.ir import Graph
from seatool.kernels import Constant, Cost, Operator, Reading, bind, compose, operators
from seatool.plan.cycles import Memory, effort
from seatool.plan.pareto import undominated, worthy
from seatool.plan.placement import Span
from seatool.plan.program import Stage
from seatool.plan.strips import GAIN, Passes, Strip, strips

CHAIN = 6
"""Most operators of a step: three convolutions, each with a pooling."""


@dataclass(frozen=True)
class Candidate:
    """Kernels that can compute a step, with what they need.

    ``strip``: how several stages take turns; None where there is one. ``flash``: bytes of constants and code, but for
    code that steps share. ``waits``: cycles of waiting for constants and resident memory.
    """

    stages: tuple[Stage, ...]
    cost: Cost
    flash: int
    strip: Strip | None = None
    waits: int = 0

    @property
    def cycles(self) -> int:
        """Estimated."""
        return self.cost.cycles + self.waits

    @property
    def effort(self) -> int:
        """What plans are chosen by: the less, the faster."""
        return effort(self.cycles, self.cost.instructions)

    @property
    def readings(self) -> tuple[tuple[Stage, Reading], ...]:
        """Stages, and how each reads its constants."""
        readings = (self.stages[0].reading,) if self.strip is None else self.strip.readings
        return tuple(zip(self.stages, readings, strict=True))

    @cached_property
    def resident(self) -> tuple[int, ...]:
        """Bytes of each block of RAM that is filled before the first inference."""
        return tuple(Span(0, 0, stage.resident.bytes).room for stage in self.stages if stage.resident is not None)

    @property
    def kernel(self) -> str:
        """The names of its variants."""
        return "+".join(stage.variant.name for stage in self.stages)

    @property
    def inplace(self) -> tuple[int, ...]:
        """Indices of the first operator's inputs that the step's output 0 may overwrite."""
        if self.strip is not None:
            return (0,) if self.strip.inplace else ()
        return self.stages[0].variant.inplace(self.stages[0].operator)

    @cached_property
    def constants(self) -> tuple[tuple[str, Constant], ...]:
        """Const arrays that the kernels need in flash, each with the layer that it belongs to."""
        return tuple((stage.name, constant) for stage in self.stages for constant in stage.constants)


@dataclass(frozen=True)
class Group:
    """Consecutive operators that one step can compute, from number ``first`` on.

    ``rejected`` names the kernels that cannot compute the first of them, with the reason in words. A view has no
    candidates.
    """

    first: int
    operators: tuple[Operator, ...]
    candidates: tuple[Candidate, ...]
    rejected: tuple[tuple[str, str], ...] = ()

    @property
    def end(self) -> int:
        return self.first + len(self.operators)

    @property
    def is_view(self) -> bool:
        return self.operators[0].is_view


def bind_all(graph: Graph) -> tuple[Operator, ...]:
    """Every operator of ``graph``; InputError that lists all those which cannot be compiled, with the reasons."""
    bound, problems = [], []
    for number, op in enumerate(graph.ops):
        where = f"{op.source or f'#{number} {op.name}'}  {op.kind} v{op.version}"
        if op.kind not in operators():
            problems.append(f"{where}: unknown operator")
            continue
        operator = bind(op, graph)
        problems += [f"{where}: {reason}" for reason in operator.problems()]
        if operator.is_view and operator.input(0).is_constant:
            problems.append(f"{where}: a view of a constant")
        bound.append(operator)
    _raise(graph, problems)
    if all(operator.is_view for operator in bound):
        raise InputError(f"{graph.name}: no operator computes anything", "compile a model that has layers")
    return tuple(bound)


def groups(
    graph: Graph, bound: Sequence[Operator], hot: int, largest: int, memory: Memory, *, fuse: bool = True
) -> tuple[tuple[Group, ...], ...]:
    """For every operator the groups that begin with it, the operator alone first.

    Raises InputError that lists all operators without any kernel.

    Args:
        graph: Says who reads what.
        bound: Its operators.
        hot: Bytes of the fastest region. Kernels read their scratch over and over: one that needs more is considered
            only where no other can compute the operator.
        largest: Bytes of the largest region; a kernel that needs more scratch cannot be placed.
        memory: Says what is waited for.
        fuse: Also the groups of several operators.
    """
    result, problems = [], []
    passes: Passes = cache(partial(_passes, graph=graph))
    for first, operator in enumerate(bound):
        alone = _alone(first, operator, hot, memory)
        if not alone.candidates:
            alone = _alone(first, operator, largest, memory)
        if not alone.is_view and not alone.candidates:
            source = operator.op.source or operator.op.name
            reasons = alone.rejected or (("no kernel", "none is registered"),)
            problems += [f"{source}  {operator.kind}: {variant}: {reason}" for variant, reason in reasons]
        result.append((alone, *(_fused(graph, bound, first, hot, memory, passes) if fuse else ())))
    _raise(graph, problems)
    return tuple(result)


def _raise(graph: Graph, problems: Sequence[str]) -> None:
    if problems:
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        lines = "".join(f"\n  {problem}" for problem in problems)
        raise InputError(
            f"{graph.name}: {count} with its operators{lines}",
            "docs/operators.md says what is supported",
        )


def _alone(first: int, operator: Operator, scratch_limit: int, memory: Memory) -> Group:
    if operator.is_view:
        return Group(first, (operator,), ())
    admitted: list[Candidate] = []
    rejected = []
    for variant in operator.variants:
        admission = variant.admits(operator)
        if not admission.ok:
            rejected.append((variant.name, admission.reason))
            continue
        options = [_candidate(Stage((operator,), operator, option), memory) for option in variant.options(operator)]
        least = min(option.cost.scratch for option in options)
        if least > scratch_limit:
            rejected.append(
                (variant.name, f"needs {least:,} B of scratch, more than the {scratch_limit:,} of a region")
            )
        admitted += [option for option in options if option.cost.scratch <= scratch_limit]
    return Group(first, (operator,), worth_considering(admitted), tuple(rejected))


def _candidate(stage: Stage, memory: Memory) -> Candidate:
    waits = memory.stage_waits(stage, stage.reading)
    return Candidate((stage,), stage.cost, stage.flash + stage.cost.code, waits=waits)


def _fused(
    graph: Graph, bound: Sequence[Operator], first: int, scratch_limit: int, memory: Memory, passes: Passes
) -> Iterator[Group]:
    """Groups of several operators, each the only reader of the one before."""
    end = first + 1
    while end < len(bound) and end - first < CHAIN and feeds_only(graph, bound, end - 1):
        end += 1
        chain = tuple(bound[first:end])
        found = [*(_candidate(stage, memory) for stage in passes(chain)), *_strips(chain, memory, passes)]
        candidates = worth_considering(candidate for candidate in found if candidate.cost.scratch <= scratch_limit)
        if candidates:
            yield Group(first, chain, candidates)


def feeds_only(graph: Graph, bound: Sequence[Operator], number: int) -> bool:
    """Whether the result of operator ``number`` is read by the next one, as its first input, and by nothing else."""
    if number + 1 >= len(bound) or len(bound[number].outputs) != 1:
        return False
    name, then = bound[number].output.name, bound[number + 1]
    readers = [op for op in graph.ops if name in op.inputs]
    return (
        name not in graph.sinks
        and not bound[number].is_view
        and not then.is_view
        and readers == [then.op]
        and then.op.inputs[0] == name
        and then.op.inputs.count(name) == 1
    )


def _passes(chain: tuple[Operator, ...], graph: Graph) -> tuple[Stage, ...]:
    """Every configuration of every kernel that computes all of ``chain`` in one pass."""
    composed: Operator | None = chain[0]
    for then in chain[1:]:
        composed = compose(composed, then, graph) if composed is not None else None
    if composed is None:
        return ()
    admitted = [variant for variant in composed.variants if variant.admits(composed).ok]
    return tuple(Stage(chain, composed, option) for variant in admitted for option in variant.options(composed))


def _strips(chain: tuple[Operator, ...], memory: Memory, passes: Passes) -> Iterator[Candidate]:
    """Kernels that take turns, band by band, each with its part of the chain."""
    for stages, strip in strips(chain, memory, passes):
        flash = sum(stage.flash for stage in stages)
        yield Candidate(stages, strip.cost, flash + strip.cost.code, strip, strip.waits)


def worth_considering(candidates: Iterable[Candidate]) -> tuple[Candidate, ...]:
    """Those of ``candidates`` for a step that may be part of a good plan, the fastest first.

    None of them needs as much memory of every kind as another one without being faster by ``GAIN`` at least.
    """
    found = list(candidates)
    if not found:
        return ()
    overwritable = sorted({index for candidate in found for index in candidate.inplace})
    needs = np.array([_needs(candidate, overwritable) for candidate in found], np.int64)
    rows = undominated(needs)
    return tuple(found[row] for row in rows[worthy(needs[rows], GAIN)].tolist())


def _needs(candidate: Candidate, overwritable: Sequence[int]) -> tuple[int, ...]:
    """Memory of every kind, and effort. Memory for the output beside an input is a kind for each input."""
    beside = (int(index not in candidate.inplace) for index in overwritable)
    flash, cost = candidate.flash, candidate.cost
    with_shared = flash - cost.code + cost.all_code
    return (*beside, flash, with_shared, sum(candidate.resident), cost.scratch, candidate.effort)


def rejections(group: Group, taken: Candidate, others: Sequence[Candidate]) -> tuple[tuple[str, str], ...]:
    """Every other kernel of the step's first operator, with the reason in words.

    ``others``: candidates of the same group, of which each kernel's fastest is compared.
    """
    fastest: dict[str, Candidate] = {}
    for candidate in others:
        if candidate.kernel != taken.kernel:
            fastest.setdefault(candidate.kernel, candidate)
    return (*((name, _why_not(candidate, taken)) for name, candidate in fastest.items()), *group.rejected)


def _why_not(candidate: Candidate, taken: Candidate) -> str:
    if candidate.effort >= taken.effort:
        return f"about {candidate.cycles:,} cycles, {candidate.cycles / max(taken.cycles, 1):.2f} times {taken.kernel}"
    if candidate.cost.scratch > taken.cost.scratch:
        return f"its {candidate.cost.scratch:,} B of scratch do not fit the budget"
    return f"its {candidate.flash:,} B of flash do not fit the budget"
