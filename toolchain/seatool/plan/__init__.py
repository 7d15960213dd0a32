"""Planning: which kernel computes each layer, where every buffer lies, and whether it all fits."""

from seatool.plan.budget import remeasured
from seatool.plan.frontier import Frontier, Point, frontier
from seatool.plan.planner import OPTIMIZE, Optimize, PlanOptions, plan
from seatool.plan.program import Buffer, Part, Program, Stage, Step, Usage

__all__ = [
    "OPTIMIZE",
    "Buffer",
    "Frontier",
    "Optimize",
    "Part",
    "PlanOptions",
    "Point",
    "Program",
    "Stage",
    "Step",
    "Usage",
    "frontier",
    "plan",
    "remeasured",
]
