"""Bars and marks as SVG. Each kind has a shape or a pattern of its own besides its colour.

The colours stand out from a light background as well as from a dark one.
"""

from __future__ import annotations

from .picture import BarKind, MarkKind

HEIGHT = 12
"""Of a bar, in pixels."""

GREY, BLUE, RED, AMBER = "#7d8590", "#2f6fad", "#b3264a", "#b7791f"
ORANGE, PURPLE = "#e8590c", "#8557b8"

COLOUR: dict[BarKind, str] = {
    "request": GREY,
    "after": GREY,
    "done": BLUE,
    "cancelled": AMBER,
    "failed": RED,
    "open": AMBER,
    "blocked": ORANGE,
    "thread": PURPLE,
    "connection": GREY,
    "transaction": BLUE,
}


def _tile(ground: str, path: str, width: float) -> str:
    return f'<path d="M0 0h8v8h-8z" fill="{ground}"/><path {path} stroke-width="{width:g}"/>'


TILES: dict[BarKind, str] = {
    "cancelled": _tile("#f2deb8", f'd="M-2 2l4-4M0 8l8-8M6 10l4-4" stroke="{AMBER}"', 3),
    "open": _tile("#f2deb8", f'd="M0 2h4M4 6h4" stroke="{AMBER}"', 4),
    "blocked": _tile(ORANGE, 'd="M0 0l8 8M8 0l-8 8" stroke="#7a2e00"', 1),
    "thread": _tile("#dccdf0", f'd="M2 0v8M6 0v8" stroke="{PURPLE}"', 2.5),
}
"""The patterns: what is drawn on every eight by eight pixels."""


def patterns(name: str) -> str:
    """Their definitions for the picture of that name."""
    return "".join(
        f'<pattern id="{kind}-{name}" width="8" height="8" patternUnits="userSpaceOnUse">'
        f"{tile}</pattern>"
        for kind, tile in TILES.items()
    )


def paint(kind: BarKind, name: str) -> str:
    """The colour or pattern of bars of a kind."""
    return f"url(#{kind}-{name})" if kind in TILES else COLOUR[kind]


def bar(kind: BarKind, x: float, y: float, width: float, name: str) -> str:
    """One bar, whose upper edge is at `y`."""
    middle = y + HEIGHT / 2
    match kind:
        case "request":
            return box(x, middle - 1.5, width, 3, f'fill="{GREY}"')
        case "after":
            return line(f"M{x:.1f} {middle:.1f}h{width:.1f}", GREY, 3, "4 3")
        case "connection":
            return box(x, middle - 2, width, 4, f'fill="none" stroke="{GREY}"')
        case "transaction":
            return box(x, y - 2, width, HEIGHT + 4, f'fill="{BLUE}" fill-opacity="0.3"')
        case _:
            edge = f' stroke="{COLOUR[kind]}"' if kind in TILES else ""
            area = box(x, y, width, HEIGHT, f'fill="{paint(kind, name)}"{edge}')
            return area + _ending(kind, x + width + 6, middle)


def mark(kind: MarkKind, x: float, y: float) -> str:
    """One mark on a lane whose bars have their upper edge at `y`."""
    middle = y + HEIGHT / 2
    match kind:
        case "first":
            return f'<circle cx="{x:.1f}" cy="{middle:.1f}" r="3.5" fill="{GREY}"/>'
        case "last":
            return line(f"M{x:.1f} {y:.1f}v{HEIGHT}", GREY, 2.5)
        case "line":
            return line(f"M{x:.1f} {middle - 4:.1f}v8", "currentColor", 1.5)
        case "heard":
            return _arrow(x, middle - 5, 5)
        case "told":
            return _arrow(x, middle + 5, -5)
        case "closed":
            return box(x - 3.5, middle - 3.5, 7, 7, 'fill="currentColor"')
        case "left":
            return _cross(x, middle, "currentColor")


def band(x: float, y: float, width: float, height: float, name: str) -> str:
    """A stretch in which the loop is blocked, across all lanes."""
    edges = f"M{x:.1f} {y:.1f}v{height:.1f}M{x + width:.1f} {y:.1f}v{height:.1f}"
    hatched = box(x, y, width, height, f'fill="url(#blocked-{name})" fill-opacity="0.4"')
    return hatched + line(edges, ORANGE, 1.5)


def box(x: float, y: float, width: float, height: float, style: str) -> str:
    """A rectangle.

    Args:
        style: attributes of SVG.
    """
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" {style}/>'


def line(path: str, colour: str, width: float, dashes: str = "") -> str:
    """A line along a path of SVG; `dashes` are the lengths of its dashes and gaps."""
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    return f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="{width:g}"{dashed}/>'


def _ending(kind: BarKind, x: float, y: float) -> str:
    if kind in ("failed", "cancelled"):
        return _cross(x, y, COLOUR[kind])
    if kind == "open":
        return line(f"M{x - 3:.1f} {y:.1f}h10", AMBER, 2.5, "2 2")
    return ""


def _arrow(x: float, y: float, length: float) -> str:
    """A head of an arrow, down to the lane or up from it."""
    path = f"M{x - 3:.1f} {y:.1f}h6l-3 {length:.1f}z"
    return f'<path d="{path}" fill="currentColor"/>'


def _cross(x: float, y: float, colour: str) -> str:
    return line(f"M{x - 3:.1f} {y - 3:.1f}l6 6m0 -6l-6 6", colour, 2)
