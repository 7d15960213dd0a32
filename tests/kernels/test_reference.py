"""TFLM as the reference: intermediate tensors by name, and its errors in words."""

from __future__ import annotations

import numpy as np
import pytest
import rig
from seatool.emulate.tflm import Reference
from seatool.errors import ToolError
from seatool.importers import tflite
from seatool.ir import Graph, Op

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


def test_an_error_holds_what_tflm_printed(capfd: pytest.CaptureFixture[str]) -> None:
    x, y = rig.tensor("x", (1, 4), 0.1, 0), rig.tensor("y", (1, 4), 1 / 256, 0)
    graph = rig.single("LOGISTIC", [x], [y])
    with pytest.raises(ToolError, match=r"TFLM cannot run this model: (.|\n)*zero_point") as caught:
        Reference(tflite.write(graph), graph)
    assert caught.value.hint is not None
    assert capfd.readouterr().err == ""


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
