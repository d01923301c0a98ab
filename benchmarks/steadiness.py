"""Whether the same file gets the same verdict on a busy machine, to the letter."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from grader.course.catalog import lesson
from grader.judge.grading import Grading
from grader.render.as_json import as_data

from .processes import ROOT, SOLUTION, busy_machine
from .results import Row

BUSY = 6
"""Busy processes beside the grader."""

MISTAKES = (
    "1_time_sleep_in_async",  # loop-blocked
    "1_to_thread_for_sleep",  # thread-pool-exhausted
    "1_sleep_not_awaited",  # never-awaited
    "2_awaited_in_turn",  # awaited-in-turn
    "2_results_shared_by_requests",  # race
    "2_queue_never_filled",  # stuck
    "4_bare_except_inside_timeout",  # cancellation-swallowed
    "5_create_task_dropped",  # task-reference-lost
    "7_reader_task_not_cancelled",  # generator-left-open
    "8_close_after_query",  # not-closed
)
CASES = (SOLUTION, *(Path("tests", "mistakes", "day53", f"{name}.py") for name in MISTAKES))


def measure(short: bool) -> list[Row]:
    runs = 12 if short else 300
    found = differences(runs, BUSY)
    what = f"{runs} runs of the solutions and {len(MISTAKES)} mistakes, {BUSY} busy processes"
    result = f"{len(found)} differ, the first:\n{found[0]}" if found else "every JSON identical"
    return [Row(what, result, "identical", not found)]


def differences(runs: int, busy: int, cases: Sequence[Path] = CASES) -> list[str]:
    """Grade each of `cases` in each of `runs`, and compare the JSON with the first run's.

    Every run has a worker of its own and another order of the cases, so that neither what
    a process has done before nor what the machine does beside it may show.

    Args:
        busy: how many processes keep the machine busy meanwhile.

    Returns:
        For each JSON that is not as in the first run, how it differs; nothing if all agree.
    """
    with busy_machine(busy):
        first = dict(verdicts(cases))
        return [
            difference(f"run {number}", first[case], verdict)
            for number in range(2, runs + 1)
            for case, verdict in verdicts(rotated(cases, number))
            if verdict != first[case]
        ]


def verdicts(cases: Sequence[Path]) -> Iterator[tuple[Path, str]]:
    """Each case, and its report as JSON without the time that grading took."""
    with Grading() as grading:
        for case in cases:
            number = case.stem.partition("_")[0]
            exercises = (int(number),) if number.isdigit() else ()
            report = grading.grade(
                lesson("day53"), ROOT / case, exercises, seed=1, shown_as=str(case)
            )
            data = as_data(report)
            del data["seconds"]
            yield case, json.dumps(data, indent=1)


def rotated(cases: Sequence[Path], by: int) -> Sequence[Path]:
    by %= len(cases)
    return (*cases[by:], *cases[:by])


def difference(name: str, expected: str, actual: str) -> str:
    lines = difflib.unified_diff(expected.split("\n"), actual.split("\n"), "run 1", name, n=3)
    return "\n".join(line.rstrip("\n") for line in lines)
