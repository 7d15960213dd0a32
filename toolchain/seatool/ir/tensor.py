"""Tensors: shape, element type, quantization, and the data of constants."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


class DType(Enum):
    """Element types of TFLite tensors that a graph may hold."""

    FLOAT32 = "float32"
    INT8 = "int8"
    UINT8 = "uint8"
    INT16 = "int16"
    INT32 = "int32"
    INT64 = "int64"
    BOOL = "bool"

    @property
    def numpy(self) -> np.dtype[Any]:
        return np.dtype(self.value)

    @property
    def size(self) -> int:
        """Bytes of one element."""
        return self.numpy.itemsize

    @property
    def c(self) -> str:
        """The C type of one element."""
        return {"float32": "float", "bool": "bool"}.get(self.value, f"{self.value}_t")


@dataclass(frozen=True)
class Quantization:
    """Affine quantization: real = scale * (q - zero_point), per tensor or along one axis.

    ``scale`` holds float32 values (exactly representable), ``axis`` is None for per-tensor.
    Source: the TFLite 8-bit quantization specification.
    """

    scale: tuple[float, ...]
    zero_point: tuple[int, ...]
    axis: int | None = None

    def __post_init__(self) -> None:
        if len(self.scale) != len(self.zero_point) or not self.scale:
            raise ValueError("scale and zero_point must have one common, non-zero length")
        if self.axis is None and len(self.scale) != 1:
            raise ValueError("per-tensor quantization has exactly one scale")
        if any(not math.isfinite(s) or s <= 0 for s in self.scale):
            raise ValueError("every scale must be finite and positive")

    @classmethod
    def per_tensor(cls, scale: float, zero_point: int) -> Quantization:
        return cls((float(np.float32(scale)),), (int(zero_point),))

    @property
    def scales(self) -> npt.NDArray[np.float32]:
        return np.array(self.scale, np.float32)


@dataclass(frozen=True, eq=False)
class Tensor:
    """A value of the graph. Activations are NHWC; constants carry ``data`` (read-only, exactly ``shape``)."""

    name: str
    shape: tuple[int, ...]
    dtype: DType
    quant: Quantization | None = None
    data: Array | None = None

    def __post_init__(self) -> None:
        if any(d < 1 for d in self.shape):
            raise ValueError(f"tensor {self.name!r}: every dimension must be positive, got {self.shape}")
        if self.data is not None:
            if self.data.shape != self.shape or self.data.dtype != self.dtype.numpy:
                raise ValueError(
                    f"tensor {self.name!r}: data is {self.data.dtype}{self.data.shape}, "
                    f"not {self.dtype.value}{self.shape}"
                )
            self.data.flags.writeable = False

    @property
    def is_constant(self) -> bool:
        return self.data is not None

    @property
    def elements(self) -> int:
        return math.prod(self.shape)

    @property
    def bytes(self) -> int:
        return self.elements * self.dtype.size

    @property
    def scale(self) -> float:
        """The per-tensor scale; ValueError when there is none or one per channel."""
        if self.quant is None or self.quant.axis is not None:
            raise ValueError(f"tensor {self.name!r} has no per-tensor quantization")
        return self.quant.scale[0]

    @property
    def zero_point(self) -> int:
        """The per-tensor zero point; ValueError when there is none or one per channel."""
        if self.quant is None or self.quant.axis is not None:
            raise ValueError(f"tensor {self.name!r} has no per-tensor quantization")
        return self.quant.zero_point[0]

    def __str__(self) -> str:
        kind = "const " if self.is_constant else ""
        return f"{self.name}: {kind}{self.dtype.value}{list(self.shape)}"
