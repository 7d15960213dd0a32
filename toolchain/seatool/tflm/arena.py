"""How large TFLM's arena has to be on the target: measured on this machine, corrected for what differs there.

The interpreter of the tflite-micro package records what it allocates. Three things differ on a Cortex-M7. Pointers have
4 bytes: the structures that consist of little else are counted anew, all others are taken as large as here. The kernels
of CMSIS-NN ask for memory of their own: it is planned as TFLM plans it, together with the tensors. And while tensors
are allocated, the plan itself needs room, which for small models is more than the inference needs.

Source of sizes: TFLM 90b983c2, micro/micro_allocator.cc and the headers beside it.
"""

from __future__ import annotations

from dataclasses import dataclass

from seatool.importers.tflite.records import RawModel, RawOp
from seatool.tflm import lifetimes, scratch
from seatool.tflm.allocations import Allocations, Item
from seatool.tflm.lifetimes import aligned
from seatool.tflm.operators import INT8

MARGIN_BYTES = 512
"""On top of the estimate, for other versions of TFLM and CMSIS-NN."""

_EVAL_TENSOR, _NODE, _TENSOR = 12, 32, 32
"""Bytes of TFLM's structures where pointers have 4 bytes."""

_ALLOCATORS = 424 - 116
"""Bytes by which the recording allocator and its planner are larger here than the plain ones are there."""

_KERNEL_DATA = 16
"""Bytes by which what a CMSIS-NN kernel keeps per operator may exceed what the reference kernel keeps."""

_KEPT_REQUESTS = 12
"""Scratch requests that TFLM keeps room for beyond those made."""

_REQUEST, _LIFETIME, _PLANNED, _QUANTIZATION = 12, 24, 40, 16
"""Bytes while allocating: of a scratch request, of one buffer's lifetime, of one buffer in the greedy planner, of one
tensor's quantization without the zero point of each channel."""


@dataclass(frozen=True)
class Arena:
    """Bytes of TFLM's arena on the target.

    ``head`` is the plan of tensors and scratch, ``tail`` what stays. ``allocating`` is what the allocation itself needs
    beside the tail: head and it take turns.
    """

    head: int
    tail: int
    allocating: int
    margin: int = MARGIN_BYTES

    @property
    def bytes(self) -> int:
        """What the arena is given: all of it, and the margin."""
        return aligned(max(self.head, self.allocating) + self.tail + self.margin)


def host_arena_bytes(model: RawModel, file_bytes: int) -> int:
    """An arena on this machine in which every model that can run at all can be allocated."""
    tensors = sum(tensor.bytes for tensor in model.tensors if not tensor.stored)
    return 8 * tensors + file_bytes + 1024 * len(model.tensors) + (1 << 20)


def estimate(model: RawModel, recorded: Allocations) -> Arena:
    """The arena for ``model`` on a Cortex-M7, with the reference kernels or those of CMSIS-NN.

    ``recorded`` is what the interpreter on this machine allocated for the same file. The result errs on the large side.
    """
    tensors = lifetimes.tensors(model)
    requests = [buffer for op in model.ops for buffer in lifetimes.scratch(op, scratch.buffers(op, model))]
    growth = lifetimes.greedy(tensors + requests) - lifetimes.greedy(tensors)
    kernels = sum(_KERNEL_DATA + scratch.persistent(op, model) for op in model.ops if op.kind in INT8)
    tail = recorded.tail - _shrinkage(recorded) + kernels
    return Arena(recorded.head + max(growth, 0), aligned(tail), aligned(_allocating(model, len(requests))))


def _shrinkage(recorded: Allocations) -> int:
    """Bytes by which the structures that are known are smaller on the target."""
    sizes = ((recorded.eval_tensors, _EVAL_TENSOR), (recorded.nodes, _NODE), (recorded.tensors, _TENSOR))
    return _ALLOCATORS + sum(_saved(item, size) for item, size in sizes)


def _saved(item: Item, size: int) -> int:
    return item.bytes - item.count * size


def _allocating(model: RawModel, requests: int) -> int:
    """Bytes beside the tail: while an operator is prepared, and while the plan is made; the larger."""
    kept = _REQUEST * (requests + _KEPT_REQUESTS)
    planning = (_LIFETIME + _PLANNED) * (len(model.tensors) + requests)
    return kept + max(planning, max((_preparing(op, model) for op in model.ops), default=0))


def _preparing(op: RawOp, model: RawModel) -> int:
    """Bytes of temporary copies of the operator's tensors, with the zero points of their channels."""
    tensors = scratch.operands(op, model)
    return sum(_TENSOR + _QUANTIZATION + 4 * len(tensor.quant.scale if tensor.quant else ()) for tensor in tensors)
