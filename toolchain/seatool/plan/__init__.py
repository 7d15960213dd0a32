"""Planning: which kernel computes each layer, where every buffer lies, and whether it all fits."""

from seatool.plan.budget import remeasured
from seatool.plan.planner import PlanOptions, plan
from seatool.plan.program import Buffer, Part, Program, Step, Usage

__all__ = ["Buffer", "Part", "PlanOptions", "Program", "Step", "Usage", "plan", "remeasured"]
