"""Runs what is measured, in processes like a user's."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from .results import BenchmarkError

ROOT = Path(__file__).resolve().parents[1]
SOLUTION = Path("solutions", "day53", "solution.py")

GRADE = ("-m", "grader", "day53", "--file", str(SOLUTION))
"""The command, as arguments of Python."""

WITHOUT_DATABASE = (*GRADE[:3], "1", "2", "4", "5", "6", "7", "8", *GRADE[3:])
"""The command, for the exercises that need no database."""

LEASES = "grader.services.postgres.daemon.leases"
"""The module that ends a database server, if its argument is `stop`."""

NOTHING: Mapping[str, str] = {}

_BUSY = "import os\nparent = os.getppid()\nwhile os.getppid() == parent: pass"
"""A program that keeps a processor busy for as long as the one that started it is there."""


def run(*arguments: str, root: Path = ROOT, environment: Mapping[str, str] = NOTHING) -> str:
    """Run Python in the project's folder and return what it printed.

    Args:
        root: the folder of another tree, whose own code is run then.
        environment: variables to set.

    Raises:
        BenchmarkError: it did not succeed.
    """
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=root,
        env={**_environment(), "PYTHONPATH": str(root), **environment},
        capture_output=True,
        text=True,
    )
    if done.returncode:
        said = (done.stdout + done.stderr).strip()
        raise BenchmarkError(f"`python {' '.join(arguments)}` failed:\n{said[-1000:]}")
    return done.stdout


def timed(*arguments: str, root: Path = ROOT, environment: Mapping[str, str] = NOTHING) -> float:
    """Real seconds that `run` takes, from the start of the process to its end."""
    began = time.perf_counter()
    run(*arguments, root=root, environment=environment)
    return time.perf_counter() - began


@contextmanager
def own_server(root: Path = ROOT, leases: str = LEASES) -> Iterator[dict[str, str]]:
    """What names a database server that belongs to this block alone, and ends with it.

    Args:
        root: the folder of another tree, whose server it is then.
        leases: the module that ends a server.
    """
    with tempfile.TemporaryDirectory() as state:
        environment = {"GRADER_STATE": state}
        try:
            yield environment
        finally:
            run("-m", leases, "stop", root=root, environment=environment)


def _environment() -> dict[str, str]:
    """Ours, but for what would keep Python from finding its modules compiled."""
    return {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}


@contextmanager
def busy_machine(count: int) -> Iterator[None]:
    """`count` processes that compute all the time."""
    processes: list[subprocess.Popen[bytes]] = []
    try:
        processes.extend(subprocess.Popen([sys.executable, "-c", _BUSY]) for _ in range(count))
        yield
    finally:
        for process in processes:
            process.kill()
        for process in processes:
            process.wait()
