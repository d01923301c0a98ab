"""Runs a suite by pytest, on either loop, to its end: a process that dies is started again."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

import pytest

from ..processes import ROOT
from ..results import BenchmarkError
from .fetching import Fetched

SECONDS = 20
"""Real seconds that a test may take."""
DEAD_AFTER = 60
"""Real seconds without a result after which the process is past hope."""
DIED = "died"

_ENDED = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED)
_REFUSED = (pytest.ExitCode.INTERNAL_ERROR, pytest.ExitCode.USAGE_ERROR)

Outcomes = dict[str, str]
"""By test: `passed`, `failed`, `skipped`, or `died`."""


def run(fetched: Fetched, expression: str | None, on_clock: bool) -> Outcomes:
    """The outcome of every test.

    Raises:
        BenchmarkError: it could not be run to its end.
    """
    with tempfile.TemporaryDirectory() as folder:
        record = Path(folder, "outcomes")
        record.touch()
        done = 0
        while not _run_rest(fetched, expression, on_clock, record):
            outcomes = _read(record)
            if len(outcomes) == done:
                raise BenchmarkError(f"{fetched.suite.name} ends before its first test")
            done = len(outcomes)
        return _read(record)


def _run_rest(fetched: Fetched, expression: str | None, on_clock: bool, record: Path) -> bool:
    """Run what has no outcome in `record` yet; whether pytest came to its end.

    Raises:
        BenchmarkError: pytest did not even begin.
    """
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(
            _command(fetched, expression),
            cwd=fetched.folder,
            env=os.environ
            | {
                "PYTHONPATH": f"{ROOT}{os.pathsep}{fetched.folder}",
                "SUITE_RECORD": str(record),
                "SUITE_LOOP": "virtual" if on_clock else "stock",
            },
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        status = _await_end(process, record)
        if status in _REFUSED:
            output.seek(0)
            raise BenchmarkError(f"{fetched.suite.name} did not run:\n{output.read()[-3000:]}")
        return status in _ENDED


def _command(fetched: Fetched, expression: str | None) -> list[str]:
    return [
        *(str(fetched.python), "-P", "-m", "benchmarks.suites.on_asyncio"),
        *("-q", "-p", "benchmarks.suites.plugin"),
        *("-p", "no:cacheprovider", f"--timeout={SECONDS}", "--timeout-method=signal"),
        *fetched.suite.arguments,
        *(("-k", expression) if expression else ()),
    ]


def _await_end(process: subprocess.Popen[bytes], record: Path) -> int:
    """Wait for the end of a process, or bring it about when it has no more to say."""
    size = -1
    while process.poll() is None and size != (size := record.stat().st_size):
        try:
            process.wait(DEAD_AFTER)
        except subprocess.TimeoutExpired:
            continue
    process.kill()
    return process.wait()


def _read(record: Path) -> Outcomes:
    """What was written down; a test that began and did not end has died."""
    outcomes: Outcomes = {}
    for line in record.read_text("utf-8").splitlines():
        outcome, _, test = line.partition(" ")
        outcomes[test] = DIED if outcome == "began" else outcome
    return outcomes
