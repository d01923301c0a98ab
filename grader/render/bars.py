"""Draws a timeline with characters. Kinds differ in shape, so colour is never needed."""

from __future__ import annotations

import math
from collections.abc import Iterator

from rich.text import Text

from .timeline import BarKind, Lane, Timeline

EIGHTHS = " ▏▎▍▌▋▊▉"

FILL: dict[BarKind, str] = {
    "request": "─",
    "done": "█",
    "cancelled": "▒",
    "failed": "█",
    "open": "▒",
    "blocked": "▓",
    "thread": "▄",
}
END: dict[BarKind, str] = {"cancelled": "×", "failed": "✘", "open": "…"}
STYLE: dict[BarKind, str] = {
    "request": "dim",
    "done": "cyan",
    "cancelled": "yellow",
    "failed": "red",
    "open": "yellow",
    "blocked": "bold red",
    "thread": "magenta",
}
MEANING: dict[BarKind, str] = {
    "cancelled": "▒× cancelled",
    "failed": "█✘ failed",
    "open": "▒… never ended",
    "blocked": "▓ the loop is blocked",
    "thread": "▄ in a worker thread",
}


def draw(timeline: Timeline, width: int) -> Iterator[Text]:
    """The lines of the picture, `width` columns wide."""
    if not timeline.lanes:
        return
    label = min(max(len(lane.label) for lane in timeline.lanes), max(12, width // 3))
    scale = Scale(timeline.length, max(10, width - label - 2))
    yield Text(" " * (label + 1)) + scale.axis()
    for lane in timeline.lanes:
        yield Text(_fit(lane.label, label).ljust(label + 1)) + _bars(lane, scale)
    if timeline.left_out:
        yield Text(f"… and {timeline.left_out} more requests", style="dim")
    yield from _legend(timeline, width)


class Scale:
    """Seconds to columns."""

    def __init__(self, length: float, columns: int) -> None:
        self.columns = columns
        self.length = length or 1.0
        self.per_second = (columns - 3) / self.length

    def column(self, seconds: float) -> float:
        return seconds * self.per_second

    def axis(self) -> Text:
        row = [" "] * (self.columns + 6)
        step = self._step()
        for number in range(int(self.length / step + 1e-9) + 1):
            mark = f"{number * step:g}s"
            at = min(round(self.column(number * step)), self.columns + 1 - len(mark))
            row[at : at + len(mark)] = mark
        return Text("".join(row).rstrip()[: self.columns + 1], style="dim")

    def _step(self) -> float:
        """The smallest round number of seconds whose labels don't touch."""
        least = 8 / self.per_second
        magnitude = 10.0 ** math.floor(math.log10(least))
        return next(m * magnitude for m in (1, 2, 5, 10) if m * magnitude >= least)


def _bars(lane: Lane, scale: Scale) -> Text:
    row = [(" ", "")] * (scale.columns + 2)
    for bar in lane.bars:
        style = STYLE[bar.kind]
        start, end = scale.column(bar.start), scale.column(bar.end)
        first, last = round(start), max(round(start), math.floor(end + 1e-9))
        for column in range(first, last):
            row[column] = (FILL[bar.kind], style)
        rest = EIGHTHS[math.floor((end - last) * 8)] if bar.kind == "done" and end > last else ""
        if first == last and not rest.strip() and bar.kind != "request":
            rest = "▏"
        row[last] = (END.get(bar.kind, rest or row[last][0]), style)
    for mark in lane.marks:
        row[min(round(scale.column(mark.at)), len(row) - 1)] = (mark.sign, "bold")
    text = Text()
    for sign, style in row:
        text.append(sign, style or None)
    text.rstrip()
    return text


def _legend(timeline: Timeline, width: int) -> Iterator[Text]:
    kinds = {bar.kind for lane in timeline.lanes for bar in lane.bars}
    signs = {mark.sign: mark.says for lane in timeline.lanes for mark in lane.marks}
    words = [words for kind, words in MEANING.items() if kind in kinds]
    words += [f"{sign} {says}" for sign, says in signs.items()]
    line = ""
    for entry in words:
        if line and len(line) + 2 + len(entry) > width:
            yield Text(line, style="dim")
            line = ""
        line = f"{line}  {entry}" if line else entry
    if line:
        yield Text(line, style="dim")


def _fit(label: str, width: int) -> str:
    return label if len(label) <= width else label[: width - 1] + "…"
