"""The peak memory of a `grade day53`: of the judge, and of the largest worker process."""

from __future__ import annotations

import contextlib
import io
import json
import resource
import sys
from statistics import median

from .processes import GRADE, run
from .results import Row

KIB = 1024 if sys.platform == "darwin" else 1
"""Units of `ru_maxrss` in a KiB."""


def measure(short: bool) -> list[Row]:
    runs = [json.loads(run("-m", "benchmarks.memory")) for _ in range(3 if short else 9)]
    return [
        Row(what, f"{median(peaks) / 1024:.0f} MiB ({len(peaks)} runs)")
        for what, peaks in (
            ("judge", [judge for judge, _ in runs]),
            ("largest process of the worker", [worker for _, worker in runs]),
        )
    ]


def peaks() -> tuple[int, int]:
    """Run the command in this process; its peak in KiB, and that of the processes it started."""
    from grader.commands.group import main

    with contextlib.redirect_stdout(io.StringIO()):
        main(list(GRADE[2:]), standalone_mode=False)
    users = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    judge, worker = (resource.getrusage(who).ru_maxrss // KIB for who in users)
    return judge, worker


if __name__ == "__main__":
    print(json.dumps(peaks()))
