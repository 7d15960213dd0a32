"""Rendering: a program as C files that people can read."""

from seatool.render.project import render

__all__ = ["render"]
