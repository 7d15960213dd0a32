"""What an operator is and what a kernel variant is: the contract of every file in this package.

An operator file holds three things: the *operator* (its TFLite form, its integer meaning as TFLM computes it, its
float meaning for the quantizer), its *variants* (one C kernel each: when it applies, what it costs, which constants
it needs, how it is called), and nothing else. Files in this package are found by name; no list has to be kept.
"""

from __future__ import annotations

import importlib
import pkgutil
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import IntEnum
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeVar

from seatool.ir import Array, Attributes, DType, Graph, NoAttributes, Op, Quantization, Tensor
from seatool.rounding import round_up

if TYPE_CHECKING:
    from seatool.kernels.window import Axis

Shape = tuple[int, ...]


class Code(IntEnum):
    """An argument of kernels that C has names for, NN_... unless a subclass says otherwise."""

    @property
    def c_name(self) -> str:
        """The name that calls are written with."""
        return f"NN_{self.name}"


class Padding(IntEnum):
    """TFLite's Padding."""

    SAME = 0
    VALID = 1


class Activation(IntEnum):
    """TFLite's ActivationFunctionType."""

    NONE = 0
    RELU = 1
    RELU_N1_TO_1 = 2
    RELU6 = 3
    TANH = 4
    SIGN_BIT = 5

    @property
    def bounds(self) -> tuple[float | None, float | None]:
        """Real-valued clamp, None where there is no bound; ValueError where the function is no clamp."""
        try:
            return {0: (None, None), 1: (0.0, None), 2: (-1.0, 1.0), 3: (0.0, 6.0)}[int(self)]
        except KeyError:
            raise ValueError(f"fused activation {self.name} is not a clamp") from None


@dataclass(frozen=True)
class Field:
    """One field of a TFLite options table: its slot in the flatbuffer schema, type and default."""

    name: str
    slot: int
    type: Literal["int8", "int32", "float32", "bool", "int32[]"]
    default: Any = 0


@dataclass(frozen=True)
class TFLiteForm:
    """How TFLite writes the operator: BuiltinOperator code, known versions, options table (0: none)."""

    code: int
    versions: range
    options: int = 0
    fields: tuple[Field, ...] = ()


@dataclass(frozen=True)
class QuantizationRule:
    """How post-training quantization treats the operator (TFLite 8-bit quantization specification).

    weights/bias: input indices quantized as int8 per channel along ``weight_axis`` and as int32 with scale
    input * weight; data: index of the input that meets the weights. same_scale: all real inputs and outputs have the
    same parameters; same_inputs: all real inputs have. fixed_output: parameters the specification prescribes.
    """

    weights: int | None = None
    weight_axis: int | None = None
    bias: int | None = None
    data: int = 0
    same_scale: bool = False
    same_inputs: bool = False
    fixed_output: Quantization | None = None


