"""The reference: TensorFlow Lite for Microcontrollers on this machine, with every intermediate tensor visible."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
from tflite_micro.python.tflite_micro import runtime

from seatool.errors import ToolError
from seatool.importers import tflite
from seatool.ir import Array, Graph
from seatool.isolate import Message, ProcessDiedError, Worker
from seatool.kernels.softmax import TFLM_SUM_LIMIT

_ARENA_SLACK_BYTES = 1 << 20
_ARENA_BYTES_PER_TENSOR = 1024


class Reference:
    """A model in TFLM.

    Args:
        model: The .tflite file's bytes.
        graph: The graph whose tensors are wanted; they are found in the model by name.

    Raises:
        ToolError: TFLM cannot load or run the model. What TFLM has to say goes to standard error.
    """

    def __init__(self, model: bytes, graph: Graph) -> None:
        indices = tflite.file_indices(model, graph.name)
        # What a variable is assigned has a tensor in the file, the variable itself has none.
        indices |= {op.outputs[0]: indices[str(op.inputs[1])] for op in graph.ops if op.kind == "ASSIGN_VARIABLE"}
        indices |= {state.next: indices[state.value] for state in graph.states if state.next not in indices}
        variable = {name for name, tensor in graph.tensors.items() if not tensor.is_constant}
        self._wanted = {name: index for name, index in indices.items() if name in variable}
        self.names = tuple(self._wanted)
        missing = [name for name in graph.outputs if name not in self._wanted]
        if missing:
            raise ValueError(f"the model has no tensor called {missing[0]!r}")
        self._inputs = tuple(graph.tensors[name] for name in graph.inputs)
        # Every tensor has its own memory here, and kernels ask for accumulators of up to 4 bytes per int8 element.
        tensors = sum(tensor.bytes for tensor in graph.tensors.values())
        arena = 8 * tensors + _ARENA_BYTES_PER_TENSOR * len(indices) + len(model) + _ARENA_SLACK_BYTES
        with tflm_errors():
            self._interpreter = runtime.Interpreter.from_bytes(
                tflite.drop_absent_bias(model, graph.name),
                arena_size=arena,
                intrepreter_config=runtime.InterpreterConfig.kPreserveAllTensors,
            )

    def run(self, inputs: Sequence[Array]) -> dict[str, Array]:
        """Every tensor that is not constant, by name, after one inference.

        Args:
            inputs: One array per graph input, in order, of the tensor's shape and dtype.

        Raises:
            ToolError: TFLM refuses the inputs or fails.
        """
        for tensor, value in zip(self._inputs, inputs, strict=True):
            if value.shape != tensor.shape or value.dtype != tensor.dtype.numpy:
                raise ValueError(f"{tensor} was given {value.dtype}{list(value.shape)}")
        with tflm_errors():
            for index, value in enumerate(inputs):
                self._interpreter.set_input(value, index)
            self._interpreter.invoke()
            return {
                name: self._interpreter.GetTensor(index, 0)["tensor_data"].copy()
                for name, index in self._wanted.items()
            }


class IsolatedReference:
    """A :class:`Reference` in a process of its own: where TFLM crashes, which no exception reports, only that one ends.

    Args:
        model: The .tflite file's bytes.
        name: The graph's name.

    Raises:
        ToolError: TFLM cannot load the model; the message holds what TFLM printed.
    """

    def __init__(self, model: bytes, name: str) -> None:
        self._graph = tflite.read(model, name)
        self._worker = Worker(f"{__name__}:serve")
        (self._names,) = self._call(Message({"name": name}, [np.frombuffer(model, np.uint8)])).fields.values()

    def __enter__(self) -> IsolatedReference:
        return self

    def __exit__(self, *exception: object) -> None:
        self._worker.close()

    def run(self, inputs: Sequence[Array]) -> dict[str, Array]:
        """As :meth:`Reference.run`; ToolError too where TFLM crashes, after which this object is of no more use."""
        return dict(zip(self._names, self._call(Message(arrays=inputs)).arrays, strict=True))

    def _call(self, request: Message) -> Message:
        try:
            return self._worker.call(request)
        except ToolError as error:
            raise ToolError("\n".join(filter(None, [error.message, self._worker.said()])), error.hint) from error
        except ProcessDiedError as died:
            raise ToolError(f"TFLM crashed on this model or input: {died}", _suspicion(self._graph)) from died


def _suspicion(graph: Graph) -> str:
    """Why TFLM may have crashed; its host build aborts, without a word, where arithmetic leaves its range."""
    softmax = {op.name: graph.tensors[op.outputs[0]].shape for op in graph.ops if op.kind == "SOFTMAX"}
    long = [name for name, shape in softmax.items() if shape[-1] >= TFLM_SUM_LIMIT]
    if not long:
        return "its host build aborts where its arithmetic overflows"
    return f"its SOFTMAX aborts where exponentials add up to {TFLM_SUM_LIMIT}, as they may in {', '.join(long)}"


def serve(requests: Iterator[Message]) -> Iterator[Message]:
    """The service behind :class:`IsolatedReference`: a model and its name first, then one set of inputs at a time."""
    first = next(requests)
    model, name = first.arrays[0].tobytes(), first.fields["name"]
    reference = Reference(model, tflite.read(model, name))
    yield Message({"names": reference.names})
    for request in requests:
        yield Message(arrays=list(reference.run(request.arrays).values()))


@contextmanager
def tflm_errors() -> Iterator[None]:
    """Turn TFLM's failures into ToolError."""
    try:
        yield
    except (RuntimeError, ValueError) as error:
        raise ToolError(
            f"TFLM cannot run this model: {error}",
            hint="TFLM may not support one of the operators in this form; docs/operators.md lists ours",
        ) from error
