"""`grade dev check --watch`: looks again when a file is saved. It takes 4 s of CPU time."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Timer

import pytest
from toy import SOLUTION, change, environment, run_grade, write_course

AGAIN = "Looking again when toy is saved. Ctrl-C ends it."


@pytest.fixture
def course(tmp_path: Path) -> Path:
    write_course(tmp_path)
    bank = tmp_path / "tests/mistakes/toy"
    bank.mkdir(parents=True)
    (bank / "1_late.py").write_text(SOLUTION.replace("SECONDS = 1", "SECONDS = 2"), "utf-8")
    told = 'exercise = 1\nstatus = "failed"\ndiagnoses = ["wrong-time"]\nwhy = "Late."\n'
    (bank / "1_late.toml").write_text(told, "utf-8")
    return tmp_path


class Watch:
    """A watching command, and what it prints."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def next_look(self) -> list[str]:
        """The lines up to the end of a look."""
        assert self._process.stdout is not None
        lines = []
        for line in self._process.stdout:
            if line.rstrip("\n") == AGAIN:
                return lines
            lines.append(line.rstrip("\n"))
        raise AssertionError(f"it ended: {lines}")


@contextmanager
def watching(course: Path, *words: object) -> Iterator[Watch]:
    process = subprocess.Popen(
        [sys.executable, "-m", "grader", "dev", "check", "toy", *map(str, words), "--watch"],
        cwd=course,
        env=environment(COLUMNS="200"),
        stdout=subprocess.PIPE,
        text=True,
    )
    rescue = Timer(300, process.kill)  # so that a test which waits in vain fails
    rescue.start()
    try:
        yield Watch(process)
        process.send_signal(signal.SIGINT)
        assert process.wait() == 130
    finally:
        rescue.cancel()
        process.kill()
        process.communicate()


def test_each_save_is_looked_at_with_the_files_as_they_are_then(course: Path) -> None:
    """Checks, solution, expectation: what was imported or remembered before has no say."""
    with watching(course, 1) as watch:
        assert watch.next_look() == ["Nothing is wrong."]
        change(course / "checks/test_toy.py", '    """A nap takes a second."""\n', "")
        assert watch.next_look()[0].endswith("test_nap_takes_a_second has no docstring")
        change(course / "checks/test_toy.py", "    assert", '    """A nap."""\n    assert')
        assert watch.next_look() == ["Nothing is wrong."]
        change(course / "solutions/toy/solution.py", "SECONDS = 1", "SECONDS = 2")
        told = watch.next_look()
        assert "tests/mistakes/toy/1_late.toml:2: the answer is passed" in told
        assert "… and now the bank" in told
        change(course / "solutions/toy/solution.py", "SECONDS = 2", "SECONDS = 1")
        assert watch.next_look() == ["Nothing is wrong."]
        change(course / "tests/mistakes/toy/1_late.toml", "wrong-time", "race")
        assert "the first reason is wrong-time" in watch.next_look()[0]


def test_watch_needs_a_lesson(course: Path) -> None:
    done = run_grade(course, "dev", "check", "--watch")
    assert (done.returncode, "grade dev check toy --watch" in done.stderr) == (2, True)
