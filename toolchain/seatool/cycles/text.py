"""objdump's text of an instruction, taken apart."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass


def names(words: str) -> frozenset[str]:
    """The words of ``words``."""
    return frozenset(words.split())


_CONDITIONS = names("eq ne cs hs cc lo mi pl vs vc hi ls ge lt gt le al")
_REGISTER = re.compile(r"\b(?:r\d+|sp|lr|pc|sl|fp|ip|[sd]\d+)\b")
_RANGE = re.compile(r"([sd])(\d+)-[sd](\d+)")
_COMMA = re.compile(r",\s*(?![^\[{]*[\]}])")
_COMMENT = re.compile(r"\s*[@;<].*")
_ALIASES = {"sl": "r10", "fp": "r11", "ip": "r12", "sp": "r13", "lr": "r14", "pc": "r15"}


@dataclass(frozen=True, slots=True)
class Text:
    """``name`` without width, condition and flag suffix; ``kind`` is the data type of a floating-point instruction.

    registers holds those of all operands in order, r0 to r15 and s0 to s31, with d registers as two s registers.
    """

    name: str
    kind: str
    operands: tuple[str, ...]
    registers: tuple[str, ...]
    sets_flags: bool
    conditional: bool
    address: int
    size: int


def parse(text: str, address: int, size: int, is_known: Callable[[str], bool]) -> Text:
    """``text`` taken apart. ``is_known`` tells which names there are, so that suffixes can be told from names."""
    mnemonic, _, rest = text.partition(" ")
    mnemonic, _, kind = mnemonic.partition(".")
    name, sets_flags, conditional = _suffixes(mnemonic, is_known)
    rest = _COMMENT.sub("", rest).strip()
    operands = tuple(part.strip() for part in _COMMA.split(rest)) if rest else ()
    if name == "mov" and len(operands) == 3:  # objdump's mov r0, r1, ror #8 is ror r0, r1, #8
        name, _, amount = operands[2].partition(" ")
        operands = (*operands[:2], *((amount,) if amount else ()))
    return Text(
        *(name, "" if kind in ("n", "w") else kind, operands, registers(rest)), sets_flags, conditional, address, size
    )


def _suffixes(mnemonic: str, is_known: Callable[[str], bool]) -> tuple[str, bool, bool]:
    """Name, whether it sets flags, whether it has a condition.

    >>> _suffixes("bls", {"b", "bl", "bic"}.__contains__), _suffixes("bics", {"b", "bl", "bic"}.__contains__)
    (('b', False, True), ('bic', True, False))
    """
    if is_known(mnemonic):
        return mnemonic, False, False
    stem = mnemonic[:-2]
    conditional = mnemonic[-2:] in _CONDITIONS
    if conditional and is_known(stem):
        return stem, False, True
    if conditional and stem.endswith("s") and is_known(stem[:-1]):
        return stem[:-1], True, True
    if mnemonic.endswith("s") and is_known(mnemonic[:-1]):
        return mnemonic[:-1], True, False
    return mnemonic, False, False


def registers(text: str) -> tuple[str, ...]:
    """The registers in ``text``.

    >>> registers("r0, {r4, lr}"), registers("{d0-d1}")
    (('r0', 'r4', 'r14'), ('s0', 's1', 's2', 's3'))
    """
    found: list[str] = []
    for name in _REGISTER.findall(_RANGE.sub(_spelled_out, text)):
        if name[0] == "d":
            found += [f"s{2 * int(name[1:])}", f"s{2 * int(name[1:]) + 1}"]
        else:
            found.append(_ALIASES.get(name, name))
    return tuple(found)


def _spelled_out(match: re.Match[str]) -> str:
    return ",".join(f"{match[1]}{i}" for i in range(int(match[2]), int(match[3]) + 1))
