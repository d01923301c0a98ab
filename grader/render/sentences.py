"""A picture in words, for those who hear it."""

from __future__ import annotations

from collections.abc import Iterator

from .picture import SAYS, Crowd, Lane, Panel, Row, Timeline

MOST_BARS = 8
"""Bars of a lane that are listed one by one."""


def sentences(picture: Timeline) -> Iterator[str]:
    """What is in each panel and lane, from above to below."""
    for panel in picture.panels:
        if panel.title:
            yield f"{panel.title.capitalize()}."
        yield from _blocked(panel)
        for row in panel.rows:
            yield f"{row.label.strip()}: {', '.join(_facts(row))}."


def _blocked(panel: Panel) -> Iterator[str]:
    if panel.blocked:
        when = ", ".join(f"{bar.start:g} to {bar.end:g} s" for bar in panel.blocked[:MOST_BARS])
        yield f"The loop is blocked: {when}."


def _facts(row: Row) -> Iterator[str]:
    if isinstance(row, Crowd):
        bars = row.bars
        start, end = min(bar.start for bar in bars), max(bar.end for bar in bars)
        yield f"between {start:g} and {end:g} s"
        return
    for bar in row.bars[:MOST_BARS]:
        what = f"{bar.kind}, {bar.text}" if bar.text else bar.kind
        yield f"{bar.start:g} to {bar.end:g} s ({what})"
    if len(row.bars) > MOST_BARS:
        yield f"and {len(row.bars) - MOST_BARS} more"
    yield from _marks(row)


def _marks(lane: Lane) -> Iterator[str]:
    for kind, words in SAYS.items():
        moments = [mark.at for mark in lane.marks if mark.kind == kind]
        if moments and not (kind == "last" and len(moments) == len(lane.marks)):
            times = ", ".join(f"{at:g}" for at in moments[:MOST_BARS])
            yield f"{words} at {times} s"
