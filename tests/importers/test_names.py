"""Names of layers and graphs."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st
from seatool.importers import names


@given(st.lists(st.tuples(st.text(max_size=50), st.text(max_size=50)), max_size=12), st.data())
def test_layer_names_are_unique_identifiers(paths: list[tuple[str, str]], data: st.DataObject) -> None:
    kinds = [data.draw(st.sampled_from(["ADD", "CONV_2D", "RELU6"])) for _ in paths]
    result = names.layer_names(paths, kinds)
    assert len(set(result)) == len(paths)
    assert all(re.fullmatch(r"[a-z][a-z0-9_]*", name) for name in result)


def test_common_scopes_are_left_out() -> None:
    paths = [("model", "a", "conv"), ("model", "b", "conv"), ("other", "c"), ()]
    assert names.layer_names(paths, ["CONV_2D", "CONV_2D", "ADD", "SOFTMAX"]) == [
        "a_conv",
        "b_conv",
        "other_c",
        "softmax",
    ]


def test_the_convolution_keeps_the_layers_name() -> None:
    assert names.layer_names([("a",), ("a",), ("a",)], ["PAD", "CONV_2D", "RELU"]) == ["a_pad", "a", "a_relu"]


def test_the_suffix_of_keras_3_exports_is_left_out() -> None:
    assert names.layer_names([("f_1", "stem_1"), ("f_1", "conv_2_1")], ["ADD", "MUL"]) == ["stem", "conv_2"]
    assert names.layer_names([("f_1", "stem_1"), ("f_1", "conv_2")], ["ADD", "MUL"]) == ["stem_1", "conv_2"]


def test_c_words_are_avoided() -> None:
    assert [names.identifier(word) for word in ("while", "exp", "Main")] == ["while_layer", "exp_layer", "main_layer"]
