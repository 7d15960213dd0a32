"""Cycle estimates for a Cortex-M7 without hardware: what ran in the emulator, timed by a model of the processor."""

from seatool.cycles.estimate import MODEL, Cycles, Estimate, estimate
from seatool.cycles.plugin import UnavailableError

__all__ = ["MODEL", "Cycles", "Estimate", "UnavailableError", "estimate"]
