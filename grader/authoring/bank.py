"""The bank: whether each of its answers is told what stands beside it."""

from __future__ import annotations

import re
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..course.catalog import Lesson, course
from ..course.files import shown
from ..model.errors import InputError
from ..model.problems import Problem
from ..model.report import ExerciseReport
from .cache import Found, Seen
from .checkfile import lines_of_checks

if TYPE_CHECKING:
    from ..judge.grading import Grading

SEED = 1
STATUSES = ("passed", "failed", "todo")
KEYS = ("exercise", "status", "diagnoses", "why", "line", "never")


def cases(lesson: Lesson, number: int) -> list[Path]:
    """The answers in the bank to an exercise of a lesson."""
    return sorted(course().mistakes(lesson).glob(f"{number}_*.py"))


def problems_of_files(lesson: Lesson) -> Iterator[Problem]:
    """Answers without an expectation, expectations without an answer or with a wrong word."""
    folder = course().mistakes(lesson)
    for file in sorted(folder.glob("*.py")):
        if not file.with_suffix(".toml").is_file():
            remedy = f"write {shown(file.with_suffix('.toml'))}: exercise, status, diagnoses, why"
            yield Problem(
                shown(file), 1, "nothing says what the grader must say of this answer", remedy
            )
    for file in sorted(folder.glob("*.toml")):
        if not file.with_suffix(".py").is_file():
            yield Problem(shown(file), 1, f"there is no {shown(file.with_suffix('.py'))}")
        yield from _problems_of_expectation(lesson, file)


def _problems_of_expectation(lesson: Lesson, file: Path) -> Iterator[Problem]:
    from .rules import known_ids

    try:
        found = tomllib.loads(file.read_text("utf-8"))
    except ValueError as error:
        yield Problem(shown(file), 1, f"this isn't TOML: {error}")
        return
    for key in found.keys() - {*KEYS}:
        remedy = f"the keys are {', '.join(KEYS)}"
        yield Problem(shown(file), _line_of(file, key), f"there is no key {key!r}", remedy)
    numbers = [exercise.number for exercise in lesson.all_exercises]
    if found.get("exercise") not in numbers:
        remedy = f"exercise is one of {', '.join(map(str, numbers))}"
        line = _line_of(file, "exercise")
        yield Problem(shown(file), line, f"exercise is {found.get('exercise')!r}", remedy)
    if found.get("status") not in STATUSES:
        remedy = f"status is one of {', '.join(STATUSES)}"
        line = _line_of(file, "status")
        yield Problem(shown(file), line, f"status is {found.get('status')!r}", remedy)
    known = {*known_ids(lesson), "different"}
    for id_ in found.get("diagnoses", ()):
        if id_ not in known:
            line = _line_of(file, "diagnoses")
            yield Problem(shown(file), line, f"no verdict is called {id_!r}", "grade explain")


def _line_of(file: Path, key: str) -> int:
    text = file.read_text("utf-8")
    found = re.search(rf"^{key}\b", text, re.MULTILINE)
    return text.count("\n", 0, found.start()) + 1 if found else 1


def expectation(case: Path) -> dict[str, Any]:
    """What stands beside an answer."""
    return tomllib.loads(case.with_suffix(".toml").read_text("utf-8"))


def grade_case(grading: Grading, lesson: Lesson, case: Path) -> Found:
    """Grade an answer of the bank: what it is told wrongly, and what the checks saw in it."""
    from .examining import examined
    from .rules import failed_rules

    expected = expectation(case)
    try:
        submission = examined(grading, lesson, case, SEED)
    except InputError as error:  # it is empty, or isn't UTF-8
        return Found([Problem(shown(case), 1, error.problem)])
    [report] = submission.grade((lesson.exercise(expected["exercise"]),))
    seen = {
        check.name: None if check.report.status == "passed" else check.compared
        for check in submission.checks
        if check.report is not None
    }
    told = [*wrongly_told(case, expected, report), *failed_rules(lesson, submission.rule_errors)]
    return Found(told, seen)


def wrongly_told(case: Path, expected: dict[str, Any], report: ExerciseReport) -> Iterator[Problem]:
    """What the grader says of an answer, and shouldn't."""
    table = case.with_suffix(".toml")
    failure = report.first_failure
    first = failure.diagnoses[:1] if failure else ()
    why = " ".join(one.text for one in first) or (failure.problem if failure else "")
    said = f"{failure.id} says: {why}" if failure else ""
    if report.status != expected["status"]:
        line = _line_of(table, "status")
        yield Problem(shown(table), line, f"the answer is {report.status}", said)
        return
    ids = [one.id for one in first]
    wanted = expected.get("diagnoses", [])
    if ids != wanted[:1]:
        what = f"the first reason is {', '.join(ids) or 'none'}"
        yield Problem(shown(table), _line_of(table, "diagnoses"), what, said)
        return
    everywhere = {one.id for check in report.checks for one in check.diagnoses}
    for id_ in wanted:
        if id_ not in everywhere:
            yield Problem(shown(table), _line_of(table, "diagnoses"), f"no check says {id_}")
    for id_ in everywhere & {*expected.get("never", ())}:
        yield Problem(shown(table), _line_of(table, "never"), f"a check says {id_}")
    if "line" in expected and [one.line for one in first] != [expected["line"]]:
        what = f"the reason names line {first[0].line if first else None}"
        yield Problem(shown(table), _line_of(table, "line"), what, said)


def idle_checks(lesson: Lesson, seen: Iterable[Seen]) -> Iterator[Problem]:
    """Checks that no answer of the bank fails, and aspects that are the same in all of them."""
    where = shown(course().checks(lesson))
    by_check = defaultdict[str, list[dict[str, bool] | None]](list)
    for name, compared in (one for checks in seen for one in checks.items()):
        by_check[name].append(compared)
    lines = lines_of_checks(lesson)
    for name, answers in by_check.items():
        line = lines.get(name.partition("[")[0], 1)
        failing = [compared for compared in answers if compared is not None]
        if not failing:
            remedy = "add the answer that it is for to the bank, or drop it"
            yield Problem(where, line, f"no answer of the bank fails {name}", remedy)
            continue
        differing = {aspect for one in failing for aspect, differs in one.items() if differs}
        for aspect in sorted({aspect for one in failing for aspect in one} - differing):
            what = f"{aspect} in {name} is the same for every answer of the bank"
            remedy = "add an answer in which it differs, or don't compare it"
            yield Problem(where, line, what, remedy)
