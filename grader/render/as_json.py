"""The report as JSON for programs. The form is described in CONTRIBUTING.md."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from ..model.report import FORMAT_VERSION, CheckReport, ExerciseReport, Report


def to_json(report: Report) -> str:
    """One JSON object, with a newline at its end."""
    return json.dumps(as_data(report), indent=2, ensure_ascii=True) + "\n"


def all_to_json(reports: Sequence[Report]) -> str:
    """The reports on several lessons as one JSON object, with a newline at its end."""
    data = {"version": FORMAT_VERSION, "reports": [as_data(report) for report in reports]}
    return json.dumps(data, indent=2, ensure_ascii=True) + "\n"


def as_data(report: Report) -> dict[str, Any]:
    """The report as what `json` can write."""
    return {
        "version": FORMAT_VERSION,
        "lesson": report.lesson,
        "file": report.file,
        "passed": report.passed,
        "total": report.total,
        "seconds": report.seconds,
        "seed": report.seed,
        "notes": list(report.notes),
        "exercises": [_exercise(exercise) for exercise in report.exercises],
    }


def _exercise(exercise: ExerciseReport) -> dict[str, Any]:
    return {
        "number": exercise.number,
        "title": exercise.title,
        "status": exercise.status,
        "checks": [_check(check) for check in exercise.checks],
    }


def _check(check: CheckReport) -> dict[str, Any]:
    return {
        "id": check.id,
        "says": check.says,
        "status": check.status,
        "expected": check.expected,
        "actual": check.actual,
        "diagnoses": [
            {
                "id": diagnosis.id,
                "line": diagnosis.line,
                "text": diagnosis.text,
                "explained_by": diagnosis.explained_by,
            }
            for diagnosis in check.diagnoses
        ],
    }
