"""Timelines that a page can be asked of: how does everything stand at this moment?

The page's own script moves through the moments; all that it shows stands here.
"""

from __future__ import annotations

from ..model.trace import Trace, encode
from .picture import Timeline
from .snapshots import snapshots
from .svg import Drawing
from .text import marked_up
from .timeline import timeline


def scrubbable(trace: Trace) -> str:
    """The timeline of a trace as HTML; empty if nothing was asked of the app."""
    return scrubber(timeline(trace), trace) if trace.exchanges else ""


def scrubber(picture: Timeline, trace: Trace) -> str:
    """A picture of a trace, as HTML, with all that its moments are asked for."""
    drawing = Drawing(picture)
    axis, moments = (marked_up(encode(each).decode()) for each in _data(drawing, trace))
    return (
        f'<div class="scrubbable" data-axis="{axis}" data-moments="{moments}">'
        '<div class="picture" role="region" aria-label="Timeline" tabindex="0">'
        f"{''.join(drawing.parts())}</div></div>"
    )


def _data(drawing: Drawing, trace: Trace) -> tuple[object, object]:
    moments = [(one.at, one.says, one.lines) for one in snapshots(trace)]
    return tuple(drawing.knots()), moments
