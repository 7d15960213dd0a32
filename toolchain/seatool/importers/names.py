"""Names: from what the model's author wrote to short, unique C identifiers."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import PurePath

LONGEST = 40
"""Characters of an identifier."""

_C_WORDS = """
alignas alignof asm auto bool break case catch char class const constexpr continue default delete do double else
enum explicit export extern false final float for friend goto if inline int long main mutable namespace new noexcept
nullptr operator override private protected public register restrict return short signed sizeof static struct switch
template this throw true try typedef typeof typename union unsigned using virtual void volatile while
abs acos asin atan ceil cos cosh erf exp fabs floor fma fmax fmin log pow printf putchar puts rint round sin sinh
sqrt tan tanh trunc exit abort free malloc calloc memcpy memset memmove memcmp strlen index remove rename
input output scratch
"""
# Keywords of C and C++ and names of the C library: a layer called "tanh" must not become a function tanh().
_RESERVED = frozenset(_C_WORDS.split())


def identifier(text: str, fallback: str = "layer") -> str:
    """``text`` as a lower-case C identifier of at most 40 characters.

    >>> identifier("Block-1/conv 3x3")
    'block_1_conv_3x3'
    >>> identifier("3")
    'layer_3'
    >>> identifier("tanh")
    'tanh_layer'
    """
    name = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")
    if len(name) > LONGEST:
        name = name[-LONGEST:].lstrip("_")
    if not name or not name[0].isalpha():
        name = (f"{fallback}_{name}" if name else fallback)[:LONGEST].rstrip("_")
    return f"{name}_layer" if name in _RESERVED else name


def model_name(path: str) -> str:
    """The graph's name from a file name: without folders and endings.

    >>> model_name("models/edgel3_sea_64.h5.gz")
    'edgel3_sea_64'
    """
    return identifier(PurePath(path).name.split(".")[0], "model")


def layer_names(paths: Sequence[tuple[str, ...]], kinds: Sequence[str]) -> list[str]:
    """Short unique names of all layers.

    Scopes that most layers share are left out. Where several operators come from one layer, all but its convolution or
    matrix product get the operator's kind as a suffix, then a number if that is still not unique.

    Args:
        paths: For each operator the scopes and the layer it comes from, e.g. ("model", "block1", "conv"); () if the
            model does not say: then it is named after its kind.
        kinds: For each operator TFLite's name.

    >>> layer_names([("m", "bn"), ("m", "bn"), ("m", "a", "conv")], ["MUL", "ADD", "CONV_2D"])
    ['bn_mul', 'bn_add', 'a_conv']
    """
    bases = [
        identifier("_".join(path)) if path else identifier(kind)
        for path, kind in zip(_without_export_suffix(_without_common_scopes(paths)), kinds, strict=True)
    ]
    groups = Counter(bases)
    main = Counter(base for base, kind in zip(bases, kinds, strict=True) if kind in _MAIN)
    names = []
    taken: set[str] = set()
    for base, kind in zip(bases, kinds, strict=True):
        is_main = kind in _MAIN and main[base] == 1
        suffix = identifier(kind)
        alone = groups[base] == 1 or is_main or base == suffix
        names.append(_unique(base if alone else f"{base}_{suffix}", taken))
    return names


_MAIN = frozenset({"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"})


def _unique(name: str, taken: set[str]) -> str:
    candidate, number = name, 1
    while candidate in taken:
        number += 1
        candidate = f"{name}_{number}"
    taken.add(candidate)
    return candidate


def _without_common_scopes(paths: Sequence[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Drop the first scope from the paths that share it, as long as more than half of the named ones do."""
    result = list(paths)
    named = sum(1 for path in paths if path)
    while True:
        first, count = next(iter(Counter(path[0] for path in result if len(path) > 1).most_common(1)), ("", 0))
        if 2 * count <= named:
            return result
        result = [path[1:] if len(path) > 1 and path[0] == first else path for path in result]


def _without_export_suffix(paths: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Keras 3 exports every layer as <layer>_1: drop that when all have it."""
    named = {path[-1] for path in paths if path}
    if len(named) < 2 or not all(re.fullmatch(r".*[^\W\d_].*_1", name) for name in named):
        return paths
    return [(*path[:-1], path[-1][:-2]) if path else path for path in paths]
