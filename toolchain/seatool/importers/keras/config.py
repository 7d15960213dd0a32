"""A layer's settings, checked as they are read: the file is a stranger's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

from seatool.errors import InputError

_LARGEST = 1 << 20


class Layer:
    """One use of a layer.

    Attributes:
        kind: Keras' class name.
        name: The layer's name in the model.
        key: What tells this use from others of the same layer: (name, index of the node).
        inputs: The keys of the nodes that it reads.
    """

    def __init__(
        self, file: str, kind: str, name: str, config: Mapping[str, Any], node: int = 0, inputs: tuple[Any, ...] = ()
    ) -> None:
        self.file = file
        self.kind = kind
        self.name = name
        self.key = (name, node)
        self.inputs: tuple[tuple[str, int], ...] = inputs
        self._config = config

    def fail(self, what: str, hint: str | None = None) -> NoReturn:
        raise InputError(f"{self.file}: layer {self.name!r} ({self.kind}): {what}", hint)

    def raw(self, key: str, default: Any = None) -> Any:
        return self._config.get(key, default)

    def text(self, key: str, default: str = "") -> str:
        """A string; ``default`` when absent or null."""
        value = self.raw(key)
        if value is None:
            return default
        if not isinstance(value, str):
            self.fail(f"{key} is {value!r}, expected a text")
        return value

    def flag(self, key: str, default: bool) -> bool:
        value = self.raw(key, default)
        if not isinstance(value, bool):
            self.fail(f"{key} is {value!r}, expected true or false")
        return value

    def number(self, key: str, default: float) -> float:
        value = self.raw(key, default)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) < 1e30:
            self.fail(f"{key} is {value!r}, expected a number")
        return float(value)

    def integer(self, key: str, default: int | None = None) -> int:
        """A positive integer."""
        return self._positive(key, self.raw(key, default))

    def pair(self, key: str, default: tuple[int, int] | None = None) -> tuple[int, int]:
        """Two positive integers (height, width); one stands for both."""
        value = self.raw(key)
        if value is None and default is not None:
            return default
        items = value if isinstance(value, (list, tuple)) else (value, value)
        if len(items) != 2:
            self.fail(f"{key} is {value!r}, expected two numbers")
        return self._positive(key, items[0]), self._positive(key, items[1])

    def integers(self, key: str) -> tuple[int, ...]:
        """A list of integers of either sign."""
        value = self.raw(key)
        if not isinstance(value, (list, tuple)) or any(type(v) is not int or abs(v) > _LARGEST for v in value):
            self.fail(f"{key} is {value!r}, expected a list of integers")
        return tuple(value)

    def _positive(self, key: str, value: Any) -> int:
        if type(value) is not int or not 0 < value <= _LARGEST:
            self.fail(f"{key} is {value!r}, expected a positive integer")
        return int(value)