class Operator(ABC):
    """An operator bound to its tensors. Subclasses are registered with :func:`operator`."""

    kind: ClassVar[str]
    tflite: ClassVar[TFLiteForm | None] = None
    """None for internal operators, which only passes make and no file holds."""
    most_inputs: ClassVar[int | None] = 1
    most_outputs: ClassVar[int | None] = 1
    """How many the operator takes and gives in TFLite, optional ones included; None: any number."""
    attributes_type: ClassVar[type[Attributes]] = NoAttributes
    quantization: ClassVar[QuantizationRule] = QuantizationRule()
    limits: ClassVar[str] = ""
    """What is not covered, in words for the documentation; :meth:`problems` says it of an instance."""
    also_float: ClassVar[bool] = False
    """A quantized model may have float32 tensors here."""
    is_curve: ClassVar[bool] = False
    """A function of every single value; with float32 tensors a pass makes it a table, from DEQUANTIZE to QUANTIZE."""
    is_view: ClassVar[bool] = False
    """The output's bytes are the input's: the planner aliases them and no code runs."""
    state_inputs: ClassVar[tuple[int, ...]] = ()
    """Inputs that it changes. Its last outputs, one per entry, are their new values, in the same memory; a file lists
    none of these."""
    variants: ClassVar[list[Variant]]
    wide: ClassVar[type[Operator] | None] = None
    """The class of instances with int16 activations, where these have kernels of their own (see :func:`wide`)."""

    @classmethod
    def of(cls, op: Op, graph: Graph) -> type[Operator]:
        """The class of an instance."""
        is_wide = any(graph.tensors[name].dtype is DType.INT16 for name in op.outputs)
        return cls.wide if is_wide and cls.wide is not None else cls

    @classmethod
    def all_variants(cls) -> list[Variant]:
        """The kernels of every instance."""
        return [*cls.variants, *(cls.wide.variants if cls.wide else ())]

    def __init__(self, op: Op, graph: Graph) -> None:
        self.op = op
        self.inputs: tuple[Tensor | None, ...] = tuple(
            None if name is None else graph.tensors[name] for name in op.inputs
        )
        self.outputs: tuple[Tensor, ...] = tuple(graph.tensors[name] for name in op.outputs)

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> Attributes:
        """Typed attributes from the raw fields of the TFLite options table (defaults filled in)."""
        return cls.attributes_type(**raw)

    @classmethod
    def unparse(cls, attributes: Attributes) -> Mapping[str, Any]:
        """The raw fields of the TFLite options table; inverse of :meth:`parse`."""
        return dict(vars(attributes))

    @property
    def attributes(self) -> Any:
        return self.op.attributes

    def input(self, index: int) -> Tensor:
        """Input ``index``; ValueError when it is absent."""
        tensor = self.inputs[index] if index < len(self.inputs) else None
        if tensor is None:
            raise ValueError(f"{self.op.name}: input {index} is missing")
        return tensor

    def optional(self, index: int) -> Tensor | None:
        """Input ``index`` or None when it is absent."""
        return self.inputs[index] if index < len(self.inputs) else None

    @property
    def output(self) -> Tensor:
        return self.outputs[0]

    def constant(self, index: int) -> Array:
        """The data of input ``index``; ValueError when it is absent or computed."""
        data = self.input(index).data
        if data is None:
            raise ValueError(f"{self.op.name}: input {index} is not constant")
        return data

    def output_shapes(self) -> Sequence[Shape]:
        """The shapes that inputs and attributes give the outputs, whatever shapes these have; by default the first
        input's. ValueError or IndexError where :meth:`problems` finds fault with the inputs."""
        return [self.input(0).shape] * len(self.outputs)

    @property
    def updated(self) -> Mapping[int, int]:
        """By the index of an output the index of the input whose memory it is, of :attr:`state_inputs`."""
        first = len(self.outputs) - len(self.state_inputs)
        return {first + i: index for i, index in enumerate(self.state_inputs)}

    @abstractmethod
    def problems(self) -> Iterator[str]:
        """Reasons why this quantized instance cannot be compiled, in words for the user; empty when it can."""

    def float_problems(self) -> Iterator[str]:
        """The same of a float operator, given made-up scales; passes may still change it before it is quantized."""
        return self.problems()

    @abstractmethod
    def evaluate(self, *inputs: Array | None) -> tuple[Array, ...]:
        """The integer reference: exactly TFLM's result. Arrays have the tensors' shapes and dtypes."""

    def evaluate_float(self, *inputs: Array | None) -> tuple[Array, ...]:
        """The meaning on real numbers (float32), for the quantizer and the fidelity report."""
        raise NotImplementedError(f"{self.kind} has no float form")

    def macs(self) -> int:
        """Multiply-accumulates of one inference; padding counted as TFLite counts it (as if present)."""
        return 0


@dataclass(frozen=True)
class Admission:
    """Whether a variant can compute an instance; if not, why, in words for the report."""

    ok: bool
    reason: str = ""

    @classmethod
    def when(cls, condition: bool, otherwise: str) -> Admission:
        return cls(True) if condition else cls(False, otherwise)


@dataclass(frozen=True)
class Cost:
    """Estimates of one call: instructions executed, scratch RAM bytes, code bytes in flash.

    Bytes of constants follow from :meth:`Variant.constants` and are not repeated here. ``shared``: functions that are
    in flash once, however many layers use them, with their bytes. ``cycles``: what the instructions take if no memory
    is waited for; they follow from :attr:`Variant.cycles_per_instruction`, and a variant leaves them out.
    """

    instructions: int
    scratch: int = 0
    code: int = 0
    shared: tuple[tuple[str, int], ...] = ()
    cycles: int = 0

    @property
    def all_code(self) -> int:
        """Bytes of code if no other layer shared any."""
        return self.code + sum(size for _, size in self.shared)


