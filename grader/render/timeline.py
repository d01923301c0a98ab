"""The picture of a trace: which of its lanes are drawn, and which are folded."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from ..model.trace import Exchange, Trace
from .axis import idle
from .lanes import Lanes
from .picture import Crowd, Lane, Panel, Row, Timeline

MOST_EXCHANGES = 6
"""Exchanges that are drawn at full size; of a crowd, the first ones stand for the rest."""
MOST_ALIKE = 3
"""Exchanges at full size that are like each other, where there is a crowd."""


def timeline(trace: Trace, reference: Trace | None = None) -> Timeline:
    """The picture of a trace: a lane for each request, and below it what it waited for.

    Args:
        reference: drawn below, on the same axis, unless it looks the same.
    """
    mine = _panel(trace)
    should = _panel(reference, lines=False) if reference and reference.exchanges else None
    if should is None or _looks(mine) == _looks(should):
        return _on_one_axis(mine)
    return _on_one_axis(_titled("your answer", mine), _titled("the reference", should))


def _on_one_axis(*panels: Panel) -> Timeline:
    bars = [bar for panel in panels for lane in panel.lanes() for bar in lane.bars]
    length = max((bar.end for bar in bars), default=0.0)
    busy = [(bar.start, bar.end) for bar in bars if bar.kind != "connection"]
    return Timeline(tuple(panel for panel in panels if panel.rows), length, idle(busy, length))


def _titled(title: str, panel: Panel) -> Panel:
    return Panel(title, panel.rows, panel.blocked)


def _looks(panel: Panel) -> list[object]:
    """What can be seen of a panel apart from its words."""
    return [
        ([(bar.start, bar.end, bar.kind) for bar in lane.bars], lane.marks)
        for lane in panel.lanes()
    ]


def _panel(trace: Trace, lines: bool = True) -> Panel:
    lanes = Lanes(trace, lines)
    rows = (*_exchanges(trace, lanes), *lanes.of_nobody(), *lanes.of_connections())
    return Panel("", rows, lanes.blocked() if rows else ())


def _exchanges(trace: Trace, lanes: Lanes) -> Iterator[Row]:
    if len(trace.exchanges) <= MOST_EXCHANGES:
        for exchange in trace.exchanges:
            yield from lanes.of(exchange)
        return
    groups = _alike(trace.exchanges)
    for group in groups[:MOST_EXCHANGES]:
        shown, rest = _split(group, min(MOST_ALIKE, MOST_EXCHANGES // len(groups)))
        for exchange in shown:
            yield from lanes.of(exchange)
        yield from _crowd("more like this", rest, lanes)
    others = [exchange for group in groups[MOST_EXCHANGES:] for exchange in group]
    yield from _crowd("more requests", others, lanes)


def _alike(exchanges: Iterable[Exchange]) -> list[list[Exchange]]:
    """Exchanges by what was asked and how it went, but for the numbers in a path."""
    groups: dict[object, list[Exchange]] = {}
    for exchange in exchanges:
        path = re.sub(r"\d+", "0", exchange.path)
        ended = (exchange.status, exchange.completed is None, exchange.hung_up is None)
        groups.setdefault((exchange.method, path, ended), []).append(exchange)
    return list(groups.values())


def _split(group: list[Exchange], most: int) -> tuple[list[Exchange], list[Exchange]]:
    """Those at full size, and the rest, which is never a single one."""
    shown = max(1, most)
    shown += len(group) == shown + 1
    return group[:shown], group[shown:]


def _crowd(words: str, exchanges: list[Exchange], lanes: Lanes) -> Iterator[Row]:
    if exchanges:
        thin: tuple[Lane, ...] = tuple(lanes.thin(exchange) for exchange in exchanges)
        yield Crowd(f"and {len(thin)} {words}", thin)
