"""The report as points, for the autograding of GitHub Classroom.

The form is the one that `classroom-resources/autograding-grading-reporter` (v1) reads from the
environment of its step: JSON in base64. Each exercise is a test worth one point.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from typing import Any

import msgspec

from ..model.report import ExerciseReport, Report
from .signs import WORDS

STATUSES = {"passed": "pass", "failed": "fail", "todo": "fail", "broken": "error"}


def to_classroom(reports: Sequence[Report]) -> str:
    """One line: what the reporter takes for a result."""
    tests = [_test(report, exercise) for report in reports for exercise in report.exercises]
    found = {test["status"] for test in tests}
    status = next((one for one in ("error", "fail") if one in found), "pass")
    result = {"version": 1, "status": status, "max_score": len(tests), "tests": tests}
    return b64encode(msgspec.json.encode(result)).decode() + "\n"


def _test(report: Report, exercise: ExerciseReport) -> dict[str, Any]:
    return {
        "name": f"{report.lesson} {exercise.number} · {exercise.title}",
        "status": STATUSES[exercise.status],
        "score": int(exercise.status == "passed"),
        "message": _message(report, exercise),
    }


def _message(report: Report, exercise: ExerciseReport) -> str:
    """Why it gives no point: the first check that did not pass, and the first reason."""
    check = exercise.first_failure
    if check is None:
        return "" if exercise.status == "passed" else WORDS[exercise.status]
    if check.status == "broken":
        return f"{WORDS['broken']}: {check.problem}"
    why = check.diagnoses[0] if check.diagnoses else None
    where = f"{report.file}:{why.line}" if why and why.line else report.file
    return f"{where}: {check.says}" + (f" {why.text}" if why else "")
