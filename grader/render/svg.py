"""Draws a timeline as SVG: readable in black and white, and by a screen reader."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from ..trace import Trace
from .bars import Scale
from .timeline import BarKind, Lane, Timeline, timeline

WIDTH, LABELS, ROW, TOP = 760, 220, 22, 26

FILL: dict[BarKind, str] = {
    "request": "#9aa5b1",
    "done": "#2b7fb8",
    "cancelled": "url(#stripes)",
    "failed": "#b3261e",
    "open": "url(#stripes)",
    "blocked": "#d9480f",
    "thread": "#8250a6",
}


def timeline_svg(trace: Trace) -> str:
    """The picture of a trace as one `<svg>` element."""
    return svg(timeline(trace))


def svg(picture: Timeline) -> str:
    """A timeline as one `<svg>` element, with a title and a description in words."""
    height = TOP + ROW * len(picture.lanes) + 14
    per_second = (WIDTH - LABELS - 30) / (picture.length or 1.0)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        f'width="{WIDTH}" height="{height}" role="img" font-family="sans-serif" font-size="12">',
        f"<title>Timeline of {picture.length:g} seconds</title>",
        f"<desc>{escape(' '.join(_sentences(picture)))}</desc>",
        '<defs><pattern id="stripes" width="6" height="6" patternUnits="userSpaceOnUse" '
        'patternTransform="rotate(45)"><rect width="6" height="6" fill="#e0a800"/>'
        '<rect width="2" height="6" fill="#7a5c00"/></pattern></defs>',
        *_axis(picture, per_second, height),
        *(part for row, lane in enumerate(picture.lanes) for part in _lane(lane, row, per_second)),
        "</svg>",
    ]
    return "".join(parts)


def _axis(picture: Timeline, per_second: float, height: int) -> Iterator[str]:
    step = Scale(picture.length, 80)._step()
    for number in range(int((picture.length or 1.0) / step + 1e-9) + 1):
        x = LABELS + number * step * per_second
        yield (
            f'<line x1="{x:.1f}" y1="{TOP - 6}" x2="{x:.1f}" y2="{height - 8}" '
            'stroke="currentColor" stroke-opacity="0.2"/>'
            f'<text x="{x:.1f}" y="14" text-anchor="middle" fill="currentColor">'
            f"{number * step:g} s</text>"
        )


def _lane(lane: Lane, row: int, per_second: float) -> Iterator[str]:
    y = TOP + row * ROW
    yield f'<text x="4" y="{y + 13}" fill="currentColor">{escape(lane.label)}</text>'
    for bar in lane.bars:
        x, width = LABELS + bar.start * per_second, max(1.5, (bar.end - bar.start) * per_second)
        thin = bar.kind == "request"
        yield (
            f'<rect x="{x:.1f}" y="{y + (7 if thin else 2)}" width="{width:.1f}" '
            f'height="{3 if thin else 13}" fill="{FILL[bar.kind]}">'
            f"<title>{escape(lane.label.strip())}: {bar.start:g} s to {bar.end:g} s, {bar.kind}"
            "</title></rect>"
        )
    for mark in lane.marks:
        x = LABELS + mark.at * per_second
        yield (
            f'<circle cx="{x:.1f}" cy="{y + 8}" r="3" fill="currentColor">'
            f"<title>{escape(mark.says)} at {mark.at:g} s</title></circle>"
        )


def _sentences(picture: Timeline) -> Iterator[str]:
    for lane in picture.lanes:
        spans = ", ".join(f"{b.start:g} to {b.end:g} s ({b.kind})" for b in lane.bars)
        yield f"{lane.label.strip()}: {spans}."
