"""`grade lesson day53 blocking-the-loop`: read a lesson, or one of its sections."""

from __future__ import annotations

import os
import sys
import textwrap
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem

from ..course.catalog import Lesson, content_root
from ..model.errors import GraderError, UsageError
from .words import takes_lesson

if TYPE_CHECKING:
    from ..render.outline import Part

EXAMPLES = """\b
Examples:
  grade lesson day53                     the whole lesson, page by page
  grade lesson day53 --sections          what its sections are called
  grade lesson day53 blocking-the-loop   one of them
  grade lesson day53 block               the same: the beginning is enough
"""


def _sections_like(
    ctx: click.Context, _: click.Parameter, incomplete: str
) -> list[CompletionItem | str]:
    """For a shell to complete."""
    from ..render.outline import outline

    lesson = ctx.params.get("lesson")
    parts = outline(_text(lesson)) if isinstance(lesson, Lesson) else []
    found = [part for part in parts if part.anchor.startswith(incomplete)]
    return [CompletionItem(part.anchor, help=part.title) for part in found]


@click.command("lesson", epilog=EXAMPLES, short_help="Read a lesson, or a section of it.")
@takes_lesson
@click.argument("section", required=False, shell_complete=_sections_like)
@click.option("--sections", is_flag=True, help="List the sections instead.")
def command(lesson: Lesson, section: str | None, sections: bool) -> None:
    """Read a lesson, or the SECTION of it that a hint or a verdict names.

    The whole lesson comes page by page, with the program that PAGER names.
    """
    from ..render.console import console
    from ..render.outline import outline

    text = _text(lesson)
    if sections:
        _list(lesson, outline(text))
    elif section is not None:
        _show_section(lesson, outline(text), section)
    else:
        from ..render.reading import show_markdown

        screen = console()
        with screen.capture() as shown:
            show_markdown(text, screen, lesson.name)
        _page(shown.get())


def _text(lesson: Lesson) -> str:
    file = content_root() / "lessons" / f"{lesson.name}.md"
    try:
        return file.read_text("utf-8")
    except OSError as error:
        raise GraderError(f"{file} cannot be read", "install the kit again") from error


def _list(lesson: Lesson, parts: list[Part]) -> None:
    for part in parts:
        click.echo(f"{'  ' * (part.level - 2)}{part.anchor}")
    click.echo(f"\nread one: grade lesson {lesson.name} {parts[0].anchor}")


def _show_section(lesson: Lesson, parts: list[Part], asked: str) -> None:
    from ..render.console import console
    from ..render.reading import show_markdown

    part = _the_one(lesson, parts, asked)
    screen = console()
    with screen.capture() as shown:
        show_markdown(part.text, screen, lesson.name)
        # What the section holds has been shown: the next one is not deeper in.
        after = (p for p in parts[parts.index(part) + 1 :] if p.level <= part.level)
        following = next(after, None)
        if following is not None:
            screen.print(f"\nnext: grade lesson {lesson.name} {following.anchor}", soft_wrap=True)
    _page(shown.get())


def _page(text: str) -> None:
    """Show a text page by page, on a terminal; what fits on one screen needs no keys."""
    os.environ.setdefault("LESS", "-FRX")
    click.echo_via_pager(text.rstrip("\n"), color=None if sys.stdout.isatty() else True)


def _the_one(lesson: Lesson, parts: list[Part], asked: str) -> Part:
    from ..render.outline import matching, nearest

    found = matching(parts, asked)
    if len(found) == 1:
        return found[0]
    if found:
        raise UsageError(
            f"several sections of {lesson.name} begin with {asked!r}", _named("it may be", found)
        )
    raise UsageError(
        f"{lesson.name} has no section {asked!r}",
        _named("its sections, the nearest first", nearest(parts, asked)),
    )


def _named(what: str, parts: list[Part]) -> str:
    """The names of sections, in lines that a narrow terminal holds."""
    words = ", ".join(part.anchor for part in parts)
    lines = textwrap.wrap(words, 50, break_on_hyphens=False)
    return "\n         ".join([f"{what}:", *lines])
