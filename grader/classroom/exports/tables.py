"""Grades as CSV: for a spreadsheet, for Canvas, and for Moodle."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from ...course.catalog import Lesson
from ...model.report import ExerciseReport
from ...render.signs import WORDS
from ...render.text import counted
from ..gradebook import Graded
from ..points import Score
from ..work import Student

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet would run if a cell began with it."""
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
"""What a terminal might obey."""


def to_csv(graded: Graded) -> str:
    """A row for each student and lesson: points, the state and the reason by exercise."""
    rows: list[list[Any]] = []
    numbers = sorted({e.number for lesson, _ in graded for e in lesson.exercises})
    for lesson, scores in graded:
        rows += [[*_student(score), *_result(lesson, score, numbers)] for score in scores]
    header = ["student", "name", "email", "lesson", "points", "of", "attempts", "days late"]
    for number in numbers:
        header += [f"exercise {number}", f"reason {number}"]
    return _text([[*header, "problem"], *rows])


def _student(score: Score) -> list[str]:
    student = score.attempt.student
    return [student.key, student.name, student.email]


def _result(lesson: Lesson, score: Score, numbers: Iterable[int]) -> list[Any]:
    attempt = score.attempt
    found = {one.number: one for one in attempt.exercises}
    row = [lesson.name, points(score), score.most, score.attempts, score.days_late]
    for number in numbers:
        row += _state(found.get(number))
    return [*row, attempt.problem]


def _state(exercise: ExerciseReport | None) -> tuple[str, str]:
    if exercise is None:
        return "", ""
    check = exercise.first_failure
    return WORDS[exercise.status], (check.reason if check else None) or ""


def points(score: Score) -> float | str:
    """Nothing where there is no verdict: that a file can't be read is for you to judge, and where
    the grader broke, it isn't the student's doing."""
    return score.points if score.is_final else ""


# A row for each student


def _by_student(graded: Graded) -> Iterator[tuple[Score, list[Score | None]]]:
    """For each student a score, the last that there is, and that of every lesson."""
    columns = [{score.attempt.student.key: score for score in scores} for _, scores in graded]
    last = {key: score for column in columns for key, score in column.items()}
    for key, score in last.items():
        yield score, [column.get(key) for column in columns]


def _points(score: Score | None) -> float | str:
    return points(score) if score is not None else ""


# Canvas


CANVAS = ("Student", "ID", "SIS User ID", "SIS Login ID", "Section")


def to_canvas(graded: Graded) -> str:
    """What Canvas imports under Grades: a column for each lesson."""
    rows = [
        [*_canvas(last.attempt.student), *map(_points, each)] for last, each in _by_student(graded)
    ]
    most = [scores[0].most if scores else "" for _, scores in graded]
    header = [*CANVAS, *(lesson.name for lesson, _ in graded)]
    return _text([header, ["    Points Possible", "", "", "", "", *most], *rows])


def _canvas(student: Student) -> list[str]:
    found = [student.row.get(name.lower(), "") for name in CANVAS]
    return [found[0] or student.name, found[1] or student.number, *found[2:]]


# Moodle


def to_moodle(graded: Graded) -> str:
    """What Moodle takes as a grading worksheet of an assignment, and, by the e-mail address,
    as an import into its gradebook. There may be a column for each lesson."""
    lessons = [lesson.name for lesson, _ in graded]
    grades = ["Grade"] if len(lessons) == 1 else [f"Grade {name}" for name in lessons]
    header = ["Identifier", "Full name", "Email address", *grades, "Maximum grade"]
    rows = [
        [
            *_moodle(last.attempt.student),
            *map(_points, each),
            last.most,
            "; ".join(comment(score) for score in each if score is not None),
        ]
        for last, each in _by_student(graded)
    ]
    return _text([[*header, "Feedback comments"], *rows])


def _moodle(student: Student) -> list[str]:
    known = student.row.get("identifier", "")
    return [known or f"Participant {student.number or student.key}", student.name, student.email]


def comment(score: Score) -> str:
    """What a student is told beside the grade, in a line."""
    report = score.attempt.report
    if report is None:
        return score.attempt.problem
    failed = [str(one.number) for one in report.exercises if one.status != "passed"]
    words = f"{report.lesson}: {report.passed} of {report.total} exercises pass"
    if failed:
        words += f"; not yet: {', '.join(failed)}"
    return words + (f"; {counted(score.days_late, 'day')} late" if score.days_late else "")


def _text(rows: Iterable[Sequence[Any]]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(_safe(rows))
    return out.getvalue()


def _safe(rows: Iterable[Sequence[Any]]) -> Iterator[list[Any]]:
    """Text that isn't taken for a formula: a student chooses the names of files, and more."""
    for row in rows:
        yield [_safe_text(cell) if isinstance(cell, str) else cell for cell in row]


def _safe_text(cell: str) -> str:
    return ("'" if cell.startswith(FORMULA) else "") + CONTROL.sub(" ", cell)
