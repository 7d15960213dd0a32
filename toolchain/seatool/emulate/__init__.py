"""Emulate: run built images on inputs and measure them."""

from seatool.emulate.records import Result
from seatool.emulate.runner import run, run_host

__all__ = ["Result", "run", "run_host"]
