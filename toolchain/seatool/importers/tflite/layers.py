"""Which layer of the user's model an operator of a .tflite file comes from.

The converter names a tensor after the TensorFlow operations fused into it, for example
``model/re_lu/Relu;model/bn/FusedBatchNormV3;model/conv1/BiasAdd;model/conv1/Conv2D1``: the layer is ``model/conv1``.
Files that were written here have weights called ``conv1/kernel``.
"""

from __future__ import annotations

import re

from seatool.importers.tflite.records import RawModel, RawOp

_GENERIC = re.compile(
    r"(Stateful)?PartitionedCall.*|Identity.*|tfl\..*|arith\.constant\d*|tensor_?\d+|\W*\d*\W*|serving_default.*"
)
_KERNEL = re.compile(r"[^;]+/(\w+_)?kernel")
_OPERATIONS = "add batchnorm concat convolution depthwise max mean mul strided_slice sub transpose"
_TENSORFLOW_OPERATIONS = frozenset(_OPERATIONS.split())
_WITH_WEIGHTS = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
_MARKS = {
    "CONV_2D": ("biasadd", "conv2d", "convolution"),
    "DEPTHWISE_CONV_2D": ("biasadd", "depthwise"),
    "FULLY_CONNECTED": ("biasadd", "matmul"),
    "MAX_POOL_2D": ("maxpool2d", "maxpool"),
    "AVERAGE_POOL_2D": ("avgpool2d", "avgpool"),
}


def layer_path(op: RawOp, model: RawModel) -> tuple[str, ...]:
    """Scopes and name of the layer, e.g. ("model", "conv1"); () when the file does not say."""
    candidates = op.inputs[1:2] if op.kind in _WITH_WEIGHTS else ()
    weights = [model.tensors[i].name for i in candidates if i >= 0 and model.tensors[i].stored]
    for name in weights:
        if _KERNEL.fullmatch(name):
            return tuple(name.split("/")[:-1])
    for name in (*(model.tensors[i].name for i in op.outputs[:1]), *weights):
        path = _path(name, op.kind)
        if not _GENERIC.fullmatch(path[-1]):
            return path
    return ()


def _path(tensor: str, kind: str) -> tuple[str, ...]:
    segments = [_scopes(segment) for segment in tensor.split(";")]
    marks = _MARKS.get(kind, (kind.replace("_", "").lower(),))
    chosen = next((s for mark in marks for s in reversed(segments) if _bare(s[-1]).lower() == mark), segments[0])
    operations = {*_TENSORFLOW_OPERATIONS, kind.lower()}
    if len(chosen) > 1 and (chosen[-1][:1].isupper() or _bare(chosen[-1]) in operations or chosen[-1] in operations):
        chosen = chosen[:-1]
    if len(chosen) > 1 and chosen[-1] == "batchnorm":
        chosen = chosen[:-1]
    return chosen


def _scopes(segment: str) -> tuple[str, ...]:
    parts = [part for part in segment.split("/") if part] or [""]
    while len(parts) > 1 and (parts[-1].startswith("ReadVariableOp") or _bare(parts[-1]) == "resource"):
        parts.pop()
    return tuple(parts)


def _bare(part: str) -> str:
    """Without the number that makes a name unique: Conv2D1 -> Conv2D, mul_1 -> mul."""
    return re.sub(r"_?\d+\Z", "", part)
