"""What a model keeps from one inference to the next, made explicit: as tensors that are read and tensors that are left.

Operators that change an input (SVDF, LSTM) get an output for the new value.
"""

from __future__ import annotations

from collections import Counter

import numpy as np

from seatool.importers.tflite.records import RawModel, RawState, RawTensor
from seatool.ir import Array
from seatool.kernels import operators


def expose_states(model: RawModel) -> None:
    """Find the states of ``model`` and give every change of one an output, in place."""
    _updated_inputs(model)


def _updated_inputs(model: RawModel) -> None:
    """States of operators that change their inputs. One that others use too is left alone, and later an error."""
    uses = Counter(index for op in model.ops for index in (*op.inputs, *op.outputs) if index >= 0)
    for op in model.ops:
        family = operators().get(op.kind)
        for place in family.state_inputs if family else ():
            index = op.inputs[place] if place < len(op.inputs) else -1
            if index < 0 or not model.tensors[index].is_variable or uses[index] > 1:
                continue
            tensor = model.tensors[index]
            following = model.add(RawTensor(0, f"{tensor.name}/next", tensor.shape, tensor.type, tensor.quant))
            op.outputs = (*op.outputs, following)
            model.states.append(RawState(index, following, _reset_value(tensor)))


def _reset_value(tensor: RawTensor) -> Array | None:
    """What TFLM resets a variable tensor to: real zeros in int8, stored zeros elsewhere; None for a type without
    numbers."""
    if tensor.type.numpy is None:
        return None
    zero = tensor.quant.zero_point[0] if tensor.quant is not None and tensor.type.name == "INT8" else 0
    return np.full(tensor.shape, zero, tensor.type.numpy)
