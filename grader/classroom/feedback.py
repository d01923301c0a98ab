"""A page for each student: the verdict on the attempt that counts."""

from __future__ import annotations

from collections.abc import Iterator

from ..course.catalog import Lesson
from ..render.page import to_page
from ..render.saving import page_context
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
            (score.attempt.report, page_context(lesson, score.attempt.source or "", hints))
            for lesson, score in found
            if score.attempt.report is not None
        ]
        yield key, to_page(parts)
