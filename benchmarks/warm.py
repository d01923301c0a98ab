"""Grading again in a process that has graded before, against a cold `grade day53`."""

from __future__ import annotations

import io
import shutil
import tempfile
import time
from pathlib import Path

from rich.console import Console

from grader.course.catalog import lesson
from grader.judge.grading import Grading
from grader.render.terminal import show

from .processes import ROOT, SOLUTION, WITHOUT_DATABASE, run, timed
from .results import Row, at_most, seconds

LIMIT = 0.25


def measure(short: bool) -> list[Row]:
    """A cold and a second grade in turn."""
    runs = [
        (float(run("-m", "benchmarks.warm")), timed(*WITHOUT_DATABASE))
        for _ in range(5 if short else 25)
    ]
    return [
        at_most("second grade / cold one", [second / cold for second, cold in runs], LIMIT),
        seconds("second grade", [second for second, _ in runs]),
    ]


def second_grade() -> float:
    """Real seconds of grading a file again, after a change to it, up to the shown verdict."""
    with tempfile.TemporaryDirectory() as folder, Grading() as grading:
        file = Path(shutil.copy(ROOT / SOLUTION, folder))
        _grade(grading, file)
        file.write_text(file.read_text("utf-8") + "\n# changed\n", "utf-8")
        began = time.perf_counter()
        _grade(grading, file)
        return time.perf_counter() - began


def _grade(grading: Grading, file: Path) -> None:
    report = grading.grade(lesson("day53"), file, (1, 2, 4, 5, 6, 7, 8))
    assert report.passed == report.total
    show(report, Console(file=io.StringIO(), width=80), everything=False)


if __name__ == "__main__":
    print(second_grade())
