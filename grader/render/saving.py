"""Saves reports as a page for a browser: whole, or not at all."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from ..course import catalog
from ..course.catalog import Lesson
from ..course.files import draft_of
from ..course.hints import ladders
from ..model.errors import UsageError
from ..model.report import Report
from .page import Beside, to_page


class Page:
    """The page that is to come, its place made sure of before there is anything to write.

    Use as a context manager; of what it writes meanwhile, beside the page, nothing stays.

    Args:
        answers: the lessons that are graded, each with the learner's file.

    Raises:
        UsageError: no page can be written there.
        InputError: a learner's file cannot be read.
    """

    def __init__(self, path: Path, answers: Sequence[tuple[Lesson, Path]]) -> None:
        _refuse_what_is_no_page(path)
        self._path = path
        self._besides = [_beside(lesson, file) for lesson, file in answers]
        self._place = Path(os.path.realpath(path))
        self._draft = draft_of(self._place)
        self._write("")

    def __enter__(self) -> Page:
        return self

    def __exit__(self, *_: object) -> None:
        self._draft.unlink(missing_ok=True)

    def save(self, reports: Sequence[Report]) -> None:
        """Put the page in place; whoever has the old one open still has all of it."""
        self._write(to_page(list(zip(reports, self._besides, strict=True))))
        try:
            self._draft.replace(self._place)
        except OSError as error:
            raise _unwritable(self._path, error) from error

    def _write(self, text: str) -> None:
        try:
            self._draft.write_text(text, "utf-8")
        except OSError as error:
            raise _unwritable(self._path, error) from error


def _beside(lesson: Lesson, file: Path) -> Beside:
    text = catalog.content_root() / "lessons" / f"{lesson.name}.md"
    return Beside(
        title=lesson.title,
        source=catalog.read_source(file),
        hints=ladders(lesson),
        lesson=text.read_text("utf-8") if text.is_file() else "",
    )


def _refuse_what_is_no_page(path: Path) -> None:
    if path.suffix.lower() not in (".html", ".htm"):
        raise UsageError(f"{path} does not end in .html", "for example: --html report.html")
    try:
        if path.exists() and not path.is_file():
            raise UsageError(f"{path} is no file", "name one that may be replaced")
    except OSError as error:
        raise _unwritable(path, error) from error


def _unwritable(path: Path, error: OSError) -> UsageError:
    reason = error.strerror or str(error)
    return UsageError(f"{path} cannot be written: {reason}", "name a file in a folder of yours")
