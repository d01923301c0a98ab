"""The bank: every wrong answer fails for its reason, and every right variant passes.

A case is two files, `tests/mistakes/<lesson>/<exercise>_<name>.py` with what a learner
could have written, and `.toml` with what the grader must say of it.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from grader.authoring.trials import Trials
from grader.course.catalog import lesson
from grader.judge.grading import Grading
from grader.model.report import CheckReport, ExerciseReport

BANK = Path(__file__).parent / "mistakes"
CASES = sorted(BANK.glob("*/*.py"))
SEED = 1


def expectation(case: Path) -> dict[str, Any]:
    return tomllib.loads(case.with_suffix(".toml").read_text("utf-8"))


def grade(grading: Grading, case: Path, number: int) -> ExerciseReport:
    report = grading.grade(lesson(case.parent.name), case, (number,), seed=SEED)
    return report.exercises[0]


def first_failure(grading: Grading, case: Path, number: int) -> CheckReport | None:
    """The first check that does not pass. Those after it are not run."""
    submission = grading.submission(lesson(case.parent.name), case, SEED, ahead=False)
    players = submission.learner, submission.reference
    trials = Trials(*players, number, SEED, [submission.source])
    submission.run(trials)
    return trials.failures[0]


def is_told_at_once(expected: dict[str, Any]) -> bool:
    """Whether the first check that fails has all that the answer is to be told: then those after
    it need not be run. `grade dev check` runs them all."""
    is_all = len(expected["diagnoses"]) <= 1 and "never" not in expected
    return expected["status"] == "failed" and is_all


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}/{case.stem}")
def test_grader_says_of_each_case_what_is_beside_it(grading: Grading, case: Path) -> None:
    expected = expectation(case)
    if is_told_at_once(expected):
        failure = first_failure(grading, case, expected["exercise"])
        status = failure.status if failure else "passed"
        everywhere = set(ids_of(failure))
    else:
        exercise = grade(grading, case, expected["exercise"])
        status, failure = exercise.status, exercise.first_failure
        everywhere = {id_ for check in exercise.checks for id_ in ids_of(check)}
    assert status == expected["status"], in_short(failure)
    assert ids_of(failure)[:1] == expected["diagnoses"][:1], in_short(failure)
    assert everywhere >= set(expected["diagnoses"])
    assert not everywhere & set(expected.get("never", ()))
    if "line" in expected:
        assert failure is not None
        assert [one.line for one in failure.diagnoses[:1]] == [expected["line"]]


def in_short(check: CheckReport | None) -> str:
    """What there is to know of a failure; pytest cuts a whole report in the middle."""
    if check is None:
        return "every check passed"
    told = [f"{one.id} at line {one.line}: {one.text}" for one in check.diagnoses]
    facts = [check.id, check.status, f"{check.expected} | {check.actual}", check.problem, *told]
    if check.got is not None:
        raised = [str(each.raised) for each in check.got.exchanges if each.raised is not None]
        facts += [str(check.got.outcome), *raised, *map(str, check.got.incidents)]
    return "\n".join(facts)


def ids_of(check: CheckReport | None) -> list[str]:
    return [diagnosis.id for diagnosis in check.diagnoses] if check else []


def test_bank_is_large_and_every_case_has_its_expectation() -> None:
    expected = [expectation(case) for case in CASES]
    assert sum(e["status"] == "failed" for e in expected) >= 60
    assert sum(e["status"] == "passed" for e in expected) >= 25
    assert {p.stem for p in BANK.glob("*/*.toml")} == {p.stem for p in CASES}
