"""The model in TensorFlow Lite for Microcontrollers: its part of a project, and how it compares."""

from seatool.tflm.arena import Arena, estimate, host_arena_bytes
from seatool.tflm.render import Placed, render

__all__ = ["Arena", "Placed", "estimate", "host_arena_bytes", "render"]
