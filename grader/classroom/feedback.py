"""A page for each student: the verdict on the attempt that counts."""

from __future__ import annotations

from collections.abc import Iterator

from ..course.catalog import Lesson
from ..render.page import Article, document, score_of
from ..render.saving import page_context
from ..render.text import marked_up
from .gradebook import Graded
from .points import Score

UNGRADED = "not graded"


def feedback(graded: Graded, hints: bool) -> Iterator[tuple[str, str]]:
    """Each student's key and page, with all lessons, those that could not be graded among them.

    Args:
        hints: whether the pages hold the hints, too, each folded.
    """
    scores: dict[str, list[tuple[Lesson, Score]]] = {}
    for lesson, each in graded:
        for score in each:
            scores.setdefault(score.attempt.student.key, []).append((lesson, score))
    for key, found in scores.items():
        title = ", ".join(f"{lesson.name}: {_result(score)}" for lesson, score in found)
        yield key, document(title, (part for one in found for part in _article(*one, hints)))


def _result(score: Score) -> str:
    report = score.attempt.report
    return UNGRADED if report is None else score_of(report)


def _article(lesson: Lesson, score: Score, hints: bool) -> Iterator[str]:
    attempt = score.attempt
    if attempt.report is not None:
        context = page_context(lesson, attempt.source or "", hints)
        yield from Article(attempt.report, context).parts()
        return
    yield f"<article>\n<header>\n<h1>{marked_up(lesson.title)}</h1>"
    yield f'<p class="score"><strong>{UNGRADED}</strong></p>'
    place = " · ".join(filter(None, (lesson.name, attempt.file)))
    yield f'<p class="quiet">{marked_up(place)}</p>'
    yield f'<p class="note">{marked_up(attempt.problem)}</p>\n</header>\n</article>'
