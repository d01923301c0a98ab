"""Saves reports as a page for a browser: whole, or not at all."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from ..course import catalog
from ..course.catalog import Lesson
from ..course.files import draft_of
from ..course.hints import ladders
from ..course.sources import SourceFile
from ..model.errors import UsageError
from ..model.report import Report
from .page import PageContext, to_page


class Page:
    """A page to be saved later. That its file can be written is tried at once.

    Use it as a context manager: the draft that it writes beside the page is removed at the end.

    Args:
        sources: what is graded.
        hints: whether the page holds the hints, too.

    Raises:
        UsageError: no page can be written there.
    """

    def __init__(self, path: Path, sources: Sequence[SourceFile], hints: bool = False) -> None:
        _refuse_what_is_no_page(path)
        self._path = path
        self._contexts = [page_context(one.lesson, one.text or "", hints) for one in sources]
        self._place = Path(os.path.realpath(path))
        self._draft = draft_of(self._place)
        self._write("")

    def __enter__(self) -> Page:
        return self

    def __exit__(self, *_: object) -> None:
        self._draft.unlink(missing_ok=True)

    def save(self, reports: Sequence[Report]) -> None:
        """Put the page in place; a program that has the old one open still reads all of it."""
        self._write(to_page(list(zip(reports, self._contexts, strict=True))))
        try:
            self._draft.replace(self._place)
        except OSError as error:
            raise _unwritable(self._path, error) from error

    def _write(self, text: str) -> None:
        try:
            self._draft.write_text(text, "utf-8")
        except OSError as error:
            raise _unwritable(self._path, error) from error


def page_context(lesson: Lesson, source: str, hints: bool) -> PageContext:
    """What a page shows besides the report on a lesson.

    Args:
        source: the text that was graded.
        hints: whether the page holds the hints, too.
    """
    text = catalog.course().lesson_text(lesson)
    return PageContext(
        title=lesson.title,
        source=source,
        hints=ladders(lesson) if hints else {},
        lesson=text.read_text("utf-8") if text.is_file() else "",
    )


def _refuse_what_is_no_page(path: Path) -> None:
    if path.suffix.lower() not in (".html", ".htm"):
        raise UsageError(f"{path} does not end in .html", "for example: --html report.html")
    try:
        if path.exists() and not path.is_file():
            raise UsageError(f"{path} isn't a file", "name one that may be replaced")
    except OSError as error:
        raise _unwritable(path, error) from error


def _unwritable(path: Path, error: OSError) -> UsageError:
    reason = error.strerror or str(error)
    return UsageError(f"{path} cannot be written: {reason}", "name a file in a folder of yours")
