"""The plugin: its cache, that it compiles without a warning, and what is said where it cannot be had."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from seatool.cycles import plugin
from seatool.cycles.plugin import UnavailableError

HERE = Path(__file__).resolve().parent
SETS, WAYS, LINE = 4, 2, 32

Access = Callable[[int, int, int], int]


@pytest.fixture(scope="module")
def access(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Access]:
    """Makes an empty cache of 4 sets and gives its ``lru_access``."""
    if shutil.which("cc") is None:
        pytest.skip("cc is not installed")
    library = tmp_path_factory.mktemp("lru") / "lru.so"
    flags = ["-std=c11", "-Wall", "-Wextra", "-Wconversion", "-Werror", "-fPIC", "-shared", f"-I{plugin.SOURCES}"]
    subprocess.run(["cc", *flags, "-o", str(library), str(HERE / "lru.c")], check=True)
    loaded = ctypes.CDLL(str(library))

    def create() -> Access:
        assert loaded.lru_create(SETS * WAYS * LINE, WAYS, LINE)
        return loaded.lru_access

    return create


class Model:
    """A cache as a list of lines per set, the least recently used first: (number, region, modified)."""

    def __init__(self) -> None:
        self.sets: list[list[tuple[int, int, bool]]] = [[] for _ in range(SETS)]

    def access(self, address: int, region: int, store: bool) -> int:
        number = address // LINE
        lines = self.sets[number % SETS]
        found = next((line for line in lines if line[0] == number), None)
        if found:
            lines.remove(found)
            lines.append((number, found[1], found[2] or store))
            return 0
        evicted = lines.pop(0) if len(lines) == WAYS else None
        lines.append((number, region, store))
        return 1 | (evicted[1] + 1 if evicted and evicted[2] else 0) << 8


@given(st.lists(st.tuples(st.integers(0, 1023), st.booleans()), max_size=60))
def test_cache_replaces_the_least_recently_used_line(
    access: Callable[[], Access], accesses: list[tuple[int, bool]]
) -> None:
    subject, model = access(), Model()
    for address, store in accesses:
        region = address // 512
        assert subject(address, region, int(store)) == model.access(address, region, store)


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
@pytest.mark.parametrize("version", plugin.API_VERSIONS)
def test_plugin_compiles_without_a_warning(tmp_path: Path, compiler: str, version: int) -> None:
    if shutil.which(compiler) is None:
        pytest.skip(f"{compiler} is not installed")
    flags = ["-std=c11", "-Wall", "-Wextra", "-Wconversion", "-Werror", "-fsyntax-only", f"-DAPI_VERSION={version}"]
    subprocess.run([compiler, *flags, str(plugin.SOURCES / "trace.c")], check=True)


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty cache folder, and a plugin that is not known yet."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    plugin.library.cache_clear()
    yield tmp_path
    plugin.library.cache_clear()


def program(folder: Path, name: str, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a program that comes before all others."""
    folder.mkdir(exist_ok=True)
    file = folder / name
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=":")


def test_without_a_compiler(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC", "no-such-compiler")
    with pytest.raises(UnavailableError, match="no C compiler for this computer") as caught:
        plugin.library()
    assert caught.value.hint is not None
    assert "gcc" in caught.value.hint


def test_with_a_compiler_that_fails(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(elsewhere / "bin", "cc", "echo 'cc: out of order' >&2; exit 1", monkeypatch)
    with pytest.raises(UnavailableError, match="cc does not compile the plugin for QEMU: cc: out of order"):
        plugin.library()
    assert not list((elsewhere / "cache").rglob("*.so"))


def test_where_the_cache_cannot_be_written(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (elsewhere / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(elsewhere / "file"))
    with pytest.raises(UnavailableError, match=r"cannot be kept in .*file/seatool/plugins: Not a directory"):
        plugin.library()


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("echo 'qemu-system-arm: -plugin: invalid option' >&2; exit 1", "-plugin: invalid option"),
        ("echo 'supports only a minimum version of 7'; exit 1", "supports only a minimum version of 7"),
        ("exit 3", "it ended with status 3"),
    ],
)
def test_where_qemu_takes_no_plugin(elsewhere: Path, monkeypatch: pytest.MonkeyPatch, script: str, reason: str) -> None:
    if shutil.which("cc") is None:
        pytest.skip("cc is not installed")
    program(elsewhere / "bin", "qemu-system-arm", script, monkeypatch)
    with pytest.raises(UnavailableError, match=f"this QEMU loads no plugins: .*{reason}"):
        plugin.library()


def test_the_version_that_qemu_takes_is_chosen(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A QEMU that refuses the first plugin it is given and greets the second."""
    if shutil.which("cc") is None:
        pytest.skip("cc is not installed")
    script = f'[ -e {elsewhere}/seen ] && echo "seatool trace" && exit 0; touch {elsewhere}/seen; exit 1'
    program(elsewhere / "bin", "qemu-system-arm", script, monkeypatch)
    assert plugin.library().is_file()
    assert len(list((elsewhere / "cache").rglob("*.so"))) == len(plugin.API_VERSIONS)


def test_commas_in_the_option_are_doubled() -> None:
    assert plugin.argument(Path("/a,b/c.so"), [("out", "x,y"), ("mark", 7)]) == "/a,,b/c.so,out=x,,y,mark=7"
