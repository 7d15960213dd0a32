"""Published models: every tensor as in TFLM; the known bounds of memory."""

from __future__ import annotations

from pathlib import Path

import pytest
from hosted import Hosted, assert_equal
from nets import inputs_of
from seatool import boards, passes
from seatool.importers import tflite
from seatool.tflm.reference import Reference

MODELS = {
    "edgel3_sea_64_int8.tflite": 204_800,
    "mlperf_tiny/pretrainedResnet_quant.tflite": 49_152,
    "mlperf_tiny/kws_ref_model.tflite": 8_496,
}
"""The liveness bound: activation bytes of layer-by-layer execution with inputs and outputs inside, results in place."""


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
def test_real_model(name: str, shared_data: Path, tmp_path: Path) -> None:
    data = (shared_data / "models" / name).read_bytes()
    graph, _ = passes.optimize(tflite.read(data, Path(name).name))
    hosted = Hosted.of(graph, boards.load("m7"), tmp_path)
    assert hosted.program.liveness_bound == MODELS[name]
    reference = Reference(data, graph)
    cases = inputs_of(graph, 4)
    for case, got in zip(cases, hosted.run(cases), strict=True):
        assert_equal(got, reference.run(case))
