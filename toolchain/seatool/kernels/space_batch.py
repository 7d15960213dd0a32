"""SPACE_TO_BATCH_ND and BATCH_TO_SPACE_ND on int8: the pixels of a block, taken to the batch or back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from seatool.ir import Array, DType
from seatool.kernels.base import (
    Call,
    Cost,
    Operator,
    QuantizationRule,
    Ref,
    Shape,
    TFLiteForm,
    Variant,
    operator,
    require_int8,
    variant,
)
from seatool.kernels.gather import Axis, Gather, GatherRuns, values
from seatool.kernels.loops import copy_cost

NHWC = tuple[int, int, int, int]


def _nhwc(shape: tuple[int, ...]) -> NHWC:
    """The shape (N, H, W, C), of (N, H, C) too."""
    batches, height, *width, channels = shape
    return batches, height, width[0] if width else 1, channels


def _block(operator: Operator) -> tuple[int, int]:
    """Height and width of a block."""
    height, *width = values(operator.input(1))
    return height, width[0] if width else 1


def _edges(operator: Operator) -> tuple[int, int, int, int]:
    """Paddings or crops: top, bottom, left, right."""
    top, bottom, left, right = (*(int(v) for v in operator.constant(2).reshape(-1)), 0, 0)[:4]
    return top, bottom, left, right


def _argument_problems(operator: Operator) -> Iterator[str]:
    """What is wrong with the block shape and the edges."""
    x, block, edges = (operator.input(i) for i in range(3))
    rank = len(x.shape)
    if rank not in (3, 4):
        yield f"the input has {rank} dimensions; 3 or 4 are supported"
    elif any(t.data is None or t.dtype is not DType.INT32 for t in (block, edges)):
        yield "the block shape and the edges are not constants of type int32"
    elif block.shape != (rank - 2,) or edges.shape != (rank - 2, 2):
        yield f"block shape {list(block.shape)} and edges {list(edges.shape)} do not fit {rank} dimensions"
    elif min(_block(operator)) < 1 or min(_edges(operator)) < 0:
        yield "a block is empty, or an edge is negative"


@operator("SPACE_TO_BATCH_ND")
class SpaceToBatch(Gather):
    """(N, H, W, C) to (b N, H / b_h, W / b_w, C); without W too. Source: TFLM space_to_batch_nd.cc and
    reference/space_to_batch_nd.h."""

    most_inputs = 3
    tflite = TFLiteForm(38, range(1, 5), 25)
    limits = "3 or 4 dimensions; constant block shape; padding becomes a PAD"
    max_rank = 4

    def argument_problems(self) -> Iterator[str]:
        found = list(_argument_problems(self))
        yield from found
        if found:
            return
        _, height, width, _ = _nhwc(self.input(0).shape)
        block_y, block_x = _block(self)
        if any(_edges(self)):
            yield "it pads, for which TFLM takes a number that it never sets: put a PAD in front"
        elif height % block_y or width % block_x:
            yield f"{height} x {width} pixels do not consist of blocks of {block_y} x {block_x}"

    @property
    def view(self) -> tuple[int, ...]:
        batches, height, width, channels = _nhwc(self.input(0).shape)
        block_y, block_x = _block(self)
        return batches, height // block_y, block_y, width // block_x, block_x, channels

    def axes(self) -> list[Axis]:
        return [Axis(i, 0, 1, self.view[i]) for i in (2, 4, 0, 1, 3, 5)]

    @property
    def selected_shape(self) -> tuple[int, ...]:
        batches, height, block_y, width, block_x, channels = self.view
        inner = (height, width) if len(self.input(0).shape) == 4 else (height,)
        return (batches * block_y * block_x, *inner, channels)


@operator("BATCH_TO_SPACE_ND")
class BatchToSpace(Operator):
    """(b N, H, W, C) to (N, H b_h, W b_w, C), cropped; without W too. Source: TFLM batch_to_space_nd.cc and
    reference/batch_to_space_nd.h."""

    most_inputs = 3
    tflite = TFLiteForm(37, range(1, 5), 24)
    quantization = QuantizationRule(same_scale=True)
    limits = "3 or 4 dimensions; constant block shape and crops"

    def output_shapes(self) -> Sequence[Shape]:
        batches, height, width, channels = _nhwc(self.input(0).shape)
        (block_y, block_x), (top, bottom, left, right) = _block(self), _edges(self)
        height, width = height * block_y - top - bottom, width * block_x - left - right
        inner = (height, width) if len(self.input(0).shape) == 4 else (height,)
        return [(batches // (block_y * block_x), *inner, channels)]

    def problems(self) -> Iterator[str]:
        found = [*require_int8(self, self.input(0), self.output), *_argument_problems(self)]
        yield from found
        if found:
            return
        (block_y, block_x), (expected,) = _block(self), self.output_shapes()
        if self.input(0).shape[0] % (block_y * block_x) or min(expected) < 1:
            yield f"{list(self.input(0).shape)} does not make an image of blocks of {block_y} x {block_x}, cropped"
        elif self.output.shape != expected:
            yield f"the output's shape is {list(self.output.shape)}, not {list(expected)}"

    def evaluate(self, *inputs: Array | None) -> tuple[Array, ...]:
        x = inputs[0]
        assert x is not None
        (block_y, block_x), (top, _, left, _) = _block(self), _edges(self)
        _, in_height, in_width, channels = _nhwc(self.input(0).shape)
        _, height, width, _ = _nhwc(self.output.shape)
        split = x.reshape(block_y, block_x, -1, in_height, in_width, channels).transpose(2, 3, 0, 4, 1, 5)
        image = split.reshape(-1, in_height * block_y, in_width * block_x, channels)
        cropped = image[:, top : top + height, left : left + width]
        return (np.ascontiguousarray(cropped).reshape(self.output.shape),)

    def evaluate_float(self, *inputs: Array | None) -> tuple[Array, ...]:
        return self.evaluate(*inputs)


variant(SpaceToBatch)(GatherRuns)


@variant(BatchToSpace)
class BatchToSpacePixels(Variant):
    """Pixel by pixel, all channels of a pixel as a block."""

    name, header = "pixels", "nn_batch_to_space_s8.h"

    def cost(self, op: BatchToSpace) -> Cost:
        batches, height, width, channels = _nhwc(op.output.shape)
        return Cost(batches * height * (width * (copy_cost(channels) + 8) + 20), 0, 200)

    def call(self, op: BatchToSpace) -> Call:
        _, height, width, channels = _nhwc(op.input(0).shape)
        batches, out_height, out_width, _ = _nhwc(op.output.shape)
        (block_y, block_x), (top, _, left, _) = _block(op), _edges(op)
        fields = {
            "input": Ref("input"),
            "output": Ref("output"),
            "batches": batches,
            "channels": channels,
            "input_height": height,
            "input_width": width,
            "output_height": out_height,
            "output_width": out_width,
            "block_height": block_y,
            "block_width": block_x,
            "crop_top": top,
            "crop_left": left,
        }
        return Call("nn_batch_to_space_s8", "nn_batch_to_space_s8_args", fields)
