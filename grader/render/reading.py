"""Lessons and hints to be read in a terminal."""

from __future__ import annotations

import re

from rich.console import Console
from rich.markdown import Markdown

WIDEST = 90
"""Columns of text that are still easy to read."""

_LINK_TO_LESSON = re.compile(r"\[([^\]]*)\]\((?:[./]*lessons/)?(day\d+)\.md(?:#([\w-]+))?\)")
_LINK_WITHIN = re.compile(r"\[([^\]]*)\]\(#([\w-]+)\)")


def show_markdown(text: str, console: Console, lesson: str = "") -> None:
    """Print a markdown text. A link to a section becomes the command that shows it.

    Args:
        lesson: the name of the lesson that the text is of, for links within it.
    """
    told = _LINK_TO_LESSON.sub(_as_command, text)
    told = _LINK_WITHIN.sub(rf"\1 (`grade lesson {lesson} \2`)", told)
    width = min(console.width, WIDEST)
    console.print(
        Markdown(told, code_theme="ansi_light" if console.no_color else "monokai"), width=width
    )


def _as_command(found: re.Match[str]) -> str:
    words, lesson, anchor = found.groups()
    return f"{words} (`{' '.join(filter(None, ['grade lesson', lesson, anchor]))}`)"
