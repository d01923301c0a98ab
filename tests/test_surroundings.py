"""Odd files, folders, streams and settings: a sentence and an exit status, never a traceback.
About 15 s."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from learner import SOLUTION, Learner

GRADE = [sys.executable, "-m", "grader", "day53", "4"]
OTHER = ["--file", str(SOLUTION), "--format", "json"]


def run(*words: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """The command, in a process of its own."""
    return subprocess.run(
        [*GRADE, *words], check=False, text=True, **{"capture_output": True, **options}
    )


def check_verdict(done: subprocess.CompletedProcess[str]) -> None:
    """Check that the answer was graded all the same."""
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["passed"] == 1


# Files


def too_large(file: Path) -> None:
    file.write_bytes(b"#" * 1_000_001)


FILES: dict[str, tuple[Callable[[Path], object], str]] = {
    "pipe": (os.mkfifo, "isn't a regular file"),
    "endless": (lambda file: file.symlink_to("/dev/zero"), "is a link"),
    "link": (lambda file: file.symlink_to(SOLUTION), "is a link"),
    "folder": (Path.mkdir, "is a folder"),
    "large": (too_large, "is larger than 1 MB"),
}


@pytest.mark.parametrize(("make", "words"), FILES.values(), ids=FILES)
def test_what_is_no_regular_file_is_refused_at_once(
    learner: Learner, make: Callable[[Path], object], words: str
) -> None:
    file = learner.folder / "odd.py"
    make(file)
    result = learner.grade("day53", 4, "--file", file)
    assert result.exit_code == 2
    assert result.output.startswith(f"grade: {file} {words}")


def test_device_is_refused_at_once(learner: Learner) -> None:
    result = learner.grade("day53", 4, "--file", "/dev/zero")
    assert result.exit_code == 2
    assert result.output.startswith("grade: /dev/zero isn't a regular file\n")


def test_name_may_be_too_long(learner: Learner) -> None:
    result = learner.grade("day53", 4, "--file", "x" * 300)
    assert result.exit_code == 2
    assert "cannot be read: File name too long" in result.output


@pytest.mark.skipif(sys.platform == "darwin", reason="names are UTF-8 there")
def test_name_may_be_other_than_utf_8(tmp_path: Path) -> None:
    name = os.fsdecode(b"\xff.py")
    (tmp_path / name).write_text(SOLUTION.read_text("utf-8"), "utf-8")
    done = run("--file", name, "--format", "json", cwd=tmp_path)
    check_verdict(done)
    assert json.loads(done.stdout)["file"] == "\ufffd.py"


@pytest.mark.parametrize(
    "code",
    [
        "x = " + " + ".join(["1"] * 1_500),
        "\n".join(["if 0: pass", *(f"elif {n} == 0: pass" for n in range(1, 400))]),
        "x = f'" + "{1}" * 6_000 + "'",
        "y = lambda x: x" + ".x" * 300,
    ],
    ids=["a long sum", "many elif", "a long f-string", "a long chain"],
)
def test_answers_are_graded_whatever_else_the_file_holds(tmp_path: Path, code: str) -> None:
    (tmp_path / "exercise.py").write_text(f"{SOLUTION.read_text('utf-8')}\n{code}\n", "utf-8")
    check_verdict(run("--file", "exercise.py", "--format", "json", cwd=tmp_path))


def test_factory_that_another_takes_the_place_of_is_begun(learner: Learner) -> None:
    with learner.file.open("a") as file:
        file.write("\ndef other(fetch): return None\n\nexercise_4 = other\n")
    result = learner.grade("day53", 4, "--format", "plain")
    assert result.exit_code == 1
    assert "✘ What the fetch returns" in result.output


# Streams, folders, settings


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full")
def test_full_disk_is_told() -> None:
    with open("/dev/full", "w") as full:
        done = run(*OTHER, capture_output=False, stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 3
    assert done.stderr.startswith("grade: ")
    assert "No space left on device" in done.stderr
    assert "Traceback" not in done.stderr


CLOSED = 'exec "$@" {}'


def test_closed_output_is_told() -> None:
    words = ["sh", "-c", CLOSED.format(">&-"), "sh", *GRADE, *OTHER]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (2, "grade: the standard output is closed\n")


def test_closed_input_and_errors_do_no_harm() -> None:
    words = ["sh", "-c", CLOSED.format("<&- 2>&-"), "sh", *GRADE, *OTHER]
    check_verdict(subprocess.run(words, capture_output=True, text=True, check=False))


def test_current_folder_may_be_gone(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    words = ["sh", "-c", 'cd "$1"; rmdir "$1"; shift; exec "$@"', "sh", str(gone), *GRADE, *OTHER]
    check_verdict(subprocess.run(words, capture_output=True, text=True, check=False))


def test_ends_of_children_may_be_ignored() -> None:
    words = ["sh", "-c", "trap '' CHLD; exec \"$@\"", "sh", *GRADE, *OTHER]
    check_verdict(subprocess.run(words, capture_output=True, text=True, check=False))


@pytest.mark.parametrize("columns", ["²", "-1", "", "٣", "9" * 30])
def test_width_may_be_nonsense(columns: str) -> None:
    done = run("--file", str(SOLUTION), env=os.environ | {"COLUMNS": columns})
    assert (done.returncode, done.stderr) == (0, "")


def test_state_directory_that_cannot_be_used_costs_no_other_exercise(tmp_path: Path) -> None:
    env = os.environ | {"GRADER_STATE": "/dev/null/state"}
    done = run("3", *OTHER, env=env, cwd=tmp_path)
    assert done.returncode == 3
    found = {e["number"]: e["status"] for e in json.loads(done.stdout)["exercises"]}
    assert found == {3: "broken", 4: "passed"}


# Progress


def test_progress_that_is_a_pipe_is_set_aside(learner: Learner) -> None:
    folder = learner.folder / ".course"
    folder.mkdir()
    os.mkfifo(folder / "progress.json")
    result = learner.grade("day53", 4)
    assert "isn't a regular file. It is kept as progress.broken-1.json" in result.output
    assert (folder / "progress.json").is_file()


def test_progress_that_stays_locked_is_not_waited_for(
    learner: Learner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("grader.course.progress.PATIENCE", 0.0)
    folder = learner.folder / ".course"
    folder.mkdir()
    with (folder / "progress.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        result = learner.grade("day53", 4)
    assert "Progress cannot be kept in .course/progress.json: another process keeps" in (
        result.output
    )
