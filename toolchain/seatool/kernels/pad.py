"""PAD and PADV2 on int8 or int16: a constant border."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any

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
    require_quantized,
    variant,
)
from seatool.kernels.loops import copy_cost, fill_cost

_MAX_RANK = 5


class PadOperator(Operator):
    """The input with a border of one value."""

    quantization = QuantizationRule(same_scale=True)
    limits = "constant paddings; up to 5 dimensions"

    @abstractmethod
    def value(self) -> int:
        """The stored value of the border."""

    def amounts(self) -> list[tuple[int, int]]:
        """Places in front of and behind each axis."""
        return [(int(before), int(after)) for before, after in self.constant(1).reshape(-1, 2)]

    def output_shapes(self) -> Sequence[Shape]:
        pairs = zip(self.input(0).shape, self.amounts(), strict=True)
        return [tuple(n + before + after for n, (before, after) in pairs)]

    def problems(self) -> Iterator[str]:
        x, paddings = self.input(0), self.input(1)
        yield from require_quantized(self, x, self.output)
        if not 1 <= len(x.shape) <= _MAX_RANK:
            yield f"the input has {len(x.shape)} dimensions; 1 to {_MAX_RANK} are supported"
        elif paddings.data is None or paddings.dtype is not DType.INT32:
            yield "the paddings are not a constant of type int32"
        elif paddings.elements != 2 * len(x.shape):
            yield f"the paddings have shape {list(paddings.shape)}, not two entries per dimension"
        elif any(amount < 0 for pair in self.amounts() for amount in pair):
            yield "some paddings are negative"
        else:
            (shape,) = self.output_shapes()
            if shape != self.output.shape:
                yield f"the output's shape is {list(self.output.shape)}, not {list(shape)}"

    def evaluate(self, *inputs: Array | None) -> tuple[Array, ...]:
        x = inputs[0]
        assert x is not None
        return (np.pad(x, self.amounts(), constant_values=self.value()),)

    def evaluate_float(self, *inputs: Array | None) -> tuple[Array, ...]:
        x, value = inputs[0], inputs[2] if len(inputs) > 2 else None
        assert x is not None
        return (np.pad(x, self.amounts(), constant_values=0.0 if value is None else float(value.item())),)


@operator("PAD")
class Pad(PadOperator):
    """A border of real zeros. Source: TFLM pad_common.cc."""

    most_inputs = 2
    tflite = TFLiteForm(34, range(1, 5), 22)

    def value(self) -> int:
        return self.output.zero_point


@operator("PADV2")
class PadV2(PadOperator):
    """A border of a given value. Source: TFLM pad_common.cc."""

    most_inputs = 3
    tflite = TFLiteForm(60, range(1, 5), 43)

    def problems(self) -> Iterator[str]:
        found = list(super().problems())
        yield from found
        value = self.input(2)
        if value.data is None or value.elements != 1:
            yield "the border's value is not one constant"
        elif not found and (value.dtype is not self.output.dtype or value.quant != self.output.quant):
            yield "the border's value is not quantized like the output"
        elif not found and len(set(value.data.tobytes())) > 1:
            yield f"the border's value {value.data.item()} is not one byte repeated; for int16 it has to be"

    def value(self) -> int:
        data = self.input(2).data
        assert data is not None
        return int(data.item())


@variant(Pad, PadV2)
class PadRows(Variant):
    """Rows are copied as blocks, the gaps between them filled."""

    name, header = "rows", "nn_pad_s8.h"

    def cost(self, op: PadOperator) -> Cost:
        row = _merged(op)[-1][0]
        rows = op.input(0).bytes // row
        gaps = op.output.bytes - op.input(0).bytes
        return Cost(rows * (copy_cost(row) + 12 + fill_cost(0)) + gaps // 4 + 40, 0, 100)

    def call(self, op: PadOperator) -> Call:
        axes = _merged(op)
        places = [n + before + after for n, before, after in axes]
        steps = [int(np.prod(places[i + 1 :])) for i in range(len(axes))]
        between = [(before + after) * step for (_, before, after), step in zip(axes, steps, strict=True)]
        end = sum(after * step for (_, _, after), step in zip(axes, steps, strict=True))
        inner_first = list(np.cumsum(between[::-1]).tolist())
        outer = axes[:-1]
        fields: dict[str, Any] = {
            "input": Ref("input"),
            "output": Ref("output"),
            "value": op.value(),
            "lead": sum(before * step for (_, before, _), step in zip(axes, steps, strict=True)),
            "row": axes[-1][0],
            "rank": len(outer),
        }
        if outer:
            fields["dims"] = tuple(n for n, _, _ in outer) + (0,) * (_MAX_RANK - 1 - len(outer))
        fields["gaps"] = (*inner_first[:-1], end, *(0,) * (_MAX_RANK - len(axes)))
        return Call("nn_pad_s8", "nn_pad_s8_args", fields)


def _merged(op: PadOperator) -> list[tuple[int, int, int]]:
    """(size, before, after) per axis, bytes of the last; one without padding is joined with the one around it."""
    axes = [(n, *pair) for n, pair in zip(op.input(0).shape, op.amounts(), strict=True)]
    n, before, after = (number * op.output.dtype.size for number in axes[-1])
    merged = [(n, before, after)]
    for n, before, after in reversed(axes[:-1]):
        inner, inner_before, inner_after = merged[-1]
        if inner_before == inner_after == 0:
            merged[-1] = (n * inner, before * inner, after * inner)
        else:
            merged.append((n, before, after))
    return merged[::-1]
