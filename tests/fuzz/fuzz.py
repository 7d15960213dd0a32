#!/usr/bin/env python3
"""Damage files by chance and feed them to seatool, for as long as you like.

    python tests/fuzz/fuzz.py --minutes 60 --out /tmp/found

A damaged file has to be taken or refused with a SeatoolError. One that raises anything else, crashes, or takes a minute
of processor time or 3 GB of memory is kept in the folder, with the reason beside it. Files that lead to a new message
or a new plan are damaged further. Under --run memory is not limited, because the address sanitizer reserves terabytes.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random

if __name__ == "__main__":
    TESTS = Path(__file__).resolve().parent.parent
    sys.path[:0] = [str(TESTS / name) for name in ("fuzz", "data", "pipeline", "quantize", "render")]

import numpy as np
from mutate import GROWING, MUTATORS
from seatool.isolate import Message, ProcessDiedError, Worker
from seeds import seeds
from target import LIMITS

_POOL = 2000
"""At most so many files of a kind are kept for further damage."""
_BUILT = 0.05
"""Share of the models with a known plan that are built all the same: their numbers may be new."""
_ROUND = defaultdict(lambda: 10, {"tflite": 100, "h5": 4, "h5.gz": 2})
"""How many files of a kind take turns with those of the others; HDF5 files take the longest."""


@dataclass
class Fuzzer:
    """Makes damaged files and watches what becomes of them.

    Attributes:
        pool: Files to damage, by kind: the sound ones, and damaged ones that were taken nevertheless.
        refused: Files that were refused, each for another reason; now and then they are damaged further.
        seed: Decides about everything: equal seeds give equal files.
        builds: Build and run the C of TFLite files that lead to a new plan, and of some others.
        counts: Outcomes by kind.
    """

    pool: dict[str, list[bytes]]
    seed: int = 0
    builds: bool = False
    refused: dict[str, list[bytes]] = field(default_factory=lambda: defaultdict(list))
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    seen: set[tuple[str, str, str]] = field(default_factory=set)
    worker: Worker | None = None

    def __enter__(self) -> Fuzzer:
        return self

    def __exit__(self, *exception: object) -> None:
        if self.worker is not None:
            self.worker.close()

    def run(self, kind: str, count: int) -> Iterator[tuple[bytes, str]]:
        """Try ``count`` damaged files of a kind; yields those that fail, each with the reason, once per reason."""
        for _ in range(count):
            self.seed += 1
            chance = Random(self.seed)
            data = self.damaged(kind, chance)
            outcome, what, detail = self.judged(kind, data)
            self.counts[kind, outcome] += 1
            is_new = (kind, outcome, what) not in self.seen
            if self.builds and kind == "tflite" and outcome == "taken" and (is_new or chance.random() < _BUILT):
                outcome, what, detail = self.judged("run", data)
                self.counts["run", outcome] += 1
                is_new |= (kind, outcome, what) not in self.seen
            self.seen.add((kind, outcome, what))
            if is_new and outcome == "failed":
                yield data, f"{what}\n{detail}"
            elif is_new and kind in GROWING and len(self.pool[kind]) < _POOL:
                (self.pool if outcome == "taken" else self.refused)[kind].append(data)

    def damaged(self, kind: str, chance: Random) -> bytes:
        data = chance.choice(self.refused[kind] if self.refused[kind] and chance.random() < 0.1 else self.pool[kind])
        for _ in range(chance.choice([1, 1, 1, 2])):
            mutate = chance.choice(MUTATORS[kind])
            data = mutate(chance, data, chance.choice(self.pool[kind]))
            if kind not in GROWING:
                break
        return data

    def judged(self, kind: str, data: bytes) -> tuple[str, str, str]:
        """Outcome, what sets it apart, details."""
        self.worker = self.worker or Worker(
            "target:serve", replace(LIMITS, memory_bytes=None) if self.builds else LIMITS
        )
        try:
            answer = self.worker.call(Message({"kind": kind}, [np.frombuffer(data, np.uint8)])).fields
        except ProcessDiedError as died:
            self.worker.close()
            self.worker = None
            return "failed", died.reason, died.said
        return answer["outcome"], answer["what"], answer.get("detail", "")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=0, help="another seed, other files")
    parser.add_argument("--out", type=Path, required=True, help="folder for the files that fail")
    parser.add_argument("--kinds", nargs="+", choices=sorted(MUTATORS), default=sorted(MUTATORS))
    parser.add_argument("--run", action="store_true", help="run models under sanitizers, compare with TFLM (needs gcc)")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    fuzzer = Fuzzer(seeds(), arguments.seed << 32, arguments.run)
    end, shown, found = time.monotonic() + 60 * arguments.minutes, 0.0, 0
    while (now := time.monotonic()) < end:
        for kind in arguments.kinds:
            for data, reason in fuzzer.run(kind, _ROUND[kind]):
                found += 1
                name = f"{hashlib.sha256(data).hexdigest()[:12]}.{kind}"
                (arguments.out / name).write_bytes(data)
                (arguments.out / f"{name}.txt").write_text(reason)
                print(f"{name}: {reason.splitlines()[0]}", flush=True)
        if now - shown > 60:
            shown = now
            tried = ", ".join(f"{kind} {what} {n}" for (kind, what), n in sorted(fuzzer.counts.items()))
            print(f"{(end - now) / 60:.0f} minutes left: {tried}", flush=True)
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
