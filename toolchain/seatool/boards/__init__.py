"""Boards: what each one has, read from ``boards/*.toml``."""

from seatool.boards.board import FAULT_STACK_BYTES, STACK_ALIGNMENT_BYTES, Board, Core, Region, describe
from seatool.boards.load import available, load, parse, resolve

__all__ = [
    "FAULT_STACK_BYTES",
    "STACK_ALIGNMENT_BYTES",
    "Board",
    "Core",
    "Region",
    "available",
    "describe",
    "load",
    "parse",
    "resolve",
]
