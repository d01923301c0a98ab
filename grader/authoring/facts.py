"""What the solution does in each check."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..course.catalog import Exercise, Lesson, course
from ..judge.aspects.aspect import Aspect, counted
from ..judge.compare import Comparison
from ..judge.grading import Grading
from ..model.facts import CheckFacts, PlayFacts
from ..model.trace import Trace
from .examining import Examined, examined

SEED = 1
"""Of the values that checks draw: the same each time."""


def facts(lesson: Lesson, exercises: Iterable[Exercise]) -> list[CheckFacts]:
    """What the solution does in the checks of some exercises, in the order of their file.

    Raises:
        GraderError: the checks cannot be run.
    """
    with Grading() as grading:
        submission = examined(grading, lesson, course().solution(lesson), SEED)
        submission.run_checks(tuple(exercise.number for exercise in exercises))
        return [_facts(one) for one in submission.checks]


def _facts(check: Examined) -> CheckFacts:
    report = check.report
    problem = f"{report.status}: {report.problem}" if report and report.status != "passed" else ""
    return CheckFacts(
        name=check.name,
        says=check.says,
        problem=problem,
        plays=tuple(_play(one) for one in check.comparisons),
    )


def _play(one: Comparison) -> PlayFacts:
    seen = [(aspect.name, said) for aspect in one.aspects for said in _said(aspect, one.reference)]
    return PlayFacts(one.scenario, one.reference, tuple(seen))


def _said(aspect: Aspect, trace: Trace) -> Iterator[str]:
    """All that an aspect sees, in words; an author's own may not know what to say of a failed
    play."""
    try:
        yield ", ".join(counted(aspect.words(aspect(trace))))
    except Exception as error:
        yield f"raises {type(error).__name__}: {error}"
