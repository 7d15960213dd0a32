"""Which of TFLM's operators compute what a step of the compiled model computes."""

from __future__ import annotations

from collections.abc import Sequence

from seatool.importers.tflite.records import RawModel


def step_of_operators(model: RawModel, outputs: Sequence[Sequence[str]]) -> list[int | None]:
    """For each operator of ``model`` the number of the step that does its work.

    Args:
        model: The file that TFLM runs.
        outputs: For each step, in order, the names of the tensors that exist when it is done.

    An operator belongs to the step that leaves its result, or, where its result was merged into something else, to
    the first step that leaves anything computed from it; to None where nothing is.
    """
    made = {name: step for step, names in enumerate(outputs) for name in names}
    steps: dict[int, int | None] = {}
    for op in reversed(model.ops):
        results = {made[name] for name in (model.tensors[i].name for i in op.outputs) if name in made}
        readers = {steps[other.index] for other in model.ops[op.index + 1 :] if set(op.outputs) & set(other.inputs)}
        steps[op.index] = min(results or {step for step in readers if step is not None}, default=None)
    return [steps[op.index] for op in model.ops]
