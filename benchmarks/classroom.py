"""A class that is graded: the time and the memory that it takes, and where the time goes.

The class is made of day 53's bank: each student has answers to all eight exercises, about half of
them right. Time is the CPU's, of all processes of the kit; that of the database server is told
apart, as it may be anyone's. No run takes longer than its limit: it is then stopped as by Ctrl-C,
and what it has graded counts.
"""

from __future__ import annotations

import contextlib
import os
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from grader.authoring.bank import cases, expectation
from grader.course.catalog import lesson
from grader.course.syntax import parsed
from grader.judge.grading import Grading

from .class_runs import ClassRun, cpu_of_children, dask_cluster, run_class
from .otter import otter_rows
from .processes import ROOT, own_server, run
from .results import Row
from .simulated import simulated_rows

COUNT, SHORT = 300, 24
PART = 10
"""How much smaller the class is that the whole one is compared with."""
FEW = 12
"""Works that the parts are measured on."""
LONGEST, SHORT_LONGEST = 900.0, 120.0
"""Real seconds that a run may take."""
WHOLE, CPU, FIRST, MEMORY = 180.0, 0.9, 3.0, 2 << 30
"""Seconds of 300 works, CPU seconds a work, seconds up to the first verdict, bytes of all."""
NEAR = 1.1
"""What a cluster of the same size may take, and a larger class for each work."""
JOBS = ("-j", "2")


def measure(short: bool) -> list[Row]:
    count, longest = (SHORT, SHORT_LONGEST) if short else (COUNT, LONGEST)
    with tempfile.TemporaryDirectory() as folder, own_server() as environment:
        whole = _class(Path(folder, "class"), count)
        part = _class(Path(folder, "part"), max(count // PART, FEW))
        _cpu(1, environment)  # so that the server is there
        small = run_class(part, longest, environment, *JOBS)
        large = run_class(whole, longest, environment, *JOBS)
        return [
            *_whole(large, count),
            _linear(small, large),
            _cluster(part, longest, environment),
            *simulated_rows(short),
            *otter_rows(small.count, longest),
            *_cpu(min(count, FEW), environment),
        ]


def _class(folder: Path, count: int) -> Path:
    for number, text in enumerate(made_class(count)):
        (folder / f"{number:04}").mkdir(parents=True)
        (folder / f"{number:04}" / "exercise.py").write_text(text, "utf-8")
    return folder


def made_class(count: int, seed: int = 1) -> Iterator[str]:
    """Files with an answer to each exercise of day 53; about half of the answers are right."""
    draw = random.Random(seed)
    day53 = lesson("day53")
    answers = {exercise.number: _answers(exercise.number) for exercise in day53.exercises}
    for _ in range(count):
        yield "\n\n".join(draw.choice(draw.choice(both)) for both in answers.values())


def _answers(number: int) -> tuple[list[str], list[str]]:
    """Those of the bank to an exercise: the right ones, and the others."""
    found: tuple[list[str], list[str]] = [], []
    for case in cases(lesson("day53"), number):
        text = case.read_text("utf-8")
        if parsed(text) is not None and "__future__" not in text:
            found[expectation(case)["status"] != "passed"].append(text)
    return found


def _whole(done: ClassRun, count: int) -> list[Row]:
    """The command, as an instructor calls it."""
    is_asked = count == COUNT
    graded = f"{done.count} of {count} works, -j 2"
    limit = f"{WHOLE:.0f} s" if is_asked else ""
    is_kept = (done.is_whole and done.seconds <= WHOLE) if is_asked else None
    return [
        Row(graded, f"{done.seconds:.0f} s", limit, is_kept),
        Row("first verdict", f"{done.first:.1f} s", f"{FIRST} s", done.first <= FIRST),
        Row("memory", f"{done.memory >> 20} MiB", f"{MEMORY >> 20} MiB", done.memory <= MEMORY),
    ]


def _linear(small: ClassRun, large: ClassRun) -> Row:
    ratio = large.each / small.each
    what = f"time a work, of {large.count} / of {small.count}"
    return Row(what, f"{ratio:.2f}", f"at most {NEAR}", ratio <= NEAR)


def _cluster(folder: Path, longest: float, environment: dict[str, str]) -> Row:
    """Two workers of one thread each, between two runs with `-j 2`."""
    before = run_class(folder, longest, environment, *JOBS)
    with dask_cluster(2, environment) as address:
        there = run_class(folder, longest, environment, "--cluster", address)
    after = run_class(folder, longest, environment, *JOBS)
    ratio = 2 * there.each / (before.each + after.each)
    what = f"time of {there.count} works, two Dask workers / -j 2"
    return Row(what, f"{ratio:.2f}", f"at most {NEAR}", ratio <= NEAR)


# Where it goes


def _cpu(count: int, environment: dict[str, str]) -> list[Row]:
    said = run("-m", "benchmarks.classroom", str(count), environment=environment)
    judge, players, server = map(float, said.split())
    cpu = judge + players
    return [
        Row(f"CPU a work, of {count}", f"{cpu:.2f} s", f"{CPU} s", cpu <= CPU),
        Row("of it: judge", f"{judge:.2f} s"),
        Row("of it: processes that play", f"{players:.2f} s"),
        Row("besides: database server", f"{server:.2f} s"),
    ]


def cpu_of_parts(count: int) -> tuple[float, float, float]:
    """CPU seconds a submission, of so many, without the start: the judge's, the players', and
    those of the database server. Without containers, whose CPU can't be told from outside."""
    first, *texts = made_class(count + 1)
    with Grading() as grading:
        _grade_here(grading, first)
        own, server = time.process_time(), _cpu_of_server()
        for text in texts:
            _grade_here(grading, text)
        own, server = time.process_time() - own, _cpu_of_server() - server
    return own / count, cpu_of_children() / (count + 1), server / count


def _grade_here(grading: Grading, text: str) -> None:
    grading.processes = 1
    grading.grade(lesson("day53"), ROOT / "answers.py", seed=1, source=text)


def _cpu_of_server() -> float:
    """Of the server in our own place; what of it has ended is counted by its parent."""
    total = 0.0
    for process in psutil.process_iter(["name", "cmdline"]):
        words = process.info["cmdline"] or []
        if process.info["name"] == "postgres" and any(_is_ours(word) for word in words):
            with contextlib.suppress(psutil.Error):
                family = [process, *process.children(recursive=True)]
                total += sum(sum(one.cpu_times()[:4]) for one in family)
    return total


def _is_ours(word: str) -> bool:
    return word.startswith(os.environ["GRADER_STATE"])


if __name__ == "__main__":
    print(*cpu_of_parts(int(sys.argv[1])))
