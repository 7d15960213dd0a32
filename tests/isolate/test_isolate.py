"""Foreign code in a process of its own: answers, errors, every way to die, and every kind of parent."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from seatool.errors import BudgetError, ToolError
from seatool.isolate import Limits, Message, ProcessDiedError, Worker

HERE = Path(__file__).parent


@pytest.fixture(autouse=True)
def _services(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(HERE)


def last_words(service: str, limits: Limits | None = None) -> ProcessDiedError:
    with Worker(f"services:{service}", limits) as worker, pytest.raises(ProcessDiedError) as caught:
        worker.call(Message({"dividend": 1}))
    return caught.value


def is_running(pid: int) -> bool:
    """Also true of a zombie."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize(
    "array",
    [
        np.arange(24, dtype=np.int8).reshape(2, 3, 4),
        np.array(1.5),
        np.zeros((3, 0), np.int64),
        np.arange(12, dtype=np.float32).reshape(3, 4).T,
        np.array([True, False]),
        np.arange(1 << 20, dtype=np.int32),
    ],
    ids=str,
)
def test_arrays_arrive_as_they_are(array: np.ndarray) -> None:
    with Worker("services:echo") as worker:
        (back,) = worker.call(Message(arrays=[array])).arrays
    assert back.dtype == array.dtype
    np.testing.assert_array_equal(back, array)


def test_fields_arrive_and_calls_follow_each_other() -> None:
    with Worker("services:echo") as worker:
        for fields in ({"name": 'ü"\n\udcff', "n": [1, None, 2.5]}, {}):
            answer = worker.call(Message(fields, [np.zeros(3)] * 2))
            assert (answer.fields, len(answer.arrays)) == (fields, 2)


def test_errors_keep_class_and_hint() -> None:
    with Worker("services:refuse") as worker, pytest.raises(BudgetError, match="too much") as caught:
        worker.call(Message())
    assert caught.value.hint == "take less"


def test_a_crash_names_the_signal_and_what_was_printed() -> None:
    died = last_words("crash")
    assert (died.reason, died.said) == ("was ended by SIGSEGV", "last words")
    assert str(died) == "the process was ended by SIGSEGV\nlast words"


def test_an_exception_shows_its_traceback() -> None:
    died = last_words("stumble")
    assert died.reason == "ended with exit code 1"
    assert died.said.endswith("ZeroDivisionError: division by zero")


def test_an_early_exit_names_its_code() -> None:
    assert last_words("leave").reason == "ended with exit code 3"


def test_an_unknown_service_is_an_early_exit() -> None:
    assert "has no attribute 'nobody'" in last_words("nobody").said


def test_limits_end_the_process() -> None:
    assert last_words("loop", Limits(cpu_s=1)).reason == "used more than 1 s of processor time"
    assert last_words("wait", Limits(answer_s=0.5)).reason == "gave no answer within 0.5 s"
    assert last_words("devour", Limits(memory_bytes=1 << 30)).reason == "ran out of memory (1024 MB allowed)"


def test_a_process_outside_limits_of_ours_is_no_error() -> None:
    """Limits of the parent that are tighter than those asked for stay."""
    code = (
        "import resource; resource.setrlimit(resource.RLIMIT_CPU, (60, 60))\n"
        "from seatool.isolate import Limits, Message, Worker\n"
        "with Worker('services:echo', Limits(cpu_s=1000)) as worker: print(worker.call(Message({'n': 1})).fields)"
    )
    assert run_python("-c", code) == "{'n': 1}"


def test_nothing_remains_of_a_closed_or_forgotten_worker() -> None:
    with Worker("services:process") as worker:
        pid = worker.call(Message()).fields["pid"]
        assert is_running(pid)
    assert not is_running(pid)
    worker = Worker("services:process")
    pid = worker.call(Message()).fields["pid"]
    del worker
    gc.collect()
    assert not is_running(pid)


def test_a_killed_process_leaves_no_process_either() -> None:
    worker = Worker("services:process")
    pid = worker.call(Message()).fields["pid"]
    os.kill(pid, signal.SIGKILL)
    with pytest.raises(ProcessDiedError, match="was ended by SIGKILL"):
        worker.call(Message(arrays=[np.zeros(1 << 20)]))
    assert not is_running(pid)
    worker.close()


def test_no_interpreter(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for missing in (str(tmp_path / "python"), "", None):
        monkeypatch.setattr(sys, "executable", missing)
        with pytest.raises(ToolError, match="cannot start Python"):
            Worker("services:echo")


CALL = "from seatool.isolate import Message, Worker\nprint(Worker('services:process').call(Message()).fields['main'])\n"


def run_python(*words: str, stdin: str = "", folder: Path = HERE) -> str:
    """What a Python with those arguments prints; its own modules are this folder's and seatool's."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE), *filter(None, sys.path)])}
    done = subprocess.run(
        [sys.executable, *words], input=stdin, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout.strip()


def test_parents_without_a_main_guard_or_a_main_file(tmp_path: Path) -> None:
    """Nothing of the parent's script runs a second time."""
    script = tmp_path / "script.py"
    script.write_text(CALL)
    assert run_python(str(script)) == "None"
    assert run_python("-c", CALL) == "None"
    assert run_python("-", stdin=CALL) == "None"


def test_modules_of_the_working_directory_are_not_taken_for_libraries(tmp_path: Path) -> None:
    (tmp_path / "numpy.py").write_text("raise SystemExit('wrong numpy')")
    script = tmp_path / "folder" / "script.py"
    script.parent.mkdir()
    script.write_text(CALL)
    assert run_python(str(script), folder=tmp_path) == "None"


def test_a_parent_with_threads() -> None:
    answers: list[int] = []

    def ask() -> None:
        with Worker("services:process") as worker:
            answers.append(worker.call(Message()).fields["pid"])

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(answers)) == 4
