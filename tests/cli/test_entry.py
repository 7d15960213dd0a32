"""The command line as a whole: instant help, exit codes, errors without tracebacks."""

from __future__ import annotations

import errno
import json
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.shell_completion import ShellComplete
from seatool import cli
from seatool.cli import explain, main
from seatool.cli.parameters import BYTES, NamedFile, inputs_source
from seatool.errors import BudgetError, InputError, SeatoolError, ToolError, VerificationError
from seatool.pipeline import CompileOptions
from seatool.plan import PlanOptions
from small_model import write_small_model


def call(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stop:
        main(list(words))
    captured = capsys.readouterr()
    return int(stop.value.code or 0), captured.out, captured.err


def test_help_names_every_command_and_imports_nothing_heavy() -> None:
    code = (
        "import sys; from seatool.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'numpy', 'tensorflow', 'tflite_micro', 'h5py', 'jinja2', 'rich'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for name in cli._COMMANDS:
        assert f"\n  {name} " in done.stdout


@pytest.mark.parametrize("name", sorted(cli._COMMANDS))
def test_every_command_explains_itself(capsys: pytest.CaptureFixture[str], name: str) -> None:
    code, out, _ = call(capsys, name, "--help")
    assert code == 0
    assert "Usage: seatool" in out


def test_usage_errors_exit_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["nonsense"], ["compile"], ["run", "somewhere"], ["compile", "x.tflite", "--ram", "much"]):
        code, _, err = call(capsys, *words)
        assert code == 2
        assert "Traceback" not in err


def test_a_mistyped_command_is_told_what_it_may_have_been(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = call(capsys, "compille")
    assert code == 2
    assert "Did you mean" in err
    assert "'compile'" in err


def test_the_list_of_commands_has_whole_sentences(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = call(capsys, "--help")
    listed = out.partition("Commands:\n")[2].splitlines()
    assert len(listed) == len(cli._COMMANDS)
    assert all(line.endswith(".") and not line.endswith("...") for line in listed)


def test_a_model_whose_name_is_not_utf8(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    model, calibration = write_small_model(tmp_path)
    odd = model.rename(tmp_path / "caf\udce9.tflite")
    words = ["compile", str(odd), "-o", str(tmp_path / "out"), "--calibration", str(calibration), "--json"]
    code, out, _ = call(capsys, *words)
    assert code == 0
    assert json.loads(out)["model"]["file"] == "caf\N{REPLACEMENT CHARACTER}.tflite"
    assert "caf\N{REPLACEMENT CHARACTER}.tflite" in (tmp_path / "out" / "README.md").read_text(encoding="utf-8")


def test_calibration_that_is_not_used_is_noted(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    words = model_words(tmp_path)
    _, _, err = call(capsys, *words)
    assert "--calibration is not used" not in err
    quantized = tmp_path / "int8.tflite"
    (tmp_path / "p" / "tflm" / "model.tflite").rename(quantized)
    code, _, err = call(capsys, "compile", str(quantized), "-o", str(tmp_path / "q"), *words[4:])
    assert code == 0
    assert "--calibration is not used" in err


def test_a_missing_model_is_one_clear_message(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, out, err = call(capsys, "compile", str(tmp_path / "no.tflite"), "-o", str(tmp_path / "out"), "--json")
    assert code == 2
    assert json.loads(out)["error"]["exit_code"] == 2
    assert err.startswith(("importing", "error: "))
    assert "no.tflite" in err
    assert not (tmp_path / "out").exists()


def test_exit_codes_are_the_documented_ones() -> None:
    codes = {error: error("x").exit_code for error in (ToolError, InputError, BudgetError, VerificationError)}
    assert list(codes.values()) == [1, 2, 3, 4]
    assert issubclass(SeatoolError, Exception)


def test_system_errors_become_messages() -> None:
    full = explain(OSError(errno.ENOSPC, "No space left on device", "x/y"))
    assert full is not None
    assert "no space left" in full.message
    denied = explain(PermissionError(errno.EACCES, "Permission denied", "x/y"))
    assert isinstance(denied, InputError)
    assert isinstance(explain(MemoryError()), ToolError)
    assert explain(ValueError("a bug of ours")) is None


@pytest.mark.parametrize(("text", "bytes_"), [("4096", 4096), ("64K", 65536), ("1.5M", 1572864), ("2 MiB", 2097152)])
def test_sizes(text: str, bytes_: int) -> None:
    assert BYTES.convert(text, None, None) == bytes_


@pytest.mark.parametrize("text", ["", "K", "-1", "1G", "1e3"])
def test_bad_sizes(text: str) -> None:
    with pytest.raises(click.BadParameter):
        BYTES.convert(text, None, None)


def test_layers_and_files_are_completed(tmp_path: Path) -> None:
    layers = [{"operators": ["conv1", "conv2"]}, {"operators": []}, {"operators": ["dense"]}]
    (tmp_path / "seatool.json").write_text(json.dumps({"layers": layers}))
    completer = ShellComplete(cli.seatool, {}, "seatool", "_SEATOOL_COMPLETE")

    def completed(*words: str) -> list[tuple[str, str]]:
        return [(item.value, item.type) for item in completer.get_completions(list(words[:-1]), words[-1])]

    assert completed("run", str(tmp_path), "--dump", "c") == [("conv1", "plain"), ("conv2", "plain")]
    assert ("all", "plain") in completed("run", str(tmp_path), "--dump", "")
    assert completed("run", str(tmp_path / "none"), "--dump", "c") == []
    assert completed("run", str(tmp_path), "--input", "image=da") == [("da", "file")]


def test_inputs_are_one_file_or_named(tmp_path: Path) -> None:
    strange = tmp_path / "a=b.npy"
    strange.touch()
    words = [str(strange), f"x={tmp_path / 'c.npy'}"]
    strange_pair, named = (NamedFile().convert(word, None, None) for word in words)
    assert inputs_source([strange_pair]) == strange
    assert inputs_source([named]) == {"x": tmp_path / "c.npy"}
    for pairs in ([strange_pair, named], [strange_pair, strange_pair], [named, named]):
        with pytest.raises(click.UsageError):
            inputs_source(pairs)


def test_a_bug_is_called_a_bug(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(name: str) -> None:
        raise KeyError("surprise")

    monkeypatch.setattr("seatool.boards.load", broken)
    code, _, err = call(capsys, "boards", "show", "m7")
    assert (code, "Traceback" in err) == (1, False)
    assert "this is a bug in seatool: KeyError: 'surprise'" in err
    with pytest.raises(KeyError):
        main(["boards", "show", "m7", "-v"])


def test_boards_are_listed_and_shown(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = call(capsys, "boards", "--json")
    names = [board["name"] for board in json.loads(out)["boards"]]
    assert (code, {"m7", "mps2-an500", "nucleo-h743zi"} <= set(names)) == (0, True)
    code, out, _ = call(capsys, "boards", "show", "m7")
    assert (code, "dtcm" in out) == (0, True)
    code, _, err = call(capsys, "boards", "show", "nope")
    assert (code, "nope" in err) == (2, True)


def test_doctor_names_every_tool(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = call(capsys, "doctor", "--json")
    assert {"arm-none-eabi-gcc", "qemu-system-arm", "make"} <= {tool["name"] for tool in json.loads(out)["tools"]}


def model_words(folder: Path) -> list[str]:
    """The words that compile a small model into ``folder/p``."""
    model, calibration = write_small_model(folder)
    return ["compile", str(model), "-o", str(folder / "p"), "--calibration", str(calibration)]


def test_edits_are_noted_and_replaced_by_force_only(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    words = model_words(tmp_path)
    assert call(capsys, *words, "--json")[0] == 0
    (tmp_path / "p" / "model" / "small.c").write_text("mine")
    code, out, err = call(capsys, *words, "--json")
    assert code == json.loads(out)["error"]["exit_code"] == 2
    assert "model/small.c was edited" in err
    assert "--force" in err
    (tmp_path / "p" / "Makefile").write_text("nonsense:")
    code, _, err = call(capsys, "build", str(tmp_path / "p"))
    assert code == 1
    assert f"note: {tmp_path / 'p' / 'model' / 'small.c'} was edited since it was generated" in err
    code, out, _ = call(capsys, *words, "--force", "--json")
    assert (code, json.loads(out)["edited"]) == (0, {})


@pytest.mark.parametrize(("stack", "expected"), [("0", 2), ("12", 2), ("200K", 3)])
def test_an_impossible_stack_writes_nothing(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, stack: str, expected: int
) -> None:
    words = model_words(tmp_path)
    for command in (words, ["plan", words[1]]):
        code, _, err = call(capsys, *command, "--stack", stack)
        assert code == expected
        assert "hint: " in err
    assert not (tmp_path / "p").exists()


def test_verbose_compiling_tells_why_each_kernel_was_chosen(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    words = model_words(tmp_path)
    _, _, err = call(capsys, *words, "-v")
    assert "instructions~" in err
    assert re.search(r"\n +not \w+ {2,}\w", err), "no other kernel and why it was not chosen"
    _, _, err = call(capsys, *words, "-v", "--unfused")
    assert "still valid" in err
    assert "instructions~" not in call(capsys, *words)[2]


def test_a_drawing_is_utf8_and_written_whole(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    words = model_words(tmp_path)
    plot = tmp_path / "plot.svg"
    code, _, _ = call(capsys, "plan", words[1], "--calibration", words[-1], "--unfused", "--plot", str(plot))
    assert code == 0
    assert "≤" in plot.read_bytes().decode("utf-8")
    code, _, err = call(capsys, "plan", words[1], "--plot", str(tmp_path / "plot.png"))
    assert code == 2
    assert "drawn as SVG only" in err
    assert "plot.svg" in err
    missing = tmp_path / "missing" / "plot.svg"
    code, _, err = call(capsys, "plan", words[1], "--calibration", words[-1], "--plot", str(missing))
    assert (code, f"error: {missing.parent}: there is no such folder" in err) == (2, True)
    assert "planning" not in err


def test_where_results_go_is_checked_before_anything_runs(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    out = tmp_path / "missing" / "x.npz"
    code, _, err = call(capsys, "run", str(tmp_path / "no project"), "--wav", "x.wav", "-o", str(out))
    assert (code, f"error: {out.parent}: there is no such folder" in err) == (2, True)


def test_the_default_is_balanced(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    _, out, _ = call(capsys, *model_words(tmp_path), "--json")
    assert json.loads(out)["options"]["optimize"] == "balanced"
    assert CompileOptions().optimize == CompileOptions().planning.optimize == PlanOptions().optimize == "balanced"


def test_stopping_is_a_documented_exit_code(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(name: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("seatool.boards.load", stopped)
    assert call(capsys, "boards", "show", "m7")[0] == 130
    assert "130 stopped" in call(capsys, "--help")[1]
