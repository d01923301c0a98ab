"""A class too large to be graded here: all but the grading itself is done with its works.

Each work is another text, and gets a verdict that was made once. What is measured is what grows
with the class: reading what was handed in, planning, keeping the verdicts, and putting them
together for the report.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from grader.classroom.finding import works
from grader.classroom.names import Names
from grader.classroom.overview import ClassOverview
from grader.classroom.page import to_class_page
from grader.classroom.points import ClassRules
from grader.classroom.running import Done, SameWork
from grader.classroom.session import ClassSession
from grader.classroom.store import Store
from grader.course.catalog import lesson
from grader.judge.grading import Grading
from grader.model.report import Report

from .processes import ROOT, SOLUTION
from .results import Row

SMALL, LARGE = 300, 3_000
NEAR = 1.5


def simulated_rows(short: bool) -> list[Row]:
    """The CPU time of a work in a class of 3,000, and the same beside one of 300."""
    small, large = (SMALL // 10, LARGE // 10) if short else (SMALL, LARGE)
    text = (ROOT / SOLUTION).read_text("utf-8")
    with Grading() as grading:
        verdict = grading.grade(lesson("day53"), ROOT / "answers.py", (1, 2), seed=1, source=text)
    few, many = (_seconds(count, text, verdict) / count for count in (small, large))
    what = f"without grading: CPU a work, of {large} / of {small}"
    ratio = many / few
    return [
        Row(f"without grading: CPU a work, of {large}", f"{many * 1000:.1f} ms"),
        Row(what, f"{ratio:.2f}", f"at most {NEAR}", ratio <= NEAR),
    ]


def _seconds(count: int, text: str, verdict: Report) -> float:
    with tempfile.TemporaryDirectory() as folder:
        hand_ins = Path(folder, "in")
        hand_ins.mkdir()
        for number in range(count):
            (hand_ins / f"{number:05}.py").write_text(f"{text}\n# {number}\n", "utf-8")
        began = time.process_time()
        _grade(hand_ins, Path(folder, "class.sqlite"), verdict)
        return time.process_time() - began


def _grade(hand_ins: Path, results: Path, verdict: Report) -> None:
    day53 = lesson("day53")

    async def simulated(todo: Sequence[SameWork], seed: int, done: Done) -> None:
        for batch in todo:
            done(batch, verdict)
            await asyncio.sleep(0)

    with Store(results, must_exist=False) as store:
        session = ClassSession(store, hand_ins, works(hand_ins, [day53]), [day53])
        assert session.grade(simulated, lambda batch: None)
        overview = ClassOverview(day53, list(store.attempts(day53.name)), ClassRules())
    students = [score.attempt.student for score in overview.scores]
    to_class_page([overview], Names(students, are_shown=False))
