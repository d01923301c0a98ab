"""Another grader beside ours: otter-grader, where its command is installed.

Its submission is the smallest there is, a notebook with one cell and one test, and ours a whole
lesson. Both are graded without a container, one after another, in processes of their own.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
import time
import zipfile
from pathlib import Path

from .class_runs import cpu_of_children
from .results import BenchmarkError, Row

NOTEBOOK = {
    "cells": [
        {
            "cell_type": "code",
            "execution_count": None,
            "id": "a",
            "metadata": {},
            "outputs": [],
            "source": "x = 1",
        }
    ],
    "metadata": {
        "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}
    },
    "nbformat": 4,
    "nbformat_minor": 5,
}
TEST = """OK_FORMAT = True
test = {
    "name": "q1",
    "points": 1,
    "suites": [
        {
            "cases": [{"code": ">>> x\\n1", "hidden": False, "locked": False}],
            "scored": True,
            "setup": "",
            "teardown": "",
            "type": "doctest",
        }
    ],
}
"""


def otter_rows(most: int, longest: float) -> list[Row]:
    """Its CPU seconds and real seconds a submission.

    Args:
        most: submissions that are graded.
        longest: real seconds after which no other submission is begun.
    """
    command = shutil.which("otter")
    if command is None:
        return [Row("otter-grader, one trivial test", "not installed: pip install otter-grader")]
    before, began = cpu_of_children(), time.perf_counter()
    count = 0
    with tempfile.TemporaryDirectory() as folder:
        _write(Path(folder))
        while count < most and time.perf_counter() < began + longest:
            _grade(command, Path(folder), f"{count}.ipynb")
            count += 1
    cpu = (cpu_of_children() - before) / count
    seconds = (time.perf_counter() - began) / count
    what = f"otter-grader, one trivial test: CPU a submission, of {count}"
    return [Row(what, f"{cpu:.2f} s, {seconds:.1f} s real")]


def _write(folder: Path) -> None:
    with zipfile.ZipFile(folder / "autograder.zip", "w") as autograder:
        autograder.writestr("otter_config.json", json.dumps({"lang": "python"}))
        autograder.writestr("environment.yml", "name: env\n")
        autograder.writestr("tests/q1.py", TEST)


def _grade(command: str, folder: Path, name: str) -> None:
    (folder / name).write_text(json.dumps(NOTEBOOK), "utf-8")
    done = subprocess.run(
        [command, "run", "--autograder", "autograder.zip", "--output-dir", ".", "--no-logo", name],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    results = folder / "results.json"
    found = json.loads(results.read_text("utf-8"))["tests"] if results.is_file() else []
    if not any(one.get("score") == 1 for one in found):
        raise BenchmarkError(f"otter-grader failed:\n{(done.stdout + done.stderr)[-1000:]}")
    results.unlink()
