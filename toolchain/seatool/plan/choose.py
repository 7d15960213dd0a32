"""Which kernel computes an operator: the fastest admissible one, and what to fall back to when memory is short."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from seatool.errors import InputError
from seatool.ir import Graph
from seatool.kernels import WHOLE, Constant, Cost, Operator, Tile, Variant, bind, operators


@dataclass(frozen=True)
class Candidate:
    """A kernel that can compute an operator, with its estimated cost."""

    operator: Operator
    variant: Variant
    tile: Tile
    cost: Cost

    @cached_property
    def constants(self) -> tuple[Constant, ...]:
        """Const arrays that the kernel needs in flash."""
        return self.variant.constants(self.operator)


@dataclass(frozen=True)
class Choice:
    """What may compute one operator: ``candidates`` fastest first, each needing less scratch than the one before.

    ``rejected`` names the kernels left out, with the reason in words. A view has no candidates.
    """

    operator: Operator
    candidates: tuple[Candidate, ...]
    rejected: tuple[tuple[str, str], ...]

    @property
    def is_view(self) -> bool:
        return self.operator.is_view


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


def choices(graph: Graph, bound: Sequence[Operator], scratch_limit: int) -> tuple[Choice, ...]:
    """For every operator the kernels worth considering; InputError that lists all operators without any.

    ``scratch_limit``: bytes of the largest region; a kernel that needs more scratch cannot be placed.
    """
    result = tuple(_choice(operator, scratch_limit) for operator in bound)
    problems = [
        f"{choice.operator.op.source or choice.operator.op.name}  {choice.operator.kind}: {variant}: {reason}"
        for choice in result
        if not choice.is_view and not choice.candidates
        for variant, reason in choice.rejected or (("no kernel", "none is registered"),)
    ]
    _raise(graph, problems)
    return result


def _raise(graph: Graph, problems: Sequence[str]) -> None:
    if problems:
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        lines = "".join(f"\n  {problem}" for problem in problems)
        raise InputError(
            f"{graph.name}: {count} with its operators{lines}",
            "`seatool inspect MODEL` lists the graph; docs/operators.md says what is supported",
        )


def _choice(operator: Operator, scratch_limit: int) -> Choice:
    if operator.is_view:
        return Choice(operator, (), ())
    admitted, rejected = [], []
    for variant in operator.variants:
        admission = variant.admits(operator)
        if not admission.ok:
            rejected.append((variant.name, admission.reason))
            continue
        candidate = Candidate(operator, variant, WHOLE, variant.cost(operator))
        if candidate.cost.scratch > scratch_limit:
            need = f"{candidate.cost.scratch:,} B of scratch; the largest region has {scratch_limit:,}"
            rejected.append((variant.name, f"needs {need}"))
        else:
            admitted.append(candidate)
    admitted.sort(key=lambda c: (c.cost.instructions, c.cost.scratch, c.variant.name))
    kept: list[Candidate] = []
    for candidate in admitted:
        if not kept or candidate.cost.scratch < kept[-1].cost.scratch:
            kept.append(candidate)
        else:
            rejected.append((candidate.variant.name, _slower(candidate, kept[0])))
    return Choice(operator, tuple(kept), tuple(rejected))


def _slower(candidate: Candidate, best: Candidate) -> str:
    """Why ``candidate`` is worse than ``best``."""
    ratio = candidate.cost.instructions / max(best.cost.instructions, 1)
    return f"about {candidate.cost.instructions:,} instructions, {ratio:.2f} times {best.variant.name}"


def rejections(choice: Choice, taken: Candidate) -> tuple[tuple[str, str], ...]:
    """Every kernel but ``taken``, with the reason in words."""
    others = []
    for candidate in choice.candidates:
        if candidate.cost.instructions < taken.cost.instructions:
            others.append(
                (candidate.variant.name, f"its {candidate.cost.scratch:,} B of scratch do not fit the budget")
            )
        elif candidate is not taken:
            others.append((candidate.variant.name, _slower(candidate, taken)))
    return (*others, *choice.rejected)
