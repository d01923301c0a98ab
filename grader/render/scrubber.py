"""Timelines that a page can be asked of: how does everything stand at this moment?

The page's own script moves through the moments; all that it shows stands here.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..model.report import ExerciseReport, Report
from ..model.trace import Trace, encode
from .page import Article, PageContext, name, word
from .picture import Timeline
from .standing import standings
from .svg import Drawing
from .text import marked_up
from .timeline import timeline


def scrubbable(trace: Trace) -> str:
    """The timeline of a trace as HTML; empty if nothing was asked of the app."""
    return _scrubbable(timeline(trace), trace) if trace.exchanges else ""


def _scrubbable(picture: Timeline, trace: Trace) -> str:
    drawing = Drawing(picture)
    axis, moments = (marked_up(encode(each).decode()) for each in _data(drawing, trace))
    return (
        f'<div class="scrubbable" data-axis="{axis}" data-moments="{moments}">'
        '<div class="picture" role="region" aria-label="Timeline" tabindex="0">'
        f"{''.join(drawing.parts())}</div></div>"
    )


def _data(drawing: Drawing, trace: Trace) -> tuple[object, object]:
    moments = [(one.at, one.says, one.lines) for one in standings(trace)]
    return tuple(drawing.knots()), moments


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
        return _scrubbable(picture, trace)
