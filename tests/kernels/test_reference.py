"""TFLM as the reference: intermediate tensors by name, and its errors in words."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import rig
from seatool.errors import ToolError
from seatool.importers import tflite
from seatool.ir import Graph, Op
from seatool.isolate import Message, Worker
from seatool.kernels.softmax import SoftmaxAttributes
from seatool.tflm import reference as tflm
from seatool.tflm.reference import IsolatedReference, Reference

FIXED = (1 / 256, -128)


def two_layers() -> Graph:
    tensors = [rig.tensor("x", (1, 4), 0.1, 0), rig.tensor("hidden", (1, 4), *FIXED), rig.tensor("y", (1, 4), *FIXED)]
    ops = (Op("first", "LOGISTIC", ("x",), ("hidden",)), Op("second", "RELU6", ("hidden",), ("y",)))
    return Graph("two", {t.name: t for t in tensors}, ops, ("x",), ("y",))


def test_every_tensor_is_visible_by_name() -> None:
    graph = two_layers()
    result = Reference(tflite.write(graph), graph).run([np.array([[-128, -1, 0, 127]], np.int8)])
    assert result.keys() == {"x", "hidden", "y"}
    assert result["hidden"].tolist() == [[-128, -6, 0, 127]]
    assert result["y"].tolist() == [[-128, -6, 0, 127]]


def test_runs_do_not_disturb_each_other() -> None:
    graph = two_layers()
    reference = Reference(tflite.write(graph), graph)
    first = reference.run([np.full((1, 4), -128, np.int8)])
    reference.run([np.full((1, 4), 127, np.int8)])
    assert set(first["hidden"].reshape(-1).tolist()) == {-128}


def test_isolated_it_gives_the_same() -> None:
    graph = two_layers()
    model, inputs = tflite.write(graph), [[np.full((1, 4), value, np.int8)] for value in (-128, 5)]
    direct = Reference(model, graph)
    with IsolatedReference(model, "two") as reference:
        for x in inputs:
            ours, theirs = reference.run(x), direct.run(x)
            assert ours.keys() == theirs.keys()
            assert all(np.array_equal(ours[name], theirs[name]) for name in theirs)


def unsupported() -> Graph:
    """A LOGISTIC as TFLM does not have it: its output's zero point must be -128."""
    return rig.single("LOGISTIC", [rig.tensor("x", (1, 4), 0.1, 0)], [rig.tensor("y", (1, 4), 1 / 256, 0)])


def serve_unsupported(requests: Iterator[Message]) -> Iterator[Message]:
    """A service like :func:`seatool.tflm.reference.serve`, whose model no importer would let through."""
    next(requests)
    Reference(tflite.write(unsupported()), unsupported())
    yield Message()


def test_an_error_has_a_hint() -> None:
    with pytest.raises(ToolError, match="TFLM cannot run this model") as caught:
        Reference(tflite.write(unsupported()), unsupported())
    assert caught.value.hint is not None


def test_isolated_an_error_holds_what_tflm_printed(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.syspath_prepend(Path(__file__).parent)
    monkeypatch.setattr(tflm, "Worker", lambda _: Worker(f"{Path(__file__).stem}:serve_unsupported"))
    with pytest.raises(ToolError, match=r"TFLM cannot run this model: (.|\n)*zero_point") as caught:
        IsolatedReference(tflite.write(two_layers()), "two")
    assert caught.value.hint is not None
    assert capfd.readouterr().err == ""


def test_a_crash_names_the_layers_that_may_have_caused_it() -> None:
    tensors = [rig.tensor("x", (1, 512), 0.1, 0), rig.tensor("y", (1, 512), *FIXED)]
    graph = rig.single("SOFTMAX", tensors[:1], tensors[1:], SoftmaxAttributes(), version=2)
    with IsolatedReference(tflite.write(graph), graph.name) as reference:
        reference.run([np.arange(512, dtype=np.int64).astype(np.int8)[np.newaxis]])
        with pytest.raises(
            ToolError, match="TFLM crashed on this model or input: the process was ended by SIGABRT"
        ) as caught:
            reference.run([np.zeros((1, 512), np.int8)])
    assert caught.value.hint is not None
    assert caught.value.hint.endswith("add up to 512, as they may in y")


def test_wrong_inputs_are_refused() -> None:
    graph = two_layers()
    reference = Reference(tflite.write(graph), graph)
    with pytest.raises(ValueError, match=r"x: int8\[1, 4\] was given int8\[4\]"):
        reference.run([np.zeros(4, np.int8)])


def test_a_tensor_that_the_model_lacks_is_named() -> None:
    graph = two_layers()
    other = rig.single("RELU6", [rig.tensor("a", (1,), 1.0)], [rig.tensor("b", (1,), 1.0)])
    with pytest.raises(ValueError, match="no tensor called 'b'"):
        Reference(tflite.write(graph), other)
