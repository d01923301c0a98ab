"""A report as a part of a page that has the styles, the hints and the lesson itself."""

from __future__ import annotations

from collections.abc import Iterator

from ..model.report import ExerciseReport, Report
from ..model.trace import Trace
from .page import Article, PageContext, name, word
from .picture import Timeline
from .scrubber import scrubber
from .text import marked_up


def to_verdict(report: Report, source: str) -> str:
    """A report as HTML for a page that has the styles, the hints and the source beside it."""
    context = PageContext(title="", source=source, hints={}, lesson="")
    return "\n".join(VerdictInPage(report, context).parts())


class VerdictInPage(Article):
    """The part of a page on what was graded, with timelines to move through."""

    def __init__(self, report: Report, context: PageContext) -> None:
        super().__init__(report, context)
        self._graded = report

    def parts(self) -> Iterator[str]:
        for note in self._graded.notes:
            yield f'<p class="note">{marked_up(note)}</p>'
        for exercise in self._graded.exercises:
            yield from self._verdict(exercise)

    def _verdict(self, exercise: ExerciseReport) -> Iterator[str]:
        yield f'<p class="name {exercise.status}"><strong>{name(exercise)}</strong> '
        yield f"{word(exercise)}</p>"
        yield from self.checks(exercise)

    def drawn(self, picture: Timeline, trace: Trace) -> str:
        return scrubber(picture, trace)