@dataclass(frozen=True)
class Constant:
    """A const array in flash; the renderer calls it ``<layer>_<name>``."""

    name: str
    data: Array
    comment: str = ""
    align: int = 4


@dataclass(frozen=True)
class Reading:
    """How often constants are read: all of them in ``passes``, each of which reads equal ``parts`` ``repeats`` times.

    That decides how much of them comes from memory and how much a cache holds.
    """

    passes: int = 1
    parts: int = 1
    repeats: int = 1

    def __mul__(self, calls: int) -> Reading:
        """Of so many calls."""
        return replace(self, passes=self.passes * calls)


ONCE = Reading()


@dataclass(frozen=True)
class Ref:
    """A pointer the renderer resolves: input/output tensor by index, scratch, resident memory, a constant by name."""

    what: Literal["input", "output", "scratch", "resident", "constant"]
    key: int | str = 0


@dataclass(frozen=True)
class Bands:
    """How a kernel computes an image in bands of rows, from top to bottom, one call per band.

    Its arguments then include ``first_row`` and ``rows``, in rows of the operator's output before any pooling, and
    ``input_ring`` and ``output_ring``: row r of a tensor lies at place r modulo the ring.

    height: rows in all. rows: of a band that wastes nothing; calls may have fewer. stored: rows that make one row in
    memory (2 with 2x2 pooling); bands start at multiples of it. window: along the height. instructions: of a call for
    so many rows. reading: how a call reads the constants.
    """

    height: int
    rows: int
    stored: int
    window: Axis
    instructions: Callable[[int], int]
    reading: Reading = ONCE


BAND_ROWS = (1, 2, 4, 8)
"""Rows at a time that a plan may choose from."""


def all_rows(op: Operator) -> dict[str, int]:
    """The fields of a kernel that computes bands where one call computes everything; tensors are NHWC."""
    rows = op.output.shape[1]
    return {"first_row": 0, "rows": rows, "input_ring": op.input(0).shape[1], "output_ring": rows}


@dataclass(frozen=True)
class Call:
    """``function(&(struct){ .field = value, ... })``.

    Values: int, :class:`Code`, float, bool, tuples of those, or :class:`Ref`.
    """

    function: str
    struct: str
    fields: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Resident:
    """RAM that a kernel only reads: it is filled once, before the first inference, and keeps its contents.

    fill: the call that does that, from constants; its function is in the kernel's header. source_bytes: of the
    constants that nothing else reads. instructions: of that call.
    """

    bytes: int
    fill: Call
    source_bytes: int
    instructions: int


class Variant(ABC):
    """One C kernel in one configuration. Subclasses are registered with :func:`variant`; instances never change."""

    name: str
    header: str
    """The file in ``firmware/nn`` that holds the kernel."""
    cycles_per_instruction: float = 0.8
    """Where no memory is waited for; estimated (docs/cycles.md) on layers of ordinary size, good to a third."""

    def admits(self, op: Any) -> Admission:
        """Whether this kernel can compute ``op`` (an instance of the family's Operator class)."""
        return Admission(True)

    @abstractmethod
    def cost(self, op: Any) -> Cost: ...

    def constants(self, op: Any) -> tuple[Constant, ...]:
        return ()

    def flash(self, op: Any) -> int:
        """Bytes of the constants, each padded to its alignment. Overridden where making the constants takes long."""
        return sum(round_up(constant.data.nbytes, constant.align) for constant in self.constants(op))

    def reading(self, op: Any) -> Reading:
        """How one call for all of ``op`` reads the constants."""
        return Reading()

    @abstractmethod
    def call(self, op: Any) -> Call: ...

    def resident(self, op: Any) -> Resident | None:
        """The RAM that has to be filled before the kernel runs; None if there is none."""
        return None

    def options(self, op: Any) -> Iterable[Variant]:
        """This kernel in every configuration worth considering for ``op``: sizes of tiles, forms of the weights."""
        return (self,)

    def bands(self, op: Any) -> Bands | None:
        """How the kernel computes ``op`` in bands of rows; None if it cannot."""
        return None

    def inplace(self, op: Any) -> tuple[int, ...]:
        """Indices of inputs whose memory output 0 may overwrite while they are read."""
        return ()


