"""The report, and its JSON form for programs."""

from __future__ import annotations

import json
from typing import get_args

import msgspec
import pytest

from grader.model.report import (
    FORMAT_VERSION,
    CheckReport,
    CheckStatus,
    Diagnosis,
    ExerciseReport,
    ExerciseStatus,
    Report,
)
from grader.model.trace import Outcome, Trace
from grader.render.as_json import as_data, to_json


def report_of(*statuses: ExerciseStatus) -> Report:
    exercises = tuple(
        ExerciseReport(number=number, title=f"Title {number}", status=status)
        for number, status in enumerate(statuses, 1)
    )
    return Report(lesson="day01", file="exercise.py", seed=7, seconds=0.5, exercises=exercises)


@pytest.mark.parametrize(
    ("statuses", "passed", "exit_code"),
    [
        (["passed", "passed"], 2, 0),
        (["passed", "failed"], 1, 1),
        (["passed", "todo"], 1, 1),
        (["todo", "todo"], 0, 1),
        (["passed", "broken"], 1, 3),
        (["failed", "broken", "todo"], 0, 3),
    ],
)
def test_exit_code_is_that_of_the_worst(
    statuses: list[ExerciseStatus], passed: int, exit_code: int
) -> None:
    """0: all that was asked for passes; 1: something does not; 3: the grader broke."""
    report = report_of(*statuses)
    assert (report.passed, report.total) == (passed, len(statuses))
    assert report.exit_code == exit_code


def test_first_failure_is_the_first_check_that_did_not_pass() -> None:
    checks = [
        CheckReport(id=id_, says=id_, status=status)
        for id_, status in (("a", "passed"), ("b", "broken"), ("c", "failed"))
    ]
    exercise = ExerciseReport(number=1, title="", status="failed", checks=tuple(checks))
    assert exercise.first_failure is checks[1]
    assert msgspec.structs.replace(exercise, checks=tuple(checks[:1])).first_failure is None


def test_report_cannot_be_changed() -> None:
    report = report_of("passed")
    with pytest.raises(AttributeError):
        report.seed = 8  # type: ignore[misc]
    with pytest.raises(AttributeError):
        report.exercises[0].status = "failed"  # type: ignore[misc]


FAILED = CheckReport(
    id="as-fast-as-the-slowest",
    says="It takes as long as its slowest fetch.",
    status="failed",
    expected="2.00 s",
    actual="4.50 s",
    diagnoses=(
        Diagnosis("awaited-in-turn", 7, "Lines 7 and 8 wait in turn."),
        Diagnosis("wrong-time", None, "Zu spät."),
    ),
    got=Trace(outcome=Outcome("finished"), output="private"),
    reference=Trace(outcome=Outcome("finished")),
)


def test_json_form_is_what_is_promised() -> None:
    """Names, nesting and types are those of the issue, with a version, a seed and notes."""
    exercise = ExerciseReport(
        number=2, title="Concurrent operations", status="failed", line=5, checks=(FAILED,)
    )
    report = Report(
        lesson="day53",
        file="my.py",
        seed=7,
        seconds=0.25,
        exercises=(exercise,),
        notes=("It changed.",),
    )
    assert json.loads(to_json(report)) == {
        "version": 2,
        "lesson": "day53",
        "file": "my.py",
        "passed": 0,
        "total": 1,
        "seconds": 0.25,
        "seed": 7,
        "notes": ["It changed."],
        "exercises": [
            {
                "number": 2,
                "title": "Concurrent operations",
                "status": "failed",
                "checks": [
                    {
                        "id": "as-fast-as-the-slowest",
                        "says": "It takes as long as its slowest fetch.",
                        "status": "failed",
                        "expected": "2.00 s",
                        "actual": "4.50 s",
                        "diagnoses": [
                            {
                                "id": "awaited-in-turn",
                                "line": 7,
                                "text": "Lines 7 and 8 wait in turn.",
                                "explained_by": "grade explain awaited-in-turn",
                            },
                            {
                                "id": "wrong-time",
                                "line": None,
                                "text": "Zu spät.",
                                "explained_by": "grade explain wrong-time",
                            },
                        ],
                    }
                ],
            }
        ],
    }


def test_json_is_one_object_and_ends_its_line() -> None:
    text = to_json(report_of("passed"))
    assert text.endswith("}\n")
    assert json.loads(text) == as_data(report_of("passed"))


def test_version_is_that_of_the_form() -> None:
    assert as_data(report_of())["version"] == FORMAT_VERSION == 2


def test_statuses_are_those_of_the_json_form() -> None:
    """A program may rely on there being no others."""
    assert get_args(ExerciseStatus) == ("passed", "failed", "todo", "broken")
    assert get_args(CheckStatus) == ("passed", "failed", "broken")
