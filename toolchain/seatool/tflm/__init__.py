"""The model in TensorFlow Lite for Microcontrollers: its part of a project, and how it compares."""

from seatool.tflm.arena import Arena, estimate, host_arena_bytes
from seatool.tflm.match import step_of_operators
from seatool.tflm.operators import registrations
from seatool.tflm.place import Layout, Needs, place
from seatool.tflm.render import Placed, layer_names, render

__all__ = [
    "Arena",
    "Layout",
    "Needs",
    "Placed",
    "estimate",
    "host_arena_bytes",
    "layer_names",
    "place",
    "registrations",
    "render",
    "step_of_operators",
]
