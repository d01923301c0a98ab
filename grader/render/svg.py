"""Draws a timeline as SVG: readable in black and white, and by a screen reader."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from zlib import crc32

from rich.cells import cell_len

from ..model.trace import Trace
from . import shapes
from .legend import legend
from .picture import Bar, BarKind, Crowd, Lane, Panel, Row, Timeline
from .sentences import sentences
from .text import cut, marked_up
from .timeline import timeline

WIDTH, TOP, ROW, BELOW = 760, 26, 20, 6
RIGHT = 30
"""Room beside the last moment, for its label."""
LETTER = 6.9
"""Width of a letter of the labels, which are monospaced."""
MOST_LETTERS = 30
INDENT = 12
THIN, MOST_THIN = 5.0, 150.0
"""Height of a lane in a crowd, and of the whole crowd at most."""
APART = 0.7
"""Room after a bar, so that two in turn are seen as two."""
MOST_BARS = 60
"""Bars of a lane that can be pointed at; of more, only the shape is drawn."""

FONT = "ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,monospace"
ALONE = (
    "<style>svg:root{color:#1f2328;background:#fff}@media(prefers-color-scheme:dark)"
    "{svg:root{color:#e6edf3;background:#0d1117}}</style>"
)
"""Colours of a picture that is a file of its own; in a page it has those of the page."""


def timeline_svg(trace: Trace, reference: Trace | None = None) -> str:
    """The picture of a trace as one `<svg>` element."""
    return svg(timeline(trace, reference))


def svg(picture: Timeline) -> str:
    """A timeline as one `<svg>` element, with a title and a description in words."""
    return "".join(Drawing(picture).parts())


class Drawing:
    """Draws one timeline, from above to below."""

    def __init__(self, picture: Timeline) -> None:
        self._picture = picture
        self._name = f"{crc32(repr(picture.panels).encode(errors='replace')):08x}"
        longest = max((cell_len(row.label) for row in picture.lanes), default=0)
        self._left = min(longest, MOST_LETTERS) * LETTER + 16
        self._axis = picture.axis
        self._per_second = (WIDTH - self._left - RIGHT) / self._axis.size
        self._y = float(TOP)

    def parts(self) -> Iterator[str]:
        body = [part for panel in self._picture.panels for part in self._panel(panel)]
        explained, height = legend(self._picture, self._name, self._y + BELOW, WIDTH)
        yield from self._head(self._y + BELOW + height)
        yield from self._grid(self._y)
        yield from body
        yield from explained
        yield "</g></svg>"

    def knots(self) -> Iterator[tuple[float, float]]:
        """Seconds and where they are drawn, as parts of the width; between two, time is even."""
        ends = {0.0, self._picture.length, *(end for cut in self._picture.cuts for end in cut)}
        for seconds in sorted(ends):
            yield seconds, self._x(seconds) / WIDTH

    def _head(self, height: float) -> Iterator[str]:
        name = self._name
        yield (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" '
            f'width="{WIDTH}" height="{height:.0f}" role="img" '
            f'aria-labelledby="title-{name} desc-{name}">'
        )
        yield f'<title id="title-{name}">Timeline of {self._picture.length:g} seconds</title>'
        words = marked_up(" ".join(sentences(self._picture)))
        yield f'<desc id="desc-{name}">{words}</desc>'
        yield f"{ALONE}<defs>{shapes.patterns(name)}</defs>"
        yield f'<g font-family="{FONT}" font-size="11.5" fill="currentColor">'

    def _grid(self, bottom: float) -> Iterator[str]:
        ticks = list(self._axis.ticks(60 / self._per_second))
        path = "".join(f"M{self._x(tick):.1f} {TOP - 6}V{bottom:.1f}" for tick in ticks)
        yield f'<path d="{path}" stroke="currentColor" stroke-opacity="0.2"/>'
        for tick in ticks:
            yield f'<text x="{self._x(tick):.1f}" y="14" text-anchor="middle">{tick:g} s</text>'
        for place in self._axis.breaks():
            x = self._left + place * self._per_second
            yield shapes.line(f"M{x:.1f} {TOP - 6}V{bottom:.1f}", "currentColor", 1, "1 5")

    def _panel(self, panel: Panel) -> Iterator[str]:
        if panel.title:
            yield f'<text x="4" y="{self._y + 14:.1f}" font-weight="bold">{panel.title}</text>'
            self._y += ROW
        height = sum(_height(row) for row in panel.rows)
        for bar in panel.blocked:
            x, width = self._extent(bar)
            drawn = shapes.band(x, self._y - 2, width, height, self._name)
            yield _pointed_at(drawn, "the loop", bar)
        for row in panel.rows:
            yield from self._label(row)
            yield from self._crowd(row) if isinstance(row, Crowd) else self._lane(row)
            self._y += _height(row)
        self._y += BELOW

    def _label(self, row: Row) -> Iterator[str]:
        words = row.label.strip()
        indent = INDENT * (len(row.label) - len(words)) / 2
        shown = cut(words, MOST_LETTERS - int(indent / LETTER))
        full = f"<title>{marked_up(words)}</title>" if shown != words else ""
        yield f'<text x="{4 + indent:.0f}" y="{self._y + 12:.1f}">{marked_up(shown)}{full}</text>'

    def _lane(self, lane: Lane) -> Iterator[str]:
        y = self._y + 2
        if len(lane.bars) > MOST_BARS:
            yield from self._strokes([lane], y + shapes.HEIGHT / 2, 0, shapes.HEIGHT)
        else:
            for bar in lane.bars:
                x, width = self._extent(bar)
                drawn = shapes.bar(bar.kind, x, y, width, self._name)
                yield _pointed_at(drawn + _written(bar.text, x, y, width), lane.label, bar)
        for mark in lane.marks:
            yield shapes.mark(mark.kind, self._x(mark.at), y)

    def _crowd(self, crowd: Crowd) -> Iterator[str]:
        pitch = _pitch(crowd)
        return self._strokes(crowd.lanes, self._y + 4 + pitch / 2, pitch, 0.8 * pitch)

    def _strokes(
        self, lanes: Iterable[Lane], y: float, pitch: float, thickness: float
    ) -> Iterator[str]:
        """The bars of many lanes as strokes: one path for each kind."""
        paths: dict[BarKind, list[str]] = {}
        for number, lane in enumerate(lanes):
            for kind, stroke in self._strokes_of(lane, y + number * pitch):
                paths.setdefault(kind, []).append(stroke)
        for kind, strokes in paths.items():
            colour = shapes.paint(kind, self._name)
            yield shapes.line("".join(strokes), colour, thickness)

    def _strokes_of(self, lane: Lane, y: float) -> Iterator[tuple[BarKind, str]]:
        until: dict[BarKind, float] = {}
        for bar in lane.bars:
            x, width = self._extent(bar)
            if x + width > until.get(bar.kind, 0.0) + 0.5:  # else it lies below what is there
                until[bar.kind] = x + width
                yield bar.kind, f"M{x:.1f} {y:.1f}h{width:.1f}"

    def _extent(self, bar: Bar) -> tuple[float, float]:
        x = self._x(bar.start)
        return x, max(1.5, self._x(bar.end) - x - APART)

    def _x(self, seconds: float) -> float:
        return self._left + self._axis.place(seconds) * self._per_second


def _height(row: Row) -> float:
    if isinstance(row, Crowd):
        return max(ROW, len(row.lanes) * _pitch(row) + 8)
    return ROW


def _pitch(crowd: Crowd) -> float:
    return min(THIN, MOST_THIN / len(crowd.lanes))


def _pointed_at(drawn: str, label: str, bar: Bar) -> str:
    """A shape that says what it is when it is pointed at."""
    what = marked_up(cut(bar.text, 200) or label.strip())
    where = f", line {bar.line}" if bar.line else ""
    when = f"{bar.start:g} s to {bar.end:g} s"
    return f"<g><title>{what}: {when}, {bar.kind}{where}</title>{drawn}</g>"


def _written(text: str, x: float, y: float, width: float) -> str:
    letters = int((width - 8) / LETTER)
    if not text or letters < 4:
        return ""
    return (
        f'<text x="{x + 4:.1f}" y="{y + 10:.1f}" fill="#fff">{marked_up(cut(text, letters))}</text>'
    )
