"""The bank: every wrong answer fails for its reason, and every right variant passes.

A case is two files, `tests/mistakes/<lesson>/<exercise>_<name>.py` with what a learner
could have written, and `.toml` with what the grader must say of it.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from grader.course.catalog import lesson
from grader.judge.grading import Grading
from grader.model.report import ExerciseReport

BANK = Path(__file__).parent / "mistakes"
CASES = sorted(BANK.glob("*/*.py"))


def expectation(case: Path) -> dict[str, Any]:
    return tomllib.loads(case.with_suffix(".toml").read_text("utf-8"))


def grade(grading: Grading, case: Path, number: int) -> ExerciseReport:
    report = grading.grade(lesson(case.parent.name), case, (number,), seed=1)
    return report.exercises[0]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}/{case.stem}")
def test_grader_says_of_each_case_what_is_beside_it(grading: Grading, case: Path) -> None:
    expected = expectation(case)
    exercise = grade(grading, case, expected["exercise"])
    failure = exercise.first_failure
    first = failure.diagnoses[:1] if failure else ()
    everywhere = {diagnosis.id for check in exercise.checks for diagnosis in check.diagnoses}
    assert exercise.status == expected["status"], failure
    assert [diagnosis.id for diagnosis in first] == expected["diagnoses"][:1], failure
    assert everywhere >= set(expected["diagnoses"])
    assert not everywhere & set(expected.get("never", ()))
    if "line" in expected:
        assert [diagnosis.line for diagnosis in first] == [expected["line"]]


def test_bank_is_large_and_every_case_has_its_expectation() -> None:
    expected = [expectation(case) for case in CASES]
    assert sum(e["status"] == "failed" for e in expected) >= 60
    assert sum(e["status"] == "passed" for e in expected) >= 25
    assert {p.stem for p in BANK.glob("*/*.toml")} == {p.stem for p in CASES}
