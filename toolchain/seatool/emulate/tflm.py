"""The reference: TensorFlow Lite for Microcontrollers on this machine, with every intermediate tensor visible."""

from __future__ import annotations

import multiprocessing
import os
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager

from tflite_micro.python.tflite_micro import runtime

from seatool.errors import ToolError
from seatool.importers import tflite
from seatool.ir import Array, Graph

_ARENA_SLACK_BYTES = 1 << 20
_ARENA_BYTES_PER_TENSOR = 1024


class Reference:
    """A model in TFLM.

    Args:
        model: The .tflite file's bytes.
        graph: The graph whose tensors are wanted; they are found in the model by name.

    Raises:
        ToolError: TFLM cannot load or run the model; the message holds what TFLM printed.
    """

    def __init__(self, model: bytes, graph: Graph) -> None:
        indices = tflite.file_indices(model, graph.name)
        variable = {name for name, tensor in graph.tensors.items() if not tensor.is_constant}
        self._wanted = {name: index for name, index in indices.items() if name in variable}
        missing = [name for name in graph.outputs if name not in self._wanted]
        if missing:
            raise ValueError(f"the model has no tensor called {missing[0]!r}")
        self._inputs = tuple(graph.tensors[name] for name in graph.inputs)
        # Every tensor has its own memory here, and kernels ask for accumulators of up to 4 bytes per int8 element.
        tensors = sum(tensor.bytes for tensor in graph.tensors.values())
        arena = 8 * tensors + _ARENA_BYTES_PER_TENSOR * len(indices) + len(model) + _ARENA_SLACK_BYTES
        with _tflm_errors():
            self._interpreter = runtime.Interpreter.from_bytes(
                model, arena_size=arena, intrepreter_config=runtime.InterpreterConfig.kPreserveAllTensors
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
        with _tflm_errors():
            for index, value in enumerate(inputs):
                self._interpreter.set_input(value, index)
            self._interpreter.invoke()
            return {
                name: self._interpreter.GetTensor(index, 0)["tensor_data"].copy()
                for name, index in self._wanted.items()
            }


class IsolatedReference:
    """A :class:`Reference` in a process of its own: where TFLM aborts, which no exception reports, only that one ends.

    Args:
        model: The .tflite file's bytes.
        name: The graph's name.
    """

    def __init__(self, model: bytes, name: str) -> None:
        context = multiprocessing.get_context("spawn")
        self._pool = ProcessPoolExecutor(1, context, initializer=_load, initargs=(model, name))

    def __enter__(self) -> IsolatedReference:
        return self

    def __exit__(self, *exception: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    def run(self, inputs: Sequence[Array]) -> dict[str, Array]:
        """As :meth:`Reference.run`; ToolError too where TFLM aborts."""
        try:
            return self._pool.submit(_run, tuple(inputs)).result()
        except BrokenProcessPool:
            raise ToolError(
                "TFLM aborted on this model or input", "its host build ends the process where its arithmetic overflows"
            ) from None


_loaded: list[Reference | ToolError] = []
"""In the process of an IsolatedReference: its one reference, or why there is none."""


def _load(model: bytes, name: str) -> None:
    try:
        _loaded.append(Reference(model, tflite.read(model, name)))
    except ToolError as error:
        _loaded.append(error)


def _run(inputs: tuple[Array, ...]) -> dict[str, Array]:
    (reference,) = _loaded
    if isinstance(reference, ToolError):
        raise reference
    return reference.run(inputs)


@contextmanager
def _tflm_errors() -> Iterator[None]:
    """Turn TFLM's failures into ToolError; its explanations go to file descriptor 2, so they are caught there."""
    with tempfile.TemporaryFile() as log:
        stderr = os.dup(2)
        os.dup2(log.fileno(), 2)
        try:
            yield
        except (RuntimeError, ValueError) as error:
            log.seek(0)
            said = log.read().decode(errors="replace").strip()
            raise ToolError(
                "TFLM cannot run this model: " + (f"{error}\n{said}" if said else str(error)),
                hint="TFLM may not support one of the operators in this form; docs/operators.md lists ours",
            ) from error
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
