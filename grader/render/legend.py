"""The legend of an SVG: a sample of each kind that is in the picture, and what it means."""

from __future__ import annotations

from collections.abc import Iterator

from . import shapes
from .picture import MEANING, SAYS, BarKind, MarkKind, Timeline

LINE, LETTER = 18, 6.9
SAMPLE, GAP = 32, 14
"""Room for a sample before its words, and after them."""


def legend(picture: Timeline, name: str, y: float, width: float) -> tuple[list[str], float]:
    """What is drawn from `y` downwards, and the height of it."""
    parts, x, below = [], 4.0, y
    for kind, words in _entries(picture):
        room = SAMPLE + len(words) * LETTER
        if x > 4 and x + room > width:
            x, below = 4.0, below + LINE
        parts.append(_sample(kind, x, below, name))
        parts.append(f'<text x="{x + SAMPLE:.1f}" y="{below + 10:.1f}">{words}</text>')
        x += room + GAP
    return parts, below + LINE - y if parts else 0.0


def _entries(picture: Timeline) -> Iterator[tuple[BarKind | MarkKind, str]]:
    lanes = [lane for panel in picture.panels for lane in panel.lanes()]
    kinds = {bar.kind for lane in lanes for bar in lane.bars}
    marks = {mark.kind for lane in lanes for mark in lane.marks}
    yield from ((kind, words) for kind, words in MEANING.items() if kind in kinds)
    yield from ((mark, words) for mark, words in SAYS.items() if mark in marks)


def _sample(kind: BarKind | MarkKind, x: float, y: float, name: str) -> str:
    match kind:
        case "first" | "last" | "line" | "heard" | "told" | "closed" | "left":
            return shapes.mark(kind, x + 12, y)
        case _:
            return shapes.bar(kind, x, y, 16, name)
