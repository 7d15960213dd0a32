"""REVERSE_V2, BROADCAST_TO (int8 or int16), DEPTH_TO_SPACE and SPACE_TO_DEPTH (int8): more selections of elements."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from seatool.ir import Attributes, DType
from seatool.kernels.base import Field, TFLiteForm, operator, require_int8, variant
from seatool.kernels.gather import Axis, Gather, GatherRuns, values


@operator("REVERSE_V2")
class ReverseV2(Gather):
    """Backwards along neighbouring axes. Source: TFLM reverse.cc and reference/reverse.h."""

    most_inputs = 2
    tflite = TFLiteForm(105, range(1, 4), 81)
    limits = "constant, neighbouring axes; up to 6 dimensions"
    max_rank = 6

    def argument_problems(self) -> Iterator[str]:
        axes, rank = self.input(1), len(self.input(0).shape)
        if axes.data is None or axes.dtype is not DType.INT32 or len(axes.shape) != 1:
            yield "the axes are not a constant list of int32"
        elif not all(-rank <= axis < rank for axis in values(axes)):
            yield f"axes {values(axes)} do not all exist in {rank} dimensions"
        elif (reversed_axes := self._reversed()) != list(
            range(reversed_axes[0], reversed_axes[0] + len(reversed_axes))
        ):
            yield f"axes {values(axes)} are not neighbours, which TFLM does not take"

    def _reversed(self) -> list[int]:
        return sorted(axis % len(self.input(0).shape) for axis in values(self.input(1)))

    def axes(self) -> list[Axis]:
        backwards = self._reversed()
        return [
            Axis(i, size - 1, -1, size) if i in backwards else Axis(i, 0, 1, size)
            for i, size in enumerate(self.input(0).shape)
        ]


@operator("BROADCAST_TO")
class BroadcastTo(Gather):
    """Dimensions of size 1 repeated. Source: TFLM broadcast_to.cc."""

    most_inputs = 2
    tflite = TFLiteForm(130, range(2, 4), 104)
    limits = "constant shape of up to 5 dimensions"
    max_rank = 5

    def argument_problems(self) -> Iterator[str]:
        shape, given = self.input(1), self.input(0).shape
        if shape.data is None or shape.dtype not in (DType.INT32, DType.INT64) or len(shape.shape) != 1:
            yield "the shape is not a constant list of int32 or int64"
            return
        wanted = values(shape)
        aligned = wanted[len(wanted) - len(given) :]
        if not len(given) <= len(wanted) <= self.max_rank or any(
            size not in (1, n) for size, n in zip(given, aligned, strict=True)
        ):
            yield f"shape {list(given)} cannot be repeated to {wanted}"

    @property
    def view(self) -> tuple[int, ...]:
        shape = self.input(0).shape
        return (*(1,) * (self.input(1).elements - len(shape)), *shape)

    def axes(self) -> list[Axis]:
        sizes = zip(self.view, values(self.input(1)), strict=True)
        return [Axis(i, 0, 0 if size == 1 else 1, count) for i, (size, count) in enumerate(sizes)]


@dataclass(frozen=True)
class BlockAttributes(Attributes):
    """DepthToSpaceOptions and SpaceToDepthOptions of the TFLite schema."""

    block_size: int

    def __post_init__(self) -> None:
        if self.block_size < 1:
            raise ValueError(f"block_size is {self.block_size}")


class _Blocks(Gather):
    """Squares of pixels from or to channels of a pixel, in an NHWC tensor."""

    attributes_type = BlockAttributes
    limits = "4 dimensions (NHWC)"
    max_rank = 4

    @property
    def block(self) -> int:
        size: int = self.attributes.block_size
        return size

    def type_problems(self) -> Iterator[str]:
        yield from require_int8(self, self.input(0), self.output)

    def argument_problems(self) -> Iterator[str]:
        if len(self.input(0).shape) != 4:
            yield f"the input has {len(self.input(0).shape)} dimensions, not 4 (NHWC)"


@operator("DEPTH_TO_SPACE")
class DepthToSpace(_Blocks):
    """(N, H, W, b b C) to (N, H b, W b, C). Source: TFLM depth_to_space.cc and reference/depth_to_space.h."""

    tflite = TFLiteForm(5, range(1, 3), 94, (Field("block_size", 0, "int32"),))

    def argument_problems(self) -> Iterator[str]:
        found = list(super().argument_problems())
        yield from found
        if not found and self.input(0).shape[3] % self.block**2:
            yield f"{self.input(0).shape[3]} channels do not make blocks of {self.block} x {self.block}"

    @property
    def view(self) -> tuple[int, ...]:
        batches, height, width, channels = self.input(0).shape
        return batches, height, width, self.block, self.block, channels // self.block**2

    def axes(self) -> list[Axis]:
        return [Axis(i, 0, 1, self.view[i]) for i in (0, 1, 3, 2, 4, 5)]

    @property
    def selected_shape(self) -> tuple[int, ...]:
        batches, height, width, block, _, channels = self.view
        return batches, height * block, width * block, channels


@operator("SPACE_TO_DEPTH")
class SpaceToDepth(_Blocks):
    """(N, H b, W b, C) to (N, H, W, b b C). Source: TFLM space_to_depth.cc and reference/space_to_depth.h."""

    tflite = TFLiteForm(26, range(1, 3), 19, (Field("block_size", 0, "int32"),))

    def argument_problems(self) -> Iterator[str]:
        found = list(super().argument_problems())
        yield from found
        if not found and any(size % self.block for size in self.input(0).shape[1:3]):
            yield f"{list(self.input(0).shape)} does not consist of blocks of {self.block} x {self.block}"

    @property
    def view(self) -> tuple[int, ...]:
        batches, height, width, channels = self.input(0).shape
        return batches, height // self.block, self.block, width // self.block, self.block, channels

    def axes(self) -> list[Axis]:
        return [Axis(i, 0, 1, self.view[i]) for i in (0, 1, 3, 2, 4, 5)]

    @property
    def selected_shape(self) -> tuple[int, ...]:
        batches, height, block, width, _, channels = self.view
        return batches, height, width, block * block * channels


variant(ReverseV2, BroadcastTo, DepthToSpace, SpaceToDepth)(GatherRuns)
