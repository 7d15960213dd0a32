"""When tensors live, which are views of each other, and which replace each other in place."""

from __future__ import annotations

from seatool.ir import Graph
from seatool.kernels import bind
from seatool.plan.lifetimes import Lifetimes, Use, lifetimes
from seatool.plan.placement import Span
from standins import chain, graph, layer, view


def times(net: Graph, start: int = 0) -> Lifetimes:
    """Lifetimes with the fastest stand-in everywhere."""
    bound = [bind(op, net) for op in net.ops]
    uses = [Use(start + i, (op,), () if op.is_view else op.variants[0].inplace(op)) for i, op in enumerate(bound)]
    return lifetimes(net, uses)


def test_tensor_lives_from_its_producer_to_its_last_reader() -> None:
    net = graph(
        {"x": 8, "a": 8, "b": 8, "y": 8},
        [layer("l1", ["x"], ["a"]), layer("l2", ["a"], ["b"]), layer("l3", ["a", "b"], ["y"])],
        ["x"],
        ["y"],
    )
    spans = times(net).spans
    assert spans == {"x": Span(0, 0, 8), "a": Span(0, 2, 8), "b": Span(1, 2, 8), "y": Span(2, 2, 8)}


def test_inputs_live_from_the_start_and_outputs_to_the_end() -> None:
    net = graph(
        {"x": 8, "late": 4, "early": 2, "y": 8},
        [layer("l1", ["x"], ["early"]), layer("l2", ["x", "late"], ["y"])],
        ["x", "late"],
        ["early", "y"],
    )
    spans = times(net, start=1).spans
    assert spans["late"] == Span(0, 2, 4)
    assert spans["early"] == Span(1, 2, 2)


def test_unread_output_lives_while_it_is_written() -> None:
    net = graph({"x": 8, "y": 8, "unused": 4}, [layer("l", ["x"], ["y", "unused"])], ["x"], ["y"])
    assert times(net).spans["unused"] == Span(0, 0, 4)


def test_views_share_their_roots_memory() -> None:
    net = graph(
        {"x": 8, "flat": 8, "flatter": 8, "y": 2},
        [view("v1", "x", "flat"), view("v2", "flat", "flatter"), layer("l", ["flatter"], ["y"])],
        ["x"],
        ["y"],
    )
    found = times(net)
    assert found.roots == {"x": "x", "flat": "x", "flatter": "x", "y": "y"}
    assert found.spans["x"] == Span(0, 2, 8)


def test_result_replaces_an_input_that_dies() -> None:
    found = times(chain([32, 32, 16], in_place=(0,)))
    (block,) = found.blocks
    assert block.spans == (Span(0, 0, 32), Span(0, 1, 32), Span(1, 1, 16))


def test_result_does_not_replace_an_input_that_is_needed_or_too_small() -> None:
    needed = graph(
        {"x": 8, "a": 8, "y": 8},
        [layer("l1", ["x"], ["a"], in_place=(0,)), layer("l2", ["x", "a"], ["y"], in_place=(0, 1))],
        ["x"],
        ["y"],
    )
    assert times(needed).block_of == {"x": "x", "a": "a", "y": "x"}
    assert len(times(chain([8, 16], in_place=(0,))).blocks) == 2


def test_second_input_is_replaced_where_the_first_may_not_be() -> None:
    net = graph(
        {"x": 8, "a": 8, "b": 8, "y": 8},
        [
            layer("l1", ["x"], ["a"]),
            layer("l2", ["a"], ["b"]),
            layer("l3", ["a", "b"], ["y"], in_place=(0, 1)),
        ],
        ["x"],
        ["a", "y"],
    )
    assert times(net).block_of["y"] == "b", "a is an output and must survive"


def test_result_does_not_replace_a_view_of_an_output() -> None:
    net = graph(
        {"x": 8, "flat": 8, "y": 8},
        [view("v", "x", "flat"), layer("l", ["flat"], ["y"], in_place=(0,))],
        ["x"],
        ["x", "y"],
    )
    assert times(net).block_of["y"] == "y"
