"""Programs, and what they print, in a terminal: legible also when it is narrow."""

from __future__ import annotations

from rich.cells import chop_cells
from rich.console import Console, ConsoleOptions, RenderResult
from rich.markdown import CodeBlock
from rich.style import Style
from rich.syntax import ANSISyntaxTheme, Syntax
from rich.text import Text

CONTINUED = 4
"""Columns by which the rest of a line that is too long stands further in."""
LEAST = 20
"""Columns that are left for it, however far in the line stands."""

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
    """The lines of a program, with the parts of speech told apart."""
    text = Syntax(source, language, theme=_THEME).highlight(source)
    text.rstrip()
    return list(text.split("\n", allow_blank=True))


def folded(line: Text, width: int) -> list[Text]:
    """A line in as many as it takes; the later ones stand further in than the first."""
    if line.cell_len <= width:
        return [line]
    most = max(width - LEAST, 0)
    code = line[len(line.plain) - len(line.plain.lstrip()) :]
    indent = min(len(line) - len(code), most)
    margin = " " * min(indent + CONTINUED, most)
    line = Text(" " * indent) + code
    parts = []
    while line.cell_len > width:
        at = _break_before(line.plain, width, indent)
        part, line = line.divide([at])
        part.rstrip()
        parts.append(part)
        line = Text(margin) + line
        indent = len(margin)
    return [*parts, line]


def _break_before(line: str, width: int, indent: int) -> int:
    """Where a line that is too long is best broken: after a space or an opening bracket."""
    most = width if line.isascii() else len(chop_cells(line, width)[0])
    for at in range(most, indent + (most - indent) // 2, -1):
        if line[at - 1] in " ,([{" and line[at] not in ")]}":
            return at
    return max(most, indent + 1)


class LegibleCode(CodeBlock):
    """A block of a markdown text: a program further in, what is printed behind a bar."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        source = str(self.text).rstrip()
        bar = Text("  │ ", "dim") if self.lexer_name == "text" else Text("    ")
        for line in highlighted(source, self.lexer_name):
            for part in folded(line, options.max_width - bar.cell_len):
                yield bar + part
