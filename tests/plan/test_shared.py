"""Functions that layers share: in flash once, whatever the search makes of that."""

from __future__ import annotations

import pytest
from seatool.plan import PlanOptions, plan
from seatool.plan.budget import RUNTIME_CODE_BYTES
from seatool.plan.program import Program
from standins import board, chain

SHARED = (("both", 500),)
BOARD = board(64 * 1024)


def code_of(program: Program) -> int:
    """Estimated bytes of the layers' code."""
    (code,) = (part.bytes for part in program.usage[0].parts if part.label == "code")
    return code - RUNTIME_CODE_BYTES


def test_a_function_of_two_layers_counts_once() -> None:
    fastest = PlanOptions(optimize="speed")
    assert code_of(plan(chain([64, 64, 64], shared=SHARED), BOARD, fastest)) == 2 * 100 + 500
    assert code_of(plan(chain([64, 64, 64]), BOARD, fastest)) == 2 * 100


@pytest.mark.parametrize(
    ("flash", "kernels"),
    [
        (2 * 100 + 500, ["fast", "fast"]),
        (2 * 100 + 499, ["fast", "frugal"]),
        (100 + 50 + 500, ["fast", "frugal"]),
        (100 + 50 + 499, ["frugal", "frugal"]),
    ],
)
def test_the_second_layer_that_uses_a_function_has_it_for_nothing(flash: int, kernels: list[str]) -> None:
    options = PlanOptions(flash_limit=RUNTIME_CODE_BYTES + flash, optimize="speed")
    program = plan(chain([64, 64, 64], shared=SHARED), BOARD, options)
    assert sorted(str(step.kernel) for step in program.steps) == kernels


def test_more_functions_than_a_set_can_tell_apart_count_once_but_in_the_search() -> None:
    functions = tuple((f"f{number}", 10 + number) for number in range(70))
    once = sum(size for _, size in functions)
    program = plan(chain([64, 64, 64], shared=functions), BOARD, PlanOptions(optimize="speed"))
    assert code_of(program) == 2 * 100 + once
    smallest = sum(10 + number for number in range(8))
    for spare, is_frugal in ((smallest, False), (smallest - 1, True)):
        limit = RUNTIME_CODE_BYTES + 2 * 100 + once + spare
        within = plan(chain([64, 64, 64], shared=functions), BOARD, PlanOptions(None, None, limit, "speed"))
        assert ("frugal" in [step.kernel for step in within.steps]) == is_frugal
