"""Watch mode: the time from a save to the verdict on the screen."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import shutil
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from .processes import ROOT, SOLUTION
from .results import BenchmarkError, Row, spread

WRONG = ROOT / "tests" / "mistakes" / "day53" / "2_awaited_in_turn.py"
ANSWERS = ((WRONG, b"0 of 1 exercises pass"), (ROOT / SOLUTION, b"1 of 1 exercises pass"))
"""Files to save in turn, with what the verdict on each says."""

PATIENCE = 20.0
"""Real seconds after which a verdict will not come."""
MEDIAN, WORST = 150, 400
"""Milliseconds."""


def measure(short: bool) -> list[Row]:
    """Saves in turn, each as soon as the verdict on the last one is there."""
    with tempfile.TemporaryDirectory() as folder, watching(Path(folder)) as terminal:
        times = [1000 * latency(Path(folder), nth, terminal) for nth in range(20 if short else 50)]
    return [
        Row(
            "from a save to the verdict",
            spread(times, " ms"),
            f"at most {MEDIAN} ms",
            median(times) <= MEDIAN,
        ),
        Row("the slowest", f"{max(times):.0f} ms", f"at most {WORST} ms", max(times) <= WORST),
    ]


def latency(folder: Path, nth: int, terminal: int) -> float:
    """Real seconds from a save to the verdict on it."""
    file, verdict = ANSWERS[nth % 2]
    text = file.read_bytes()
    began = time.perf_counter()
    answer_in(folder).write_bytes(text)
    wait_for(verdict, terminal)
    return time.perf_counter() - began


@contextmanager
def watching(folder: Path) -> Iterator[int]:
    """A terminal on which exercise 2 is watched in a workspace; warm: both answers are graded."""
    answer_in(folder).parent.mkdir(parents=True)
    shutil.copy(ROOT / "course.toml", folder)
    shutil.copy(WRONG, answer_in(folder))
    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 100, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-m", "grader", "day53", "2", "--watch"],
        cwd=folder,
        env=os.environ | {"TERM": "xterm", "PYTHONPATH": str(ROOT)},
        stdin=its,
        stdout=its,
        stderr=its,
    )
    os.close(its)
    try:
        wait_for(ANSWERS[0][1], ours)
        for nth in (1, 2, 3):
            latency(folder, nth, ours)
        yield ours
    finally:
        process.terminate()
        process.wait()
        os.close(ours)


def answer_in(folder: Path) -> Path:
    return folder / "exercises" / "day53" / "exercise.py"


def wait_for(words: bytes, terminal: int) -> None:
    """Read what is written to a terminal until it says those words.

    Raises:
        BenchmarkError: it does not.
    """
    written = b""
    deadline = time.monotonic() + PATIENCE
    while words not in written:
        if not select.select([terminal], [], [], max(0, deadline - time.monotonic()))[0]:
            raise BenchmarkError(f"no {words.decode()!r} on the screen: {written[-500:]!r}")
        try:
            written += os.read(terminal, 65536)
        except OSError as error:  # how Linux says that the other end is closed
            raise BenchmarkError(f"watch mode has ended: {written[-500:]!r}") from error
