"""Results as JUnit XML: a test suite for each student's every exercise."""

from __future__ import annotations

import msgspec

from ...model.report import Report
from ...render.junit import to_junit
from ..gradebook import Graded
from ..points import Score


def to_class_junit(graded: Graded) -> str:
    """An XML document; what could not be graded isn't in it."""
    found = [_named(score) for _, scores in graded for score in scores]
    return to_junit([report for report in found if report is not None])


def _named(score: Score) -> Report | None:
    """The report, with the student's key in the names of its suites."""
    report, student = score.attempt.report, score.attempt.student
    if report is None:
        return None
    return msgspec.structs.replace(report, lesson=f"{student.key}.{report.lesson}")
