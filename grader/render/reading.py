"""Lessons, quizzes and hints to be read in a terminal."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import ClassVar

from rich.console import Console, ConsoleOptions, RenderResult
from rich.markdown import Heading, Markdown, MarkdownElement
from rich.segment import Segment
from rich.text import Text
from rich.theme import Theme

from .code import LegibleCode, WholeCode

WIDEST = 90
"""Columns of text that are still easy to read."""
WHOLE = 48
"""Columns of a command that is not broken between two lines, so that it can be copied."""

_GLUE = "\ue000"
"""A space where no line ends, until the text is laid out."""

_FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[(?P<words>[^\]]*)\]\((?P<target>[^)\s]+)\)")
_ROW = re.compile(r"^\|.*$", re.MULTILINE)
_CODE = re.compile(r"(?<!`)`[^`]+`(?!`)")
_COMMAND = re.compile(r"`grade [^`]+`")
_COMMENT = re.compile(r"<!--.*?-->\n*", re.DOTALL)
_SHOWN_BY = {
    "lessons": "grade lesson {name}",
    "quizzes": "grade quiz {name}",
    "notebooks": "grade notebook {name}",
}
"""The commands that show what a folder of the course holds."""

_THEME = Theme(
    {
        "markdown.code": "bold magenta",
        "markdown.h1": "bold",
        "markdown.h2": "bold",
        "markdown.h3": "bold",
        "markdown.block_quote": "none",
        "markdown.item.bullet": "bold",
        "markdown.table.header": "bold",
        "markdown.table.border": "dim",
    }
)


class _SignedHeading(Heading):
    """A heading that can be seen to be one without bold letters, too."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        line = {"h1": "═", "h2": "─"}.get(self.tag)
        if line is None:
            yield Text("▸ ") + self.text
        else:
            yield self.text
            yield Text(line * min(self.text.cell_len, options.max_width))


class Readable(Markdown):
    """A markdown text for terminals of any width and colour, or none."""

    elements: ClassVar[dict[str, type[MarkdownElement]]] = {
        **Markdown.elements,
        "heading_open": _SignedHeading,
        "fence": LegibleCode,
        "code_block": LegibleCode,
    }

    def __init__(self, text: str) -> None:
        super().__init__(text, hyperlinks=False)  # an address that can be seen can be copied

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        with console.use_theme(_THEME):
            for part in super().__rich_console__(console, options):
                if isinstance(part, Segment):
                    part = Segment(part.text.replace(_GLUE, " "), part.style, part.control)
                yield part


class WholeReadable(Readable):
    """One whose programs keep their long lines."""

    elements: ClassVar[dict[str, type[MarkdownElement]]] = {
        **Readable.elements,
        "fence": WholeCode,
        "code_block": WholeCode,
    }


def show_markdown(text: str, console: Console, lesson: str = "", whole: bool = False) -> None:
    """Print a markdown text. A link to a section becomes the command that shows it.

    Args:
        lesson: the name of the lesson that the text is of, for links within it.
        whole: keep the long lines of programs. Else they are cut, with a mark.
    """
    made = readable(text, console, lesson, WholeReadable if whole else Readable)
    console.print(made, width=reading_width(console), crop=not whole)


def readable(
    text: str, console: Console, lesson: str = "", kind: type[Readable] = Readable
) -> Readable:
    """A markdown text that can be printed to this console; see `show_markdown`."""
    made = with_commands(_COMMENT.sub("", text), lesson)
    made = _in_prose(made, lambda prose: _COMMAND.sub(_glued, prose))
    if console.color_system is None:  # then code looks like the words around it
        made = _in_prose(made, lambda prose: _CODE.sub(r"`` \g<0> ``", prose))
    return kind(made)


def as_paragraph(text: str) -> str:
    """A line of markdown that begins with what would make it a list or a heading, such as
    `422.`, as the words that it is."""
    return re.sub(r"^(\d*)([.)]|[-+*#>](?=\s|$)|#)", r"\1\\\2", text)


def reading_width(console: Console) -> int:
    """Columns of a text on this console."""
    return min(console.width, WIDEST)


def with_commands(text: str, lesson: str = "") -> str:
    """The text with a command, or a path, in the place of each link within the course.

    In a table, whose columns are narrow, the words of the link have to do.
    """

    def without_links(prose: str) -> str:
        prose = _ROW.sub(lambda row: _LINK.sub(lambda found: found["words"], row[0]), prose)
        return _LINK.sub(lambda found: _plain_link(found, lesson), prose)

    return _in_prose(text, without_links)


def _in_prose(text: str, change: Callable[[str], str]) -> str:
    """The text, changed where it is not a program."""
    prose = [change(part) for part in _FENCED.split(text)]
    programs = [*_FENCED.findall(text), ""]
    return "".join(part for pair in zip(prose, programs, strict=True) for part in pair)


def _plain_link(found: re.Match[str], lesson: str) -> str:
    words, target = found["words"], found["target"]
    if re.match(r"\w+:", target):
        return found[0]
    what = _command(target, lesson)
    return words if words.strip("`") == what else f"{words} (`{what}`)"


def _glued(found: re.Match[str]) -> str:
    return found[0].replace(" ", _GLUE) if len(found[0]) <= WHOLE else found[0]


def _command(target: str, lesson: str) -> str:
    """What shows the target of a link; its path in the course, if no command does."""
    path, _, anchor = target.partition("#")
    path = re.sub(r"^(\.{1,2}/)+", "", path)
    if not path:
        return f"grade lesson {lesson} {anchor}"
    folder, _, file = path.rpartition("/")
    name, _, suffix = file.rpartition(".")
    shown_by = _SHOWN_BY.get(folder or ("lessons" if suffix == "md" else ""))
    if shown_by is None:
        return path
    return " ".join(filter(None, [shown_by.format(name=name), anchor]))
