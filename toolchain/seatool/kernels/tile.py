"""TILE on float32: TFLM has no such operator, so passes make others of it before a model is quantized."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from seatool.ir import Array, DType
from seatool.kernels.base import Operator, Shape, TFLiteForm, operator


@operator("TILE")
class Tile(Operator):
    """The tensor, so many times along each axis."""

    tflite = TFLiteForm(69, range(1, 4))
    most_inputs = 2
    limits = "in float models only, with constant multiples: TFLM has none, so it becomes BROADCAST_TO or a resize"

    def multiples(self) -> list[int]:
        """Copies along each axis."""
        return [int(count) for count in self.constant(1).reshape(-1)]

    def output_shapes(self) -> Sequence[Shape]:
        return [tuple(n * count for n, count in zip(self.input(0).shape, self.multiples(), strict=True))]

    def problems(self) -> Iterator[str]:
        yield "TFLM has no such operator; UpSampling2D(interpolation='bilinear') or Conv2DTranspose avoid it"

    def float_problems(self) -> Iterator[str]:
        x, multiples = self.input(0), self.input(1)
        if multiples.data is None or multiples.dtype not in (DType.INT32, DType.INT64):
            yield "the multiples are not a constant of type int32 or int64"
        elif multiples.shape != (len(x.shape),) or min(self.multiples(), default=1) < 1:
            yield f"the multiples {multiples.data.tolist()} do not fit {list(x.shape)}"
        elif (shape := self.output_shapes()[0]) != self.output.shape:
            yield f"the output's shape is {list(self.output.shape)}, not {list(shape)}"

    def evaluate(self, *inputs: Array | None) -> tuple[Array, ...]:
        x = inputs[0]
        assert x is not None
        return (np.tile(x, self.multiples()),)

    def evaluate_float(self, *inputs: Array | None) -> tuple[Array, ...]:
        return self.evaluate(*inputs)
