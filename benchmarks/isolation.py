"""What it costs to shut players in, and to give a file a container of its own.

Three processes grade day 53 in turn, one file after another as a class does: with players that are
not shut in, that are, and that are in a container besides.
"""

from __future__ import annotations

import errno
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median

from grader.course.catalog import lesson
from grader.judge.grading import Grading
from grader.processes import seccomp
from grader.processes.container import lacks_for_containers

from .processes import ROOT, SOLUTION
from .results import BenchmarkError, Row, at_most, seconds, spread

LESSON, CONTAINER = 1.05, 0.030
"""How many times as long a lesson may take when players are shut in; and how many seconds more
the container of a file may take."""
WITHOUT_DATABASE = (1, 2, 4, 5, 6, 7, 8)
_LANDLOCK, _PRCTL, _SET_SECCOMP = 444, {"x86_64": 157, "aarch64": 167}, 22
_LOAD, _IF_EQUAL, _ALLOW = 0x20, 0x15, (0x06, 0, 0, 0x7FFF0000)

WAYS = ("open", "shut-in", "contained")


def measure(short: bool) -> list[Row]:
    if lacks := lacks_for_containers():
        raise BenchmarkError(lacks)
    rounds = 5 if short else 25
    with ExitStack() as stack:
        graders = [stack.enter_context(_grader(way)) for way in WAYS]
        for _ in range(2):  # the reference is played, and history learned
            [*map(_grade_once, graders)]
        times = [[*map(_grade_once, graders)] for _ in range(rounds)]
    return _rows(times)


def _rows(times: list[list[float]]) -> list[Row]:
    """What comes of rounds, in each of which all three have graded."""
    more = [contained - shut_in for _, shut_in, contained in times]
    return [
        at_most("a lesson, shut in / open", [shut_in / free for free, shut_in, _ in times], LESSON),
        Row(
            "a file in a container, more than without",
            spread([each * 1000 for each in more], " ms"),
            f"at most {CONTAINER * 1000:.0f} ms",
            median(more) <= CONTAINER,
        ),
        *(
            seconds(f"a lesson, {way}", taken)
            for way, taken in zip(WAYS, zip(*times, strict=True), strict=True)
        ),
    ]


@contextmanager
def _grader(way: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "benchmarks.isolation", way]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, cwd=ROOT) as grader:
        yield grader


def _grade_once(grader: subprocess.Popen[str]) -> float:
    assert grader.stdin is not None
    assert grader.stdout is not None
    grader.stdin.write("grade\n")
    grader.stdin.flush()
    return float(grader.stdout.readline())


def main(way: str) -> None:
    """Grade a file for each line that is read, and print the real seconds that it took."""
    if way == "open":
        _give_up_isolation()
    source = (ROOT / SOLUTION).read_text("utf-8")
    with (
        tempfile.TemporaryDirectory() as folder,
        Grading(is_contained=way == "contained") as grading,
    ):
        grading.processes = 1
        for number, _ in enumerate(sys.stdin):
            file = Path(folder, "exercise.py")
            file.write_text(f"{source}\n# {number}\n", "utf-8")
            began = time.perf_counter()
            report = grading.grade(lesson("day53"), file, WITHOUT_DATABASE)
            print(time.perf_counter() - began, flush=True)
            assert report.passed == report.total


def _give_up_isolation() -> None:
    """Be on a kernel that has neither Landlock nor seccomp, as far as can be seen from now on."""
    seccomp.install(
        [
            (_LOAD, 0, 0, 0),
            *seccomp.refusal(_LANDLOCK, errno.ENOSYS),
            (_IF_EQUAL, 0, 3, _PRCTL[platform.machine()]),
            (_LOAD, 0, 0, 16),
            (_IF_EQUAL, 0, 1, _SET_SECCOMP),
            (0x06, 0, 0, 0x00050000 | errno.EINVAL),
            _ALLOW,
        ]
    )


if __name__ == "__main__":
    main(sys.argv[1])
