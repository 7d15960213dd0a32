"""Damaged manifests are one clear message that names the key; docs/json.md names every key."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, get_args, get_type_hints, is_typeddict

import pytest
from nets import classifier
from seatool.errors import InputError
from seatool.importers import tflite
from seatool.pipeline import CompileOptions, compile_model, open_project
from seatool.pipeline.edits import MANIFEST
from seatool.pipeline.manifest import Manifest, check

DOCS = Path(__file__).resolve().parents[2] / "docs" / "json.md"


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The manifest of a small compiled model."""
    folder = tmp_path_factory.mktemp("classifier")
    (folder / "classifier.tflite").write_bytes(tflite.write(classifier()))
    project = compile_model(folder / "classifier.tflite", folder / "p", CompileOptions()).project
    value: dict[str, Any] = json.loads((project.path / MANIFEST).read_text(encoding="utf-8"))
    return value


def written(folder: Path, text: str) -> Path:
    (folder / MANIFEST).write_text(text, encoding="utf-8")
    return folder


def test_what_compile_writes_is_valid(manifest: dict[str, Any], tmp_path: Path) -> None:
    assert list(check(manifest)) == []
    assert open_project(written(tmp_path, json.dumps(manifest))).manifest == manifest


@pytest.mark.parametrize("key", sorted(get_type_hints(Manifest)))
def test_every_key_has_to_be_there(manifest: dict[str, Any], tmp_path: Path, key: str) -> None:
    without = {name: value for name, value in manifest.items() if name != key}
    message = "manifest schema None" if key == "schema" else f"is damaged\n  the file: missing: {key}$"
    with pytest.raises(InputError, match=message):
        open_project(written(tmp_path, json.dumps(without)))


def put(*path: str | int, value: Any) -> Callable[[dict[str, Any]], None]:
    """A change of the value at ``path``; the value ``del`` removes it."""

    def change(manifest: Any) -> None:
        for part in path[:-1]:
            manifest = manifest[part]
        if value == "del":
            del manifest[path[-1]]
        else:
            manifest[path[-1]] = value

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (put("name", value=7), r"name: expected text, found 7"),
        (put("macs", value=True), r"macs: expected an integer, found true"),
        (put("macs", value=1 << 63), r"macs: expected an integer, found 9223372036854775808"),
        (put("frontend", value=0), r"frontend: expected true or false, found 0"),
        (put("layers", value={}), r"layers: expected a list, found \{\}"),
        (put("layers", 1, value="x"), r'layers\[1\]: expected an object, found "x"'),
        (put("layers", 1, "outputs", value=[1]), r"layers\[1\].outputs\[0\]: expected text, found 1"),
        (put("layers", 0, "macs", value="del"), r"layers\[0\]: missing: macs"),
        (put("budget", 0, "parts", 0, "bytes", value=1.5), r"budget\[0\].parts\[0\].bytes: expected an integer"),
        (put("files", value=None), r"files: expected an object, found null"),
        (put("files", "README.md", value=None), r"files.README.md: expected text, found null"),
        (put("options", value=[]), r"options: expected an object, found \[\]"),
        (put("instructions", value="many"), r'instructions: expected an integer, found "many"'),
        (put("quantization", value={"key": 1}), r"quantization: missing: sha256, fidelity"),
        (put("estimated_cycles", value=7), r"the file: estimated_cycles, stall_cycles, estimated_ms are null together"),
        (put("layers", 1, "stall_cycles", value=7), r"layers\[1\]: estimated_cycles, stall_cycles, estimated_ms are"),
        (put("budget", 0, "capacity_bytes", value=0), r"capacity_bytes: expected a positive number, found 0"),
    ],
)
def test_mistyped_values_are_named(
    manifest: dict[str, Any], tmp_path: Path, change: Callable[[Any], None], message: str
) -> None:
    damaged = json.loads(json.dumps(manifest))
    change(damaged)
    with pytest.raises(InputError, match=message) as refused:
        open_project(written(tmp_path, json.dumps(damaged)))
    assert refused.value.hint == "compile the model again"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "is not a seatool project"),
        ("{", "not valid JSON"),
        ("[" * 100_000, "not valid JSON"),
        ("[]", "not a JSON object"),
        (json.dumps({"schema": 99}), "manifest schema 99"),
    ],
)
def test_a_broken_manifest_is_named(tmp_path: Path, content: str | None, message: str) -> None:
    if content is not None:
        written(tmp_path, content)
    with pytest.raises(InputError, match=message):
        open_project(tmp_path)


def test_a_missing_project_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no such folder"):
        open_project(tmp_path / "nowhere")


def keys(kind: Any) -> Iterator[str]:
    """The keys of a type and of everything in it."""
    if is_typeddict(kind):
        for name, value in get_type_hints(kind).items():
            yield name
            yield from keys(value)
    for argument in get_args(kind):
        yield from keys(argument)


def test_every_key_is_documented() -> None:
    text = DOCS.read_text(encoding="utf-8") + (DOCS.parent / "quantization.md").read_text(encoding="utf-8")
    assert [key for key in keys(Manifest) if f"`{key}`" not in text and f"`{key}[]`" not in text] == []
