"""The SEA students' sizes. Source: Srivastava et al., ICASSP 2021, and the edgel3 package."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

FILTERS: Mapping[int, tuple[int, int, int, int]] = MappingProxyType(
    {512: (64, 128, 256, 512), 256: (32, 64, 128, 256), 128: (32, 64, 128, 128), 64: (32, 64, 128, 64)}
)
"""Filters of the four blocks by embedding size: Students 0 to 3."""
