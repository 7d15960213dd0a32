"""How things of the model are called in C."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from seatool.ir import DType, State, Tensor
from seatool.kernels import Constant
from seatool.plan.budget import unique
from seatool.plan.labels import numbered, tensor_labels
from seatool.plan.program import Buffer, Program
from seatool.plan.states import initial_constants

_FIRMWARE = {"app", "audio", "binding", "board", "console", "device", "fault", "harness", "model", "nn", "port"}
_LIBRARY = {"assert", "complex", "ctype", "errno", "fenv", "float", "limits", "math", "stdbool", "stddef", "stdint"}
_TAKEN = frozenset(_FIRMWARE | _LIBRARY | {"stdio", "stdlib", "string", "tgmath", "time"})
"""Prefixes and headers of the firmware around the model, and of the C library: ours would hide them."""

_QUANTIZED = (DType.INT8, DType.UINT8, DType.INT16)


def prefix(name: str) -> str:
    """The prefix of everything public in a model's C.

    >>> prefix("student"), prefix("model")
    ('student', 'model_net')
    """
    return f"{name}_net" if name in _TAKEN else name


@dataclass(frozen=True)
class Port:
    """An input or output of the model: its tensor, where it lies, and its name in C (``input``, ``output1``)."""

    name: str
    tensor: Tensor
    buffer: Buffer
    model: str

    @property
    def macro(self) -> str:
        """Prefix of its macros.

        >>> Port("input", None, None, "student").macro
        'STUDENT_INPUT'
        """
        return f"{self.model}_{self.name}".upper()

    @property
    def c_type(self) -> str:
        return element_type(self.tensor)

    @property
    def is_quantized(self) -> bool:
        quant = self.tensor.quant
        return quant is not None and quant.axis is None and self.tensor.dtype in _QUANTIZED


def element_type(tensor: Tensor) -> str:
    """The C type of a tensor's elements; booleans are bytes."""
    return "uint8_t" if tensor.dtype is DType.BOOL else tensor.dtype.c


@dataclass(frozen=True)
class Names:
    """The names in C of one program."""

    program: Program

    @cached_property
    def model(self) -> str:
        return prefix(self.program.graph.name)

    @cached_property
    def labels(self) -> dict[str, str]:
        """Short names of the tensors, for comments."""
        return tensor_labels(self.program.graph)

    @cached_property
    def inputs(self) -> tuple[Port, ...]:
        return tuple(self._ports("input", self.program.graph.inputs))

    @cached_property
    def outputs(self) -> tuple[Port, ...]:
        return tuple(self._ports("output", self.program.graph.outputs))

    def _ports(self, role: str, tensors: tuple[str, ...]) -> Iterator[Port]:
        for name, label in numbered(role, tensors):
            yield Port(label, self.program.graph.tensors[name], self.program.buffers[name], self.model)

    @cached_property
    def states(self) -> dict[str, State]:
        """The states by their labels."""
        return {self.labels[state.value]: state for state in self.program.graph.states}

    @cached_property
    def constants(self) -> dict[tuple[str, str], str]:
        """C name by (layer, name of its constant); equal constants have one name."""
        stored = unique(self._named())
        first = {name: self._symbol(name) for name, _ in stored.values()}
        return {self._key(name): first[same] for name, (same, _) in stored.items()}

    @cached_property
    def arrays(self) -> dict[str, tuple[str, Constant]]:
        """What is stored: C name to the constant and the first layer that needs it, in order."""
        return {
            self._symbol(name): (self._key(name)[0], constant)
            for name, constant in dict(unique(self._named()).values()).items()
        }

    def _named(self) -> Iterator[tuple[str, Constant]]:
        """Constants by the layer that needs them, and what states are before the first inference."""
        for tensor, constant in initial_constants(self.program.graph).items():
            yield f"{self.labels[tensor]}.{constant.name}", constant
        for stage in (stage for step in self.program.steps for stage in step.stages):
            for constant in stage.constants:
                yield f"{stage.name}.{constant.name}", constant

    @staticmethod
    def _key(name: str) -> tuple[str, str]:
        layer, _, constant = name.partition(".")
        return layer, constant

    def _symbol(self, name: str) -> str:
        return f"{self.model}_{name.replace('.', '_')}"

    def place(self, buffer: Buffer, c_type: str = "int8_t") -> str:
        """A pointer to ``buffer`` in the state ``s``. Regions are int8_t, so that most pointers need no cast."""
        address = f"s->{buffer.region} + {buffer.offset}"
        if c_type == "int8_t":
            return address
        return f"(void *)({address})" if c_type == "void" else f"({c_type} *)(void *)({address})"