_OPERATORS: dict[str, type[Operator]] = {}

Composition = Callable[[Any, Any, Graph], Operator | None]
_COMPOSITIONS: dict[tuple[type[Operator], type[Operator]], Composition] = {}

OperatorClass = TypeVar("OperatorClass", bound=type[Operator])
VariantClass = TypeVar("VariantClass", bound=type[Variant])


def operator(kind: str) -> Callable[[OperatorClass], OperatorClass]:
    """Register an operator class under TFLite's name for it."""

    def register(cls: OperatorClass) -> OperatorClass:
        if kind in _OPERATORS:
            raise ValueError(f"operator {kind} is registered twice")
        cls.kind, cls.variants = kind, []
        _OPERATORS[kind] = cls
        return cls

    return register


def wide(family: type[Operator]) -> Callable[[OperatorClass], OperatorClass]:
    """Register the class of an operator's instances with int16 activations, a subclass with variants of its own."""

    def register(cls: OperatorClass) -> OperatorClass:
        cls.variants, family.wide = [], cls
        return cls

    return register


def variant(*operators: type[Operator]) -> Callable[[VariantClass], VariantClass]:
    """Register a kernel for one or more operators."""

    def register(cls: VariantClass) -> VariantClass:
        for family in operators:
            family.variants.append(cls())
        return cls

    return register


def composition(first: type[Operator], then: type[Operator]) -> Callable[[Composition], Composition]:
    """Register what makes one operator of two, the second of which alone reads the first one's output."""

    def register(function: Composition) -> Composition:
        _COMPOSITIONS[first, then] = function
        return function

    return register


def compose(first: Operator, then: Operator, graph: Graph) -> Operator | None:
    """An operator that computes both, called as the first one; None if there is none for these two."""
    function = _COMPOSITIONS.get((type(first), type(then)))
    return function(first, then, graph) if function else None


@cache
def operators() -> Mapping[str, type[Operator]]:
    """Every operator by kind; importing the family files on first use."""
    package = importlib.import_module("seatool.kernels")
    for module in sorted(info.name for info in pkgutil.iter_modules(package.__path__)):
        importlib.import_module(f"seatool.kernels.{module}")
    for family in _OPERATORS.values():
        # In the same order whichever file was imported first.
        family.variants.sort(key=lambda kernel: type(kernel).__module__)
    return dict(sorted(_OPERATORS.items()))


def bind(op: Op, graph: Graph) -> Operator:
    """``op`` with its tensors, as an instance of its operator class; KeyError for an unknown kind."""
    return operators()[op.kind].of(op, graph)(op, graph)


def require_int16(*tensors: Tensor) -> Iterator[str]:
    """Problems of tensors that should be int16 with one scale and the zero point 0, as TFLite has them."""
    for tensor in tensors:
        if tensor.dtype is not DType.INT16:
            yield f"{tensor.name} is {tensor.dtype.value}; only int16 is supported beside int16"
        elif tensor.quant is None or tensor.quant.axis is not None:
            yield f"{tensor.name} has no per-tensor quantization"
        elif tensor.zero_point != 0:
            yield f"{tensor.name} is int16 with a zero point other than 0"


def require_quantized(operator: Operator, *tensors: Tensor) -> Iterator[str]:
    """Problems of tensors that should be all int8 or all int16, with per-tensor quantization."""
    if tensors[0].dtype is DType.INT16:
        yield from require_int16(*tensors)
    else:
        yield from require_int8(operator, *tensors)


def require_quantized_or_float(operator: Operator, *tensors: Tensor) -> Iterator[str]:
    """Problems of tensors that should be all int8, all int16 or all float32."""
    if any(tensor.dtype is not DType.FLOAT32 for tensor in tensors):
        yield from require_quantized(operator, *tensors)


def require_int8(operator: Operator, *tensors: Tensor | None) -> Iterator[str]:
    """Problems of tensors that should be int8 with per-tensor quantization."""
    for tensor in tensors:
        if tensor is None:
            continue
        if tensor.dtype is not DType.INT8:
            yield f"{tensor.name} is {tensor.dtype.value}; only int8 is supported here"
        elif tensor.quant is None or tensor.quant.axis is not None:
            yield f"{tensor.name} has no per-tensor quantization"
