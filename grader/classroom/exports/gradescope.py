"""A student's result as Gradescope reads it from an autograder: `results.json`."""

from __future__ import annotations

import json
from typing import Any

from ...model.report import CheckReport, ExerciseReport
from ...render.signs import WORDS
from ..points import Score
from .tables import comment


def to_gradescope(score: Score, worth: dict[int, float]) -> str:
    """One JSON object, with a test for each exercise.

    Args:
        worth: the points of each exercise, by its number.
    """
    data = {
        "score": score.points,
        "output": comment(score),
        "output_format": "text",
        "visibility": "visible",
        "tests": [_test(score, one, worth[one.number]) for one in score.attempt.exercises],
    }
    return json.dumps(data, indent=2) + "\n"


def _test(score: Score, exercise: ExerciseReport, worth: float) -> dict[str, Any]:
    return {
        "number": str(exercise.number),
        "name": f"{exercise.number} · {exercise.title}",
        "score": score.by_exercise[exercise.number],
        "max_score": worth,
        "status": "passed" if exercise.status == "passed" else "failed",
        "output": "\n\n".join(_output(check) for check in exercise.checks) or _state(exercise),
        "output_format": "text",
    }


def _state(exercise: ExerciseReport) -> str:
    return WORDS[exercise.status]


def _output(check: CheckReport) -> str:
    if check.status == "broken":
        return f"{check.says}\n{WORDS['broken']}: {check.problem}"
    return "\n".join([f"{WORDS[check.status]}: {check.says}", *(d.text for d in check.diagnoses)])
