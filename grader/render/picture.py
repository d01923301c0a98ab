"""A picture of time, independent of any medium: panels of lanes of bars over one axis."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, TypeAlias

import msgspec

from .axis import Axis, Stretch

BarKind = Literal[
    "request",
    "after",
    "done",
    "cancelled",
    "failed",
    "open",
    "blocked",
    "thread",
    "connection",
    "transaction",
]
MarkKind = Literal["first", "last", "line", "heard", "told", "closed", "left"]

MEANING: dict[BarKind, str] = {
    "after": "still at work afterwards",
    "cancelled": "cancelled",
    "failed": "failed",
    "open": "never ended",
    "blocked": "the loop is blocked",
    "thread": "in a worker thread",
    "transaction": "a transaction is open",
}
"""What a legend says of a kind of bar; the others explain themselves."""

SAYS: dict[MarkKind, str] = {
    "first": "the response begins",
    "last": "the last byte",
    "line": "a line goes out",
    "heard": "a message comes in",
    "told": "a message goes out",
    "closed": "the connection is closed",
    "left": "the client hangs up",
}


class Bar(msgspec.Struct, frozen=True):
    """From when to when (seconds since the app began to take requests), and of what kind.

    Attributes:
        text: what may be written on the bar, such as a statement.
        line: in the learner's file.
    """

    start: float
    end: float
    kind: BarKind
    text: str = ""
    line: int | None = None


class Mark(msgspec.Struct, frozen=True):
    """A moment of a response, or of a WebSocket."""

    at: float
    kind: MarkKind


class Lane(msgspec.Struct, frozen=True):
    """One row of the picture. A label that begins with spaces belongs to the lane above."""

    label: str
    bars: tuple[Bar, ...]
    marks: tuple[Mark, ...] = ()


class Crowd(msgspec.Struct, frozen=True):
    """Lanes that are like the ones above, or overlap: too many to draw each at full size."""

    label: str
    lanes: tuple[Lane, ...]

    @property
    def bars(self) -> tuple[Bar, ...]:
        return tuple(bar for lane in self.lanes for bar in lane.bars)


Row: TypeAlias = Lane | Crowd


class Panel(msgspec.Struct, frozen=True):
    """What one program did. `blocked` is when its loop stood still, for all lanes alike."""

    title: str
    rows: tuple[Row, ...]
    blocked: tuple[Bar, ...] = ()

    def lanes(self) -> Iterator[Lane]:
        """Every lane, those of crowds among them."""
        for row in self.rows:
            yield from row.lanes if isinstance(row, Crowd) else (row,)


class Timeline(msgspec.Struct, frozen=True):
    """One trace as a picture, or a trace and below it the one that it is held against.

    Its `str` is for a terminal; in a notebook it draws itself.

    Attributes:
        length: of the axis, in seconds; `cuts` are the stretches of it that are left out.
    """

    panels: tuple[Panel, ...]
    length: float
    cuts: tuple[Stretch, ...] = ()

    @property
    def axis(self) -> Axis:
        return Axis(self.length, self.cuts)

    @property
    def lanes(self) -> tuple[Row, ...]:
        """The rows of all panels."""
        return tuple(row for panel in self.panels for row in panel.rows)

    def __str__(self) -> str:
        from .bars import draw

        return "\n".join(text.plain.rstrip() for text in draw(self, width=80))

    __repr__ = __str__

    def _repr_html_(self) -> str:
        from .svg import svg

        return svg(self)
