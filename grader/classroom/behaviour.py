"""How alike works are in what they did, whatever they look like.

Two programs that were written apart may fail for the same reason; that they also make the same
calls at the same moments, and end them alike, in several exercises, is rare. So what counts is the
*behaviour* in exercises that failed: the right ones are alike anyway, and what many of the class
do is a way that people take. Files that can't be run, and answers that did nothing before they
failed, say nothing.

Measured on day 53's bank: of 3,830 pairs of different wrong answers to one exercise, 18 behave
alike. Of 32 of them, with their own names changed and their `return` statements rewritten, 26
behave as before, 5 do nothing before they fail, 1 differs. In 48 made classes of 4 to 30 where
half of the answers are wrong, 34 of 48 copies are found, and none of the 7,000 other pairs is
named; 32, and none, where some mistakes are much commoner than others.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping

from ..course.catalog import Lesson
from ..model.report import CheckReport, ExerciseReport, Report
from ..model.trace import Exchange, Span, Trace
from .likeness import Likeness, alike

NAMED = frozenset({"call", "connection", "statement", "transaction", "request"})
"""Kinds of spans whose names aren't the student's own."""


def alike_in_behaviour(reports: Mapping[str, Report], lesson: Lesson) -> list[Likeness]:
    """The pairs of works that did the same where hardly anyone else did, most of it first.

    Args:
        reports: by the students' keys.
    """
    own = {key: frozenset(_behaviours(report)) for key, report in reports.items()}
    return alike(own, lesson, least_shared=1)


def _behaviours(report: Report) -> Iterator[tuple[int, str]]:
    """For each failed exercise its number, and what identifies what the answer did."""
    for exercise in report.exercises:
        if exercise.status == "failed" and _did_something(exercise):
            told = repr((report.seed, *map(_told, exercise.checks)))
            yield exercise.number, hashlib.sha256(told.encode()).hexdigest()


def _did_something(exercise: ExerciseReport) -> bool:
    return any(check.got is not None and check.got.spans for check in exercise.checks)


def _told(check: CheckReport) -> tuple[object, ...]:
    reasons = [diagnosis.id for diagnosis in check.diagnoses]
    return check.id, check.status, reasons, _played(check.got) if check.got else None


def _played(trace: Trace) -> tuple[object, ...]:
    """Without lines and names, which are changed easily, and without order within a moment."""
    spans = sorted(map(_span, trace.spans))
    incidents = sorted((one.kind, one.at.tick) for one in trace.incidents)
    return trace.outcome.kind, [*map(_exchange, trace.exchanges)], spans, incidents


def _exchange(exchange: Exchange) -> tuple[object, ...]:
    moments = (exchange.started, exchange.responded, exchange.completed)
    ticks = [moment and moment.tick for moment in moments]
    raised = exchange.raised and exchange.raised.type
    return exchange.method, exchange.path, exchange.status, ticks, raised


def _span(span: Span) -> tuple[str, str, int, int, str]:
    name = span.name if span.kind in NAMED else ""
    return span.kind, name, span.start.tick, span.end.tick, span.how
