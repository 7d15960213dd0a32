"""A few hundred damaged files: each is taken or refused with a SeatoolError. ``fuzz.py`` tries more."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import pytest
from fuzz import Fuzzer
from mutate import MUTATORS, numbers_read
from raw_model import small
from seeds import seeds

COUNTS = {"tflite": 160, "toml": 40, "json": 40, "npz": 30, "npy": 20, "wav": 30, "h5": 8, "h5.gz": 4}


@pytest.fixture(scope="module")
def fuzzer() -> Iterator[Fuzzer]:
    with Fuzzer(seeds(real=False)) as fuzzer:
        yield fuzzer


@pytest.mark.parametrize("kind", MUTATORS)
def test_sound_files_are_taken(fuzzer: Fuzzer, kind: str) -> None:
    assert {fuzzer.judged(kind, data)[0] for data in fuzzer.pool[kind]} == {"taken"}


@pytest.mark.parametrize("kind", MUTATORS)
def test_damaged_files_are_taken_or_refused(fuzzer: Fuzzer, kind: str) -> None:
    assert [reason for _, reason in fuzzer.run(kind, COUNTS[kind])] == []
    assert fuzzer.counts[kind, "refused"] > 0


def test_equal_seeds_damage_alike() -> None:
    first, second = (Fuzzer({"tflite": [small().bytes()]}) for _ in range(2))
    files = [first.damaged("tflite", Random(seed)) for seed in range(20)]
    assert [second.damaged("tflite", Random(seed)) for seed in range(20)] == files
    assert len(set(files)) > 15


def test_a_failure_is_reported_with_its_place(fuzzer: Fuzzer) -> None:
    outcome, what, detail = fuzzer.judged("unheard of", b"")
    assert (outcome, what) == ("failed", "ended with exit code 1")
    assert detail.endswith("KeyError: 'unheard of'")


def test_the_numbers_that_the_reader_looks_at_are_known() -> None:
    data = small().bytes()
    places = numbers_read(data)
    assert len(places) > 100
    assert all(0 <= position < len(data) for position, _ in places)
