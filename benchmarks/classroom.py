"""A class that is graded: the time and the memory that it takes, and where the time goes.

The class is made of day 53's bank: each student has answers to all eight exercises, about half of
them right. Time is the CPU's, of all processes of the kit; that of the database server is told
apart, as it may be anyone's.
"""

from __future__ import annotations

import contextlib
import os
import random
import resource
import sqlite3
import subprocess
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

from .processes import ROOT, own_server, run
from .results import BenchmarkError, Row

COUNT, SHORT = 300, 24
CPU, FIRST, MEMORY = 0.9, 3.0, 2 << 30
"""CPU seconds a submission, seconds up to the first verdict, bytes of all processes."""
LOOK_EVERY = 0.05
WEIGH_EVERY = 2.0
"""Seconds between two looks at the memory, each of which takes a while itself."""


def measure(short: bool) -> list[Row]:
    count = SHORT if short else COUNT
    with tempfile.TemporaryDirectory() as folder, own_server() as environment:
        class_ = Path(folder, "class")
        for number, text in enumerate(made_class(count)):
            (class_ / f"{number:04}").mkdir(parents=True)
            (class_ / f"{number:04}" / "exercise.py").write_text(text, "utf-8")
        run("-m", "benchmarks.classroom", "1", **environment)  # so that the server is there
        rows = _whole(class_, count, Path(folder, "class.sqlite"), environment)
        return [*rows, *_parts(SHORT, environment)]


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
    for case in cases(lesson("day53"), [number]):
        text = case.read_text("utf-8")
        if parsed(text) is not None and "__future__" not in text:
            found[expectation(case)["status"] != "passed"].append(text)
    return found


def _whole(class_: Path, count: int, results: Path, environment: dict[str, str]) -> list[Row]:
    """The command, as an instructor calls it."""
    before = _cpu_of_children()
    seconds, first, memory = _grade(class_, results, environment)
    each = (_cpu_of_children() - before) / count
    return [
        Row(f"CPU of a submission, of {count}", f"{each:.2f} s", f"{CPU} s", each <= CPU),
        Row("first verdict", f"{first:.1f} s", f"{FIRST} s", first <= FIRST),
        Row("memory", f"{memory >> 20} MiB", f"{MEMORY >> 20} MiB", memory <= MEMORY),
        Row("the whole class", f"{seconds:.0f} s"),
    ]


def _grade(class_: Path, results: Path, environment: dict[str, str]) -> tuple[float, float, int]:
    """Real seconds, those up to the first verdict, and the most memory that was used."""
    words = ["class", str(class_), "--lesson", "day53", "--results", str(results), "--seed", "1"]
    began = time.perf_counter()
    first, weighed, memory = 0.0, 0.0, 0
    with subprocess.Popen(
        [sys.executable, "-m", "grader", *words],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        while process.poll() is None:
            time.sleep(LOOK_EVERY)
            now = time.perf_counter() - began
            first = first or (now if _has_verdict(results) else 0.0)
            if now > weighed + WEIGH_EVERY:
                weighed, memory = now, max(memory, _memory_of(process.pid))
    if process.returncode not in (0, 1):
        raise BenchmarkError(f"`grade {' '.join(words)}` ended with {process.returncode}")
    return time.perf_counter() - began, first, memory


def _has_verdict(results: Path) -> bool:
    if not results.exists():
        return False
    with contextlib.closing(sqlite3.connect(results)) as database:
        try:
            return bool(database.execute("SELECT 1 FROM report LIMIT 1").fetchone())
        except sqlite3.Error:
            return False


def _memory_of(pid: int) -> int:
    """Bytes of a process and its descendants, where what they share is counted once."""
    total = 0
    with contextlib.suppress(psutil.Error):
        parent = psutil.Process(pid)
        for one in (parent, *parent.children(recursive=True)):
            with contextlib.suppress(psutil.Error):
                total += one.memory_full_info().pss
    return total


def _cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


# Where it goes


def _parts(count: int, environment: dict[str, str]) -> list[Row]:
    said = run("-m", "benchmarks.classroom", str(count), **environment)
    names = ("judge", "processes that play", "database server")
    return [
        Row(f"of it: {name}" if name != names[-1] else f"besides: {name}", f"{float(each):.2f} s")
        for name, each in zip(names, said.split(), strict=True)
    ]


def cpu_of_parts(count: int) -> tuple[float, float, float]:
    """CPU seconds a submission, of so many, without the start: the judge's, the players', and
    those of the database server."""
    first, *texts = made_class(count + 1)
    with Grading() as grading:
        _grade_here(grading, first)
        own, server = time.process_time(), _cpu_of_server()
        for text in texts:
            _grade_here(grading, text)
        own, server = time.process_time() - own, _cpu_of_server() - server
    return own / count, _cpu_of_children() / (count + 1), server / count


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
