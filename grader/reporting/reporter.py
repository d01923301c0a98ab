"""Tells a board of verdicts. Whatever goes wrong, the verdict stands."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ..course import catalog
from ..course.answers import Answers
from ..course.catalog import Lesson
from ..model.errors import UsageError
from ..model.report import Report
from .identity import learner_id
from .message import Message, message_on
from .sending import Sending
from .settings import ReportSettings, report_settings


class Reporter:
    """A learner who reports.

    Args:
        learner: the number that the board knows them by.
    """

    def __init__(self, settings: ReportSettings, learner: str) -> None:
        self.settings = settings
        self._learner = learner

    def message(self, lesson: Lesson, answers: Answers, report: Report) -> Message:
        """What the board is to be told."""
        return message_on(report, lesson, answers, self.settings, self._learner)

    def send(self, message: Message, done: Callable[[str], object] | None = None) -> Sending:
        """Send it in the background; see `Sending`."""
        return Sending(self.settings.board, message, done)


def reporter(to: str | None, name: str | None, sends_code: bool) -> Reporter | None:
    """Who reports from this folder; None if nobody does.

    Raises:
        UsageError: what was asked for, or what `.course/config.toml` says, makes no sense.
    """
    workspace = _workspace()
    settings = report_settings(workspace, to, name, sends_code)
    if settings is None:
        return None
    if workspace is None:
        raise UsageError(
            "there is no course in this folder, which a board would know you by",
            "go to the one that you work in, or make one: grade init my-course",
        )
    try:
        return Reporter(settings, learner_id(workspace))
    except OSError as error:
        reason = error.strerror or str(error)
        raise UsageError(
            f"{workspace / '.course'}: {reason}", "make it yours, or leave out --report-to"
        ) from error


def _workspace() -> Path | None:
    try:
        return catalog.workspace()
    except UsageError:
        return None
