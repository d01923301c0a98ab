"""What an id of a diagnosis means, for a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import wrap

from rich.text import Text

from ..model.explanation import Explanation, PlayedProgram
from .bars import draw
from .code import clipped, highlighted
from .timeline import timeline


def explanation_lines(explanation: Explanation, width: int) -> Iterator[Text]:
    """The lines of an explanation: words, the wrong program, the right one, what to do."""
    width = min(width, 90)
    yield Text(explanation.id, style="bold")
    yield from _paragraph(explanation.summary, width)
    for paragraph in explanation.reason.split("\n\n"):
        yield Text()
        yield from _paragraph(paragraph, width)
    yield Text()
    if explanation.wrong is not None:
        yield Text("✘ like this", style="bold red")
        yield from _program(explanation.wrong, width)
        yield from _paragraph(explanation.wrong.verdict, width)
        yield Text()
    if explanation.right is not None:
        yield Text("✔ better", style="bold green")
        yield from _program(explanation.right, width)
    yield from _paragraph(explanation.remedy, width)


def _program(program: PlayedProgram, width: int) -> Iterator[Text]:
    lines = highlighted(program.source)
    digits = len(str(len(lines)))
    for number, line in enumerate(lines, 1):
        yield Text(f"{number:>{digits}}  ", style="dim") + clipped(line, width - digits - 2)
    yield Text()
    if program.trace.exchanges:
        yield from draw(timeline(program.trace), width)
        yield Text()


def _paragraph(text: str, width: int) -> Iterator[Text]:
    for line in wrap(text, width, break_long_words=False, break_on_hyphens=False):
        yield Text(line)
