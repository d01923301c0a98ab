"""What can be wrong with a lesson's checks, its solution and its stub."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..course import catalog
from ..course.catalog import Lesson, course
from ..course.files import shown
from ..model.problems import Problem
from .problems import missing_file

if TYPE_CHECKING:
    from pathlib import Path

    from ..judge.grading import Grading
    from .examining import Examined

Factory = ast.FunctionDef | ast.AsyncFunctionDef

SEEDS = (1, 2, 3)
"""Of the values that checks draw: a solution that passes once may have been lucky."""


def problems_of_solution(grading: Grading, lesson: Lesson, numbers: list[int]) -> list[Problem]:
    """The solution itself, and the checks that are measured on it."""
    file = course().solution(lesson)
    found = list(missing_reasons(lesson, numbers))
    if any(lesson.exercise(number).factory not in _solved(lesson) for number in numbers):
        return found
    for seed in SEEDS:
        found += _problems_with_seed(grading, lesson, file, numbers, seed)
        if found:
            break
    return found


def _problems_with_seed(
    grading: Grading, lesson: Lesson, file: Path, numbers: list[int], seed: int
) -> list[Problem]:
    from .examining import examined

    submission = examined(grading, lesson, file, seed)
    submission.run_checks(tuple(numbers))
    checks = submission.checks
    found = [problem for check in checks for problem in problems_of_check(lesson, check, numbers)]
    for number in numbers:
        if not any(check.exercise == number for check in checks):
            where = shown(course().checks(lesson))
            remedy = f"write a test function below @exercise({number})"
            found.append(Problem(where, 1, f"exercise {number} has no check", remedy))
    return found


def missing_reasons(lesson: Lesson, numbers: list[int]) -> Iterator[Problem]:
    """Factories that the solution lacks, or that don't say why they are as they are."""
    file = course().solution(lesson)
    if not file.is_file():
        yield missing_file(file)
        return
    written = _solved(lesson)
    for exercise in map(lesson.exercise, numbers):
        node = written.get(exercise.factory)
        if node is None:
            yield Problem(shown(file), 1, f"there is no function {exercise.factory}")
        elif not ast.get_docstring(node):
            what = f"{exercise.factory} has no docstring"
            remedy = "it says why the solution is so: grade solution shows it"
            yield Problem(shown(file), node.lineno, what, remedy)


def problems_of_check(lesson: Lesson, check: Examined, numbers: list[int]) -> Iterator[Problem]:
    """What the solution's grading has shown of a check."""
    where = shown(course().checks(lesson))
    known = [exercise.number for exercise in lesson.all_exercises]
    if check.exercise not in known:
        what = f"{check.name} is the check of no exercise"
        remedy = f"put @exercise(n) above it; the exercises are {', '.join(map(str, known))}"
        yield Problem(where, check.line, what, remedy)
        return
    if not check.says:
        remedy = "it is the sentence that a learner reads"
        yield Problem(where, check.line, f"{check.name} has no docstring", remedy)
    if check.exercise not in numbers:
        return
    misnamed = list(misnamed_collaborators(lesson, check))
    yield from misnamed
    report = check.report
    if report is None or report.status == "passed" or misnamed:
        return
    if report.status == "broken":
        yield Problem(where, check.problem_line or check.line, report.problem)
    else:
        said = " ".join(one.text for one in report.diagnoses[:1])
        line = report.line or 1
        what = f"the solution fails {check.name}: {said}"
        yield Problem(shown(course().solution(lesson)), line, what)


def misnamed_collaborators(lesson: Lesson, check: Examined) -> Iterator[Problem]:
    """Collaborators of a scenario that the solution's factory doesn't take."""
    node = _solved(lesson)[lesson.exercise(check.exercise).factory]
    takes = _parameters(node)
    where = shown(course().checks(lesson))
    given = {name for scenario in check.scenarios for name in scenario.collaborators}
    for name in sorted(given - {*takes}) if not node.args.kwarg else ():
        remedy = f"it takes {', '.join(takes) or 'nothing'}"
        what = f"{check.name} hands {name} to {node.name}, which doesn't take it"
        yield Problem(where, check.line, what, remedy)


def problems_of_stub(grading: Grading, lesson: Lesson, numbers: list[int]) -> list[Problem]:
    """Stubs that pass already, that can't be imported, or that take something else."""
    from .trials import failures_of

    file = course().answers(lesson)
    if not file.is_file():
        return []
    text = file.read_text("utf-8")
    found = list(_changed_signatures(lesson, numbers))
    kept = course().stub(lesson)
    if kept != file and kept.read_text("utf-8") != text:
        what = f"this isn't the same text as {shown(kept)}"
        found.append(Problem(shown(file), 1, what, "change both together"))
    for exercise in map(lesson.exercise, numbers):
        [failure] = failures_of(grading, lesson, exercise, [text], SEEDS[0])
        if failure is None:
            line = catalog.factories(text)[exercise.factory].lineno
            what = f"the stub of exercise {exercise.number} passes: there is nothing to do"
            found.append(Problem(shown(file), line, what))
        elif failure.got is not None and failure.got.outcome.kind in _UNREADABLE:
            said = " ".join(one.text for one in failure.diagnoses[:1])
            line = failure.got.outcome.line or 1
            found.append(Problem(shown(file), line, f"the stub can't be imported: {said}"))
    return list(dict.fromkeys(found))


_UNREADABLE = ("syntax-error", "import-failed")


def _changed_signatures(lesson: Lesson, numbers: list[int]) -> Iterator[Problem]:
    stub, solution = course().answers(lesson), course().solution(lesson)
    mine, theirs = catalog.factories(stub.read_text("utf-8")), _solved(lesson)
    for exercise in map(lesson.exercise, numbers):
        if exercise.factory in mine and exercise.factory in theirs:
            ours, its = (_parameters(file[exercise.factory]) for file in (mine, theirs))
            if ours != its:
                line = mine[exercise.factory].lineno
                what = f"{exercise.factory} takes {', '.join(ours) or 'nothing'}"
                remedy = f"in {shown(solution)} it takes {', '.join(its) or 'nothing'}"
                yield Problem(shown(stub), line, what, remedy)


def _solved(lesson: Lesson) -> dict[str, Factory]:
    """The factories of the solution, by name; none if there is no such file."""
    file = course().solution(lesson)
    return catalog.factories(file.read_text("utf-8")) if file.is_file() else {}


def _parameters(node: Factory) -> list[str]:
    return [argument.arg for argument in (*node.args.args, *node.args.kwonlyargs)]
