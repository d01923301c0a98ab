"""Draws a timeline with characters. Kinds differ in shape, so colour is never needed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from math import ceil, floor

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from .axis import Axis
from .picture import MEANING, SAYS, Bar, BarKind, Crowd, Lane, MarkKind, Panel, Row, Timeline
from .text import cut

EIGHTHS = " ▏▎▍▌▋▊▉"
HEIGHTS = " ▁▂▃▄▅▆▇█"

FILL: dict[BarKind, str] = {
    "request": "─",
    "after": "╌",
    "done": "█",
    "cancelled": "▒",
    "failed": "█",
    "open": "▒",
    "blocked": "▓",
    "thread": "▄",
    "connection": "─",
    "transaction": "═",
}
LINES = ("request", "after", "connection")
"""Kinds that are a thin line, on which others lie."""
END: dict[BarKind, str] = {"cancelled": "×", "failed": "✘", "open": "…"}
STYLE: dict[BarKind, str] = {
    "request": "dim",
    "after": "dim",
    "done": "cyan",
    "cancelled": "yellow",
    "failed": "red",
    "open": "yellow",
    "blocked": "bold red",
    "thread": "magenta",
    "connection": "dim",
    "transaction": "cyan",
}
SIGN: dict[MarkKind, str] = {
    "first": "◦",
    "last": "┤",
    "line": "·",
    "heard": "›",
    "told": "‹",
    "closed": "■",
    "left": "!",
}
FROZEN = "░"
"""What is seen of other lanes while the loop is blocked."""

BREAK = "⋯"
LEAST_TEXT = 6
"""Columns of a bar that has room for the beginning of a text."""


def draw(timeline: Timeline, width: int) -> Iterator[Text]:
    """The lines of the picture, `width` columns wide."""
    if not timeline.panels:
        return
    label = max(cell_len(row.label) for row in timeline.lanes)
    label = min(label, max(12, width // 3))
    scale = Scale(timeline.axis, max(10, width - label - 2))
    yield Text(" " * (label + 1)) + scale.axis()
    for panel in timeline.panels:
        if panel.title:
            yield Text(panel.title, style="bold")
        for row in panel.rows:
            name = set_cell_size(cut(row.label, label), label + 1)
            yield Text(name) + _drawn(row, panel, scale)
    yield from _legend(timeline, width)


class Scale:
    """Seconds to columns."""

    def __init__(self, axis: Axis, columns: int) -> None:
        self.columns = columns
        self._axis = axis
        self._per_second = (columns - 3) / axis.size

    def column(self, seconds: float) -> float:
        return self._axis.place(seconds) * self._per_second

    def covered(self, bar: Bar) -> range:
        """The columns that a bar fills to their end."""
        first, end = round(self.column(bar.start)), self.column(bar.end)
        return range(first, max(first, round(end) if bar.kind in LINES else floor(end + 1e-9)))

    def axis(self) -> Text:
        row = [" "] * (self.columns + 6)
        for place in self._axis.breaks():
            row[round(place * self._per_second)] = BREAK
        for seconds in self._axis.ticks(8 / self._per_second):
            mark = f"{seconds:g}s"
            at = min(round(self.column(seconds)), self.columns + 1 - len(mark))
            row[at : at + len(mark)] = mark
        return Text("".join(row).rstrip()[: self.columns + 1], style="dim")


class Cells:
    """The columns of one lane, each a sign and its style."""

    def __init__(self, scale: Scale) -> None:
        self._scale = scale
        self._cells = [(" ", "")] * (scale.columns + 2)

    def freeze(self, blocked: Iterable[Bar]) -> None:
        for bar in blocked:
            self._fill(self._scale.covered(bar), FROZEN, STYLE["blocked"])

    def add(self, bar: Bar) -> None:
        covered = self._scale.covered(bar)
        style = STYLE[bar.kind]
        self._fill(covered, FILL[bar.kind], style)
        if bar.text and len(covered) >= LEAST_TEXT:
            self._write(bar.text, covered, style)
        last = covered.stop
        self._cells[last] = (self._end(bar, covered) or self._cells[last][0], style)

    def mark(self, at: float, sign: str) -> None:
        self._cells[min(round(self._scale.column(at)), len(self._cells) - 1)] = (sign, "bold")

    def fill_heights(self, lanes: Iterable[Lane]) -> None:
        """In how many of `lanes` something is under way, as a height in each column."""
        counts = Counter(column for lane in lanes for column in self._busy(lane))
        most = max(counts.values(), default=0)
        for column, count in counts.items():
            self._cells[column] = (HEIGHTS[ceil(8 * count / most)], STYLE["done"])

    def _busy(self, lane: Lane) -> set[int]:
        """The columns with a bar of this lane; the shortest one is seen in one of them."""
        columns = [self._scale.covered(bar) for bar in lane.bars]
        return {column for each in columns for column in each or (each.start,)}

    def text(self) -> Text:
        text = Text()
        for sign, style in self._cells:
            text.append(sign, style or None)
        text.rstrip()
        return text

    def _fill(self, columns: range, sign: str, style: str) -> None:
        for column in columns:
            self._cells[column] = (sign, style)

    def _write(self, words: str, covered: range, style: str) -> None:
        fitting = set_cell_size(words, len(covered) - 2).rstrip()
        for column, letter in zip(covered[1:], fitting, strict=False):
            self._cells[column] = (letter, style)

    def _end(self, bar: Bar, covered: range) -> str:
        """The sign of how it ended, or what is left of its last column."""
        end = self._scale.column(bar.end)
        rest = ""
        if bar.kind == "done" and end > covered.stop:
            rest = EIGHTHS[floor((end - covered.stop) * 8)].strip()
        if not covered:
            rest = rest or ("▏" if bar.kind == "done" else FILL[bar.kind])
        return END.get(bar.kind, rest)


def _drawn(row: Row, panel: Panel, scale: Scale) -> Text:
    cells = Cells(scale)
    cells.freeze(panel.blocked)
    if isinstance(row, Crowd):
        cells.fill_heights(row.lanes)
        return cells.text()
    for bar in row.bars:
        cells.add(bar)
    for kind, at in _signs(row):
        cells.mark(at, SIGN[kind])
    return cells.text()


def _signs(lane: Lane) -> Iterator[tuple[MarkKind, float]]:
    """The marks that say more than the bars do: the end of a bar is the last byte."""
    goes_on = any(bar.kind == "after" for bar in lane.bars)
    for mark in lane.marks:
        if mark.kind != "last" or goes_on:
            yield mark.kind, mark.at


def _legend(timeline: Timeline, width: int) -> Iterator[Text]:
    line = ""
    for entry in _entries(timeline):
        if line and cell_len(line) + 2 + cell_len(entry) > width:
            yield Text(line, style="dim")
            line = ""
        line = f"{line}  {entry}" if line else entry
    if line:
        yield Text(line, style="dim")


def _entries(timeline: Timeline) -> Iterator[str]:
    rows = timeline.lanes
    lanes = [row for row in rows if isinstance(row, Lane)]
    kinds = {bar.kind for lane in lanes for bar in lane.bars}
    marks = {kind for lane in lanes for kind, _ in _signs(lane)}
    for kind, words in MEANING.items():
        if kind in kinds:
            sign = FILL[kind] + (FROZEN if kind == "blocked" else END.get(kind, ""))
            yield f"{sign} {words}"
    for mark, words in SAYS.items():
        if mark in marks:
            yield f"{SIGN[mark]} {words}"
    if len(lanes) < len(rows):
        yield "▂▅█ how many at once"
    if timeline.cuts:
        yield f"{BREAK} nothing happens"
