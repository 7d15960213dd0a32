"""Figures of models in TFLM that were recorded once, for where there is no TFLM (docs/tflm.md says how)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any


@dataclass(frozen=True)
class Recorded:
    """One model in TFLM, in the emulator: instructions in all and per operator, bytes, and whether it was bit-exact.

    ``sha256``: of the files that are this model. ``operators``: by number and kind, as ``layer_names`` has them.
    ``provenance``: versions and settings behind the figures.
    """

    title: str
    sha256: tuple[str, ...]
    instructions: int
    operators: Mapping[str, int]
    flash_bytes: int
    model_ram_bytes: int
    ram_bytes: int
    stack_bytes: int
    arena_bytes: int
    bit_exact: bool
    provenance: str


def find(hashes: Iterable[str]) -> Recorded | None:
    """What was recorded for a model by the SHA-256 of its file, or of the int8 model made of it."""
    wanted = set(hashes)
    return next((model for model in recorded() if wanted & set(model.sha256)), None)


@cache
def recorded() -> tuple[Recorded, ...]:
    """Everything that was recorded."""
    content = json.loads((resources.files("seatool.tflm") / "recorded.json").read_text(encoding="utf-8"))
    return tuple(_model(entry, content["versions"]) for entry in content["models"])


def _model(entry: dict[str, Any], versions: str) -> Recorded:
    facts = {key: value for key, value in entry.items() if key != "settings"}
    return Recorded(**{**facts, "sha256": tuple(entry["sha256"]), "provenance": f"{versions}; {entry['settings']}"})
