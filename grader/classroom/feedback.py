"""A page for each student: the verdict on the attempt that counts."""

from __future__ import annotations

from collections.abc import Iterator

from ..course.catalog import Lesson, course
from ..course.hints import ladders
from ..render.page import PageContext, to_page
from .gradebook import Graded
from .points import Score


def feedback(graded: Graded, hints: bool) -> Iterator[tuple[str, str]]:
    """Each student's key and page, with all lessons that the student has been graded in.

    Args:
        hints: whether the pages hold the hints, too, each folded.
    """
    scores: dict[str, list[tuple[Lesson, Score]]] = {}
    for lesson, each in graded:
        for score in each:
            if score.attempt.report is not None:
                scores.setdefault(score.attempt.student.key, []).append((lesson, score))
    for key, found in scores.items():
        parts = [
            (score.attempt.report, _context(lesson, score, hints))
            for lesson, score in found
            if score.attempt.report is not None
        ]
        yield key, to_page(parts)


def _context(lesson: Lesson, score: Score, hints: bool) -> PageContext:
    text = course().lesson_text(lesson)
    return PageContext(
        title=lesson.title,
        source=score.attempt.source or "",
        hints=ladders(lesson) if hints else {},
        lesson=text.read_text("utf-8") if text.is_file() else "",
    )
