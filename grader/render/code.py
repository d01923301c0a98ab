"""Programs, and what they print, in a terminal: legible even when it is narrow."""

from __future__ import annotations

import os
import sys
from typing import ClassVar

from rich.console import Console, ConsoleOptions, RenderResult
from rich.markdown import CodeBlock
from rich.style import Style
from rich.syntax import ANSISyntaxTheme, Syntax
from rich.text import Text

# No background and one colour in its middle tone: it can be read on white and on black.
_THEME = ANSISyntaxTheme(
    {
        ("Keyword",): Style(bold=True),
        ("Operator", "Word"): Style(bold=True),
        ("Literal", "String"): Style(color="magenta"),
        ("Name", "Decorator"): Style(color="magenta"),
        ("Comment",): Style(italic=True, dim=True),
    }
)


def highlighted(source: str, language: str = "python") -> list[Text]:
    """The lines of a program, with its syntax highlighted."""
    text = Syntax(source, language, theme=_THEME).highlight(source)
    text.rstrip()
    return list(text.split("\n", allow_blank=True))


def clipped(line: Text, width: int) -> Text:
    """A line that fits. Of one that is too long the end is cut off, and a mark says so: a
    program that was wrapped would be another program."""
    if line.cell_len <= width:
        return line
    line = line.copy()
    line.truncate(max(width, 1), overflow="ellipsis")
    return line


def code_width(console: Console) -> int:
    """Columns of a line of code. What goes into a pipe is not cut, unless COLUMNS says where."""
    return console.width if console.is_terminal or "COLUMNS" in os.environ else sys.maxsize


class LegibleCode(CodeBlock):
    """A block of a markdown text: a program further in, what is printed behind a bar."""

    is_whole: ClassVar = False
    """Whether long lines stay as they are, for a pipe or for a pager that scrolls."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        source = str(self.text).rstrip()
        bar = Text("  │ ", "dim") if self.lexer_name == "text" else Text("    ")
        for line in highlighted(source, self.lexer_name):
            if self.is_whole:
                yield Text("", no_wrap=True, overflow="ignore") + bar + line
            else:
                yield clipped(bar + line, options.max_width)


class WholeCode(LegibleCode):
    """A block whose lines are as long as they are."""

    is_whole: ClassVar = True
