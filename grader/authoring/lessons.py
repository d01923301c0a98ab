"""What is wrong with a lesson's checks, its solution and its stub when they are run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..course.catalog import Lesson, course
from ..course.files import shown
from ..course.syntax import functions
from ..model.errors import GraderError
from ..model.problems import Problem
from .factories import needed, parameters, solved

if TYPE_CHECKING:
    from ..judge.grading import Grading
    from ..model.report import CheckReport
    from .examining import Examined

SEEDS = (1, 2, 3)
"""Of the values that checks draw: a solution that passes once may have been lucky."""


def problems_of_solution(grading: Grading, lesson: Lesson, number: int) -> list[Problem]:
    """The solution of an exercise, and the checks that are measured on it."""
    for seed in SEEDS:
        if found := list(_problems_with_seed(grading, lesson, number, seed)):
            return found
    return []


def _problems_with_seed(
    grading: Grading, lesson: Lesson, number: int, seed: int
) -> Iterator[Problem]:
    from ..judge.grading import NO_EXERCISE
    from .examining import examined

    submission = examined(grading, lesson, course().solution(lesson), seed)
    where = shown(course().checks(lesson))
    try:
        reports = submission.run_checks((number,))
    except GraderError:
        error = submission.examiner.import_error
        if error is None:
            raise
        what = f"this can't be imported: {type(error).__name__}: {error}"
        yield Problem(where, submission.examiner.import_line or 1, what)
        return
    for report in reports.get(NO_EXERCISE, ()):
        yield _failed(lesson, report, "the solution can't be imported")
    mine = [check for check in submission.checks if check.exercise == number]
    for check in mine:
        yield from problems_of_check(lesson, check)
    if not mine:
        remedy = f"write a test function below @exercise({number})"
        yield Problem(where, 1, f"exercise {number} has no check", remedy)


def problems_of_check(lesson: Lesson, check: Examined) -> Iterator[Problem]:
    """What the solution's grading has shown of a check."""
    where = shown(course().checks(lesson))
    misnamed = list(misnamed_collaborators(lesson, check))
    yield from misnamed
    report = check.report
    if report is None or report.status == "passed" or misnamed:
        return
    if report.status == "broken":
        problem = re.sub(r"^(ReferenceFailed|UsageError): ", "", report.problem)
        what, _, remedy = problem.partition("\n")
        yield Problem(where, check.problem_line or check.line, what, remedy.partition("\n")[0])
    else:
        yield _failed(lesson, report, f"the solution fails {check.name}")


def _failed(lesson: Lesson, report: CheckReport, what: str) -> Problem:
    said = " ".join(one.text for one in report.diagnoses[:1])
    return Problem(shown(course().solution(lesson)), report.line or 1, f"{what}: {said}")


def misnamed_collaborators(lesson: Lesson, check: Examined) -> Iterator[Problem]:
    """Collaborators of a scenario that the solution's factory doesn't take, or needs besides."""
    node = solved(lesson)[lesson.exercise(check.exercise).factory]
    takes, where = parameters(node), shown(course().checks(lesson))
    given = [scenario.collaborators.keys() for scenario in check.scenarios]
    unknown = {name for names in given for name in names} - {*takes}
    for name in sorted(unknown) if not node.args.kwarg else ():
        remedy = f"it takes {', '.join(takes) or 'nothing'}"
        what = f"{check.name} hands {name} to {node.name}, which doesn't take it"
        yield Problem(where, check.line, what, remedy)
    for name in needed(node) if not unknown else ():
        if not all(name in names for names in given):
            what = f"{check.name} doesn't hand {name} to {node.name}, which needs it"
            yield Problem(where, check.line, what, f"it takes {', '.join(takes)}")


def problems_of_stub(grading: Grading, lesson: Lesson, number: int) -> list[Problem]:
    """A stub that passes already, or that can't be imported."""
    from .trials import failures_of

    file, exercise = course().answers(lesson), lesson.exercise(number)
    if not file.is_file():
        return []
    text = file.read_text("utf-8")
    [failure] = failures_of(grading, lesson, exercise, [text], SEEDS[0])
    if failure is None:
        line = functions(text)[exercise.factory].lineno
        what = f"the stub of exercise {number} passes: there is nothing to do"
        return [Problem(shown(file), line, what)]
    if failure.got is not None and failure.got.outcome.kind in _UNREADABLE:
        said = " ".join(one.text for one in failure.diagnoses[:1])
        line = failure.got.outcome.line or 1
        return [Problem(shown(file), line, f"the stub can't be imported: {said}")]
    return []


_UNREADABLE = ("syntax-error", "import-failed")
