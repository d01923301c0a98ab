"""A verdict, as notebooks and terminals show it."""

from __future__ import annotations

import os
import shutil

from ..course import catalog
from ..course.catalog import Lesson
from ..course.hints import ladders
from ..model.errors import UsageError
from ..model.report import Report
from ..render.fragment import to_fragment
from ..render.page import PageContext
from ..render.terminal import lines

WIDEST = 100
"""Columns of the text, at most."""


class CellVerdict:
    """A report that shows itself: as HTML where that can be, else as text.

    Args:
        source: the text that its lines are of.
    """

    def __init__(self, lesson: Lesson, report: Report, source: str) -> None:
        self.report = report
        self._lesson = lesson
        self._source = source

    def __repr__(self) -> str:
        width = min(shutil.get_terminal_size((WIDEST, 24)).columns, WIDEST)
        texts = (text.plain.rstrip() for text in lines(self.report, width, everything=True))
        return "\n".join(texts).strip("\n")

    def _repr_html_(self) -> str:
        context = PageContext(
            title=self._lesson.title,
            source=self._source,
            hints=ladders(self._lesson),
            lesson="",
        )
        return to_fragment(self.report, context, _lesson_at(self._lesson))

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        return {"text/plain": repr(self), "text/html": self._repr_html_()}


def _lesson_at(lesson: Lesson) -> str:
    """The lesson's text as seen from the notebook; empty if the workspace has none."""
    try:
        file = catalog.workspace() / catalog.course().folders.lessons / f"{lesson.name}.md"
    except UsageError:
        return ""
    return os.path.relpath(file) if file.is_file() else ""
