"""Runs `grade class` as an instructor does, and looks at it from outside."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import psutil

from .processes import ROOT
from .results import BenchmarkError

LOOK_EVERY = 0.05
WEIGH_EVERY = 2.0
"""Seconds between two looks at the memory, each of which takes a while itself."""
STOPPED = 130
HERE = ("--host", "127.0.0.1", "--no-dashboard")
LISTENING = "Scheduler at:"
JOINED = "Registered to:"


@dataclass(frozen=True)
class ClassRun:
    """What one run took.

    Attributes:
        count: works that it graded.
        is_whole: whether these were all; else it was stopped, since its time was over.
        seconds: in real time, and `first` up to the first verdict.
        memory: the most bytes that its processes held together.
    """

    count: int
    is_whole: bool
    seconds: float
    first: float
    memory: int

    @property
    def each(self) -> float:
        """Real seconds a work."""
        return self.seconds / self.count


def run_class(folder: Path, longest: float, environment: dict[str, str], *words: str) -> ClassRun:
    """Grade a class on day 53 anew.

    Args:
        longest: real seconds after which it is stopped, as with Ctrl-C.
        words: more options.

    Raises:
        BenchmarkError: it failed, or graded nothing.
    """
    results = folder.with_suffix(".sqlite")
    results.unlink(missing_ok=True)
    command = ["-m", "grader", "class", str(folder), "--lesson", "day53", "--seed", "1", *words]
    began = time.perf_counter()
    first, weighed, memory, is_over = 0.0, 0.0, 0, False
    with _started(*command, "--results", str(results), **environment) as process:
        while process.poll() is None:
            time.sleep(LOOK_EVERY)
            now = time.perf_counter() - began
            first = first or (now if verdicts(results) else 0.0)
            if now > weighed + WEIGH_EVERY:
                weighed, memory = now, max(memory, _memory_of(process.pid))
            if now > longest and not is_over:
                is_over = True  # said once: said twice, it would stop the tidying up
                process.send_signal(signal.SIGINT)
    seconds = time.perf_counter() - began
    count = verdicts(results)
    if process.returncode not in (0, 1, STOPPED) or not count:
        raise BenchmarkError(f"`grade class` ended with {process.returncode}, {count} graded")
    return ClassRun(count, process.returncode != STOPPED, seconds, first, memory)


def verdicts(results: Path) -> int:
    """How many reports there are in a file of results."""
    if not results.exists():
        return 0
    with contextlib.closing(sqlite3.connect(results)) as database:
        try:
            [count] = database.execute("SELECT count(*) FROM report").fetchone()
        except sqlite3.Error:  # it is just being made
            return 0
    return int(count)


@contextlib.contextmanager
def _started(*arguments: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """Python in the project's folder; what it says on its standard error can be read."""
    with subprocess.Popen(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def _memory_of(pid: int) -> int:
    """Bytes of a process and its descendants, where what they share is counted once."""
    total = 0
    with contextlib.suppress(psutil.Error):
        parent = psutil.Process(pid)
        for one in (parent, *parent.children(recursive=True)):
            with contextlib.suppress(psutil.Error):
                total += one.memory_full_info().pss
    return total


def cpu_of_children() -> float:
    """CPU seconds of all processes that were started from here and have ended.

    The kernel forgets those of a process in a container that is ended from outside.
    """
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@contextlib.contextmanager
def dask_cluster(workers: int, environment: dict[str, str]) -> Iterator[str]:
    """The address of a scheduler with so many workers of one thread, each a process."""
    with contextlib.ExitStack() as stack:
        start = partial(_started, "-m", "dask", **environment)
        scheduler = stack.enter_context(start("scheduler", "--port", "0", *HERE))
        address = _until(scheduler, LISTENING).split()[-1]
        words = ("worker", address, "--nthreads", "1", "--no-nanny", "--memory-limit", "0", *HERE)
        for worker in [stack.enter_context(start(*words)) for _ in range(workers)]:
            _until(worker, JOINED)
        yield address


def _until(process: subprocess.Popen[str], says: str) -> str:
    assert process.stderr is not None
    for line in process.stderr:
        if says in line:
            return line
    raise BenchmarkError(f"{process.args!r} never said {says!r}")
