"""The bank: whether each of its answers is told what stands beside it."""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ..course.catalog import Lesson, course
from ..course.files import shown
from ..judge.diagnoses.own import rules_file
from ..model.problems import Problem
from ..model.report import ExerciseReport

if TYPE_CHECKING:
    from ..judge.grading import Grading

SEED = 1
STATUSES = ("passed", "failed", "todo")


class CheckInBank(NamedTuple):
    """What an answer of the bank has shown of a check.

    Attributes:
        line: of the check.
        has_failed: whether the answer fails it.
        compared: for each of its aspects by name whether it differed.
    """

    name: str
    exercise: int
    line: int
    has_failed: bool
    compared: dict[str, bool]


def cases(lesson: Lesson, numbers: Iterable[int]) -> list[Path]:
    """The answers in the bank to some exercises of a lesson."""
    files = sorted(course().mistakes(lesson).glob("*.py"))
    return [file for file in files if file.name.startswith(tuple(f"{n}_" for n in numbers))]


def problems_of_files(lesson: Lesson) -> Iterator[Problem]:
    """Answers without an expectation, expectations without an answer or with a wrong word."""
    folder = course().mistakes(lesson)
    for file in sorted(folder.glob("*.py")):
        if not file.with_suffix(".toml").is_file():
            remedy = f"write {shown(file.with_suffix('.toml'))}: exercise, status, diagnoses, why"
            yield Problem(shown(file), 1, "nothing says what this answer must be told", remedy)
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


def digest(lesson: Lesson, case: Path) -> str:
    """What identifies all that an answer's grading comes of: its files, and the lesson's."""
    found = course()
    checks, kept = found.checks(lesson), found.stub(lesson)
    files = [case, case.with_suffix(".toml"), checks, rules_file(checks), kept]
    files += [found.solution(lesson), *sorted(found.exercises(lesson).glob("exercise_*"))]
    parts = [file.read_bytes() if file.is_file() else b"" for file in files]
    return hashlib.sha256(b"\0".join([str(case).encode(), *parts])).hexdigest()


def expectation(case: Path) -> dict[str, Any]:
    """What stands beside an answer."""
    return tomllib.loads(case.with_suffix(".toml").read_text("utf-8"))


def grade_case(
    grading: Grading, lesson: Lesson, case: Path
) -> tuple[list[Problem], list[CheckInBank]]:
    """Grade an answer of the bank: what it is told wrongly, and what the checks saw in it."""
    from .examining import examined
    from .rules import failed_rules

    expected = expectation(case)
    submission = examined(grading, lesson, case, SEED)
    [report] = submission.grade((lesson.exercise(expected["exercise"]),))
    seen = [
        CheckInBank(c.name, c.exercise, c.line, c.report.status != "passed", c.compared)
        for c in submission.checks
        if c.report is not None
    ]
    told = [*wrongly_told(case, expected, report), *failed_rules(lesson, submission.rule_errors)]
    return told, seen


def wrongly_told(case: Path, expected: dict[str, Any], report: ExerciseReport) -> Iterator[Problem]:
    """What the grader says of an answer, and shouldn't."""
    table = case.with_suffix(".toml")
    failure = report.first_failure
    first = failure.diagnoses[:1] if failure else ()
    said = f"{failure.id} says: {' '.join(one.text for one in first)}" if failure else ""
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
    if "line" in expected and [one.line for one in first] != [expected["line"]]:
        what = f"the reason names line {first[0].line if first else None}"
        yield Problem(shown(table), _line_of(table, "line"), what, said)


def idle_checks(lesson: Lesson, seen: Iterable[CheckInBank]) -> Iterator[Problem]:
    """Checks that no answer of the bank fails, and aspects that are the same in all of them."""
    where = shown(course().checks(lesson))
    by_check = defaultdict[str, list[CheckInBank]](list)
    for one in seen:
        by_check[one.name].append(one)
    for name, group in by_check.items():
        line = group[0].line
        if not any(one.has_failed for one in group):
            remedy = "add the answer that it is for to the bank, or drop it"
            yield Problem(where, line, f"no answer of the bank fails {name}", remedy)
            continue
        aspects = {aspect for one in group for aspect in one.compared}
        for aspect in sorted(aspects - {a for one in group for a, d in one.compared.items() if d}):
            what = f"{aspect} in {name} is the same for every answer of the bank"
            remedy = "add an answer in which it differs, or don't compare it"
            yield Problem(where, line, what, remedy)
